/* SPDX-License-Identifier: MIT */
/*
 * Who used a device how much. The driver gives a row per process: its utilisation since the last query. A
 * weight is utilisation x time between the queries, the same time for all rows. Rows may be garbage, and a
 * query without the last time stamp gives averages of long ago.
 */
#include "gpu/nvml_impl.h"

#include "base/mem.h"

#include <errno.h>
#include <string.h>

#define UTILIZATION_MAX 100u
#define FIRST_ROWS      128u
#define ATTEMPTS_MAX    5
#define HORIZON_US      (5 * 1000000ull) /* a stamp so far from now is garbage, or of another clock */
/*
 * Power of busy codecs beside that of busy multiprocessors: some 10 W beside 100 to 600 W. Memory traffic is
 * that of kernels, and in their time. [judgement]
 */
#define CODEC_FACTOR 0.1

/* ---- the table ---- */

struct nvml_use *eco_nvml_use_find(struct nvml_device *device, int32_t pid, int32_t index)
{
    for (size_t i = 0; i < device->use_count; i++) {
        if (device->uses[i].pid == pid && device->uses[i].index == index)
            return &device->uses[i];
    }
    return NULL;
}

struct nvml_use *eco_nvml_use_obtain(struct nvml_device *device, int32_t pid, int32_t index)
{
    struct nvml_use *found = eco_nvml_use_find(device, pid, index);
    if (found)
        return found;
    if (eco_grow((void **)&device->uses, &device->use_capacity, device->use_count + 1, ECO_GPU_USES_MAX,
                 sizeof *device->uses) < 0)
        return NULL;
    struct nvml_use *use = &device->uses[device->use_count++];
    *use = (struct nvml_use){.pid = pid, .index = index};
    return use;
}

void eco_nvml_uses_tell(struct nvml_device *device, struct eco_gpu_use *uses, size_t *count, size_t capacity)
{
    size_t kept = 0;
    for (size_t i = 0; i < device->use_count; i++) {
        struct nvml_use *use = &device->uses[i];
        bool is_sliced = device->slices.is_on;
        bool has_ended = !use->is_listed && !use->has_row && (!is_sliced || use->sliced_ns == use->weight_ns);
        if (*count < capacity) {
            uint32_t flags = (use->is_listed ? (uint32_t)ECO_GPU_USE_CONTEXT : 0u) |
                             (use->is_mps || use->is_split ? (uint32_t)ECO_GPU_USE_SPLIT : 0u) |
                             (use->is_unseen ? (uint32_t)ECO_GPU_USE_UNSEEN : 0u) |
                             (has_ended ? (uint32_t)ECO_GPU_USE_ENDED : 0u);
            uses[(*count)++] = (struct eco_gpu_use){.index = use->index,
                                                    .pid = use->pid,
                                                    .flags = flags,
                                                    .busy_ns = use->busy_ns,
                                                    .weight_ns = is_sliced ? use->sliced_ns : use->weight_ns,
                                                    .energy_uj = (uint64_t)use->energy_uj,
                                                    .span_ns = (uint64_t)use->span_ns,
                                                    .memory_bytes = use->memory_bytes};
        }
        if (!has_ended)
            device->uses[kept++] = *use;
    }
    device->use_count = kept;
}

/* ---- rows ---- */

/* Rows of the longer kind, brought to the shorter one; JPEG and optical flow count as codecs. */
static void shorten(struct nvml *self, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        const struct nvml_process_use *row = &self->long_rows[i];
        uint32_t codec =
            row->decoder > UTILIZATION_MAX ? row->decoder : row->decoder + row->jpeg + row->optical_flow;
        self->rows[i] =
            (struct nvml_process_sample){.pid = row->pid,
                                         .timestamp_us = row->timestamp_us,
                                         .sm = row->sm,
                                         .memory = row->memory,
                                         .encoder = row->encoder,
                                         .decoder = codec > UTILIZATION_MAX ? UTILIZATION_MAX : codec};
    }
}

static nvml_return fetch_short(struct nvml *self, struct nvml_device *device, unsigned *ret_count)
{
    *ret_count = (unsigned)self->row_capacity;
    return self->lib.process_utilization(device->handle, self->rows, ret_count, device->util_seen_us);
}

static nvml_return fetch_long(struct nvml *self, struct nvml_device *device, unsigned *ret_count)
{
    if (eco_grow((void **)&self->long_rows, &self->long_row_capacity, self->row_capacity, NVML_ROWS_MAX,
                 sizeof *self->long_rows) < 0)
        return NVML_MEMORY;
    struct nvml_processes_use request = {.version = NVML_PROCESSES_USE_V1,
                                         .count = (uint32_t)(self->long_row_capacity < self->row_capacity
                                                                 ? self->long_row_capacity
                                                                 : self->row_capacity),
                                         .last_seen_us = device->util_seen_us,
                                         .rows = self->long_rows};
    uint32_t room = request.count;
    nvml_return code = self->lib.processes_utilization(device->handle, &request);
    *ret_count = request.count;
    if (code == NVML_SUCCESS)
        shorten(self, request.count < room ? request.count : room);
    return code;
}

