/* SPDX-License-Identifier: MIT */
/*
 * Our declarations of librocm_smi64 against its own header: each function is put into our table, with its
 * enums in the place of our ints. What differs is an error of the compiler.
 */
#include <rocm_smi/rocm_smi.h>

#define ROCM_STATUS      rsmi_status_t
#define ROCM_MEMORY_TYPE rsmi_memory_type_t
#define ROCM_METRIC      rsmi_temperature_metric_t
#ifdef ECO_HAS_POWER_GET
#define ROCM_POWER_TYPE RSMI_POWER_TYPE
#else
#define ROCM_POWER_TYPE int
#endif
#include "gpu/rocm_abi.h"

#define TAKE(member, symbol, parameters) .member = symbol,
const struct rocm_library eco_rocm_real = {ROCM_FUNCTIONS(TAKE)
#ifdef ECO_HAS_POWER_GET
                                               ROCM_NEW_FUNCTIONS(TAKE)
#endif
};

_Static_assert(sizeof(rsmi_status_t) == sizeof(int) && sizeof(rsmi_memory_type_t) == sizeof(int) &&
                   sizeof(rsmi_temperature_metric_t) == sizeof(int),
               "enums are passed as ints");
_Static_assert(RSMI_STATUS_SUCCESS == 0 && RSMI_MEM_TYPE_VRAM == 0 && RSMI_TEMP_CURRENT == 0 &&
                   RSMI_TEMP_TYPE_EDGE == 0,
               "the values that are used");
