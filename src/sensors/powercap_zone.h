/* SPDX-License-Identifier: MIT */
/* Names and numbers of powercap zones, without I/O. Kernel: drivers/powercap/intel_rapl_common.c. */
#pragma once

#include "base/macros.h"
#include "model/channel.h"

/*
 * A zone's directory. "intel-rapl:0" is zone 0, "intel-rapl:0:1" its sub-zone 1; numbers are
 * hexadecimal ("intel-rapl:a" is the eleventh). "intel-rapl-mmio" tells the same counters again.
 */
struct eco_powercap_id {
    bool is_mmio;
    uint32_t zone;
    int32_t sub; /* -1 = not a sub-zone */
};

/** @return 0, or -EINVAL: not a RAPL zone (another control type, or the control type itself) */
int eco_powercap_parse_id(const char *directory, struct eco_powercap_id *ret) ECO_MUST_CHECK;
/** Order of probing: MSR before MMIO, then by number. As qsort wants it. */
int eco_powercap_compare_id(const struct eco_powercap_id *a, const struct eco_powercap_id *b);

/**
 * What a zone's `name` means: "package-1", "package-0-die-1", "core", "uncore", "dram", "psys",
 * "psys-1". The index of the zone says nothing about the socket.
 *
 * @param parent  key of the zone that contains it; NULL for a zone of the first level
 * @return 0, or -EINVAL: a name that is none of these
 */
int eco_powercap_parse_name(const char *name, const struct eco_key *parent,
                            struct eco_key *ret) ECO_MUST_CHECK;

/** The domain's name: "package-0", "dram-0", "core-0", "uncore-0", "psys", "psys-1". */
void eco_powercap_domain_name(const struct eco_key *key, char *ret, size_t size);

/**
 * The step of a counter whose largest value is range_uj: it has 32 bits of this unit, of which the
 * kernel prints (2^32 - 1) units as `max_energy_range_uj`. At least 1. So it starts again after
 * range_uj + unit.
 */
uint64_t eco_powercap_unit_uj(uint64_t range_uj);
