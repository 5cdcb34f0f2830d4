/* SPDX-License-Identifier: MIT */
/* What every exported function does first and last: counting, faults, the lock; and what they share. */
#pragma once

#include "abi.h"
#include "world.h"

#define NV_EXPORT __attribute__((visibility("default")))
/* The exported functions are declared nowhere: nobody includes this library, it is opened at run time. */
#pragma GCC diagnostic ignored "-Wmissing-prototypes"

/* What a client holds in its hands. */
struct nv_handle {
    size_t device;
    int instance; /* of MIG; -1: the device itself */
};

struct nv_call {
    nvmlReturn_t code; /* not 0: to be returned at once */
    int slot;          /* in the table of counts; -1: not counted */
    uint64_t cpu_ns;   /* of this thread, when it began */
    bool holds_lock;
    double now_s;
};

enum nv_need { NV_NEEDS_NOTHING, NV_NEEDS_INIT, NV_NEEDS_DEVICE };

extern struct nv_scenario nv_world;
extern struct nv_handle nv_device_handle[NV_DEVICES_MAX];
extern struct nv_handle nv_mig_handle[NV_DEVICES_MAX][NV_MIG_MAX];
extern unsigned long nv_init_count;

struct nv_call nv_enter(int *slot, const char *name, enum nv_need need, nvmlDevice_t handle);
void nv_leave(struct nv_call *call);
/**
 * Code that the scenario's faults have for this call on a device (an index; -1: none), 0 when none; with
 * is_general also those that name no device. May not return.
 */
nvmlReturn_t nv_fault(const char *name, int device, bool is_general, double now_s);
/** Microseconds since 1970, as the driver stamps its values. */
uint64_t nv_stamp_us(double t_s);
/** Room of `size` bytes is too small: INSUFFICIENT_SIZE. */
nvmlReturn_t nv_copy_text(char *ret, unsigned size, const char *text);

#define NV_BEGIN(need, handle)                                                                         \
    static int slot_ = -1;                                                                             \
    struct nv_call call __attribute__((cleanup(nv_leave))) = nv_enter(&slot_, __func__, need, handle); \
    if (call.code != NVML_SUCCESS) {                                                                   \
        return call.code;                                                                              \
    }
/* A function of a device, or of a MIG device. */
#define NV_ANY(handle) NV_BEGIN(NV_NEEDS_DEVICE, handle)
/* A function of the physical device alone. */
#define NV_PHYSICAL(handle)              \
    NV_ANY(handle)                       \
    if ((handle)->instance >= 0) {       \
        return NVML_ERROR_NOT_SUPPORTED; \
    }
#define NV_REQUIRE(condition, failure) \
    if (!(condition)) {                \
        return failure;                \
    }

static inline const struct nv_device *nv_device_of(nvmlDevice_t handle)
{
    return &nv_world.device[handle->device];
}
