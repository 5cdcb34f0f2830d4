/* SPDX-License-Identifier: MIT */
/*
 * Power and energy of hwmon chips: energyN_input (uJ, 64 bits), powerN_average or powerN_input (uW),
 * and inN_input x currN_input (mV x mA) of shunt monitors. Kernel: Documentation/hwmon/sysfs-interface.
 * What a file means is in hwmon_rules.c.
 */
#include "base/mem.h"
#include "base/text.h"
#include "sensors/hwmon_rules.h"
#include "sensors/kinds.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define FILES_MAX     32 /* numbers looked at per chip and kind of file; amd_energy has one per core */
#define CORES_MAX     512
#define CHIPS_MAX     64
#define PLAUSIBLE_UW  100000000000ull /* 100 kW */
#define ENERGY_MAX_UW 5000000000ull

struct input {
    int fd, fd_current; /* fd_current >= 0: value is fd (mV) x fd_current (mA) */
    uint64_t mean_ns;   /* the value is a mean over this time; 0 an instant */
};

struct hwmon {
    struct eco_sensor base;
    struct input *inputs; /* parallel to base.channels */
    size_t input_capacity;
    char chips[CHIPS_MAX][16]; /* "hwmon3" */
    unsigned chip_count;
    int32_t device_count;
};

static int collect(void *context, const char *name, uint64_t inode)
{
    struct hwmon *self = context;
    (void)inode;
    if (strncmp(name, "hwmon", 5) == 0 && strlen(name) < sizeof(self->chips[0]) &&
        self->chip_count < CHIPS_MAX)
        eco_text_copy(self->chips[self->chip_count++], sizeof(self->chips[0]), name);
    return 0;
}

/* "hwmon2" before "hwmon10". */
static int compare_chips(const void *a, const void *b)
{
    const char *left = a, *right = b;
    size_t left_length = strlen(left), right_length = strlen(right);
    return left_length != right_length ? (left_length < right_length ? -1 : 1) : strcmp(left, right);
}

static int open_file(const struct hwmon *self, const char *chip, const char *file)
{
    char path[ECO_PATH_MAX];
    int r = eco_path(path, "class/hwmon/%s/%s", chip, file);
    return r < 0 ? r : eco_root_open(self->base.env->root, ECO_SYSFS, path);
}

static void read_label(const struct hwmon *self, const char *chip, const char *stem, unsigned number,
                       char *ret, size_t size)
{
    char path[ECO_PATH_MAX];
    ret[0] = '\0';
    if (eco_path(path, "class/hwmon/%s/%s%u_label", chip, stem, number) < 0 ||
        eco_root_read(self->base.env->root, ECO_SYSFS, path, ret, size) < 0)
        ret[0] = '\0';
}

static void refuse(struct hwmon *self, const char *chip, const char *file, int error,
                   const struct eco_hwmon_meaning *meaning)
{
    char what[ECO_NAME_MAX * 2];
    (void)snprintf(what, sizeof(what), "%s/%s", chip, file);
    struct eco_refusal *refusal = eco_sensor_refuse(&self->base, error, what, meaning->name);
    if (!refusal)
        return;
    if (meaning->why) {
        eco_why_set(&refusal->why, "%s", meaning->why);
    } else if (error == -EACCES || error == -EPERM) {
        eco_why_set(&refusal->why, "%s may be read by root only", what);
        eco_why_fix(&refusal->why, "sudo chmod a+r /sys/class/hwmon/%s  # lasts until reboot", what);
        refusal->mendable = true;
    } else {
        eco_why_set(&refusal->why, "%s cannot be read: %s", what, strerror(-error));
    }
}