static nvml_return fetch_by(struct nvml *self, struct nvml_device *device,
                            nvml_return (*by)(struct nvml *, struct nvml_device *, unsigned *),
                            unsigned *ret_count)
{
    unsigned rows = FIRST_ROWS;
    for (int attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
        if (eco_grow((void **)&self->rows, &self->row_capacity, rows, NVML_ROWS_MAX, sizeof *self->rows) < 0)
            return NVML_MEMORY;
        nvml_return code = by(self, device, ret_count);
        if (code != NVML_INSUFFICIENT_SIZE) {
            if (*ret_count > self->row_capacity)
                *ret_count = (unsigned)self->row_capacity;
            return code;
        }
        unsigned needed =
            *ret_count > self->row_capacity ? *ret_count + *ret_count / 2 : (unsigned)self->row_capacity * 2;
        rows = needed < NVML_ROWS_MAX ? needed : NVML_ROWS_MAX;
    }
    return NVML_INSUFFICIENT_SIZE;
}

static nvml_return fetch(struct nvml *self, struct nvml_device *device, unsigned *ret_count)
{
    nvml_return code = NVML_NOT_SUPPORTED;
    if (self->lib.process_utilization && !(device->lacks & NVML_CALL_PROCESS_UTIL)) {
        code = fetch_by(self, device, fetch_short, ret_count);
        if (!eco_nvml_is_lacking(code))
            return code;
        device->lacks |= NVML_CALL_PROCESS_UTIL;
    }
    if (self->lib.processes_utilization && !(device->lacks & NVML_CALL_PROCESSES_UTIL)) {
        code = fetch_by(self, device, fetch_long, ret_count);
        if (eco_nvml_is_lacking(code))
            device->lacks |= NVML_CALL_PROCESSES_UTIL;
    }
    return code;
}

static bool is_sane(const struct nvml_device *device, const struct nvml_process_sample *row,
                    uint64_t latest_us)
{
    return row->pid > 0 && row->pid <= INT32_MAX && row->sm <= UTILIZATION_MAX &&
           row->memory <= UTILIZATION_MAX && row->encoder <= UTILIZATION_MAX &&
           row->decoder <= UTILIZATION_MAX && row->timestamp_us > device->util_seen_us &&
           row->timestamp_us < latest_us;
}

static void clear_rows(struct nvml_device *device)
{
    for (size_t i = 0; i < device->use_count; i++) {
        struct nvml_use *use = &device->uses[i];
        use->has_row = false;
        use->rows = use->sm = use->codec = 0;
    }
}

/*
 * In a pid namespace of our own the rows may have the host's numbers while the lists have ours, and one may
 * by chance be the other: a row is of a process only if that one is in the lists. All others are put
 * together.
 */
static struct nvml_use *use_of_row(const struct nvml *self, struct nvml_device *device, int32_t pid)
{
    if (self->is_initial_namespace)
        return eco_nvml_use_obtain(device, pid, device->facts.index);
    struct nvml_use *use = eco_nvml_use_find(device, pid, device->facts.index);
    return use && use->is_listed ? use : eco_nvml_use_obtain(device, 0, device->facts.index);
}

static void add_row(struct nvml_use *use, const struct nvml_process_sample *row)
{
    use->has_row = true;
    use->rows++;
    use->sm += row->sm;
    use->codec += row->encoder + row->decoder;
}

static void add_weight(struct nvml_use *use, double sm, double codec, uint64_t span_ns)
{
    use->busy_ns += (uint64_t)((double)span_ns * sm);
    use->weight_ns += (uint64_t)((double)span_ns * (sm + CODEC_FACTOR * codec));
}

/*
 * As many rows without a name as processes without a row: they are the same, each with an equal part. One of
 * each is plain; more are an estimate. In any other case nobody can say, and the rows stay without a name.
 */
static struct nvml_use *name_the_nameless(struct nvml_device *device, struct nvml_use *nameless,
                                          uint64_t span_ns)
{
    uint32_t without = 0;
    for (size_t i = 0; i < device->use_count; i++)
        without += device->uses[i].pid > 0 && device->uses[i].is_listed && !device->uses[i].has_row;
    if (without == 0 || without != nameless->rows)
        return nameless;
    double sm = (double)nameless->sm / without / 100, codec = (double)nameless->codec / without / 100;
    for (size_t i = 0; i < device->use_count; i++) {
        struct nvml_use *use = &device->uses[i];
        if (use->pid > 0 && use->is_listed && !use->has_row) {
            add_weight(use, sm, codec, span_ns);
            use->is_split = true;
        }
    }
    return NULL;
}

