/* SPDX-License-Identifier: MIT */
/* Inside of the model: shared by model.c and model_load.c only. */
#pragma once

#include "base/macros.h"
#include "sensors/cpu_tables.h"
#include "sensors/sensor.h"

#define MODEL_PARTS_MAX 16 /* sockets told apart; more are one part */
#define MODEL_RING_MAX  16 /* CPUs of a core */

enum basis { BASIS_NONE, BASIS_RATED, BASIS_SHARE, BASIS_VCPU, BASIS_CORES, BASIS_WALL };

/* A socket, or all of them. */
struct part {
    int32_t package; /* -1 = all CPUs */
    uint32_t cpus;
    double rated_w; /* bases of rated power only */
    double idle_w, full_w;
    double busy_carry_ns; /* counted, not yet used: ticks come in lumps */
    double awake;         /* A of the last whole window */
    double energy_uj;
};

struct model {
    struct eco_sensor base;
    enum basis basis;
    struct part parts[MODEL_PARTS_MAX];
    unsigned part_count;
    double ram_w, ram_energy_uj;
    bool has_ram;
    const struct eco_vcpu_watts *vcpu;

    uint64_t *last_busy_ns;   /* per CPU, at the last read */
    uint64_t *window_busy_ns; /* per CPU, when the present window of A began */
    uint32_t cpu_capacity;
    uint64_t last_ns, window_ns, last_total_ns;
    bool has_window, has_last;
    char text[ECO_WHY_MAX], ram_text[96];
};

static inline const struct eco_topology *model_topology(const struct model *self)
{
    return &self->base.env->host->topology;
}

static inline int32_t model_package(const struct eco_topology *topology, uint32_t cpu)
{
    if (!topology->cpus || cpu >= topology->cpu_count || topology->cpus[cpu].package < 0)
        return 0;
    return topology->cpus[cpu].package;
}

static inline bool model_is_in(const struct model *self, const struct part *part, uint32_t cpu)
{
    /* A guest is one part, whatever of it was known when it was made (eco_host_sketch_topology). */
    if (self->part_count == 1 && self->base.env->host->is_hypervisor_guest)
        return true;
    return part->package < 0 || model_package(model_topology(self), cpu) == part->package;
}

/** A new window of A begins. */
void eco_model_begin_window(struct model *self, const struct eco_activity *activity);
/** Energy from the last activity to this one. */
void eco_model_advance(struct model *self, const struct eco_activity *activity);
/** The next interval begins here. */
void eco_model_remember(struct model *self, const struct eco_activity *activity);
