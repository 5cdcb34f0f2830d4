/* SPDX-License-Identifier: MIT */
/*
 * hwmon chips: what a label means, and values that are the file's or an error. Fields: name, energy1_label,
 * energy1_input, power1_label, power1_average, power1_average_interval, power1_input, in1_label, in1_input,
 * curr1_input.
 */
#include "fuzz/machine.h"
#include "sensors/hwmon_rules.h"
#include "sensors/kinds.h"

#define CHIP "sys/class/hwmon/hwmon0/"

static void check_name(const char *name)
{
    require(name[0] != '\0' && memchr(name, '\0', ECO_NAME_MAX) != NULL);
    require(strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-_.") == strlen(name));
}

static void try_meaning(const char *chip, enum eco_hwmon_file file, unsigned number, const char *label)
{
    struct eco_hwmon_meaning meaning;

    eco_hwmon_meaning(chip, file, number, label, &meaning);
    switch (meaning.use) {
    case ECO_HWMON_SHOW:
        require(meaning.key.kind == ECO_KIND_DEVICE);
        check_name(meaning.name);
        break;
    case ECO_HWMON_DOMAIN:
        require(meaning.key.kind != ECO_KIND_NONE && meaning.key.package >= -1);
        check_name(meaning.name);
        break;
    case ECO_HWMON_REFUSE:
        require(meaning.why != NULL && meaning.why[0] != '\0');
        break;
    case ECO_HWMON_SKIP:
        break;
    default:
        abort();
    }
}

/* What the file (or the pair of them) behind a channel says, by its label. */
static bool expect(const struct fuzz_fields *fields, const char *label, uint64_t *ret)
{
    uint64_t milliamperes;

    if (strncmp(label, "hwmon0/energy1_input", 20) == 0)
        return fuzz_file_is_number(fields, 2, ret);
    if (strncmp(label, "hwmon0/power1_average", 21) == 0)
        return fuzz_file_is_number(fields, 4, ret);
    if (strncmp(label, "hwmon0/power1_input", 19) == 0)
        return fuzz_file_is_number(fields, 6, ret);
    if (!fuzz_file_is_number(fields, 8, ret) || !fuzz_file_is_number(fields, 9, &milliamperes))
        return false;
    *ret *= milliamperes;
    return true;
}

static void try_chip(const struct fuzz_machine *machine, const struct fuzz_fields *fields)
{
    struct eco_sensor *sensor = NULL;
    struct eco_reading readings[4];
    int r = eco_sensor_open(&eco_sensor_hwmon, &machine->env, &sensor, NULL);

    if (sensor == NULL)
        return;
    require(sensor->channel_count <= 3);
    require(r == 0 ? sensor->channel_count > 0 : sensor->channel_count == 0 && sensor->refusal_count > 0);
    if (r == 0)
        require(sensor->ops->read(sensor, NULL, readings) == 0);
    for (size_t i = 0; i < sensor->channel_count; i++) {
        uint64_t expected;
        check_name(sensor->channels[i].name);
        require(readings[i].valid_from_ns <= readings[i].valid_to_ns);
        if (readings[i].state == ECO_READING_OK)
            require(expect(fields, sensor->channels[i].label, &expected) && expected == readings[i].value);
        else
            require(readings[i].state == ECO_READING_ERROR && readings[i].error < 0);
    }
    (void)eco_sensor_free(sensor);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const files[] = {CHIP "name",           CHIP "energy1_label",
                                        CHIP "energy1_input",  CHIP "power1_label",
                                        CHIP "power1_average", CHIP "power1_average_interval",
                                        CHIP "power1_input",   CHIP "in1_label",
                                        CHIP "in1_input",      CHIP "curr1_input"};
    struct fuzz_machine *machine = fuzz_machine_get();
    struct fuzz_fields fields;

    fuzz_split(&fields, data, size);
    for (unsigned i = 0; i < ECO_COUNT(files); i++)
        fuzz_put(machine, files[i], &fields, i);
    try_chip(machine, &fields);
    for (unsigned i = 1; i < fields.count; i++) {
        try_meaning(fields.text[0], ECO_HWMON_ENERGY, i, fields.text[i]);
        try_meaning(fields.text[0], ECO_HWMON_POWER, i, fields.text[i]);
        try_meaning(fields.text[0], ECO_HWMON_PAIR, i, fields.text[i]);
    }
    fuzz_fields_free(&fields);
    return 0;
}
