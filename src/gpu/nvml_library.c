/* SPDX-License-Identifier: MIT */
#include "gpu/nvml_impl.h"

#include <dlfcn.h>
#include <errno.h>
#include <string.h>

#define LIBRARY "libnvidia-ml.so.1"

struct symbol {
    const char *name;
    size_t offset;
};

#define SYMBOL(member, symbol, parameters) {symbol, offsetof(struct nvml_library, member)},
static const struct symbol symbols[] = {NVML_FUNCTIONS(SYMBOL)};

int eco_nvml_library_open(struct nvml_library *lib, struct eco_why *why)
{
    lib->object = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
    if (!lib->object) {
        eco_why_set(why, "an NVIDIA GPU may be here, but %s cannot be loaded: %s", LIBRARY, dlerror());
        return -ENOENT;
    }
    for (size_t i = 0; i < ECO_COUNT(symbols); i++) {
        void *found = dlsym(lib->object, symbols[i].name);
        memcpy((char *)lib + symbols[i].offset, &found, sizeof found);
    }
    if (!lib->init)
        lib->init = lib->init_v1;
    if (!lib->count)
        lib->count = lib->count_v1;
    if (!lib->handle)
        lib->handle = lib->handle_v1;
    if (!lib->pci)
        lib->pci = lib->pci_v2;
    if (!lib->event_reasons)
        lib->event_reasons = lib->throttle_reasons;
    if (!lib->init || !lib->count || !lib->handle) {
        eco_why_set(why, "%s lacks what it always had: is it NVIDIA's?", LIBRARY);
        return -ENOSYS;
    }
    return 0;
}

struct meaning {
    nvml_return code;
    int error;
    const char *words;
};

static const struct meaning meanings[] = {
    {NVML_UNINITIALIZED, -ESHUTDOWN, "the driver was unloaded"},
    {NVML_NOT_SUPPORTED, -EOPNOTSUPP, "not supported by this GPU"},
    {NVML_NO_PERMISSION, -EACCES, "this user may not use the GPU"},
    {NVML_NOT_FOUND, -ENOENT, "not found"},
    {NVML_INSUFFICIENT_SIZE, -ENOSPC, "there is always more than fits"},
    {NVML_DRIVER_NOT_LOADED, -ENXIO, "the NVIDIA driver is not loaded"},
    {NVML_TIMEOUT, -ETIMEDOUT, "the driver timed out"},
    {NVML_LIBRARY_NOT_FOUND, -ENOENT, "a part of the NVIDIA driver is missing"},
    {NVML_FUNCTION_NOT_FOUND, -ENOSYS, "not in this version of the driver"},
    {NVML_GPU_IS_LOST, -ENODEV, "the GPU has fallen off the bus"},
    {NVML_RESET_REQUIRED, -EIO, "the GPU needs a reset"},
    {NVML_OPERATING_SYSTEM, -EPERM, "access to the GPU is blocked (cgroup or container)"},
    {NVML_LIB_RM_VERSION_MISMATCH, -ELIBBAD, "NVIDIA's library and kernel module are of different versions"},
    {NVML_MEMORY, -ENOMEM, "the driver has no memory"},
    {NVML_NO_DATA, -ENODATA, "no data yet"},
    {NVML_GPU_NOT_FOUND, -ENODEV, "no GPU"},
};

static const struct meaning *meaning_of(nvml_return code)
{
    for (size_t i = 0; i < ECO_COUNT(meanings); i++) {
        if (meanings[i].code == code)
            return &meanings[i];
    }
    return NULL;
}

int eco_nvml_errno(nvml_return code)
{
    const struct meaning *meaning = meaning_of(code);
    return code == NVML_SUCCESS ? 0 : meaning ? meaning->error : -EIO;
}

const char *eco_nvml_words(nvml_return code)
{
    const struct meaning *meaning = meaning_of(code);
    return meaning ? meaning->words : "the driver reports an error";
}

bool eco_nvml_is_lacking(nvml_return code)
{
    return code == NVML_NOT_SUPPORTED || code == NVML_FUNCTION_NOT_FOUND || code == NVML_DEPRECATED ||
           code == NVML_ARGUMENT_VERSION_MISMATCH || code == NVML_INVALID_ARGUMENT;
}

static void lose(struct nvml *self, struct nvml_device *device, nvml_return code)
{
    uint64_t now = nvml_now_ns(self);
    device->error = eco_nvml_errno(code);
    device->backoff_ns = device->backoff_ns == 0                      ? NVML_RETRY_NS
                         : device->backoff_ns > NVML_RETRY_MAX_NS / 2 ? NVML_RETRY_MAX_NS
                                                                      : device->backoff_ns * 2;
    device->retry_ns = now + device->backoff_ns;
}

bool eco_nvml_note(struct nvml *self, struct nvml_device *device, nvml_return code, uint32_t call)
{
    if (code == NVML_SUCCESS)
        return true;
    if (code == NVML_UNINITIALIZED || code == NVML_DRIVER_NOT_LOADED || code == NVML_LIB_RM_VERSION_MISMATCH)
        self->failed = eco_nvml_errno(code);
    else if (code == NVML_GPU_IS_LOST || code == NVML_RESET_REQUIRED || code == NVML_GPU_NOT_FOUND)
        lose(self, device, code);
    else if (eco_nvml_is_lacking(code) || code == NVML_NO_PERMISSION)
        device->lacks |= call;
    return false;
}
