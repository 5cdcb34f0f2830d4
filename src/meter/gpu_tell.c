/* SPDX-License-Identifier: MIT */
/* Graphics cards in the report: each over the whole measurement, and why one is not in it. */
#include "base/counter.h"
#include "meter/meter_internal.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define TOGETHER_NS \
    (100 * ECO_NS_PER_MS) /* cards that came so close to each other are told in one sentence */
#define SILENT_NS (2 * ECO_NS_PER_S)
#define NAMES_MAX 160

static uint64_t now_ns(const struct eco_meter *meter)
{
    return meter->has_ended ? meter->end_ns : meter->look_ns;
}

static double known(bool is_known, double value)
{
    return is_known ? value : ECO_NAN;
}

void eco_meter_tell_gpu(const struct eco_meter *meter, unsigned d, struct eco_report_device *ret)
{
    const struct eco_meter_domain *own = &meter->d[d];
    const struct eco_meter_gpu *gpu = own->gpu;
    const struct eco_gpu_seen_device *seen =
        gpu && meter->env->gpus ? eco_gpu_client_device(meter->env->gpus, gpu->place) : NULL;
    if (!seen)
        return;
    uint64_t from_ns = own->since_ns ? own->since_ns : meter->begin_ns;
    double span_s = (double)eco_sub_sat(now_ns(meter), from_ns) * 1e-9;
    double busy_s = (double)eco_sub_sat(seen->busy_ns, gpu->busy_begin_ns) * 1e-9;
    bool has_busy = (seen->state.fields & ECO_GPU_HAS_BUSY) && span_s > 0;
    *ret = (struct eco_report_device){
        .is_there = true,
        .device = &seen->device,
        .utilization_mean_ratio = has_busy ? fmin(1, busy_s / span_s) : ECO_NAN,
        .power_max_w = known(seen->power_max_uw > 0, (double)seen->power_max_uw * 1e-6),
        .power_limit_w = known((seen->state.fields & ECO_GPU_HAS_LIMIT) && seen->state.limit_uw > 0,
                               (double)seen->state.limit_uw * 1e-6),
        .machine_mean_w = own->covered_s > 0 ? own->machine_uj * 1e-6 / own->covered_s : ECO_NAN,
        .late_s = own->since_ns ? (double)eco_sub_sat(own->since_ns, meter->begin_ns) * 1e-9 : 0,
        .memory_peak_bytes = seen->memory_max_bytes,
        .temperature_max_c =
            known(seen->temperature_max_mc != INT32_MIN, (double)seen->temperature_max_mc * 1e-3),
        .throttled_s = known(seen->state.fields & ECO_GPU_HAS_THROTTLED,
                             (double)eco_sub_sat(seen->throttled_ns, gpu->throttled_begin_ns) * 1e-9),
        .is_fitted = gpu->has_fit,
        .is_split = gpu->has_split};
}

void eco_meter_frame_gpu(struct eco_meter *meter, unsigned d, bool is_keyframe, struct eco_frame_domain *ret)
{
    struct eco_meter_gpu *gpu = meter->d[d].gpu;
    const struct eco_gpu_seen_device *seen =
        gpu && meter->env->gpus ? eco_gpu_client_device(meter->env->gpus, gpu->place) : NULL;
    if (!seen)
        return;
    ret->has_card_busy = seen->state.fields & ECO_GPU_HAS_BUSY;
    ret->card_memory_bytes = seen->state.fields & ECO_GPU_HAS_MEMORY ? seen->state.memory_used_bytes : 0;
    /* A keyframe tells of what frames have told. */
    ret->card_busy_ns = is_keyframe ? eco_sub_sat(gpu->frame_busy_ns, gpu->busy_begin_ns)
                                    : eco_sub_sat(seen->busy_ns, gpu->frame_busy_ns);
    if (!is_keyframe)
        gpu->frame_busy_ns = seen->busy_ns;
}

/* ---- why a card is not in it, or only in part ---- */