static int add_input(struct hwmon *self, struct input input, const struct eco_hwmon_meaning *meaning,
                     enum eco_hwmon_file file, const char *label)
{
    void *array = self->inputs;
    int r = eco_grow(&array, &self->input_capacity, self->base.channel_count + 1, ECO_CHANNELS_MAX,
                     sizeof(*self->inputs));
    if (r < 0)
        return r;
    self->inputs = array;
    struct eco_channel *channel = eco_sensor_add_channel(&self->base);
    if (!channel)
        return -ENOMEM;
    self->inputs[self->base.channel_count - 1] = input;
    eco_text_copy(channel->name, sizeof(channel->name), meaning->name);
    eco_text_copy(channel->label, sizeof(channel->label), label);
    channel->quantity = file == ECO_HWMON_ENERGY ? ECO_ENERGY_UJ : ECO_POWER_UW;
    channel->quality = ECO_MEASURED;
    channel->key = meaning->key;
    if (meaning->use == ECO_HWMON_SHOW) {
        channel->key.device = self->device_count++;
        channel->within = (struct eco_key){.kind = ECO_KIND_SYSTEM, .package = -1, .die = -1, .device = -1};
    }
    channel->max_uw = file == ECO_HWMON_ENERGY ? ENERGY_MAX_UW : 0;
    channel->period_ns = input.mean_ns;
    channel->alpha = 0.05;
    return 0;
}

static void close_input(const struct input *input)
{
    if (input->fd >= 0)
        (void)close(input->fd);
    if (input->fd_current >= 0)
        (void)close(input->fd_current);
}

/* One file (or pair) that exists. @return 0, or -ENOMEM / -E2BIG: no room for more */
static int try_file(struct hwmon *self, const char *chip_dir, const char *chip, enum eco_hwmon_file kind,
                    unsigned number, const char *file)
{
    static const char *const stems[] = {"energy", "power", "in"};
    char label[ECO_NAME_MAX], what[ECO_NAME_MAX * 2], path[ECO_PATH_MAX];
    struct eco_hwmon_meaning meaning;
    struct input input = {.fd = open_file(self, chip_dir, file), .fd_current = -1};
    if (input.fd == -ENOENT)
        return -ENOENT;
    read_label(self, chip_dir, stems[kind], number, label, sizeof(label));
    eco_hwmon_meaning(chip, kind, number, label, &meaning);
    if (input.fd >= 0 && kind == ECO_HWMON_PAIR) {
        char current[32];
        (void)snprintf(current, sizeof(current), "curr%u_input", number);
        input.fd_current = open_file(self, chip_dir, current);
    }
    bool is_refused = meaning.use == ECO_HWMON_REFUSE || input.fd < 0 ||
                      (kind == ECO_HWMON_PAIR && input.fd_current < 0 && meaning.use != ECO_HWMON_SKIP);
    if (is_refused)
        refuse(self, chip_dir, file, meaning.why ? -ENOTSUP : input.fd < 0 ? input.fd : -ENOENT, &meaning);
    if (is_refused || meaning.use == ECO_HWMON_SKIP) {
        close_input(&input);
        return 0;
    }
    uint64_t mean_ms;
    if (strstr(file, "average") && eco_path(path, "class/hwmon/%s/%s_interval", chip_dir, file) == 0 &&
        eco_root_read_u64(self->base.env->root, ECO_SYSFS, path, &mean_ms) == 0 && mean_ms <= 3600000)
        input.mean_ns = mean_ms * ECO_NS_PER_MS;
    (void)snprintf(what, sizeof(what), "%s/%s%s%.40s", chip_dir, file, label[0] ? " " : "", label);
    int r = add_input(self, input, &meaning, kind, what);
    if (r < 0)
        close_input(&input);
    return r;
}

static int open_chip(struct hwmon *self, const char *dir)
{
    char path[ECO_PATH_MAX], chip[ECO_NAME_MAX], file[32];
    if (eco_path(path, "class/hwmon/%s/name", dir) < 0 ||
        eco_root_read(self->base.env->root, ECO_SYSFS, path, chip, sizeof(chip)) < 0)
        return 0;
    unsigned limit = strcmp(chip, "amd_energy") == 0 ? CORES_MAX : FILES_MAX;
    for (unsigned n = 1; n <= limit; n++) {
        (void)snprintf(file, sizeof(file), "energy%u_input", n);
        int r = try_file(self, dir, chip, ECO_HWMON_ENERGY, n, file);
        if (r == -ENOENT)
            break;
        if (r < 0)
            return r;
    }
    for (unsigned n = 1; n <= FILES_MAX; n++) {
        (void)snprintf(file, sizeof(file), "power%u_average", n);
        int r = try_file(self, dir, chip, ECO_HWMON_POWER, n, file);
        if (r == -ENOENT) {
            (void)snprintf(file, sizeof(file), "power%u_input", n);
            r = try_file(self, dir, chip, ECO_HWMON_POWER, n, file);
        }
        if (r == -ENOENT)
            break;
        if (r < 0)
            return r;
    }
    for (unsigned n = 1; eco_hwmon_has_pairs(chip) && n <= 3; n++) {
        (void)snprintf(file, sizeof(file), "in%u_input", n);
        int r = try_file(self, dir, chip, ECO_HWMON_PAIR, n, file);
        if (r < 0 && r != -ENOENT)
            return r;
    }
    return 0;
}

