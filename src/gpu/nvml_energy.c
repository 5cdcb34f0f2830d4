/* SPDX-License-Identifier: MIT */
/*
 * Energy of a device: its counter, else power integrated. A counter is told with the time when it was first
 * seen as it is: it moves every 20 to 100 ms only.
 */
#include "gpu/nvml_impl.h"

#include "base/mem.h"

#include <math.h>

#define COUNTER_PERIOD_NS (100 * ECO_NS_PER_MS)
#define AVERAGE_NS        ECO_NS_PER_S
#define STILL_NS          (2 * ECO_NS_PER_S)    /* a counter that stands so long stands: nothing was used */
#define EDGE_GAP_NS       (250 * ECO_NS_PER_MS) /* looks so close together show when the counter moved */
#define GAP_MAX_NS        (3 * ECO_NS_PER_S)    /* longer without a reading is not bridged by power */
#define STAMP_AGE_MAX_NS  (2 * ECO_NS_PER_S)
#define POWER_MAX_MW      10000000u /* no board draws 10 kW */
#define SAMPLES_FIRST     256u

static bool is_module(enum nvml_way way)
{
    return way >= NVML_WAY_MODULE_FIELD && way < NVML_WAY_NONE;
}

static bool is_counter(enum nvml_way way)
{
    return way == NVML_WAY_FIELD || way == NVML_WAY_CALL || way == NVML_WAY_MODULE_FIELD;
}

/* ---- field values ---- */

static bool value_of(const struct nvml_field *field, uint64_t *ret)
{
    if (field->result != NVML_SUCCESS)
        return false;
    switch (field->type) {
    case NVML_TYPE_DOUBLE:
        if (!(field->value.d >= 0 && field->value.d < 1e18))
            return false;
        *ret = (uint64_t)field->value.d;
        return true;
    case NVML_TYPE_U32:
        *ret = field->value.u32;
        return true;
    case NVML_TYPE_ULONG:
    case NVML_TYPE_U64:
        *ret = field->value.u64;
        return true;
    case NVML_TYPE_I64:
        *ret = (uint64_t)field->value.i64;
        return field->value.i64 >= 0;
    case NVML_TYPE_I32:
        *ret = (uint64_t)field->value.i32;
        return field->value.i32 >= 0;
    case NVML_TYPE_U16:
        *ret = field->value.u16;
        return true;
    default:
        return false;
    }
}

static uint32_t energy_field(enum nvml_way way)
{
    return way == NVML_WAY_MODULE_FIELD ? NVML_FI_ENERGY : NVML_FI_TOTAL_ENERGY;
}

static uint32_t power_field(enum nvml_way way)
{
    return way == NVML_WAY_AVERAGE || way == NVML_WAY_MODULE_AVERAGE ? NVML_FI_POWER_AVERAGE
                                                                     : NVML_FI_POWER_INSTANT;
}

/* The whole call's result; each field has its own. */
static bool read_fields(struct nvml *self, struct nvml_device *device, struct nvml_field *fields, int count)
{
    if (!self->lib.fields || (device->lacks & NVML_CALL_FIELDS))
        return false;
    return eco_nvml_note(self, device, self->lib.fields(device->handle, count, fields), NVML_CALL_FIELDS);
}

/* A time stamp since 1970 in terms of CLOCK_MONOTONIC, when it can be that of a reading between the two. */
static bool stamp_ns(const struct nvml *self, uint64_t stamp_us, uint64_t begin_ns, uint64_t end_ns,
                     uint64_t *ret)
{
    const struct eco_clock *clock = self->base.env->clock;
    if (stamp_us == 0 || stamp_us > INT64_MAX / ECO_NS_PER_US)
        return false;
    int64_t age_ns = clock->real_ns(clock) - (int64_t)(stamp_us * ECO_NS_PER_US);
    uint64_t now_ns = clock->mono_ns(clock);
    if (age_ns < 0 || (uint64_t)age_ns > STAMP_AGE_MAX_NS || (uint64_t)age_ns > now_ns)
        return false;
    uint64_t at_ns = now_ns - (uint64_t)age_ns;
    *ret = at_ns > end_ns ? end_ns : at_ns;
    return *ret + STAMP_AGE_MAX_NS >= begin_ns;
}

/* ---- counters ---- */

