/* SPDX-License-Identifier: MIT */
#include "course/phases.h"

#include "base/counter.h"
#include "base/text.h"

#include <string.h>

void eco_phases_init(struct eco_phases *phases, struct eco_course *course, uint64_t begin_ns)
{
    *phases = (struct eco_phases){.course = course, .begin_ns = begin_ns, .booked_ns = begin_ns};
    phases->switches[0] = (struct eco_switch){begin_ns, 0};
    phases->switch_count = 1;
    /* Frames are booked to it before there is a mark, and it shows with the first one. */
    course->phases[0] = (struct eco_phase){.count = 1, .end_offset_s = ECO_NAN};
    (void)eco_text_copy(course->phases[0].name, sizeof course->phases[0].name, ECO_PHASE_BEFORE_NAME);
    course->phase_count = course->phase = 0;
}

static unsigned add_phase(struct eco_course *course, const char *name)
{
    struct eco_phase *phase = &course->phases[course->phase_count];
    *phase = (struct eco_phase){.start_offset_s = ECO_NAN, .end_offset_s = ECO_NAN};
    (void)eco_text_copy(phase->name, sizeof phase->name, name);
    return course->phase_count++;
}

static unsigned find_phase(struct eco_course *course, const char *name)
{
    for (unsigned i = 1; i < course->phase_count; i++)
        if (strcmp(course->phases[i].name, name) == 0)
            return i;
    if (course->phase_count + 1 < ECO_PHASES_MAX)
        return add_phase(course, name);
    if (course->phase_count < ECO_PHASES_MAX)
        return add_phase(course, ECO_PHASE_MORE_NAME);
    return ECO_PHASES_MAX - 1;
}

static double offset_s(const struct eco_phases *phases, uint64_t at_ns)
{
    return (double)eco_sub_sat(at_ns, phases->begin_ns) * 1e-9;
}

static void forget_oldest(struct eco_phases *phases)
{
    phases->switch_count--;
    memmove(phases->switches, phases->switches + 1, phases->switch_count * sizeof *phases->switches);
}

void eco_phases_mark(struct eco_phases *phases, const char *name, uint64_t at_ns)
{
    struct eco_course *course = phases->course;
    if (course->phase_count == 0)
        course->phase_count = 1;
    unsigned next = find_phase(course, name);
    const struct eco_switch *last = &phases->switches[phases->switch_count - 1];
    uint64_t from_ns = last->at_ns > phases->booked_ns ? last->at_ns : phases->booked_ns;
    at_ns = at_ns < from_ns ? from_ns : at_ns;
    course->phases[last->phase].end_offset_s = offset_s(phases, at_ns);
    if (course->phases[next].count++ == 0)
        course->phases[next].start_offset_s = offset_s(phases, at_ns);
    course->phase = next;
    if (phases->switch_count == ECO_SWITCHES_MAX)
        forget_oldest(phases);
    phases->switches[phases->switch_count++] = (struct eco_switch){at_ns, next};
}

/* Part of [from, to] that switch `i` rules. */
static double part(const struct eco_phases *phases, unsigned i, uint64_t from_ns, uint64_t to_ns)
{
    uint64_t begin_ns = i == 0 ? 0 : phases->switches[i].at_ns;
    uint64_t end_ns = i + 1 < phases->switch_count ? phases->switches[i + 1].at_ns : UINT64_MAX;
    if (to_ns <= from_ns) /* an instant */
        return to_ns >= begin_ns && to_ns < end_ns ? 1 : 0;
    uint64_t low_ns = begin_ns > from_ns ? begin_ns : from_ns, high_ns = end_ns < to_ns ? end_ns : to_ns;
    return high_ns > low_ns ? (double)(high_ns - low_ns) / (double)(to_ns - from_ns) : 0;
}

static void add_split(struct eco_split *sum, const struct eco_split *more, double share)
{
    sum->job_uj += share * more->job_uj;
    sum->others_uj += share * more->others_uj;
    sum->idle_uj += share * more->idle_uj;
    sum->unattributed_uj += share * more->unattributed_uj;
}

static void book_domain(struct eco_phases *phases, const struct eco_frame *frame,
                        const struct eco_frame_domain *domain)
{
    uint64_t span_ns = domain->span_ns ? domain->span_ns : frame->t1_ns - frame->t0_ns;
    uint64_t from_ns = eco_sub_sat(frame->t1_ns, span_ns);
    from_ns = from_ns < phases->begin_ns ? phases->begin_ns : from_ns;
    for (unsigned i = 0; i < phases->switch_count; i++) {
        double share = part(phases, i, from_ns, frame->t1_ns);
        struct eco_phase *phase = &phases->course->phases[phases->switches[i].phase];
        if (!(share > 0))
            continue;
        phase->has_energy = true;
        phase->machine_uj += share * domain->machine_uj;
        for (unsigned slot = 0; slot < frame->slots; slot++)
            add_split(&phase->sums_uj[slot], &domain->split[slot], share);
    }
}

void eco_phases_frame(struct eco_phases *phases, const struct eco_frame *frame)
{
    for (unsigned d = 0; d < frame->domain_count; d++)
        if (frame->domain_info[d].counted && frame->domains[d].state == ECO_ENERGY_OK)
            book_domain(phases, frame, &frame->domains[d]);
    for (unsigned i = 0; i < phases->switch_count; i++) {
        double share = part(phases, i, frame->t0_ns, frame->t1_ns);
        struct eco_phase *phase = &phases->course->phases[phases->switches[i].phase];
        phase->cpu_s += share * (double)frame->job_cpu_ns * 1e-9;
        phase->duration_s += share * (double)eco_sub_sat(frame->t1_ns, frame->t0_ns) * 1e-9;
    }
    struct eco_phase *present = &phases->course->phases[phases->switches[phases->switch_count - 1].phase];
    present->end_offset_s = offset_s(phases, frame->t1_ns);
    phases->booked_ns = frame->t1_ns;
}
