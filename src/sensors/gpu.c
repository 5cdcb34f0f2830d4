/* SPDX-License-Identifier: MIT */
/*
 * Graphics cards, as ecocode-sensord tells of them (gpu/client.h): the figures come by themselves and are a
 * moment old, each with the time it speaks for. Whoever looks reads the client first; here it is only looked
 * at. Integrated cards are shown within their package; instances of a card (MIG) have no energy of their own.
 */
#include "gpu/client.h"
#include "sensors/kinds.h"

#include "base/text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* A daemon that has been silent for so long, or so many of the card's periods, tells nothing of now. */
#define SILENT_NS      (2 * ECO_NS_PER_S)
#define SILENT_PERIODS 20

struct gpu_sensor {
    struct eco_sensor base;
    size_t place[ECO_GPUS_MAX];    /* by channel */
    uint32_t breaks[ECO_GPUS_MAX]; /* seen so far */
    bool has_breaks[ECO_GPUS_MAX];
};

static bool has_figure(const struct eco_gpu_seen_device *seen)
{
    return seen->parent == ECO_GPU_NO_PARENT && seen->has_state && seen->look_count > 0 &&
           (seen->state.fields & ECO_GPU_HAS_ENERGY);
}

static const char *prefix_of(enum eco_gpu_vendor vendor)
{
    return vendor == ECO_GPU_AMD ? "amd" : vendor == ECO_GPU_INTEL ? "intel" : "";
}

static void name_of(const struct eco_gpu_device *device, char ret[ECO_NAME_MAX])
{
    (void)snprintf(ret, ECO_NAME_MAX, "gpu-%s%d", prefix_of(device->vendor), (int)device->index);
}

static int add_device(struct gpu_sensor *self, size_t place, const struct eco_gpu_seen_device *seen,
                      const char *source)
{
    struct eco_channel *channel = eco_sensor_add_channel(&self->base);
    if (!channel)
        return -ENOMEM;
    self->place[self->base.channel_count - 1] = place;
    name_of(&seen->device, channel->name);
    (void)snprintf(channel->label, sizeof channel->label, "%.56s %.31s", seen->device.name, seen->device.pci);
    eco_text_copy(channel->source, sizeof channel->source, source);
    channel->quantity = ECO_ENERGY_UJ;
    channel->quality = seen->state.quality;
    channel->key.kind = ECO_KIND_GPU;
    channel->key.device = (int32_t)place;
    channel->key.package = seen->device.is_integrated ? 0 : -1;
    channel->holds_cpu = seen->device.is_module;
    channel->period_ns = seen->device.period_ns;
    channel->alpha = seen->device.alpha;
    channel->slow = true;
    return 0;
}

/* What helps, where it can be told by the error alone. */
static void mend(const struct gpu_sensor *self, struct eco_refusal *refusal)
{
    const struct eco_host *host = self->base.env->host;
    bool is_container = host && host->is_container;
    const char *fix = NULL;
    switch (-refusal->error) {
    case ENOENT: /* the driver is there, its library is not */
        fix = is_container ? "docker run --gpus all ..." : "sudo apt install libnvidia-ml1";
        break;
    case ELIBBAD:
        fix = "sudo reboot  # or load the nvidia modules anew";
        break;
    case EPERM:
    case EACCES:
        fix = is_container ? "docker run --gpus all ..."
                           : "sudo usermod -aG video,render $USER  # then log in anew";
        break;
    default:
        return;
    }
    refusal->mendable = true;
    eco_why_fix(&refusal->why, "%s", fix);
}

