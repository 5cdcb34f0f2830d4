/* SPDX-License-Identifier: MIT */
/* From busy time to the quantities of the curve, and on to energy. */
#include "sensors/model_curve.h"
#include "sensors/model_impl.h"

#define MIN_WINDOW_NS (20 * ECO_NS_PER_MS)

static uint64_t since(uint64_t now, uint64_t before)
{
    return now > before ? now - before : 0;
}

/* Sizes are those of different moments: CPUs come and go. */
static bool is_known(const struct model *self, const struct eco_activity *activity, uint32_t cpu)
{
    return cpu < activity->cpu_count && cpu < self->cpu_capacity && cpu < model_topology(self)->cpu_count;
}

/* A over the cores of a part since the window began; a core is as busy as its busiest CPU. */
static double awake_of(const struct model *self, const struct part *part, const struct eco_activity *activity)
{
    const struct eco_topology *topology = model_topology(self);
    double span = (double)since(activity->time_ns, self->window_ns), asleep = 1;
    for (uint32_t cpu = 0; cpu < activity->cpu_count && cpu < self->cpu_capacity; cpu++) {
        if (!model_is_in(self, part, cpu))
            continue;
        double busy = (double)since(activity->cpus[cpu].busy_ns, self->window_busy_ns[cpu]);
        bool is_first = true;
        int32_t other = topology->cpus && cpu < topology->cpu_count ? topology->cpus[cpu].sibling : -1;
        for (int step = 0; other >= 0 && (uint32_t)other != cpu &&
                           is_known(self, activity, (uint32_t)other) && step < MODEL_RING_MAX;
             step++) {
            double theirs = (double)since(activity->cpus[other].busy_ns, self->window_busy_ns[other]);
            busy = theirs > busy ? theirs : busy;
            is_first = is_first && (uint32_t)other > cpu;
            other = topology->cpus[other].sibling;
        }
        if (is_first)
            asleep *= busy < span ? 1 - busy / span : 0;
    }
    return 1 - asleep;
}

/* Mean f/fmax, by busy time where there was any; 1 when unknown. */
static double freq_ratio_of(const struct model *self, const struct part *part,
                            const struct eco_activity *activity)
{
    const struct eco_topology *topology = model_topology(self);
    double sum = 0, weights = 0;
    for (uint32_t cpu = 0; topology->cpus && is_known(self, activity, cpu); cpu++) {
        uint32_t max = topology->cpus[cpu].max_freq_khz, freq = activity->cpus[cpu].freq_khz;
        if (!model_is_in(self, part, cpu) || max == 0 || freq == 0)
            continue;
        double weight = 1 + (double)since(activity->cpus[cpu].busy_ns, self->last_busy_ns[cpu]);
        sum += weight * (freq < max ? (double)freq / max : 1);
        weights += weight;
    }
    return weights > 0 ? sum / weights : 1;
}

/* Busy CPU time that the interval can hold; the rest stays for the next, as ticks come in lumps. */
static double busy_share(struct model *self, struct part *part, const struct eco_activity *activity,
                         double dt_ns)
{
    double fresh = 0, room = dt_ns * part->cpus;
    if (self->part_count == 1) {
        fresh = (double)since(activity->busy_ns, self->last_total_ns);
    } else {
        for (uint32_t cpu = 0; cpu < activity->cpu_count && cpu < self->cpu_capacity; cpu++) {
            if (model_is_in(self, part, cpu))
                fresh += (double)since(activity->cpus[cpu].busy_ns, self->last_busy_ns[cpu]);
        }
    }
    part->busy_carry_ns += fresh;
    double used = part->busy_carry_ns < room ? part->busy_carry_ns : room;
    double most = room + 4.0 * (double)activity->grain_ns * part->cpus;
    part->busy_carry_ns = (part->busy_carry_ns < most ? part->busy_carry_ns : most) - used;
    return room > 0 ? used / room : 0;
}

static double watts_of(const struct model *self, const struct part *part, const struct eco_activity *activity,
                       double busy)
{
    if (self->basis == BASIS_VCPU)
        return part->idle_w + busy * (part->full_w - part->idle_w);
    double freq_ratio = freq_ratio_of(self, part, activity);
    if (self->basis == BASIS_WALL)
        return eco_model_between_w(part->idle_w, part->full_w, freq_ratio, busy, part->awake);
    return eco_model_power_w(part->rated_w, freq_ratio, busy, part->awake);
}

void eco_model_begin_window(struct model *self, const struct eco_activity *activity)
{
    self->window_ns = activity->time_ns;
    for (uint32_t cpu = 0; cpu < activity->cpu_count && cpu < self->cpu_capacity; cpu++)
        self->window_busy_ns[cpu] = activity->cpus[cpu].busy_ns;
}

void eco_model_remember(struct model *self, const struct eco_activity *activity)
{
    self->has_last = true;
    self->last_ns = activity->time_ns;
    self->last_total_ns = activity->busy_ns;
    for (uint32_t cpu = 0; cpu < activity->cpu_count && cpu < self->cpu_capacity; cpu++)
        self->last_busy_ns[cpu] = activity->cpus[cpu].busy_ns;
}

void eco_model_advance(struct model *self, const struct eco_activity *activity)
{
    double dt_ns = (double)(activity->time_ns - self->last_ns);
    uint64_t window = 10 * activity->grain_ns > MIN_WINDOW_NS ? 10 * activity->grain_ns : MIN_WINDOW_NS;
    bool is_whole = since(activity->time_ns, self->window_ns) >= window;
    for (unsigned i = 0; i < self->part_count; i++) {
        struct part *part = &self->parts[i];
        if (is_whole || !self->has_window)
            part->awake = awake_of(self, part, activity);
        double busy = busy_share(self, part, activity, dt_ns);
        part->energy_uj += watts_of(self, part, activity, busy) * dt_ns * 1e-3;
    }
    self->ram_energy_uj += self->ram_w * dt_ns * 1e-3;
    if (is_whole) {
        eco_model_begin_window(self, activity);
        self->has_window = true;
    }
}
