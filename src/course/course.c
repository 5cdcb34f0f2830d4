/* SPDX-License-Identifier: MIT */
#include "course/course.h"

#include "course/insight.h"

#include "base/counter.h"
#include "base/text.h"

#include <math.h>
#include <string.h>

#define MARK_AGE_MAX_NS ECO_NS_PER_S /* an older time is of another clock (a time namespace) */
#define IDLE_CPU_RATIO  0.05         /* of one CPU: below, the job only waits */

int eco_course_init(struct eco_course_keeper *keeper, const struct eco_course_options *options,
                    struct eco_why *why)
{
    struct eco_course *course = &keeper->course;
    int r = 0;
    keeper->factors = *options->factors;
    for (unsigned i = 0; i < options->budget_count && i < ECO_BUDGETS_MAX && r == 0; i++) {
        r = eco_budget_parse(options->budgets[i], &course->budgets[i], why);
        if (r == 0)
            r = eco_budget_check(&course->budgets[i], options->factors, why);
        course->budget_count = i + 1;
    }
    if (r < 0)
        return r;
    course->action = eco_budget_action_parse(options->budget_action);
    keeper->expect_s = (double)options->expect_ns * 1e-9;
    keeper->per_count = options->per_count;
    (void)eco_text_copy(keeper->per, sizeof keeper->per, options->per ? options->per : "");
    return 0;
}

void eco_course_begin(struct eco_course_keeper *keeper, uint64_t begin_ns)
{
    keeper->begin_ns = keeper->idle_since_ns = begin_ns;
    eco_phases_init(&keeper->phases, &keeper->course, begin_ns);
    if (keeper->expect_s > 0)
        eco_predictor_add(&keeper->predictor, &(struct eco_point){0});
}

/* ---- marks ---- */

static void add_pending(struct eco_course_keeper *keeper, uint64_t at_ns, double done)
{
    if (keeper->pending_count == ECO_PENDING_MAX)
        return;
    keeper->pending[keeper->pending_count].at_ns = at_ns;
    keeper->pending[keeper->pending_count++].done = done;
}

/* The first name that tells a progress is the one that counts: loops inside it do not. */
static void take_progress(struct eco_course_keeper *keeper, const struct eco_mark *mark, uint64_t at_ns)
{
    struct eco_progress *progress = &keeper->course.progress;
    bool is_per = *keeper->per && strcmp(keeper->per, mark->name) == 0;
    if (mark->total > 0 && (!keeper->is_told_progress || strcmp(progress->name, mark->name) == 0)) {
        if (!keeper->is_told_progress || progress->total < (double)mark->total ||
            progress->total > (double)mark->total)
            keeper->predictor.count = keeper->pending_count = 0;
        keeper->is_told_progress = true;
        progress->done = (double)mark->done;
        progress->total = (double)mark->total;
    } else if (is_per && !keeper->is_told_progress) {
        if (keeper->per_seen == 0)
            keeper->predictor.count = keeper->pending_count = 0;
        progress->done = fmin((double)keeper->per_seen, keeper->per_count);
        progress->total = keeper->per_count;
        keeper->per_seen++;
    } else {
        return;
    }
    progress->is_known = true;
    (void)eco_text_copy(progress->name, sizeof progress->name, mark->name);
    add_pending(keeper, at_ns, progress->done);
}

void eco_course_mark(struct eco_course_keeper *keeper, const struct eco_mark *mark, uint64_t now_ns)
{
    bool is_ours = mark->time_ns <= now_ns && now_ns - mark->time_ns <= MARK_AGE_MAX_NS;
    uint64_t at_ns = is_ours ? mark->time_ns : now_ns;
    at_ns = at_ns < keeper->begin_ns ? keeper->begin_ns : at_ns;
    eco_phases_mark(&keeper->phases, mark->name, at_ns);
    take_progress(keeper, mark, at_ns);
}

/* ---- frames ---- */

static void take_pending(struct eco_course_keeper *keeper, const struct eco_frame *frame, double before_j)
{
    double span_ns = (double)eco_sub_sat(frame->t1_ns, frame->t0_ns);
    for (unsigned i = 0; i < keeper->pending_count; i++) {
        uint64_t at_ns = keeper->pending[i].at_ns;
        double part = span_ns > 0 ? (double)eco_sub_sat(at_ns, frame->t0_ns) / span_ns : 1;
        const struct eco_point point = {keeper->pending[i].done,
                                        (double)eco_sub_sat(at_ns, keeper->begin_ns) * 1e-9,
                                        before_j + fmin(part, 1) * (keeper->now.job_j - before_j)};
        eco_predictor_add(&keeper->predictor, &point);
    }
    keeper->pending_count = 0;
}

static void predict(struct eco_course_keeper *keeper, const struct eco_frame *frame)
{
    struct eco_course *course = &keeper->course;
    struct eco_prediction *prediction = &course->prediction;
    bool is_by_time = !course->progress.is_known && keeper->expect_s > 0;
    prediction->slot = frame->headline;
    prediction->basis = is_by_time ? "expect" : keeper->is_told_progress ? "progress" : "per";
    if (is_by_time) {
        keeper->now.done = keeper->now.time_s;
        eco_predictor_add(&keeper->predictor, &keeper->now);
    }
    if (is_by_time || course->progress.is_known)
        eco_predict(&keeper->predictor, &keeper->now, is_by_time ? keeper->expect_s : course->progress.total,
                    is_by_time, prediction);
}