static void finish_rows(const struct nvml *self, struct nvml_device *device, uint64_t span_ns)
{
    struct nvml_use *nameless =
        self->is_initial_namespace ? NULL : eco_nvml_use_find(device, 0, device->facts.index);
    if (nameless && nameless->rows > 0) {
        nameless = name_the_nameless(device, nameless, span_ns);
        if (nameless)
            add_weight(nameless, nameless->sm / 100.0, nameless->codec / 100.0, span_ns);
    }
    for (size_t i = 0; i < device->use_count; i++) {
        struct nvml_use *use = &device->uses[i];
        if (use->rows > 0 && use->pid > 0) /* several rows of one process: their mean */
            add_weight(use, use->sm / 100.0 / use->rows, use->codec / 100.0 / use->rows, span_ns);
    }
}

/*
 * Where the next query goes on. The newest row alone would not do: it may be of a process that was busy long
 * ago, and a driver gives the mean since the time that it is given.
 */
static void see(struct nvml_device *device, uint64_t latest_us, uint64_t asked_us)
{
    uint64_t apart_us = latest_us > asked_us ? latest_us - asked_us : asked_us - latest_us;
    if (latest_us > device->util_seen_us)
        device->util_seen_us = latest_us;
    if (latest_us > 0 && apart_us > HORIZON_US)
        device->is_util_clock_other = true; /* stamps are of another clock than ours */
    if (!device->is_util_clock_other && asked_us > device->util_seen_us)
        device->util_seen_us = asked_us;
}

/* Keeps the rows that can be true. */
static unsigned drop_garbage(struct nvml *self, const struct nvml_device *device, unsigned count,
                             uint64_t asked_us)
{
    unsigned kept = 0;
    for (unsigned i = 0; i < count; i++) {
        if (is_sane(device, &self->rows[i], asked_us + HORIZON_US))
            self->rows[kept++] = self->rows[i];
    }
    return kept;
}

/* What the first query brings is of before we came. Returns the newest sample's stamp, 0 = there was none. */
static uint64_t take_rows(struct nvml *self, struct nvml_device *device, unsigned count, uint64_t span_ns,
                          uint64_t asked_us)
{
    uint64_t latest_us = 0;
    clear_rows(device);
    for (unsigned i = 0; i < count; i++) {
        const struct nvml_process_sample *row = &self->rows[i];
        if (row->timestamp_us > latest_us)
            latest_us = row->timestamp_us;
        struct nvml_use *use = span_ns > 0 ? use_of_row(self, device, (int32_t)row->pid) : NULL;
        if (use)
            add_row(use, row);
    }
    if (span_ns > 0)
        finish_rows(self, device, span_ns);
    see(device, latest_us, asked_us);
    eco_nvml_slices_stamp(device, latest_us);
    return latest_us;
}

/* How long ago a sample may have been taken that is not told yet. */
static uint64_t patience_ns(const struct nvml_device *device)
{
    uint64_t ns = device->util_step_ns / 2 * 3;
    return ns > 0 && ns < NVML_UTIL_PERIOD_NS ? ns : NVML_UTIL_PERIOD_NS;
}

/* Up to the newest sample it is known who used the device; of what is later than any nobody has told yet. */
static void note_used(struct nvml_device *device, uint64_t stamp_us, uint64_t asked_us, uint64_t now_ns)
{
    uint64_t age_ns = stamp_us < asked_us ? (asked_us - stamp_us) * ECO_NS_PER_US : 0;
    if (stamp_us == 0)
        age_ns = patience_ns(device);
    if (device->is_util_clock_other)
        age_ns = 0;
    eco_nvml_slices_used(device, now_ns - (age_ns < now_ns ? age_ns : now_ns));
}

static void look_rows(struct nvml *self, struct nvml_device *device, uint64_t now_ns)
{
    unsigned count = 0;
    uint64_t span_ns = device->util_query_ns ? now_ns - device->util_query_ns : 0;
    bool is_first = device->util_query_ns == 0;
    if (!is_first && span_ns < NVML_UTIL_GAP_NS && !self->base.is_asked)
        return;
    const struct eco_clock *clock = self->base.env->clock;
    uint64_t asked_us = (uint64_t)clock->real_ns(clock) / ECO_NS_PER_US;
    nvml_return code = fetch(self, device, &count);
    if (code == NVML_NOT_FOUND || code == NVML_NO_DATA)
        count = 0;
    else if (!eco_nvml_note(self, device, code, 0))
        return;
    count = drop_garbage(self, device, count, asked_us);
    /* Too early for a new sample: the time goes on to the next query. */
    if (count == 0 && !is_first && span_ns < patience_ns(device)) {
        note_used(device, 0, asked_us, now_ns);
        return;
    }
    if (is_first)
        eco_nvml_slices_learn(self, device);
    device->util_query_ns = now_ns;
    note_used(device, take_rows(self, device, count, span_ns, asked_us), asked_us, now_ns);
}

void eco_nvml_process_look(struct nvml *self, struct nvml_device *device, uint64_t now_ns, bool lists_are_new)
{
    if (device->error < 0)
        return;
    if (lists_are_new)
        eco_nvml_lists_look(self, device);
    if (lists_are_new && device->error == 0 && device->instance_count > 0)
        eco_nvml_mig_look(self, device, now_ns);
    if (device->error < 0 || device->is_mig) /* rows do not exist under MIG */
        return;
    look_rows(self, device, now_ns);
}
