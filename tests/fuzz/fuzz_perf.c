/* SPDX-License-Identifier: MIT */
/*
 * The format files of the perf PMU `power`: every counter that is opened is one that the files name, each is
 * closed again, and a count is worth what the scale says. Fields: type, events/energy-pkg, its scale,
 * cpumask, physical_package_id of CPU 0 and of CPU 1.
 */
#include "fuzz/machine.h"
#include "sensors/kinds.h"

#include <errno.h>
#include <math.h>

#define PMU  "sys/bus/event_source/devices/power/"
#define CPUS "sys/devices/system/cpu/"

struct counters {
    int open_count, opened;
    uint32_t type;
    bool has_type;
};

static int count_open(const struct eco_perf *perf, uint32_t type, uint64_t config, int cpu)
{
    struct counters *counters = perf->context;

    (void)config;
    require(cpu >= 0 && cpu < ECO_CPUS_MAX);
    require(!counters->has_type || counters->type == type);
    counters->type = type;
    counters->has_type = true;
    counters->open_count++;
    return 1000 + counters->opened++;
}

static int count_read(const struct eco_perf *perf, int fd, uint64_t ret[3])
{
    const struct counters *counters = perf->context;

    require(fd >= 1000 && fd < 1000 + counters->opened);
    ret[0] = 1ull << 32;
    ret[1] = ret[2] = 1;
    return 0;
}

static void count_close(const struct eco_perf *perf, int fd)
{
    struct counters *counters = perf->context;

    require(fd >= 1000 && fd < 1000 + counters->opened && counters->open_count > 0);
    counters->open_count--;
}

static void check(struct eco_sensor *sensor, const struct fuzz_fields *fields,
                  const struct counters *counters)
{
    static struct eco_reading readings[ECO_CHANNELS_MAX];
    uint64_t type, sum = 0;

    require(sensor->channel_count <= ECO_CHANNELS_MAX && counters->open_count <= 512);
    require(fuzz_file_is_number(fields, 0, &type) && type == counters->type);
    require(strncmp(fields->text[1], "event=0x", 8) == 0);
    require(sensor->ops->read(sensor, NULL, readings) == 0);
    double unit_uj = strtod(fields->text[2], NULL) * 4294967296e6;
    require(unit_uj > 0 && unit_uj <= 4294967296e6);
    for (size_t i = 0; i < sensor->channel_count; i++) {
        require(sensor->channels[i].name[0] != '\0' && readings[i].state == ECO_READING_OK);
        require(sensor->channels[i].key.package >= 0);
        sum += readings[i].value;
    }
    /* 2^32 counts of every counter; the scale is kept to 2^-32 uJ, so each may be off by half of one. */
    double expected = unit_uj * counters->open_count;
    require(fabs((double)sum - expected) <= expected * 1e-9 + counters->open_count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const files[] = {PMU "type",
                                        PMU "events/energy-pkg",
                                        PMU "events/energy-pkg.scale",
                                        PMU "cpumask",
                                        CPUS "cpu0/topology/physical_package_id",
                                        CPUS "cpu1/topology/physical_package_id"};
    struct fuzz_machine *machine = fuzz_machine_get();
    struct counters counters = {.open_count = 0};
    const struct eco_perf perf = {
        .open = count_open, .read = count_read, .close = count_close, .context = &counters};
    struct eco_sensor *sensor = NULL;
    struct fuzz_fields fields;

    fuzz_split(&fields, data, size);
    for (unsigned i = 0; i < ECO_COUNT(files); i++)
        fuzz_put(machine, files[i], &fields, i);
    machine->env.perf = &perf;
    if (eco_sensor_open(&eco_sensor_perf, &machine->env, &sensor, NULL) == 0)
        check(sensor, &fields, &counters);
    (void)eco_sensor_free(sensor);
    require(counters.open_count == 0);
    machine->env.perf = NULL;
    fuzz_fields_free(&fields);
    return 0;
}
