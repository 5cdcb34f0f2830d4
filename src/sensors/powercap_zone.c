/* SPDX-License-Identifier: MIT */
#include "sensors/powercap_zone.h"

#include "base/parse.h"
#include "base/text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Up to `stop` or the end; 1-8 hexadecimal digits. */
static int parse_hex_part(const char *text, const char *end, uint64_t *ret)
{
    char digits[9];
    size_t length = (size_t)(end - text);
    if (length == 0 || length >= sizeof(digits))
        return -EINVAL;
    memcpy(digits, text, length);
    digits[length] = '\0';
    if (strspn(digits, "0123456789abcdefABCDEF") != length)
        return -EINVAL;
    return eco_parse_hex(digits, ret);
}

int eco_powercap_parse_id(const char *directory, struct eco_powercap_id *ret)
{
    struct eco_powercap_id id = {.sub = -1};
    const char *rest;
    if (strncmp(directory, "intel-rapl:", 11) == 0) {
        rest = directory + 11;
    } else if (strncmp(directory, "intel-rapl-mmio:", 16) == 0) {
        rest = directory + 16;
        id.is_mmio = true;
    } else {
        return -EINVAL;
    }
    const char *end = rest + strlen(rest);
    const char *colon = strchr(rest, ':');
    uint64_t number;
    if (parse_hex_part(rest, colon ? colon : end, &number) < 0)
        return -EINVAL;
    id.zone = (uint32_t)number;
    if (colon) {
        if (parse_hex_part(colon + 1, end, &number) < 0 || number > INT32_MAX)
            return -EINVAL;
        id.sub = (int32_t)number;
    }
    *ret = id;
    return 0;
}

int eco_powercap_compare_id(const struct eco_powercap_id *a, const struct eco_powercap_id *b)
{
    if (a->is_mmio != b->is_mmio)
        return a->is_mmio ? 1 : -1;
    if (a->zone != b->zone)
        return a->zone < b->zone ? -1 : 1;
    return (a->sub > b->sub) - (a->sub < b->sub);
}

/* "-12" or "-12-die-3" behind "package"; a number of at most 4 digits is a socket or die. */
static int parse_index(const char **cursor, int32_t *ret)
{
    if (**cursor != '-' || (*cursor)[1] < '0' || (*cursor)[1] > '9')
        return -EINVAL;
    ++*cursor;
    uint64_t number;
    if (eco_scan_u64(cursor, &number) < 0 || number > 9999)
        return -EINVAL;
    *ret = (int32_t)number;
    return 0;
}

static int parse_package(const char *rest, struct eco_key *key)
{
    if (parse_index(&rest, &key->package) < 0)
        return -EINVAL;
    if (strncmp(rest, "-die", 4) == 0) {
        rest += 4;
        if (parse_index(&rest, &key->die) < 0)
            return -EINVAL;
    }
    key->kind = ECO_KIND_CPU;
    return *rest == '\0' ? 0 : -EINVAL;
}

static int parse_part(const char *name, const struct eco_key *parent, struct eco_key *key)
{
    if (strcmp(name, "core") == 0)
        key->kind = ECO_KIND_CORE;
    else if (strcmp(name, "uncore") == 0)
        key->kind = ECO_KIND_UNCORE;
    else if (strcmp(name, "dram") == 0)
        key->kind = ECO_KIND_DRAM;
    else
        return -EINVAL;
    if (!parent)
        return -EINVAL;
    key->package = parent->package;
    key->die = parent->die;
    return 0;
}

int eco_powercap_parse_name(const char *name, const struct eco_key *parent, struct eco_key *ret)
{
    struct eco_key key = {.package = -1, .die = -1, .device = -1};
    int r;
    if (strncmp(name, "package", 7) == 0) {
        r = parse_package(name + 7, &key);
    } else if (strncmp(name, "psys", 4) == 0) {
        const char *rest = name + 4;
        key.kind = ECO_KIND_PSYS;
        key.package = 0;
        r = *rest == '\0' ? 0 : parse_index(&rest, &key.package);
        if (r == 0 && *rest != '\0')
            r = -EINVAL;
    } else {
        r = parse_part(name, parent, &key);
    }
    if (r < 0)
        return r;
    *ret = key;
    return 0;
}

void eco_powercap_domain_name(const struct eco_key *key, char *ret, size_t size)
{
    const char *stem = key->kind == ECO_KIND_CPU      ? "package"
                       : key->kind == ECO_KIND_DRAM   ? "dram"
                       : key->kind == ECO_KIND_CORE   ? "core"
                       : key->kind == ECO_KIND_UNCORE ? "uncore"
                                                      : "psys";
    if (key->kind == ECO_KIND_PSYS && key->package <= 0)
        eco_text_copy(ret, size, stem);
    else
        (void)snprintf(ret, size, "%s-%d", stem, (int)key->package);
}

uint64_t eco_powercap_unit_uj(uint64_t range_uj)
{
    uint64_t unit = range_uj / UINT32_MAX;
    if (range_uj % UINT32_MAX >= UINT32_MAX / 2)
        unit++;
    return unit ? unit : 1;
}
