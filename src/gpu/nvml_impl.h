/* SPDX-License-Identifier: MIT */
/* What the files of the NVIDIA source share. */
#pragma once

#include "gpu/nvml_abi.h"
#include "gpu/source.h"

#include <sys/types.h>

#define NVML_INSTANCES_MAX  8 /* of a device: seven slices, and one to spare */
#define NVML_ROWS_MAX       4096u
#define NVML_POINTS_MAX     128u
#define NVML_SLOW_NS        (500 * ECO_NS_PER_MS) /* lists, memory, temperature: no more often than that */
#define NVML_ASKED_GAP_NS   (50 * ECO_NS_PER_MS)  /* but when asked */
#define NVML_RARE_NS        (10 * ECO_NS_PER_S)   /* power limit, instances */
#define NVML_SLEEP_GAP_NS   ECO_NS_PER_S /* how often sleeping boards are looked at, without waking them */
#define NVML_RETRY_NS       ECO_NS_PER_S
#define NVML_RETRY_MAX_NS   (60 * ECO_NS_PER_S)
#define NVML_UTIL_GAP_NS    (90 * ECO_NS_PER_MS) /* utilisation is asked for no more often than that */
#define NVML_UTIL_PERIOD_NS ECO_NS_PER_S         /* the longest time between two samples of utilisation */

/* A call that a device does not know is not asked again: bits of struct nvml_device.lacks. */
enum nvml_call {
    NVML_CALL_FIELDS = 1u << 0,
    NVML_CALL_ENERGY = 1u << 1,
    NVML_CALL_SAMPLES = 1u << 2,
    NVML_CALL_POWER = 1u << 3,
    NVML_CALL_LIMIT = 1u << 4,
    NVML_CALL_MEMORY_V2 = 1u << 5,
    NVML_CALL_MEMORY = 1u << 6,
    NVML_CALL_UTILIZATION = 1u << 7,
    NVML_CALL_TEMPERATURE = 1u << 8,
    NVML_CALL_CLOCK = 1u << 9,
    NVML_CALL_REASONS = 1u << 10,
    NVML_CALL_COMPUTE = 1u << 11,
    NVML_CALL_GRAPHICS = 1u << 12,
    NVML_CALL_MPS = 1u << 13,
    NVML_CALL_PROCESS_UTIL = 1u << 14,
    NVML_CALL_PROCESSES_UTIL = 1u << 15,
    NVML_CALL_GPM = 1u << 16
};

/* Where energy comes from, best first. */
enum nvml_way {
    NVML_WAY_FIELD,        /* counter with a time stamp */
    NVML_WAY_CALL,         /* counter */
    NVML_WAY_SAMPLES,      /* the driver's buffer of power, integrated */
    NVML_WAY_INSTANT,      /* power now, integrated */
    NVML_WAY_AVERAGE,      /* power over the last second, integrated */
    NVML_WAY_USAGE,        /* power by the oldest call; of the last second on Ampere and later */
    NVML_WAY_MODULE_FIELD, /* the same of the whole module, where the GPU alone has none */
    NVML_WAY_MODULE_SAMPLES,
    NVML_WAY_MODULE_INSTANT,
    NVML_WAY_MODULE_AVERAGE,
    NVML_WAY_NONE
};

struct nvml_energy {
    enum nvml_way way;
    bool has_value, has_instant; /* power by field 186 comes with the counter */
    bool is_rebased;             /* to be told with the next state */
    uint64_t counter_mj;
    uint64_t energy_uj;
    uint64_t valid_ns;  /* when the counter was first seen as it is */
    uint64_t looked_ns; /* end of the last look */
    uint64_t sample_us; /* time stamp of the last sample of the buffer */
    uint64_t power_uw;  /* last known */
    uint64_t power_from_ns, power_to_ns;
    double rest_uj; /* of an integral, below 1 uJ */
};

