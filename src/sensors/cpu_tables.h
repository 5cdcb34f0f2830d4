/* SPDX-License-Identifier: MIT */
/*
 * Rated power of CPUs by name and watts per virtual CPU by microarchitecture: data/cpu_tdp.csv and
 * data/cpu_vcpu_watts.csv, compiled in by tools/gen_tables.py.
 */
#pragma once

#include "model/host.h"

#include <stddef.h>

struct eco_vcpu_watts {
    char microarchitecture[20]; /* "Ice Lake", "EPYC 4th Gen", "default" */
    char provider[8];           /* "aws" "gcp" "azure" */
    double min_w, max_w;        /* of one hardware thread, idle and busy, whole server */
};

/* Names sorted by their bytes, each ended by NUL, at eco_tdp_offsets; power in tenths of a watt. */
extern const unsigned eco_tdp_count;
extern const char eco_tdp_names[];
extern const uint32_t eco_tdp_offsets[];
extern const uint16_t eco_tdp_tenths_w[];
extern const struct eco_vcpu_watts eco_vcpu_table[];
extern const unsigned eco_vcpu_count;

/**
 * A CPU's name without what differs between sources: "Intel(R) Xeon(R) CPU E5-2620 v3 @ 2.40GHz"
 * becomes "xeon e5-2620 v3", "AMD EPYC 7763 64-Core Processor" "epyc 7763".
 */
void eco_cpu_name_normalise(const char *name, char *ret, size_t size);

/** Rated power of one socket, W; 0 when the name is not in the table. Never a guess by likeness. */
double eco_cpu_tdp_w(const char *name);

/** Cores that the name tells ("64-Core"), 0 when it does not. */
unsigned eco_cpu_name_cores(const char *name);

/** Microarchitecture of a server CPU by vendor, family and model; "" unknown. A guest sees these as well. */
const char *eco_cpu_microarchitecture(const struct eco_host *host);

/** Watts per vCPU: that of the provider, else of any; the provider's default for an unknown one. Never NULL.
 */
const struct eco_vcpu_watts *eco_cpu_vcpu_watts(const char *microarchitecture, const char *provider);
