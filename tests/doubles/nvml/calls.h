/* SPDX-License-Identifier: MIT */
/* How often the functions of the double were called, in a file that all its clients share. */
#pragma once

#include <stdint.h>

#define NV_CALLS_MAX   256
#define NV_CALLS_MAGIC 0x3130534c4c41434eULL /* "NCALLS01" */

struct nv_calls_row {
    char name[56];
    uint64_t calls, cpu_ns; /* atomic */
};

struct nv_calls {
    uint64_t magic;
    uint32_t lock, count; /* spin lock around new names */
    struct nv_calls_row row[NV_CALLS_MAX];
};

/** Opens or makes the file; NULL where it cannot. */
struct nv_calls *nv_calls_open(const char *path);
/** Row of a name, made when it is new; -1 when the table is full. */
int nv_calls_slot(struct nv_calls *calls, const char *name);