static void take_counter(struct nvml *self, struct nvml_device *device, uint64_t mj, uint64_t stamp_us,
                         uint64_t begin_ns, uint64_t end_ns)
{
    struct nvml_energy *energy = &device->energy;
    uint64_t at_ns;
    /* Stamped between question and answer: that is when it was asked for, not when the counter moved. */
    bool has_stamp = stamp_ns(self, stamp_us, begin_ns, end_ns, &at_ns) && at_ns < begin_ns;
    if (!has_stamp)
        at_ns = begin_ns + (end_ns - begin_ns) / 2;
    bool has_moved = !energy->has_value || mj != energy->counter_mj;
    if (!has_moved && at_ns - energy->valid_ns < STILL_NS)
        at_ns = energy->valid_ns;
    else if (!has_stamp && has_moved && energy->has_value && begin_ns - energy->looked_ns < EDGE_GAP_NS &&
             at_ns > energy->looked_ns)
        at_ns = energy->looked_ns + (at_ns - energy->looked_ns) / 2;
    if (energy->has_value && mj < energy->counter_mj)
        energy->is_rebased = true;
    if (energy->has_value && at_ns < energy->valid_ns)
        at_ns = energy->valid_ns;
    energy->counter_mj = mj;
    energy->energy_uj = mj > UINT64_MAX / 1000 ? UINT64_MAX : mj * 1000;
    energy->valid_ns = at_ns;
    energy->has_value = true;
}

static void note_power(struct nvml_energy *energy, uint64_t mw, uint64_t from_ns, uint64_t to_ns)
{
    energy->power_uw = mw * 1000;
    energy->power_from_ns = from_ns;
    energy->power_to_ns = to_ns;
}

static bool look_field(struct nvml *self, struct nvml_device *device, uint64_t begin_ns)
{
    struct nvml_energy *energy = &device->energy;
    uint32_t scope = is_module(energy->way) ? NVML_SCOPE_MODULE : NVML_SCOPE_GPU;
    struct nvml_field fields[2] = {{.id = energy_field(energy->way), .scope = scope},
                                   {.id = NVML_FI_POWER_INSTANT, .scope = scope}};
    if (!read_fields(self, device, fields, energy->has_instant ? 2 : 1))
        return false;
    uint64_t end_ns = nvml_now_ns(self), mj, mw;
    if (energy->has_instant && value_of(&fields[1], &mw) && mw <= POWER_MAX_MW)
        note_power(energy, mw, end_ns, end_ns);
    if (!value_of(&fields[0], &mj))
        return eco_nvml_note(self, device, fields[0].result == NVML_SUCCESS ? NVML_NO_DATA : fields[0].result,
                             0);
    take_counter(self, device, mj, fields[0].timestamp_us > 0 ? (uint64_t)fields[0].timestamp_us : 0,
                 begin_ns, end_ns);
    return true;
}

static bool look_call(struct nvml *self, struct nvml_device *device, uint64_t begin_ns)
{
    unsigned long long mj;
    if (!eco_nvml_note(self, device, self->lib.energy(device->handle, &mj), 0))
        return false;
    take_counter(self, device, mj, 0, begin_ns, nvml_now_ns(self));
    return true;
}

/* ---- power ---- */

static void add_energy(struct nvml_energy *energy, double uj)
{
    double sum = energy->rest_uj + uj, whole = floor(sum);
    energy->energy_uj += (uint64_t)whole;
    energy->rest_uj = sum - whole;
}

/* Between two figures of power the mean of both; a longer silence is not guessed. */
static void integrate(struct nvml_energy *energy, uint64_t mw, uint64_t from_ns, uint64_t at_ns)
{
    double span_s =
        energy->has_value && at_ns > energy->valid_ns ? (double)(at_ns - energy->valid_ns) / 1e9 : 0;
    if (energy->has_value && at_ns <= energy->valid_ns)
        return;
    if (energy->has_value && at_ns - energy->valid_ns > GAP_MAX_NS)
        energy->is_rebased = true;
    else
        add_energy(energy, span_s * ((double)energy->power_uw + (double)mw * 1000) / 2);
    note_power(energy, mw, from_ns, at_ns);
    energy->valid_ns = at_ns;
    energy->has_value = true;
}

static bool has_average(const struct nvml_device *device)
{
    return device->architecture != NVML_ARCH_UNKNOWN && device->architecture >= NVML_ARCH_AMPERE &&
           !device->is_ga100;
}