static void refuse_sources(struct gpu_sensor *self, const struct eco_gpu_client *client)
{
    for (size_t s = 0; s < eco_gpu_client_sources(client); s++) {
        const struct eco_gpu_seen_source *source = eco_gpu_client_source(client, s);
        if (source->is_open || source->error == 0)
            continue;
        struct eco_refusal *refusal = eco_sensor_refuse(&self->base, source->error, source->name, "");
        if (!refusal)
            continue;
        refusal->why = source->why;
        mend(self, refusal);
    }
    for (size_t place = 0; place < eco_gpu_client_devices(client); place++) {
        const struct eco_gpu_seen_device *seen = eco_gpu_client_device(client, place);
        if (seen->state.error == 0 || has_figure(seen) || !seen->is_there)
            continue;
        char name[ECO_NAME_MAX];
        name_of(&seen->device, name);
        struct eco_refusal *refusal = eco_sensor_refuse(&self->base, seen->state.error, name, "");
        if (!refusal)
            continue;
        /* One that may not be touched does not even tell its name. */
        eco_why_set(&refusal->why, "%s%s%s", seen->device.pci, *seen->device.pci ? ": " : "",
                    strerror(-seen->state.error));
        mend(self, refusal);
    }
}

static int gpu_open(struct eco_sensor *base, const struct eco_env *env, struct eco_why *why)
{
    struct gpu_sensor *self = (struct gpu_sensor *)base;
    const struct eco_gpu_client *client = env->gpus;
    (void)why;
    if (!client)
        return -ENODEV;
    for (size_t place = 0; place < eco_gpu_client_devices(client); place++) {
        const struct eco_gpu_seen_device *seen = eco_gpu_client_device(client, place);
        const struct eco_gpu_seen_source *source = eco_gpu_client_source(client, seen->source);
        int r = has_figure(seen) && base->channel_count < ECO_GPUS_MAX
                    ? add_device(self, place, seen, source ? source->name : "")
                    : 0;
        if (r < 0)
            return r;
    }
    refuse_sources(self, client);
    return base->channel_count > 0 ? 0 : -ENODEV;
}

static int error_of(const struct eco_gpu_seen_device *seen, uint64_t now_ns)
{
    uint64_t silent_ns = SILENT_PERIODS * seen->device.period_ns;
    if (!seen->is_there)
        return -ENODEV;
    if (seen->state.error < 0)
        return seen->state.error;
    if (!(seen->state.fields & ECO_GPU_HAS_ENERGY))
        return -ENODATA; /* asleep: nobody wakes it to ask */
    silent_ns = silent_ns > SILENT_NS ? silent_ns : SILENT_NS;
    return now_ns > seen->arrived_ns && now_ns - seen->arrived_ns > silent_ns ? -ETIMEDOUT : 0;
}

static int gpu_read(struct eco_sensor *base, const struct eco_activity *activity,
                    struct eco_reading *readings)
{
    struct gpu_sensor *self = (struct gpu_sensor *)base;
    const struct eco_gpu_client *client = base->env->gpus;
    uint64_t now_ns = base->env->clock->mono_ns(base->env->clock);
    (void)activity;
    if (!client)
        return -ENODEV;
    for (size_t c = 0; c < base->channel_count; c++) {
        const struct eco_gpu_seen_device *seen = eco_gpu_client_device(client, self->place[c]);
        struct eco_reading *reading = &readings[c];
        int error = error_of(seen, now_ns);
        if (error < 0) {
            *reading = (struct eco_reading){.state = ECO_READING_ERROR, .error = error};
            continue;
        }
        *reading = (struct eco_reading){.state = ECO_READING_OK,
                                        .value = seen->energy_uj,
                                        .valid_from_ns = seen->state.valid_from_ns,
                                        .valid_to_ns = seen->state.valid_to_ns,
                                        .begin_ns = seen->state.begin_ns,
                                        .end_ns = seen->state.end_ns,
                                        .rebased = self->has_breaks[c] && self->breaks[c] != seen->breaks};
        self->breaks[c] = seen->breaks;
        self->has_breaks[c] = true;
    }
    return 0;
}

static void gpu_close(struct eco_sensor *base)
{
    (void)base; /* the client is its owner's */
}

const struct eco_sensor_ops eco_sensor_gpu = {
    .name = "gpu",
    .summary = "graphics cards: NVIDIA (NVML), AMD, Intel, by ecocode-sensord",
    .size = sizeof(struct gpu_sensor),
    .open = gpu_open,
    .read = gpu_read,
    .close = gpu_close,
};