struct nvml_use {
    int32_t pid, told_pid; /* as our /proc has it; as the lists have it */
    int32_t index;         /* device or instance */
    uint64_t busy_ns, weight_ns, memory_bytes;
    uint64_t sliced_ns; /* of weight_ns, what slices are closed over */
    double energy_uj, span_ns;
    bool is_listed;           /* in the last lists: it holds a context */
    bool was_listed;          /* in those before */
    bool is_mps;              /* works through the multi-process server: the driver cannot tell such apart */
    bool is_split;            /* its use is an estimate */
    bool is_unseen;           /* nothing is known of its activity */
    bool has_row;             /* in the last query of utilisation */
    uint32_t rows, sm, codec; /* of that query: how many, and sums of % */
};

struct nvml_instance {
    struct nvml_handle *handle;
    uint32_t gpu_instance, compute_instance, slices;
    struct eco_gpu_device facts;
    struct nvml_gpm_sample *samples[2];
    unsigned newest; /* of samples */
    bool has_sample;
    double activity; /* 0..1 since the last sample; NaN unknown */
    uint64_t busy_ns, memory_used_bytes;
    bool has_memory;
};

/* Energy by the time stamps of utilisation: nvml_slices.c. */
struct nvml_slices {
    bool is_on; /* the first slice has begun */
    struct {
        uint64_t at_ns, energy_uj;
    } points[NVML_POINTS_MAX]; /* of energy, oldest first */
    size_t point_count;
    uint64_t used_ns; /* MONOTONIC: up to then it is known who used the device */
    uint64_t divided_ns, divided_uj;
};

struct nvml_device {
    struct nvml_handle *handle; /* NULL: may not be used */
    struct eco_gpu_device facts;
    uint32_t architecture, lacks;
    bool is_ga100, is_part_time, is_mig;
    int error; /* 0, or negative errno: all of it cannot be read until retry_ns */
    uint64_t retry_ns, backoff_ns;
    struct nvml_energy energy;
    struct eco_gpu_state state; /* as told last; slow parts stay */
    uint64_t looked_ns, slow_ns, rare_ns;
    uint64_t util_seen_us, util_query_ns; /* what was seen up to; last query that counted */
    uint64_t util_stamp_us, util_step_ns; /* newest stamp of a sample; time between two of them, 0 unknown */
    struct nvml_slices slices;
    bool is_util_clock_other;
    struct nvml_use *uses;
    size_t use_count, use_capacity;
    struct nvml_instance instances[NVML_INSTANCES_MAX];
    size_t instance_count;
    uint64_t mig_ns; /* when their weights were last added up */
};

/* How long the entries of a list are: probed once per function. */
enum nvml_list { NVML_LIST_COMPUTE, NVML_LIST_GRAPHICS, NVML_LIST_MPS, NVML_LIST_COUNT };

struct nvml {
    struct eco_gpu_source base;
    struct nvml_library lib;
    struct nvml_device *devices;
    size_t device_count;
    char driver[48];
    unsigned version[NVML_LIST_COUNT]; /* of the function in use: 3, 2, 1; 0 = none */
    unsigned stride[NVML_LIST_COUNT];  /* bytes, 0 = not known yet */
    unsigned char *list;               /* what lists are read into */
    size_t list_capacity;
    struct nvml_process_sample *rows;
    size_t row_capacity;
    struct nvml_process_use *long_rows;
    size_t long_row_capacity;
    struct nvml_sample *samples;
    size_t sample_capacity;
    struct nvml_gpm_metrics *gpm;
    bool is_initial_namespace; /* of pids: ours are those of the driver */
    uint64_t searched_ns;      /* when /proc was last searched for a process by its inner pid */
    bool is_asleep;            /* all boards: the driver is not asked anything */
    uint64_t asked_ns;         /* when that was looked at */
    bool has_changed;          /* instances */
    int failed;                /* the whole driver is gone: negative errno */
};

