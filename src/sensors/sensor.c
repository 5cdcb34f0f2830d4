/* SPDX-License-Identifier: MIT */
#include "sensors/sensor.h"

#include "base/mem.h"
#include "base/text.h"

#include <assert.h>
#include <errno.h>

int eco_sensor_open(const struct eco_sensor_ops *ops, const struct eco_env *env, struct eco_sensor **ret,
                    struct eco_why *why)
{
    assert(ops->name && ops->open && ops->read && ops->close && ops->size >= sizeof(struct eco_sensor));
    struct eco_sensor *sensor = eco_calloc(1, ops->size);
    if (!sensor)
        return -ENOMEM;
    sensor->ops = ops;
    sensor->env = env;
    int r = ops->open(sensor, env, why);
    if (r < 0 && (sensor->refusal_count == 0 || sensor->channel_count > 0 || r == -ENOMEM)) {
        eco_sensor_free(sensor);
        return r;
    }
    *ret = sensor;
    return r < 0 ? r : 0;
}

struct eco_sensor *eco_sensor_free(struct eco_sensor *sensor)
{
    if (!sensor)
        return NULL;
    sensor->ops->close(sensor);
    free(sensor->channels);
    free(sensor->refusals);
    free(sensor);
    return NULL;
}

struct eco_channel *eco_sensor_add_channel(struct eco_sensor *sensor)
{
    void *array = sensor->channels;
    if (eco_grow(&array, &sensor->channel_capacity, sensor->channel_count + 1, ECO_CHANNELS_MAX,
                 sizeof(*sensor->channels)) < 0)
        return NULL;
    sensor->channels = array;
    struct eco_channel *channel = &sensor->channels[sensor->channel_count++];
    *channel = (struct eco_channel){.quantum_uj = 1,
                                    .key = {.package = -1, .die = -1, .device = -1},
                                    .within = {.package = -1, .die = -1, .device = -1}};
    return channel;
}

struct eco_refusal *eco_sensor_refuse(struct eco_sensor *sensor, int error, const char *what,
                                      const char *domain)
{
    void *array = sensor->refusals;
    if (eco_grow(&array, &sensor->refusal_capacity, sensor->refusal_count + 1, ECO_REFUSALS_MAX,
                 sizeof(*sensor->refusals)) < 0)
        return NULL;
    sensor->refusals = array;
    struct eco_refusal *refusal = &sensor->refusals[sensor->refusal_count++];
    *refusal = (struct eco_refusal){.error = error};
    eco_text_copy(refusal->what, sizeof(refusal->what), what);
    eco_text_copy(refusal->domain, sizeof(refusal->domain), domain);
    return refusal;
}