static bool read_power(struct nvml *self, struct nvml_device *device, uint64_t *ret_mw)
{
    enum nvml_way way = device->energy.way;
    if (way == NVML_WAY_USAGE) {
        unsigned mw;
        if (!eco_nvml_note(self, device, self->lib.power(device->handle, &mw), 0))
            return false;
        *ret_mw = mw;
        return true;
    }
    struct nvml_field field = {.id = power_field(way),
                               .scope = is_module(way) ? NVML_SCOPE_MODULE : NVML_SCOPE_GPU};
    if (!read_fields(self, device, &field, 1))
        return false;
    return value_of(&field, ret_mw) ||
           eco_nvml_note(self, device, field.result == NVML_SUCCESS ? NVML_NO_DATA : field.result, 0);
}

static bool look_power(struct nvml *self, struct nvml_device *device, uint64_t begin_ns)
{
    uint64_t mw = 0;
    if (!read_power(self, device, &mw) || mw > POWER_MAX_MW)
        return false;
    enum nvml_way way = device->energy.way;
    uint64_t end_ns = nvml_now_ns(self), at_ns = begin_ns + (end_ns - begin_ns) / 2, lag_ns = 0;
    if (way == NVML_WAY_AVERAGE || way == NVML_WAY_MODULE_AVERAGE ||
        (way == NVML_WAY_USAGE && has_average(device)))
        lag_ns = AVERAGE_NS;
    integrate(&device->energy, mw, at_ns - (lag_ns < at_ns ? lag_ns : at_ns), at_ns);
    return true;
}

/* ---- the driver's buffer ---- */

static nvml_return read_samples(struct nvml *self, struct nvml_device *device, unsigned *ret_count,
                                int *ret_type)
{
    int type =
        device->energy.way == NVML_WAY_MODULE_SAMPLES ? NVML_SAMPLES_MODULE_POWER : NVML_SAMPLES_TOTAL_POWER;
    nvml_return code = NVML_INSUFFICIENT_SIZE;
    unsigned wanted = SAMPLES_FIRST;
    for (int attempt = 0; attempt < 4 && code == NVML_INSUFFICIENT_SIZE; attempt++, wanted *= 2) {
        if (eco_grow((void **)&self->samples, &self->sample_capacity, wanted, (size_t)NVML_ROWS_MAX * 4,
                     sizeof *self->samples) < 0)
            return NVML_MEMORY;
        *ret_count = (unsigned)self->sample_capacity;
        code = self->lib.samples(device->handle, type, device->energy.sample_us, ret_type, ret_count,
                                 self->samples);
        if (*ret_count > wanted && *ret_count <= NVML_ROWS_MAX * 2)
            wanted = *ret_count;
    }
    return code;
}

static bool look_samples(struct nvml *self, struct nvml_device *device, uint64_t begin_ns)
{
    struct nvml_energy *energy = &device->energy;
    unsigned count = 0;
    int type = NVML_TYPE_U32;
    nvml_return code = read_samples(self, device, &count, &type);
    if (code == NVML_NOT_FOUND || code == NVML_NO_DATA)
        return energy->has_value; /* nothing new */
    if (!eco_nvml_note(self, device, code, 0))
        return false;
    uint64_t end_ns = nvml_now_ns(self);
    for (unsigned i = 0; i < count && i < self->sample_capacity; i++) {
        const struct nvml_field as_field = {.type = (uint32_t)type, .value = self->samples[i].value};
        uint64_t mw, at_ns, stamp_us = self->samples[i].timestamp_us;
        if (stamp_us <= energy->sample_us || !value_of(&as_field, &mw) || mw > POWER_MAX_MW)
            continue;
        bool is_first = !energy->has_value;
        energy->sample_us = stamp_us;
        /* What the buffer held before we came is not ours: only its last one counts. */
        if (is_first && i + 1 < count)
            continue;
        if (!stamp_ns(self, stamp_us, begin_ns > GAP_MAX_NS ? begin_ns - GAP_MAX_NS : 0, end_ns, &at_ns))
            at_ns = end_ns;
        integrate(energy, mw, at_ns, at_ns);
    }
    return energy->has_value;
}

/* ---- which ---- */

static bool is_possible(const struct nvml *self, enum nvml_way way)
{
    switch (way) {
    case NVML_WAY_CALL:
        return self->lib.energy != NULL;
    case NVML_WAY_USAGE:
        return self->lib.power != NULL;
    case NVML_WAY_SAMPLES:
    case NVML_WAY_MODULE_SAMPLES:
        return self->lib.samples != NULL;
    case NVML_WAY_FIELD:
    case NVML_WAY_INSTANT:
    case NVML_WAY_AVERAGE:
    case NVML_WAY_MODULE_FIELD:
    case NVML_WAY_MODULE_INSTANT:
    case NVML_WAY_MODULE_AVERAGE:
        return self->lib.fields != NULL;
    case NVML_WAY_NONE:
        return false;
    }
    return false;
}

