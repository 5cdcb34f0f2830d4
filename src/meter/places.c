/* SPDX-License-Identifier: MIT */
/*
 * Where processes ran, as the kernel tells it: CPU time by place (a socket's CPUs of one kind), and how much
 * of it while the other thread of the core was busy. It takes the place of a fit of last seen CPUs:
 *
 *     weight = g * (on - (1 - sigma) / 2 * shared),   summed over the places of a socket
 *
 * g being kind and frequency of the place's CPUs, by their busy time. The process' clock says how much it
 * used, the places where; so their sum is scaled to the clock's.
 */
#include "base/counter.h"
#include "base/mem.h"
#include "meter/meter_internal.h"

#include <errno.h>
#include <string.h>

static bool is_same_place(const struct eco_topology *topology, const struct eco_meter_place *place,
                          uint32_t cpu)
{
    return place->package == topology->cpus[cpu].package && place->capacity == topology->cpus[cpu].capacity;
}

/* Places beyond ECO_PLACES_MAX are one with the last. */
static uint8_t place_of(struct eco_meter *meter, const struct eco_topology *topology, uint32_t cpu)
{
    unsigned i = 0;
    while (i < meter->place_count && !is_same_place(topology, &meter->places[i], cpu))
        i++;
    if (i == ECO_PLACES_MAX)
        return ECO_PLACES_MAX - 1;
    if (i == meter->place_count)
        meter->places[meter->place_count++] = (struct eco_meter_place){
            .package = topology->cpus[cpu].package, .capacity = topology->cpus[cpu].capacity, .g = 1};
    return (uint8_t)i;
}

int eco_meter_make_places(struct eco_meter *meter, struct eco_places *ret)
{
    const struct eco_topology *topology = &meter->env->host->topology;
    *ret = (struct eco_places){0};
    if (meter->place_count) { /* what rows have gathered stands in the order of the first time */
        *ret = (struct eco_places){meter->cpu_place, meter->cpu_place_count, meter->place_count};
        return 0;
    }
    if (!topology->cpu_count || !(topology->has_smt || topology->is_hybrid || meter->columns > 1))
        return 0;
    meter->cpu_place = eco_calloc(topology->cpu_count, 1);
    if (!meter->cpu_place)
        return -ENOMEM;
    meter->cpu_place_count = topology->cpu_count;
    for (uint32_t cpu = 0; cpu < topology->cpu_count; cpu++)
        meter->cpu_place[cpu] = place_of(meter, topology, cpu);
    *ret = (struct eco_places){meter->cpu_place, meter->cpu_place_count, meter->place_count};
    return 0;
}

/* What h was taken into cpu_hg, which is g then. */
static double sibling_part(const struct eco_meter *meter, uint32_t cpu, double elapsed_ns)
{
    int32_t sibling = meter->env->host->topology.cpus[cpu].sibling;
    if (sibling < 0 || (uint32_t)sibling >= meter->activity.cpu_count || !(elapsed_ns > 0))
        return 1;
    uint64_t busy = eco_sub_sat(meter->activity.cpus[sibling].busy_ns, meter->cpus_before[sibling].busy_ns);
    return eco_weight_sibling(meter->weights.sigma, (double)busy / elapsed_ns);
}

void eco_meter_weigh_places(struct eco_meter *meter)
{
    double busy[ECO_PLACES_MAX] = {0}, weighted[ECO_PLACES_MAX] = {0};
    double elapsed_ns = (double)eco_sub_sat(meter->activity.time_ns, meter->activity_before_ns);
    for (uint32_t cpu = 0; cpu < meter->cpu_place_count && cpu < meter->activity.cpu_count &&
                           cpu < meter->cpu_hg_count && cpu < meter->cpus_before_count;
         cpu++) {
        unsigned place = meter->cpu_place[cpu];
        double ns = (double)eco_sub_sat(meter->activity.cpus[cpu].busy_ns, meter->cpus_before[cpu].busy_ns);
        busy[place] += ns;
        weighted[place] += ns * meter->cpu_hg[cpu] / sibling_part(meter, cpu, elapsed_ns);
    }
    for (unsigned i = 0; i < meter->place_count; i++)
        if (busy[i] > 0)
            meter->places[i].g = weighted[i] / busy[i];
}

void eco_meter_note_places(const struct eco_meter *meter, struct eco_account *account,
                           const struct eco_proc *proc)
{
    unsigned n = 2 * meter->place_count;
    account->has_places = false;
    if (!proc->place_ns || !n)
        return;
    if (!account->place_ns)
        account->place_ns = eco_calloc(2 * (size_t)n, sizeof *account->place_ns);
    if (!account->place_ns)
        return;
    uint64_t *look = account->place_ns + n, sum = 0;
    for (unsigned i = 0; i < n; i++) {
        look[i] = eco_sub_sat(proc->place_ns[i], account->place_ns[i]);
        account->place_ns[i] = proc->place_ns[i];
        sum += i < meter->place_count ? look[i] : 0;
    }
    account->has_places = sum > 0;
}

bool eco_meter_weigh_known(const struct eco_meter *meter, const struct eco_account *account,
                           double *ret_time_ns, double *ret_weight)
{
    unsigned n = meter->place_count;
    double sum = 0;
    for (unsigned c = 0; c < meter->columns; c++)
        ret_time_ns[c] = ret_weight[c] = 0;
    if (!account->has_places || !n)
        return false;
    const uint64_t *on = account->place_ns + 2 * (size_t)n, *shared = on + n;
    for (unsigned i = 0; i < n; i++)
        sum += (double)on[i];
    if (!(sum > 0))
        return false;
    double scale = (double)account->look_cpu_ns / sum, loss = (1 - meter->weights.sigma) / 2;
    for (unsigned i = 0; i < n; i++) {
        int package = meter->places[i].package;
        unsigned column = package > 0 && (unsigned)package < meter->columns ? (unsigned)package : 0;
        ret_time_ns[column] += scale * (double)on[i];
        ret_weight[column] += scale * meter->places[i].g * ((double)on[i] - loss * (double)shared[i]);
    }
    return true;
}
