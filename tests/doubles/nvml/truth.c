/* SPDX-License-Identifier: MIT */
/*
 * usage: eco-nvml-truth SCENARIO T0 T1 [--clock]
 * What really happened between two moments, as JSON: energy of every device and process, and busy seconds.
 * T0 and T1 are seconds since the scenario's start; with --clock they are seconds of CLOCK_MONOTONIC.
 * Without T0 and T1: what the scenario says, as the parser understood it.
 */
#include "parse.h"
#include "world.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void put_number(const char *key, double value)
{
    if (isfinite(value)) {
        printf("\"%s\": %.9g", key, value);
    } else {
        printf("\"%s\": null", key);
    }
}

static void put_text(const char *key, const char *text)
{
    printf("\"%s\": \"", key);
    for (const char *c = text; *c != '\0'; c++) {
        printf(*c == '"' || *c == '\\' ? "\\%c" : "%c", *c);
    }
    printf("\"");
}

static void put_process(const struct nv_scenario *scenario, const struct nv_process *process, double from_s,
                        double to_s)
{
    static const char *const names[] = {"sm_s", "mem_s", "enc_s", "dec_s", "jpg_s", "ofa_s"};
    printf("{");
    put_text("name", process->name);
    printf(", \"device\": %.0f, \"pid\": %.0f, \"container_pid\": %.0f, ", process->device, process->now_pid,
           process->now_container_pid);
    put_number("context_s", process->is_there
                                ? fmax(0, fmin(to_s, process->now_end_s) - fmax(from_s, process->now_start_s))
                                : 0);
    for (int engine = 0; engine < NV_ENGINES; engine++) {
        printf(", ");
        put_number(names[engine], nv_process_busy_s(process, (enum nv_engine)engine, from_s, to_s));
    }
    printf(", ");
    put_number("energy_j", nv_process_energy_j(scenario, process, from_s, to_s));
    printf("}");
}

static void put_device(const struct nv_scenario *scenario, size_t index, double from_s, double to_s)
{
    const struct nv_energy e = nv_device_energy(scenario, index, from_s, to_s);
    printf("{\"index\": %zu, ", index);
    put_text("uuid", scenario->device[index].uuid);
    printf(", ");
    put_number("energy_j", e.total_j);
    printf(", ");
    put_number("idle_j", e.idle_j);
    printf(", ");
    put_number("context_j", e.context_j);
    printf(", ");
    put_number("dynamic_j", e.dynamic_j);
    printf(", ");
    put_number("sensor_j", nv_seen_j(scenario, index, to_s) - nv_seen_j(scenario, index, from_s));
    printf(", ");
    put_number("busy_s", nv_device_busy(scenario, index, NV_SM, from_s, to_s) * (to_s - from_s));
    printf("}");
}

/* A part of a device (MIG): what the processes in it did; the idle power is the whole device's. */
static void put_instance(const struct nv_scenario *scenario, size_t device, const struct nv_mig *instance,
                         double from_s, double to_s)
{
    double energy_j = 0, busy_s = 0;
    for (size_t i = 0; i < scenario->process_count; i++) {
        const struct nv_process *process = &scenario->process[i];
        if ((size_t)process->device == device && nv_is_of_instance(process, instance)) {
            energy_j += nv_process_energy_j(scenario, process, from_s, to_s);
            busy_s += nv_process_busy_s(process, NV_SM, from_s, to_s);
        }
    }
    printf("{\"device\": %zu, \"gi\": %.0f, \"ci\": %.0f, \"slices\": %.0f, ", device, instance->gi,
           instance->ci, instance->ci_slices);
    put_number("energy_j", energy_j);
    printf(", ");
    put_number("sm_s", busy_s);
    printf("}");
}

static void put_instances(const struct nv_scenario *scenario, double from_s, double to_s)
{
    bool is_first = true;
    for (size_t d = 0; d < scenario->device_count; d++) {
        for (size_t i = 0; i < scenario->device[d].instance_count; i++) {
            printf(is_first ? "" : ", ");
            put_instance(scenario, d, &scenario->device[d].instance[i], from_s, to_s);
            is_first = false;
        }
    }
}

int main(int argc, char **argv)
{
    static struct nv_scenario scenario;
    char why[PATH_MAX + 128];
    double from_s = 0, to_s = 0;
    const bool by_clock = argc == 5 && strcmp(argv[4], "--clock") == 0;
    if ((argc != 2 && argc != 4 && !by_clock) ||
        (argc >= 4 && (!nv_parse_number(argv[2], &from_s) || !nv_parse_number(argv[3], &to_s)))) {
        fprintf(stderr, "usage: eco-nvml-truth SCENARIO [T0 T1 [--clock]]\n");
        return 2;
    }
    if (nv_scenario_load(&scenario, argv[1], why, sizeof(why)) < 0) {
        fprintf(stderr, "eco-nvml-truth: %s\n", why);
        return 1;
    }
    if (by_clock) {
        from_s -= scenario.start_ns / 1e9;
        to_s -= scenario.start_ns / 1e9;
    }
    printf("{\"t0_s\": %.9f, \"t1_s\": %.9f, \"now_s\": %.9f, \"devices\": [", from_s, to_s,
           nv_scenario_now_s(&scenario));
    for (size_t i = 0; i < scenario.device_count; i++) {
        printf(i > 0 ? ", " : "");
        put_device(&scenario, i, from_s, to_s);
    }
    printf("], \"instances\": [");
    put_instances(&scenario, from_s, to_s);
    printf("], \"processes\": [");
    for (size_t i = 0; i < scenario.process_count; i++) {
        printf(i > 0 ? ", " : "");
        put_process(&scenario, &scenario.process[i], from_s, to_s);
    }
    printf("]}\n");
    nv_scenario_free(&scenario);
    return 0;
}
