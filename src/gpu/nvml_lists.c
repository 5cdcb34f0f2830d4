/* SPDX-License-Identifier: MIT */
/*
 * Who holds a context. The entries of these lists are 16, 24 or 32 bytes long, whatever the function's name
 * promises: the first list that is not empty is read into a pattern, and what is written over tells.
 */
#include "gpu/nvml_impl.h"

#include "base/mem.h"

#include <errno.h>
#include <string.h>

#define PATTERN      0xa5
#define STRIDE_MAX   32u
#define FIRST_ROWS   64u
#define ATTEMPTS_MAX 5

typedef nvml_return (*list_function)(struct nvml_handle *, unsigned *, void *);

static list_function function_of(const struct nvml_library *lib, enum nvml_list list, unsigned version)
{
    const list_function all[NVML_LIST_COUNT][4] = {
        {NULL, lib->compute_v1, lib->compute_v2, lib->compute_v3},
        {NULL, lib->graphics_v1, lib->graphics_v2, lib->graphics_v3},
        {NULL, lib->mps_v1, lib->mps_v2, lib->mps_v3},
    };
    return version <= 3 ? all[list][version] : NULL;
}

/* Where the writing ended. Every entry ends in bytes that cannot be the pattern: no memory is so large. */
static unsigned probe(const unsigned char *bytes, size_t size, unsigned count)
{
    static const unsigned strides[] = {16, 24, 32};
    while (size > 0 && bytes[size - 1] == PATTERN)
        size--;
    for (size_t i = 0; i < ECO_COUNT(strides); i++) {
        if (size == (size_t)count * strides[i])
            return strides[i];
    }
    return 0;
}

static int make_room(struct nvml *self, unsigned rows)
{
    return eco_grow((void **)&self->list, &self->list_capacity, (size_t)rows * STRIDE_MAX,
                    (size_t)NVML_ROWS_MAX * STRIDE_MAX, 1);
}

/* The list grows while it is asked for: more room each time, a bounded number of times. */
static nvml_return fetch(struct nvml *self, struct nvml_device *device, list_function function, bool is_known,
                         unsigned *ret_count)
{
    unsigned rows = self->list_capacity / STRIDE_MAX > FIRST_ROWS
                        ? (unsigned)(self->list_capacity / STRIDE_MAX)
                        : FIRST_ROWS;
    for (int attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
        if (make_room(self, rows) < 0)
            return NVML_MEMORY;
        if (!is_known)
            memset(self->list, PATTERN, self->list_capacity);
        unsigned count = rows;
        nvml_return code = function(device->handle, &count, self->list);
        if (code != NVML_INSUFFICIENT_SIZE) {
            *ret_count = count < rows ? count : rows;
            return code;
        }
        if (rows == NVML_ROWS_MAX)
            break;
        rows = count > rows && count < NVML_ROWS_MAX / 2 ? count + count / 2 : rows * 2;
        if (rows > NVML_ROWS_MAX)
            rows = NVML_ROWS_MAX;
    }
    return NVML_INSUFFICIENT_SIZE;
}

/* Asked of /proc once per process, not once per look. */
static int32_t pid_of(struct nvml *self, const struct nvml_device *device, int32_t told)
{
    for (size_t i = 0; i < device->use_count; i++) {
        if (device->uses[i].told_pid == told)
            return device->uses[i].pid;
    }
    if (eco_nvml_pid_exists(self, told))
        return told;
    if (!self->is_initial_namespace)
        return 0;
    int32_t outer = eco_nvml_pid_translate(self, told);
    return outer > 0 ? outer : told;
}

static void take_entry(struct nvml *self, struct nvml_device *device, enum nvml_list list,
                       const struct nvml_process *entry, unsigned stride)
{
    if (entry->pid == 0 || entry->pid > INT32_MAX)
        return;
    int32_t index = device->facts.index, told = (int32_t)entry->pid;
    if (stride > 16 && device->instance_count > 0)
        index = eco_nvml_mig_index(device, entry->gpu_instance, entry->compute_instance);
    struct nvml_use *use = eco_nvml_use_obtain(device, pid_of(self, device, told), index);
    if (!use)
        return;
    uint64_t bytes = entry->memory_bytes == NVML_NO_VALUE_U64 ? 0 : entry->memory_bytes;
    if (use->pid == 0 && use->is_listed)
        use->memory_bytes += list == NVML_LIST_COMPUTE ? bytes : 0;
    else /* in several lists: the same memory */
        use->memory_bytes = use->is_listed && use->memory_bytes > bytes ? use->memory_bytes : bytes;
    use->is_listed = true;
    use->is_mps = use->is_mps || list == NVML_LIST_MPS;
    use->told_pid = use->pid == 0 ? 0 : told;
}

static void take_entries(struct nvml *self, struct nvml_device *device, enum nvml_list list, unsigned count)
{
    unsigned stride = self->stride[list];
    for (unsigned i = 0; i < count; i++) {
        struct nvml_process entry = {.gpu_instance = NVML_NO_INSTANCE, .compute_instance = NVML_NO_INSTANCE};
        memcpy(&entry, self->list + (size_t)i * stride, stride < sizeof entry ? stride : sizeof entry);
        take_entry(self, device, list, &entry, stride);
    }
}

/* Newest function first; one whose entries make no sense is left for an older one. */
static void look_at(struct nvml *self, struct nvml_device *device, enum nvml_list list, uint32_t call)
{
    if (device->lacks & call)
        return;
    if (self->version[list] == 0 && self->stride[list] == 0)
        self->version[list] = 3;
    for (; self->version[list] > 0; self->version[list]--) {
        list_function function = function_of(&self->lib, list, self->version[list]);
        if (!function)
            continue;
        unsigned count = 0;
        bool is_known = self->stride[list] != 0;
        nvml_return code = fetch(self, device, function, is_known, &count);
        if (code == NVML_FUNCTION_NOT_FOUND || code == NVML_ARGUMENT_VERSION_MISMATCH)
            continue;
        if (code == NVML_NOT_FOUND || code == NVML_NO_DATA)
            return;
        if (!eco_nvml_note(self, device, code, call) || count == 0)
            return;
        if (!is_known)
            self->stride[list] = probe(self->list, self->list_capacity, count);
        if (self->stride[list] == 0)
            continue;
        take_entries(self, device, list, count);
        return;
    }
    device->lacks |= call;
}

void eco_nvml_lists_look(struct nvml *self, struct nvml_device *device)
{
    for (size_t i = 0; i < device->use_count; i++) {
        struct nvml_use *use = &device->uses[i];
        use->was_listed = use->is_listed;
        use->is_listed = use->is_mps = false;
    }
    look_at(self, device, NVML_LIST_COMPUTE, NVML_CALL_COMPUTE);
    look_at(self, device, NVML_LIST_GRAPHICS, NVML_CALL_GRAPHICS);
    look_at(self, device, NVML_LIST_MPS, NVML_CALL_MPS);
    for (size_t i = 0; i < device->use_count; i++) {
        struct nvml_use *use = &device->uses[i];
        if (!use->is_listed)
            use->memory_bytes = 0;
    }
}