static void add_name(char names[NAMES_MAX], unsigned *count, const char *name)
{
    size_t length = strlen(names);
    if (length + strlen(name) + 8 < NAMES_MAX)
        (void)snprintf(names + length, NAMES_MAX - length, "%s%s", *count ? ", " : "", name);
    else if (length + 5 < NAMES_MAX && names[length - 1] != '.')
        (void)snprintf(names + length, NAMES_MAX - length, " ...");
    (*count)++;
}

static bool is_late(const struct eco_meter *meter, unsigned d)
{
    return meter->d[d].gpu && meter->d[d].since_ns;
}

static bool are_together(const struct eco_meter *meter, unsigned a, unsigned b)
{
    uint64_t first = meter->d[a].since_ns, second = meter->d[b].since_ns;
    return (first > second ? first - second : second - first) <= TOGETHER_NS &&
           meter->domains[a].counted == meter->domains[b].counted;
}

static void warn_of_late(const struct eco_meter *meter, struct eco_report *report)
{
    bool is_told[ECO_DOMAINS_MAX] = {false};
    for (unsigned d = 0; d < meter->domain_count; d++) {
        char names[NAMES_MAX] = "";
        unsigned count = 0;
        if (!is_late(meter, d) || is_told[d])
            continue;
        for (unsigned i = d; i < meter->domain_count; i++)
            if (is_late(meter, i) && !is_told[i] && are_together(meter, d, i)) {
                is_told[i] = true;
                add_name(names, &count, meter->domains[i].name);
            }
        eco_report_warn(report, "the driver of %s answered only %.2f s after the start: %s from then on",
                        names, (double)eco_sub_sat(meter->d[d].since_ns, meter->begin_ns) * 1e-9,
                        meter->domains[d].counted ? "measured" : "shown");
    }
}

static void warn_of_source(const struct eco_meter *meter, const struct eco_gpu_seen_source *source,
                           struct eco_report *report)
{
    const char *why = *source->why.text ? source->why.text : strerror(-source->error);
    uint64_t silent_ns = eco_sub_sat(now_ns(meter), source->arrived_ns);
    if (!source->is_open && source->error < 0)
        eco_report_warn(report, "graphics cards%s%s are not measured now: %.220s",
                        *source->name ? " by " : "", source->name, why);
    else if (source->is_open && silent_ns > SILENT_NS)
        eco_report_warn(report, "%s has not answered for %.1f s: its graphics cards are not measured now",
                        source->name, (double)silent_ns * 1e-9);
    else if (source->opened_count > 1)
        eco_report_warn(report, "%s broke off and was begun anew %u time%s", source->name,
                        source->opened_count - 1, source->opened_count > 2 ? "s" : "");
}

static void warn_of_device(const struct eco_gpu_seen_device *seen, struct eco_report *report)
{
    if (seen->parent != ECO_GPU_NO_PARENT || !seen->has_state || seen->state.error >= 0)
        return;
    eco_report_warn(report, "graphics card %d (%.96s%s%.31s) cannot be read: %s", (int)seen->device.index,
                    *seen->device.name ? seen->device.name : "unnamed", *seen->device.pci ? " at " : "",
                    seen->device.pci, strerror(-seen->state.error));
}

void eco_meter_warn_of_gpus(const struct eco_meter *meter, struct eco_report *report)
{
    const struct eco_gpu_client *client = meter->env->gpus;
    if (!client)
        return;
    warn_of_late(meter, report);
    if (eco_gpu_client_fd(client) >= 0 && eco_gpu_client_sources(client) == 0)
        eco_report_warn(report, "a graphics card seems to be here, but its driver had not answered when the "
                                "measurement ended: it is not counted");
    for (size_t s = 0; s < eco_gpu_client_sources(client); s++)
        warn_of_source(meter, eco_gpu_client_source(client, s), report);
    for (size_t i = 0; i < eco_gpu_client_devices(client); i++)
        warn_of_device(eco_gpu_client_device(client, i), report);
}