static bool look(struct nvml *self, struct nvml_device *device)
{
    uint64_t begin_ns = nvml_now_ns(self);
    bool is_read = false;
    switch (device->energy.way) {
    case NVML_WAY_FIELD:
    case NVML_WAY_MODULE_FIELD:
        is_read = look_field(self, device, begin_ns);
        break;
    case NVML_WAY_CALL:
        is_read = look_call(self, device, begin_ns);
        break;
    case NVML_WAY_SAMPLES:
    case NVML_WAY_MODULE_SAMPLES:
        is_read = look_samples(self, device, begin_ns);
        break;
    case NVML_WAY_INSTANT:
    case NVML_WAY_AVERAGE:
    case NVML_WAY_USAGE:
    case NVML_WAY_MODULE_INSTANT:
    case NVML_WAY_MODULE_AVERAGE:
        is_read = look_power(self, device, begin_ns);
        break;
    case NVML_WAY_NONE:
        break;
    }
    device->energy.looked_ns = nvml_now_ns(self);
    return is_read;
}

static bool has_instant(struct nvml *self, struct nvml_device *device)
{
    struct nvml_field field = {.id = NVML_FI_POWER_INSTANT,
                               .scope = is_module(device->energy.way) ? NVML_SCOPE_MODULE : NVML_SCOPE_GPU};
    uint64_t mw;
    return read_fields(self, device, &field, 1) && value_of(&field, &mw);
}

static uint64_t period_ns(const struct nvml_device *device)
{
    return is_counter(device->energy.way) || device->energy.way == NVML_WAY_SAMPLES ||
                   device->energy.way == NVML_WAY_MODULE_SAMPLES
               ? COUNTER_PERIOD_NS
               : 0;
}

/* By trying: what a device says of itself and what it answers differ. */
void eco_nvml_energy_choose(struct nvml *self, struct nvml_device *device)
{
    struct nvml_energy *energy = &device->energy;
    for (unsigned way = NVML_WAY_FIELD; way <= NVML_WAY_NONE; way++) {
        *energy = (struct nvml_energy){.way = (enum nvml_way)way};
        if (is_possible(self, energy->way) && look(self, device) && energy->has_value)
            break;
        if (device->error < 0 || self->failed < 0) {
            energy->way = NVML_WAY_NONE;
            break;
        }
    }
    energy->has_instant = is_counter(energy->way) && has_instant(self, device);
    device->facts.is_module = is_module(energy->way);
    device->facts.period_ns = period_ns(device);
}

/* Power for show, where energy does not bring it along. */
static void look_plain_power(struct nvml *self, struct nvml_device *device)
{
    unsigned mw;
    if (!self->lib.power || (device->lacks & NVML_CALL_POWER) ||
        !eco_nvml_note(self, device, self->lib.power(device->handle, &mw), NVML_CALL_POWER) ||
        mw > POWER_MAX_MW)
        return;
    uint64_t at_ns = nvml_now_ns(self);
    note_power(&device->energy, mw, has_average(device) && at_ns > AVERAGE_NS ? at_ns - AVERAGE_NS : at_ns,
               at_ns);
}

void eco_nvml_energy_look(struct nvml *self, struct nvml_device *device)
{
    struct nvml_energy *energy = &device->energy;
    struct eco_gpu_state *state = &device->state;
    energy->power_to_ns = 0;
    uint64_t power_before_uw = energy->power_uw;
    bool is_read = look(self, device);
    if (is_counter(energy->way) && !energy->has_instant)
        look_plain_power(self, device);
    if (energy->power_to_ns == 0 && !is_counter(energy->way))
        energy->power_uw = power_before_uw;
    if (is_read && energy->has_value) {
        state->fields |= ECO_GPU_HAS_ENERGY;
        state->energy_uj = energy->energy_uj;
        state->quality = is_counter(energy->way) ? ECO_MEASURED : ECO_DERIVED;
        state->valid_to_ns = energy->valid_ns;
        state->valid_from_ns = is_counter(energy->way) || energy->power_from_ns > energy->valid_ns
                                   ? energy->valid_ns
                                   : energy->power_from_ns;
        if (energy->is_rebased)
            state->fields |= ECO_GPU_REBASED;
        energy->is_rebased = false;
    }
    if (energy->power_to_ns > 0 || (is_read && !is_counter(energy->way))) {
        state->fields |= ECO_GPU_HAS_POWER;
        state->power_uw = energy->power_uw;
    }
}
