/* SPDX-License-Identifier: MIT */
/* What happened inside a run: phases, progress and what the whole takes, budgets, findings (docs/api.md). */
#include "sinks/report_json.h"
#include "sinks/tally.h"

#include <math.h>

void eco_json_prediction(struct eco_json *json, const struct eco_prediction *prediction)
{
    if (!prediction->is_known) {
        eco_json_null(json);
        return;
    }
    eco_json_open(json, '{');
    eco_json_kstring(json, "basis", prediction->basis);
    eco_json_kdouble(json, "done_ratio", prediction->fraction);
    eco_json_ku64(json, "samples", prediction->samples);
    eco_json_kdouble(json, "job_j", prediction->energy_j);
    eco_json_kdouble(json, "job_low_j", prediction->energy_low_j);
    eco_json_kdouble(json, "job_high_j", prediction->energy_high_j);
    eco_json_kdouble(json, "duration_s", prediction->duration_s);
    eco_json_kdouble(json, "duration_low_s", prediction->duration_low_s);
    eco_json_kdouble(json, "duration_high_s", prediction->duration_high_s);
    eco_json_close(json, '}');
}

void eco_report_json_predicted_impact(struct eco_json *json, const struct eco_course *course)
{
    const struct eco_prediction *prediction = course ? &course->prediction : NULL;
    eco_json_key(json, "prediction");
    if (!prediction || !prediction->is_known) {
        eco_json_null(json);
        return;
    }
    double g_per_j = prediction->energy_j > 0 ? prediction->co2e_g / prediction->energy_j : (double)NAN;
    eco_json_open(json, '{');
    eco_json_kstring(json, "basis", prediction->basis);
    eco_json_kdouble(json, "duration_s", prediction->duration_s);
    eco_json_kdouble(json, "energy_it_kwh", prediction->energy_j / 3.6e6);
    eco_json_kdouble(json, "co2e_g", prediction->co2e_g);
    eco_json_kdouble(json, "co2e_low_g", g_per_j * prediction->energy_low_j);
    eco_json_kdouble(json, "co2e_high_g", g_per_j * prediction->energy_high_j);
    eco_json_kdouble(json, "cost", prediction->cost);
    eco_json_close(json, '}');
}

void eco_json_progress(struct eco_json *json, const struct eco_progress *progress)
{
    if (!progress->is_known) {
        eco_json_null(json);
        return;
    }
    eco_json_open(json, '{');
    eco_json_kstring(json, "name", progress->name);
    eco_json_kdouble(json, "done", progress->done);
    eco_json_kdouble(json, "total", progress->total);
    eco_json_close(json, '}');
}

static double joules(const struct eco_phase *phase, double microjoules)
{
    return phase->has_energy ? microjoules * 1e-6 : (double)NAN;
}

static void put_phase_energy(struct eco_json *json, const struct eco_report *report,
                             const struct eco_phase *phase)
{
    const struct eco_split *sum = &phase->sums_uj[report->headline];
    eco_json_key(json, "energy");
    eco_json_open(json, '{');
    eco_json_kdouble(json, "job_j", joules(phase, sum->job_uj));
    eco_json_kdouble(json, "others_j", joules(phase, sum->others_uj));
    eco_json_kdouble(json, "idle_j", joules(phase, sum->idle_uj));
    eco_json_kdouble(json, "unattributed_j", joules(phase, sum->unattributed_uj));
    /* The parts of a policy that is not known while it runs do not add up to anything. */
    eco_json_kdouble(json, "machine_j", isnan(sum->job_uj) ? (double)NAN : joules(phase, phase->machine_uj));
    eco_json_key(json, "by_policy_j");
    eco_json_open(json, '{');
    for (unsigned slot = 0; slot < report->slots; slot++)
        eco_json_kdouble(json, eco_slot_policy_name((enum eco_slot)slot, report->policy),
                         joules(phase, phase->sums_uj[slot].job_uj));
    eco_json_close(json, '}');
    eco_json_close(json, '}');
}

static void put_phases(struct eco_json *json, const struct eco_report *report)
{
    eco_json_key(json, "phases");
    eco_json_open(json, '[');
    for (unsigned i = 0; report->course && i < report->course->phase_count; i++) {
        const struct eco_phase *phase = &report->course->phases[i];
        eco_json_open(json, '{');
        eco_json_kstring(json, "name", phase->name);
        eco_json_ku64(json, "count", phase->count);
        eco_json_kdouble(json, "start_offset_s", phase->start_offset_s);
        eco_json_kdouble(json, "end_offset_s", phase->end_offset_s);
        eco_json_kdouble(json, "duration_s", phase->duration_s);
        put_phase_energy(json, report, phase);
        eco_json_key(json, "usage");
        eco_json_open(json, '{');
        eco_json_kdouble(json, "cpu_s", phase->cpu_s);
        eco_json_close(json, '}');
        eco_json_close(json, '}');
    }
    eco_json_close(json, ']');
}

static void put_budgets(struct eco_json *json, const struct eco_report *report)
{
    static const char *const actions[] = {"warn", "fail", "stop"};
    eco_json_key(json, "budgets");
    eco_json_open(json, '[');
    for (unsigned i = 0; report->course && i < report->course->budget_count; i++) {
        const struct eco_budget *budget = &report->course->budgets[i];
        eco_json_open(json, '{');
        eco_json_kstring(json, "text", budget->text);
        eco_json_kdouble(json, "limit", budget->limit);
        eco_json_kstring(json, "unit", budget->unit);
        eco_json_kdouble(json, "used", budget->used);
        eco_json_kdouble(json, "used_low", budget->used_low);
        eco_json_kdouble(json, "used_high", budget->used_high);
        eco_json_kdouble(json, "ratio", budget->used / budget->limit);
        eco_json_kbool(json, "exceeded", budget->is_exceeded);
        eco_json_kdouble(json, "at_s", budget->at_s);
        eco_json_kstring(json, "policy", eco_slot_policy_name(budget->slot, report->policy));
        eco_json_kstring(json, "action", actions[report->course->action]);
        eco_json_kbool(json, "stopped", report->course->was_stopped && budget->is_exceeded);
        eco_json_close(json, '}');
    }
    eco_json_close(json, ']');
}

static void put_findings(struct eco_json *json, const struct eco_course *course)
{
    eco_json_key(json, "findings");
    eco_json_open(json, '[');
    for (unsigned i = 0; course && i < course->insight_count; i++) {
        const struct eco_insight *insight = &course->insights[i];
        eco_json_open(json, '{');
        eco_json_kstring(json, "id", insight->id);
        eco_json_kstring(json, "text", insight->text);
        eco_json_kdouble(json, "value", insight->value);
        eco_json_kstring(json, "unit", insight->unit);
        eco_json_kstring(json, "what_to_do", insight->what_to_do);
        eco_json_kstring(json, "reason", insight->reason);
        eco_json_close(json, '}');
    }
    eco_json_close(json, ']');
}

void eco_report_json_course(struct eco_json *json, const struct eco_report *report)
{
    static const struct eco_course none;
    const struct eco_course *course = report->course ? report->course : &none;
    put_phases(json, report);
    eco_json_key(json, "progress");
    eco_json_progress(json, &course->progress);
    eco_json_key(json, "prediction");
    eco_json_prediction(json, &course->prediction);
    put_budgets(json, report);
    put_findings(json, report->course);
}
