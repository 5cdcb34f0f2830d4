/* SPDX-License-Identifier: MIT */
/* Functions of a physical device that give one number: `d` is the device, `call.now_s` the time. */
#pragma once

#include "call.h"

#define NV_SCALAR(function, type, is_supported, expression)               \
    NV_EXPORT nvmlReturn_t function(nvmlDevice_t handle, type *ret)       \
    {                                                                     \
        NV_PHYSICAL(handle)                                               \
        NV_REQUIRE(ret != NULL, NVML_ERROR_INVALID_ARGUMENT)              \
        const struct nv_device *d = nv_device_of(handle);                 \
        NV_REQUIRE(d != NULL && (is_supported), NVML_ERROR_NOT_SUPPORTED) \
        *ret = (type)(expression);                                        \
        return NVML_SUCCESS;                                              \
    }
