/* SPDX-License-Identifier: MIT */
/*
 * RAPL zones: a counter is what its file says to the digit or an error, below its modulus, and its domain
 * has a name. Fields: name, energy_uj, max_energy_range_uj and constraint_0_max_power_uw of zone 0; name,
 * energy_uj and range of its sub-zone; energy_uj of zone 0 at the second read; name and energy_uj of zone 1.
 */
#include "fuzz/machine.h"
#include "sensors/kinds.h"
#include "sensors/powercap_zone.h"

#define ZONES "sys/class/powercap/"

static void try_id(const char *name)
{
    struct eco_powercap_id id, before, twice;
    char again[48];

    memset(&id, 0x5a, sizeof(id));
    memcpy(&before, &id, sizeof(id));
    if (eco_powercap_parse_id(name, &id) < 0) {
        require(memcmp(&id, &before, sizeof(id)) == 0);
        return;
    }
    int n = snprintf(again, sizeof(again), "intel-rapl%s:%x", id.is_mmio ? "-mmio" : "", id.zone);
    if (id.sub >= 0)
        (void)snprintf(again + n, sizeof(again) - (size_t)n, ":%x", (unsigned)id.sub);
    require(eco_powercap_parse_id(again, &twice) == 0 && eco_powercap_compare_id(&id, &twice) == 0);
}

static void try_name(const char *name, const struct eco_key *parent)
{
    struct eco_key key, before;
    char domain[ECO_NAME_MAX];

    memset(&key, 0x5a, sizeof(key));
    memcpy(&before, &key, sizeof(key));
    if (eco_powercap_parse_name(name, parent, &key) < 0) {
        require(memcmp(&key, &before, sizeof(key)) == 0);
        return;
    }
    require(key.package >= 0 && key.package <= 9999 && key.die >= -1 && key.die <= 9999);
    require(key.kind == ECO_KIND_CPU || key.kind == ECO_KIND_DRAM || key.kind == ECO_KIND_CORE ||
            key.kind == ECO_KIND_UNCORE || key.kind == ECO_KIND_PSYS);
    eco_powercap_domain_name(&key, domain, sizeof(domain));
    require(domain[0] != '\0' && strlen(domain) < sizeof(domain) - 1);
    if (key.kind == ECO_KIND_CPU && key.die < 0) {
        struct eco_key twice;
        require(eco_powercap_parse_name(domain, NULL, &twice) == 0 && eco_key_equal(&key, &twice));
    }
}

static void check_channel(const struct eco_channel *channel)
{
    require(channel->name[0] != '\0' && memchr(channel->name, '\0', sizeof(channel->name)) != NULL);
    require(channel->quantity == ECO_ENERGY_UJ && channel->quality == ECO_MEASURED);
    require(channel->key.kind != ECO_KIND_NONE && channel->quantum_uj >= 1);
    require(channel->max_uw >= 1000000 && channel->max_uw <= 5000000000ull);
    require(channel->modulus == 0 || channel->modulus > channel->quantum_uj);
}

/* `zero` is the field of zone 0's counter at this read. */
static void check_readings(struct eco_sensor *sensor, const struct fuzz_fields *fields, unsigned zero)
{
    struct eco_reading readings[4];

    require(sensor->channel_count <= 3 && sensor->ops->read(sensor, NULL, readings) == 0);
    for (size_t i = 0; i < sensor->channel_count; i++) {
        const struct eco_channel *channel = &sensor->channels[i];
        unsigned field = strcmp(channel->label, "intel-rapl:0:0") == 0 ? 5
                         : strcmp(channel->label, "intel-rapl:1") == 0 ? 9
                                                                       : zero;
        uint64_t expected;
        require(readings[i].end_ns >= readings[i].begin_ns);
        if (readings[i].state == ECO_READING_OK) {
            require(fuzz_file_is_number(fields, field, &expected) && expected == readings[i].value);
            require(channel->modulus == 0 || readings[i].value < channel->modulus);
        } else {
            require(readings[i].state == ECO_READING_ERROR && readings[i].error < 0);
        }
    }
}

static void try_zones(struct fuzz_machine *machine, const struct fuzz_fields *fields)
{
    struct eco_sensor *sensor = NULL;
    struct eco_why why = {{0}, {0}};
    int r = eco_sensor_open(&eco_sensor_powercap, &machine->env, &sensor, &why);

    require(r <= 0 && (r < 0 || sensor != NULL));
    if (sensor == NULL)
        return;
    require(r == 0 ? sensor->channel_count > 0 : sensor->channel_count == 0 && sensor->refusal_count > 0);
    for (size_t i = 0; i < sensor->channel_count; i++)
        check_channel(&sensor->channels[i]);
    if (r == 0) {
        check_readings(sensor, fields, 1);
        if (fields->count > 7) {
            fuzz_put(machine, ZONES "intel-rapl:0/energy_uj", fields, 7);
            check_readings(sensor, fields, 7);
        }
    }
    (void)eco_sensor_free(sensor);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const files[] = {"intel-rapl:0/name",
                                        "intel-rapl:0/energy_uj",
                                        "intel-rapl:0/max_energy_range_uj",
                                        "intel-rapl:0/constraint_0_max_power_uw",
                                        "intel-rapl:0:0/name",
                                        "intel-rapl:0:0/energy_uj",
                                        "intel-rapl:0:0/max_energy_range_uj",
                                        NULL,
                                        "intel-rapl:1/name",
                                        "intel-rapl:1/energy_uj"};
    const struct eco_key parent = {.kind = ECO_KIND_CPU, .package = 3, .die = -1, .device = -1};
    struct fuzz_machine *machine = fuzz_machine_get();
    struct fuzz_fields fields;

    fuzz_split(&fields, data, size);
    for (unsigned i = 0; i < ECO_COUNT(files); i++) {
        char path[96];
        if (files[i] == NULL)
            continue;
        (void)snprintf(path, sizeof(path), ZONES "%s", files[i]);
        fuzz_put(machine, path, &fields, i);
    }
    try_zones(machine, &fields);
    for (unsigned i = 0; i < fields.count; i++) {
        try_id(fields.text[i]);
        try_name(fields.text[i], NULL);
        try_name(fields.text[i], &parent);
    }
    fuzz_fields_free(&fields);
    return 0;
}
