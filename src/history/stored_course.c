/* SPDX-License-Identifier: MIT */
/* What a stored report says of phases, the whole, budgets and findings. */
#include "base/mem.h"
#include "base/text.h"
#include "history/stored_parts.h"

#include <errno.h>
#include <math.h>

#define UJ_PER_J   1e6
#define AMOUNT_MAX 1e15 /* more than any run: a file of somebody else's */

/* nan where it is no amount. */
static double read_amount(const json_t *object, const char *key)
{
    double value = eco_stored_number(object, key);
    return fabs(value) <= AMOUNT_MAX ? value : ECO_NAN;
}

static double read_span(const json_t *object, const char *key)
{
    double value = read_amount(object, key);
    return value >= 0 ? value : 0;
}

static void copy_text(char *ret, size_t size, const json_t *object, const char *key)
{
    const char *text = eco_stored_text(object, key);
    (void)eco_text_copy(ret, size, text ? text : "");
}

static enum eco_slot slot_of(const struct eco_report *report, const char *policy)
{
    enum eco_policy asked = policy ? eco_policy_parse(policy) : ECO_POLICY_NONE;
    if (asked == ECO_POLICY_ACTIVE)
        return ECO_SLOT_ACTIVE;
    return asked == ECO_POLICY_FULL || report->slots <= ECO_SLOT_CHOSEN ? ECO_SLOT_FULL : ECO_SLOT_CHOSEN;
}

static void read_phase(const struct eco_report *report, const json_t *from, struct eco_phase *phase)
{
    const json_t *energy = json_object_get(from, "energy"),
                 *by_policy = json_object_get(energy, "by_policy_j");
    copy_text(phase->name, sizeof phase->name, from, "name");
    phase->count = eco_stored_count(from, "count");
    phase->start_offset_s = read_amount(from, "start_offset_s");
    phase->end_offset_s = read_amount(from, "end_offset_s");
    phase->duration_s = read_span(from, "duration_s");
    phase->cpu_s = read_span(json_object_get(from, "usage"), "cpu_s");
    for (unsigned slot = 0; slot < ECO_SLOT_COUNT; slot++)
        phase->sums_uj[slot].job_uj = ECO_NAN;
    phase->sums_uj[ECO_SLOT_ACTIVE].job_uj = read_amount(by_policy, "active") * UJ_PER_J;
    phase->sums_uj[ECO_SLOT_FULL].job_uj = read_amount(by_policy, "full") * UJ_PER_J;
    if (report->headline == ECO_SLOT_CHOSEN)
        phase->sums_uj[ECO_SLOT_CHOSEN].job_uj = read_amount(energy, "job_j") * UJ_PER_J;
    phase->has_energy = isfinite(phase->sums_uj[ECO_SLOT_FULL].job_uj);
}

static void read_prediction(const struct eco_report *report, const json_t *from, struct eco_prediction *whole)
{
    if (!json_is_object(from))
        return;
    *whole = (struct eco_prediction){.is_known = true,
                                     .basis = eco_stored_text(from, "basis"),
                                     .fraction = read_amount(from, "done_ratio"),
                                     .energy_j = read_amount(from, "job_j"),
                                     .energy_low_j = read_amount(from, "job_low_j"),
                                     .energy_high_j = read_amount(from, "job_high_j"),
                                     .duration_s = read_amount(from, "duration_s"),
                                     .duration_low_s = read_amount(from, "duration_low_s"),
                                     .duration_high_s = read_amount(from, "duration_high_s"),
                                     .co2e_g = ECO_NAN,
                                     .cost = ECO_NAN,
                                     .samples = (unsigned)eco_stored_count(from, "samples"),
                                     .slot = report->headline};
    whole->is_known =
        whole->fraction >= 0 && whole->fraction <= 1 && whole->energy_j >= 0 && whole->duration_s >= 0;
}

static void read_budget(const struct eco_report *report, const json_t *from, struct eco_budget *budget)
{
    const char *unit = eco_stored_text(from, "unit"), *text = eco_stored_text(from, "text");
    *budget = (struct eco_budget){.text = text ? text : "?",
                                  .limit = read_amount(from, "limit"),
                                  .used = read_amount(from, "used"),
                                  .used_low = read_amount(from, "used_low"),
                                  .used_high = read_amount(from, "used_high"),
                                  .is_exceeded = json_is_true(json_object_get(from, "exceeded")),
                                  .at_s = read_amount(from, "at_s"),
                                  .slot = slot_of(report, eco_stored_text(from, "policy"))};
    (void)eco_text_copy(budget->unit, sizeof budget->unit, unit ? unit : "");
    budget->kind = !unit || unit[0] == 'J' ? ECO_BUDGET_ENERGY
                   : unit[0] == 'g'        ? ECO_BUDGET_CARBON
                                           : ECO_BUDGET_MONEY;
}

static void read_insight(const json_t *from, struct eco_insight *insight)
{
    const char *id = eco_stored_text(from, "id"), *advice = eco_stored_text(from, "what_to_do");
    *insight = (struct eco_insight){.id = id ? id : "",
                                    .value = read_amount(from, "value"),
                                    .unit = eco_stored_text(from, "unit"),
                                    .reason = eco_stored_text(from, "reason"),
                                    .what_to_do = advice ? advice : ""};
    copy_text(insight->text, sizeof insight->text, from, "text");
}

int eco_stored_course(struct eco_stored_report *stored, const json_t *root)
{
    const json_t *phases = json_object_get(root, "phases"), *budgets = json_object_get(root, "budgets"),
                 *findings = json_object_get(root, "findings");
    struct eco_course *course = eco_calloc(1, sizeof *course);
    if (!course)
        return -ENOMEM;
    stored->course = course;
    stored->report.course = course;
    for (size_t i = 0; i < json_array_size(phases) && i < ECO_PHASES_MAX; i++)
        read_phase(&stored->report, json_array_get(phases, i), &course->phases[course->phase_count++]);
    for (size_t i = 0; i < json_array_size(budgets) && i < ECO_BUDGETS_MAX; i++) {
        const json_t *budget = json_array_get(budgets, i);
        if (!(read_amount(budget, "limit") > 0))
            continue;
        read_budget(&stored->report, budget, &course->budgets[course->budget_count++]);
        course->was_stopped = course->was_stopped || json_is_true(json_object_get(budget, "stopped"));
    }
    for (size_t i = 0; i < json_array_size(findings) && i < ECO_INSIGHTS_MAX; i++)
        read_insight(json_array_get(findings, i), &course->insights[course->insight_count++]);
    read_prediction(&stored->report, json_object_get(root, "prediction"), &course->prediction);
    return 0;
}
