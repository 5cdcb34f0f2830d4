/* SPDX-License-Identifier: MIT */
/*
 * Sources: Documentation/hwmon/{amd_energy,acpi_power_meter,ina2xx,ina3221,fam15h_power,xgene-hwmon,
 * occ,corsair-psu}.rst of the kernel (amd_energy until 5.12), NVIDIA's Jetson power guides for the
 * names of the rails.
 */
#include "sensors/hwmon_rules.h"

#include "base/macros.h"
#include "base/parse.h"
#include "base/text.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

struct rule {
    char chip[16];
    char label[20]; /* "" = any; ends in '#': a number follows, which is the package */
    enum eco_hwmon_use use;
    enum eco_kind kind;
    int32_t package;
    const char *text; /* domain's name, or why it is refused */
};

static const char card[] = "a graphics card's own sensor: graphics cards are not read yet";

/* First match wins. "ina*" is every shunt monitor of that family. */
static const struct rule rules[] = {
    {"amd_energy", "Esocket#", ECO_HWMON_DOMAIN, ECO_KIND_CPU, -1, "package"},
    {"amd_energy", "", ECO_HWMON_SKIP, ECO_KIND_NONE, -1, ""}, /* Ecore: part of the socket */
    {"power_meter", "", ECO_HWMON_DOMAIN, ECO_KIND_SYSTEM, -1, "system"},
    {"fam15h_power", "", ECO_HWMON_DOMAIN, ECO_KIND_CPU, 0, "package-0"},
    {"apm_xgene", "CPU power", ECO_HWMON_DOMAIN, ECO_KIND_CPU, 0, "package-0"},
    {"corsairpsu", "power total", ECO_HWMON_DOMAIN, ECO_KIND_SYSTEM, -1, "system"},
    {"corsairpsu", "", ECO_HWMON_SHOW, ECO_KIND_DEVICE, -1, ""},
    {"occ", "system", ECO_HWMON_DOMAIN, ECO_KIND_SYSTEM, -1, "system"},
    {"macsmc_hwmon", "Total System Power", ECO_HWMON_DOMAIN, ECO_KIND_SYSTEM, -1, "system"},
    {"ina*", "VDD_IN", ECO_HWMON_DOMAIN, ECO_KIND_SYSTEM, -1, "system"},
    {"ina*", "POM_5V_IN", ECO_HWMON_DOMAIN, ECO_KIND_SYSTEM, -1, "system"},
    {"ina*", "VDD_CPU_GPU_CV", ECO_HWMON_DOMAIN, ECO_KIND_CPU, 0, "package-0"},
    {"ina*", "VDD_CPU_CV", ECO_HWMON_DOMAIN, ECO_KIND_CPU, 0, "package-0"},
    {"ina*", "VDD_CPU", ECO_HWMON_DOMAIN, ECO_KIND_CPU, 0, "package-0"},
    {"ina*", "VDD_SYS_CPU", ECO_HWMON_DOMAIN, ECO_KIND_CPU, 0, "package-0"},
    {"ina*", "POM_5V_CPU", ECO_HWMON_DOMAIN, ECO_KIND_CPU, 0, "package-0"},
    {"ina*", "VDDRQ", ECO_HWMON_DOMAIN, ECO_KIND_DRAM, 0, "dram-0"},
    {"ina*", "VDD_SYS_DDR", ECO_HWMON_DOMAIN, ECO_KIND_DRAM, 0, "dram-0"},
    {"amdgpu", "", ECO_HWMON_REFUSE, ECO_KIND_NONE, -1, card},
    {"i915", "", ECO_HWMON_REFUSE, ECO_KIND_NONE, -1, card},
    {"xe", "", ECO_HWMON_REFUSE, ECO_KIND_NONE, -1, card},
    {"nouveau", "", ECO_HWMON_REFUSE, ECO_KIND_NONE, -1, card},
    {"radeon", "", ECO_HWMON_REFUSE, ECO_KIND_NONE, -1, card},
};

static bool matches_chip(const char *pattern, const char *chip)
{
    size_t length = strlen(pattern);
    if (length > 0 && pattern[length - 1] == '*')
        return strncmp(pattern, chip, length - 1) == 0;
    return strcmp(pattern, chip) == 0;
}

static bool matches_label(const struct rule *rule, const char *label, int32_t *package)
{
    size_t length = strlen(rule->label);
    *package = rule->package;
    if (length == 0)
        return true;
    if (rule->label[length - 1] != '#')
        return strcmp(rule->label, label) == 0;
    uint64_t number;
    if (strncmp(rule->label, label, length - 1) != 0 || eco_parse_u64(label + length - 1, &number) < 0 ||
        number > 9999)
        return false;
    *package = (int32_t)number;
    return true;
}

static void apply(const struct rule *rule, int32_t package, struct eco_hwmon_meaning *ret)
{
    ret->use = rule->use;
    ret->key.kind = rule->kind;
    ret->key.package = package;
    if (rule->use == ECO_HWMON_REFUSE)
        ret->why = rule->text;
    else if (rule->use == ECO_HWMON_DOMAIN && rule->label[0] && strchr(rule->label, '#'))
        (void)snprintf(ret->name, sizeof(ret->name), "%s-%d", rule->text, (int)package);
    else
        eco_text_copy(ret->name, sizeof(ret->name), rule->text);
}

/* "VDD_CPU CV" becomes "vdd_cpu_cv": a rail's name as a domain's. */
static void name_rail(const char *chip, const char *label, unsigned number, char *ret, size_t size)
{
    if (label[0])
        (void)snprintf(ret, size, "%.40s", label);
    else
        (void)snprintf(ret, size, "%.24s-%u", chip, number);
    for (char *c = ret; *c; c++) {
        bool is_plain = isalnum((unsigned char)*c) || *c == '-' || *c == '_' || *c == '.';
        *c = is_plain ? (char)tolower((unsigned char)*c) : '_';
    }
}

void eco_hwmon_meaning(const char *chip, enum eco_hwmon_file file, unsigned number, const char *label,
                       struct eco_hwmon_meaning *ret)
{
    *ret = (struct eco_hwmon_meaning){.key = {.package = -1, .die = -1, .device = -1}};
    /* in4-in7 of an ina3221 are shunt voltages and their sum. */
    if (file == ECO_HWMON_PAIR && number > 3) {
        ret->use = ECO_HWMON_SKIP;
        return;
    }
    for (size_t i = 0; i < ECO_COUNT(rules); i++) {
        int32_t package;
        if (!matches_chip(rules[i].chip, chip) || !matches_label(&rules[i], label, &package))
            continue;
        if (rules[i].use == ECO_HWMON_SHOW)
            break;
        apply(&rules[i], package, ret);
        return;
    }
    ret->use = ECO_HWMON_SHOW;
    ret->key.kind = ECO_KIND_DEVICE;
    name_rail(chip, label, number, ret->name, sizeof(ret->name));
}

bool eco_hwmon_has_pairs(const char *chip)
{
    return strcmp(chip, "ina3221") == 0;
}