static int hwmon_open(struct eco_sensor *base, const struct eco_env *env, struct eco_why *why)
{
    struct hwmon *self = (struct hwmon *)base;
    if (eco_root_list(env->root, ECO_SYSFS, "class/hwmon", collect, self) < 0)
        return -ENODEV;
    if (self->chip_count > 1)
        qsort(self->chips, self->chip_count, sizeof(self->chips[0]), compare_chips);
    for (unsigned i = 0; i < self->chip_count; i++) {
        int r = open_chip(self, self->chips[i]);
        if (r == -ENOMEM)
            return r;
        if (r < 0)
            break; /* full: what is there is enough */
    }
    if (base->channel_count > 0)
        return 0;
    if (base->refusal_count == 0)
        return -ENODEV;
    if (why)
        *why = base->refusals[0].why;
    return base->refusals[0].error;
}

static int read_input(const struct hwmon *self, size_t index, uint64_t *ret)
{
    const struct input *input = &self->inputs[index];
    const struct eco_root *root = self->base.env->root;
    uint64_t value, current;
    int r = eco_root_pread_u64(root, input->fd, &value);
    if (r < 0)
        return r;
    if (input->fd_current >= 0) {
        r = eco_root_pread_u64(root, input->fd_current, &current);
        if (r < 0)
            return r;
        if (value > 1000000 || current > 1000000)
            return -EPROTO;
        value *= current; /* mV x mA = uW */
    }
    if (self->base.channels[index].quantity == ECO_POWER_UW && value > PLAUSIBLE_UW)
        return -EPROTO;
    *ret = value;
    return 0;
}

static int hwmon_read(struct eco_sensor *base, const struct eco_activity *activity,
                      struct eco_reading *readings)
{
    struct hwmon *self = (struct hwmon *)base;
    const struct eco_clock *clock = base->env->clock;
    (void)activity;
    for (size_t i = 0; i < base->channel_count; i++) {
        struct eco_reading *reading = &readings[i];
        *reading = (struct eco_reading){.state = ECO_READING_NONE};
        if (base->channels[i].standby)
            continue;
        reading->begin_ns = clock->mono_ns(clock);
        int r = read_input(self, i, &reading->value);
        reading->end_ns = clock->mono_ns(clock);
        reading->valid_to_ns = reading->begin_ns + (reading->end_ns - reading->begin_ns) / 2;
        uint64_t mean_ns = self->inputs[i].mean_ns;
        reading->valid_from_ns = reading->valid_to_ns > mean_ns ? reading->valid_to_ns - mean_ns : 0;
        reading->state = r < 0 ? ECO_READING_ERROR : ECO_READING_OK;
        reading->error = r;
    }
    return 0;
}

static void hwmon_close(struct eco_sensor *base)
{
    struct hwmon *self = (struct hwmon *)base;
    for (size_t i = 0; self->inputs && i < base->channel_count; i++)
        close_input(&self->inputs[i]);
    free(self->inputs);
}

const struct eco_sensor_ops eco_sensor_hwmon = {
    .name = "hwmon",
    .summary = "power and energy of hwmon chips (amd_energy, ACPI power meter, INA monitors, ...)",
    .size = sizeof(struct hwmon),
    .appears_in = "class/hwmon",
    .open = hwmon_open,
    .read = hwmon_read,
    .close = hwmon_close,
};
