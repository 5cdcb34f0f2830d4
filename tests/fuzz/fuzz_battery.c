/* SPDX-License-Identifier: MIT */
/*
 * A power supply: watts only while it discharges, and never more than a battery gives. Fields: type, scope,
 * status, power_now, current_now, voltage_now.
 */
#include "fuzz/machine.h"
#include "sensors/kinds.h"

#define SUPPLY "sys/class/power_supply/BAT0/"

static void try_battery(const struct fuzz_machine *machine, const struct fuzz_fields *fields)
{
    struct eco_sensor *sensor = NULL;
    struct eco_reading reading;

    if (eco_sensor_open(&eco_sensor_battery, &machine->env, &sensor, NULL) < 0) {
        require(sensor == NULL);
        return;
    }
    require(strncmp(fields->text[0], "Battery", 7) == 0 && sensor->channel_count == 1);
    require(sensor->ops->read(sensor, NULL, &reading) == 0);
    if (reading.state == ECO_READING_OK) {
        uint64_t expected;
        const char *power = fields->text[3];
        require(strncmp(fields->text[2], "Discharging", 11) == 0);
        require(reading.value > 0 && reading.value <= 1000000000ull);
        /* What does not fit is passed over for current and voltage. */
        if (power != NULL && fields->length[3] < 32 && fuzz_is_number(power + (*power == '-'), &expected) &&
            expected <= INT64_MAX)
            require(reading.value == expected);
    } else {
        require(reading.state == ECO_READING_NONE || reading.error < 0);
    }
    (void)eco_sensor_free(sensor);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const files[] = {SUPPLY "type",      SUPPLY "scope",       SUPPLY "status",
                                        SUPPLY "power_now", SUPPLY "current_now", SUPPLY "voltage_now"};
    struct fuzz_machine *machine = fuzz_machine_get();
    struct fuzz_fields fields;

    fuzz_split(&fields, data, size);
    for (unsigned i = 0; i < ECO_COUNT(files); i++)
        fuzz_put(machine, files[i], &fields, i);
    try_battery(machine, &fields);
    fuzz_fields_free(&fields);
    return 0;
}
