/* SPDX-License-Identifier: MIT */
/*
 * A stand-in for AMD's librocm_smi64: the functions that EcoCode asks for, answered from a tree like /sys in
 * the folder ECO_ROCM_TREE names (without it: no card, as the real one says on a machine that has none).
 * Cards are told in the reverse of their order, as the real library has one of its own. ECO_ROCM_FAULT:
 * "init" or "energy" aborts in that call, as release 5.2 does on a layout that is newer than itself; "old"
 * is a release without rsmi_dev_power_get. Behaviour by the manual and by release 5.2.3 on such a tree.
 */
#include <dirent.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define EXPORT         __attribute__((visibility("default")))
#define CARDS_MAX      32
#define SUCCESS        0
#define NOT_SUPPORTED  2
#define INIT_ERROR     8
#define UNIT_UJ        15.259F
#define METRICS_ENERGY 24 /* bytes into gpu_metrics 1.4 */

int rsmi_init(uint64_t flags);
int rsmi_num_monitor_devices(uint32_t *count);
int rsmi_dev_pci_id_get(uint32_t place, uint64_t *id);
int rsmi_dev_power_ave_get(uint32_t place, uint32_t sensor, uint64_t *uw);
int rsmi_dev_power_get(uint32_t place, uint64_t *uw, int *type);
int rsmi_dev_energy_count_get(uint32_t place, uint64_t *count, float *unit_uj, uint64_t *at_ns);
int rsmi_dev_memory_total_get(uint32_t place, int type, uint64_t *bytes);
int rsmi_dev_memory_usage_get(uint32_t place, int type, uint64_t *bytes);
int rsmi_dev_busy_percent_get(uint32_t place, uint32_t *percent);
int rsmi_dev_temp_metric_get(uint32_t place, uint32_t sensor, int metric, int64_t *mc);

static unsigned numbers[CARDS_MAX]; /* of cardN, highest first */
static uint32_t card_count;

static void fault(const char *name)
{
    const char *asked = getenv("ECO_ROCM_FAULT");
    if (asked != NULL && strcmp(asked, name) == 0) {
        abort();
    }
}

/* A file of a card; `name` may begin with "hwmon/", which stands for the folder of its sensors. */
static FILE *open_file(uint32_t place, const char *name)
{
    char path[PATH_MAX], folder[PATH_MAX];
    snprintf(folder, sizeof(folder), "%s/class/drm/card%u/device", getenv("ECO_ROCM_TREE"), numbers[place]);
    if (strncmp(name, "hwmon/", 6) != 0) {
        snprintf(path, sizeof(path), "%.2000s/%s", folder, name);
        return fopen(path, "r");
    }
    snprintf(path, sizeof(path), "%.2000s/hwmon", folder);
    DIR *dir = opendir(path);
    FILE *file = NULL;
    for (struct dirent *entry; dir != NULL && file == NULL && (entry = readdir(dir)) != NULL;) {
        if (entry->d_name[0] != '.') {
            snprintf(path, sizeof(path), "%.2000s/hwmon/%.64s/%s", folder, entry->d_name, name + 6);
            file = fopen(path, "r");
        }
    }
    if (dir != NULL) {
        closedir(dir);
    }
    return file;
}

static int number(uint32_t place, const char *name, uint64_t *ret)
{
    FILE *file = place < card_count ? open_file(place, name) : NULL;
    const int got = file != NULL ? fscanf(file, "%" SCNu64, ret) : 0;
    if (file != NULL) {
        fclose(file);
    }
    return got == 1 ? SUCCESS : NOT_SUPPORTED;
}

EXPORT int rsmi_init(uint64_t flags)
{
    const char *tree = getenv("ECO_ROCM_TREE");
    char path[PATH_MAX];
    (void)flags;
    fault("init");
    card_count = 0;
    for (unsigned n = CARDS_MAX; tree != NULL && n-- > 0;) {
        snprintf(path, sizeof(path), "%.2000s/class/drm/card%u/device/vendor", tree, n);
        if (access(path, R_OK) == 0) {
            numbers[card_count++] = n;
        }
    }
    return card_count > 0 ? SUCCESS : INIT_ERROR;
}

EXPORT int rsmi_num_monitor_devices(uint32_t *count)
{
    *count = card_count;
    return SUCCESS;
}

EXPORT int rsmi_dev_pci_id_get(uint32_t place, uint64_t *id)
{
    char path[PATH_MAX], target[PATH_MAX];
    unsigned domain, bus, device, function;
    snprintf(path, sizeof(path), "%.2000s/class/drm/card%u/device", getenv("ECO_ROCM_TREE"), numbers[place]);
    const char *slash = realpath(path, target) != NULL ? strrchr(target, '/') : NULL;
    if (slash == NULL || sscanf(slash + 1, "%x:%x:%x.%x", &domain, &bus, &device, &function) != 4) {
        return NOT_SUPPORTED;
    }
    *id = (uint64_t)domain << 32 | bus << 8 | device << 3 | function;
    return SUCCESS;
}

EXPORT int rsmi_dev_power_ave_get(uint32_t place, uint32_t sensor, uint64_t *uw)
{
    (void)sensor;
    return number(place, "hwmon/power1_average", uw);
}

EXPORT int rsmi_dev_power_get(uint32_t place, uint64_t *uw, int *type)
{
    const char *asked = getenv("ECO_ROCM_FAULT");
    if (asked != NULL && strcmp(asked, "old") == 0) {
        return NOT_SUPPORTED;
    }
    *type = 0;
    if (rsmi_dev_power_ave_get(place, 0, uw) == SUCCESS) {
        return SUCCESS;
    }
    *type = 1;
    return number(place, "hwmon/power1_input", uw);
}

EXPORT int rsmi_dev_energy_count_get(uint32_t place, uint64_t *count, float *unit_uj, uint64_t *at_ns)
{
    unsigned char bytes[METRICS_ENERGY + 8];
    fault("energy");
    FILE *file = place < card_count ? open_file(place, "gpu_metrics") : NULL;
    if (file == NULL) {
        return NOT_SUPPORTED;
    }
    const size_t got = fread(bytes, 1, sizeof(bytes), file);
    fclose(file);
    if (got < sizeof(bytes)) {
        return NOT_SUPPORTED;
    }
    *count = 0;
    for (int i = 8; i-- > 0;) {
        *count = *count << 8 | bytes[METRICS_ENERGY + i];
    }
    *unit_uj = UNIT_UJ;
    *at_ns = 0;
    return SUCCESS;
}

EXPORT int rsmi_dev_memory_total_get(uint32_t place, int type, uint64_t *bytes)
{
    return number(place, type == 0 ? "mem_info_vram_total" : "mem_info_gtt_total", bytes);
}

EXPORT int rsmi_dev_memory_usage_get(uint32_t place, int type, uint64_t *bytes)
{
    return number(place, type == 0 ? "mem_info_vram_used" : "mem_info_gtt_used", bytes);
}

EXPORT int rsmi_dev_busy_percent_get(uint32_t place, uint32_t *percent)
{
    uint64_t value = 0;
    const int code = number(place, "gpu_busy_percent", &value);
    *percent = (uint32_t)value;
    return code;
}

EXPORT int rsmi_dev_temp_metric_get(uint32_t place, uint32_t sensor, int metric, int64_t *mc)
{
    uint64_t value = 0;
    const int code = number(place, "hwmon/temp1_input", &value);
    *mc = (int64_t)value;
    return sensor == 0 && metric == 0 ? code : NOT_SUPPORTED;
}