/* Since when the job has done nothing. */
static void watch_idle(struct eco_course_keeper *keeper, const struct eco_frame *frame)
{
    double span_ns = (double)eco_sub_sat(frame->t1_ns, frame->t0_ns);
    bool is_idle = (double)frame->job_cpu_ns <= IDLE_CPU_RATIO * span_ns;
    for (unsigned d = 0; d < frame->domain_count && is_idle; d++)
        is_idle = (double)frame->domains[d].card_busy_ns <= IDLE_CPU_RATIO * span_ns;
    if (!is_idle)
        keeper->idle_since_ns = frame->t1_ns;
    keeper->idle_tail_s = (double)eco_sub_sat(frame->t1_ns, keeper->idle_since_ns) * 1e-9;
}

static unsigned judge(struct eco_course_keeper *keeper, const struct eco_charge *charge)
{
    unsigned exceeded = 0;
    for (unsigned i = 0; i < keeper->course.budget_count; i++)
        if (eco_budget_judge(&keeper->course.budgets[i], &keeper->factors, charge))
            exceeded |= 1u << i;
    return exceeded;
}

unsigned eco_course_frame(struct eco_course_keeper *keeper, const struct eco_frame *frame)
{
    enum eco_slot slot = frame->headline;
    double before_j = keeper->job_j[slot];
    if (frame->total.state == ECO_ENERGY_OK) {
        for (unsigned s = 0; s < frame->slots; s++)
            keeper->job_j[s] += frame->total.split[s].job_uj * 1e-6;
        keeper->machine_j += frame->total.machine_uj * 1e-6;
    }
    keeper->now.time_s = (double)eco_sub_sat(frame->t1_ns, keeper->begin_ns) * 1e-9;
    keeper->now.job_j = keeper->job_j[slot];
    eco_phases_frame(&keeper->phases, frame);
    take_pending(keeper, frame, before_j);
    predict(keeper, frame);
    watch_idle(keeper, frame);
    const struct eco_charge charge = {.job_j = keeper->now.job_j,
                                      .low_j = ECO_NAN,
                                      .high_j = ECO_NAN,
                                      .duration_s = keeper->now.time_s,
                                      .share =
                                          keeper->machine_j > 0 ? keeper->now.job_j / keeper->machine_j : 0,
                                      .slot = slot};
    return judge(keeper, &charge);
}

/* ---- the end ---- */

/* What was exceeded by one policy is told by that one, also where the end of the run taught the idle power.
 */
static unsigned judge_end(struct eco_course_keeper *keeper, const struct eco_report *report)
{
    unsigned exceeded = 0;
    for (unsigned i = 0; i < keeper->course.budget_count && report->has_energy; i++) {
        struct eco_budget *budget = &keeper->course.budgets[i];
        enum eco_slot slot = budget->is_exceeded ? budget->slot : report->headline;
        const struct eco_uncertainty *range = &report->uncertainty[slot];
        const struct eco_charge charge = {
            .job_j = report->sums[slot].job_j,
            .low_j = range->job_low_j,
            .high_j = range->job_high_j,
            .duration_s = report->duration_s,
            .share = report->machine_j > 0 ? report->sums[slot].job_j / report->machine_j : 0,
            .slot = slot};
        if (eco_budget_judge(budget, &keeper->factors, &charge))
            exceeded |= 1u << i;
    }
    return exceeded;
}

/* The sensors' own uncertainty comes on top of what differs from part to part. */
static void widen(struct eco_prediction *prediction, const struct eco_report *report)
{
    const struct eco_uncertainty *range = &report->uncertainty[prediction->slot];
    double job_j = report->sums[prediction->slot].job_j;
    if (!prediction->is_known || !(job_j > 0) || isnan(range->job_low_j))
        return;
    double below = (job_j - range->job_low_j) / job_j * prediction->energy_j,
           above = (range->job_high_j - job_j) / job_j * prediction->energy_j;
    prediction->energy_low_j =
        fmax(0, prediction->energy_j - hypot(prediction->energy_j - prediction->energy_low_j, below));
    prediction->energy_high_j =
        prediction->energy_j + hypot(prediction->energy_high_j - prediction->energy_j, above);
}

static void cost_whole(struct eco_course_keeper *keeper, const struct eco_report *report)
{
    struct eco_prediction *prediction = &keeper->course.prediction;
    double job_j = report->sums[prediction->slot].job_j;
    double share = report->machine_j > 0 ? job_j / report->machine_j : 0;
    if (!prediction->is_known)
        return;
    prediction->co2e_g =
        eco_impact_co2e_g(&keeper->factors, prediction->energy_j, prediction->duration_s, share);
    prediction->cost = eco_impact_cost(&keeper->factors, prediction->energy_j, prediction->duration_s, share);
    /* fmax takes a number for nan: without a spread there is no lower bound either. */
    if (isnan(prediction->energy_high_j))
        prediction->energy_low_j = ECO_NAN;
}

unsigned eco_course_end(struct eco_course_keeper *keeper, struct eco_report *report)
{
    /* With --carbon-source it is the mean of the time, where that is known by now. */
    if (report->impact.is_known)
        keeper->factors = report->impact.factors;
    unsigned exceeded = judge_end(keeper, report);
    widen(&keeper->course.prediction, report);
    cost_whole(keeper, report);
    const struct eco_insight_facts facts = {.idle_tail_s = keeper->idle_tail_s,
                                            .reserved_bytes = keeper->reserved_bytes};
    eco_insights_find(report, &facts, &keeper->course);
    report->course = &keeper->course;
    return exceeded;
}

bool eco_course_has_something(const struct eco_course *course)
{
    return course && (course->budget_count > 0 || course->phase_count > 0 || course->prediction.is_known);
}