/* nvml_library.c */
int eco_nvml_library_open(struct nvml_library *lib, struct eco_why *why) ECO_MUST_CHECK;
int eco_nvml_errno(nvml_return code);
const char *eco_nvml_words(nvml_return code);
/** Not to be asked again: the device or the driver does not know the call. */
bool eco_nvml_is_lacking(nvml_return code);
/** Note how a call ended: what is lacking, a lost device, a driver that is gone. True when it worked. */
bool eco_nvml_note(struct nvml *self, struct nvml_device *device, nvml_return code, uint32_t call);

/* nvml_device.c */
bool eco_nvml_memory_read(struct nvml *self, struct nvml_device *device, struct nvml_handle *handle,
                          uint64_t *ret_used, uint64_t *ret_total);
int eco_nvml_devices_open(struct nvml *self, struct eco_why *why) ECO_MUST_CHECK;
void eco_nvml_device_retry(struct nvml *self, struct nvml_device *device, uint64_t now_ns);
/** Utilisation, and what changes slowly, into device->state. */
void eco_nvml_device_look(struct nvml *self, struct nvml_device *device, uint64_t now_ns);

/* nvml_energy.c */
void eco_nvml_energy_choose(struct nvml *self, struct nvml_device *device);
void eco_nvml_energy_look(struct nvml *self, struct nvml_device *device);

/* nvml_lists.c */
void eco_nvml_lists_look(struct nvml *self, struct nvml_device *device);

/* nvml_process.c */
void eco_nvml_process_look(struct nvml *self, struct nvml_device *device, uint64_t now_ns,
                           bool lists_are_new);
struct nvml_use *eco_nvml_use_find(struct nvml_device *device, int32_t pid, int32_t index);
struct nvml_use *eco_nvml_use_obtain(struct nvml_device *device, int32_t pid, int32_t index);
/** Tell them, and drop the ended ones. */
void eco_nvml_uses_tell(struct nvml_device *device, struct eco_gpu_use *uses, size_t *count, size_t capacity);

/* nvml_slices.c */
/** The energy that was just read, as a point of the device's curve. */
void eco_nvml_slices_energy(struct nvml_device *device);
/** It is known who used the device up to then. */
void eco_nvml_slices_used(struct nvml_device *device, uint64_t used_ns);
/**
 * Divide what is known of both, among the uses. With `is_last` energy is not waited for: what was used beyond
 * its newest point divides what is before it.
 */
void eco_nvml_slices_close(struct nvml_device *device, bool is_last);
/** A sample of utilisation with that stamp was seen: how far apart they are is learnt. */
void eco_nvml_slices_stamp(struct nvml_device *device, uint64_t stamp_us);
void eco_nvml_slices_learn(struct nvml *self, struct nvml_device *device);

/* nvml_mig.c */
/** Read which instances there are. True when they are others than before. */
bool eco_nvml_mig_find(struct nvml *self, struct nvml_device *device);
/** Weights of the processes of all instances, since the last time. */
void eco_nvml_mig_look(struct nvml *self, struct nvml_device *device, uint64_t now_ns);
void eco_nvml_mig_tell(const struct nvml_device *device, struct eco_gpu_state *states, size_t *count,
                       size_t capacity);
/** Index of the instance of a process, or of the device. */
int32_t eco_nvml_mig_index(const struct nvml_device *device, uint32_t gpu_instance,
                           uint32_t compute_instance);
void eco_nvml_mig_free(struct nvml *self, struct nvml_device *device);

/* nvml_pids.c */
bool eco_nvml_pids_are_initial(const struct nvml *self);
bool eco_nvml_pid_exists(const struct nvml *self, int32_t pid);
/** From the text of /proc/PID/status: its pid in its innermost namespace, 0 where that is ours or unknown. */
int32_t eco_nvml_pid_inner(const char *status);
/** The pid by which our /proc knows the process that calls itself `inner`, or 0. */
int32_t eco_nvml_pid_translate(struct nvml *self, int32_t inner);

static inline uint64_t nvml_now_ns(const struct nvml *self)
{
    return self->base.env->clock->mono_ns(self->base.env->clock);
}
