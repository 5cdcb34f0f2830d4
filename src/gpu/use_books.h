/* SPDX-License-Identifier: MIT */
/* What every process has used of every card so far, from whatever tells of it. Cumulative. Thread: one. */
#pragma once

#include "model/gpu.h"

#include <stddef.h>

struct eco_use_row {
    int32_t index, pid;
    double busy_ns, weight_ns;
    uint64_t memory_bytes;
    bool is_seen;  /* in the present look */
    bool is_split; /* of busy_ns a part is an estimate */
};

struct eco_use_books {
    struct eco_use_row *rows;
    size_t count, capacity;
};

void eco_use_books_finish(struct eco_use_books *books);
/** A look begins: nobody has been seen in it. */
void eco_use_books_begin(struct eco_use_books *books);
/** The row of a process on a device, seen in this look; NULL without memory or room. */
struct eco_use_row *eco_use_books_see(struct eco_use_books *books, int32_t index, int32_t pid);
/** Who is there, and once who has ended; rows beyond `capacity` stay for the next look. Returns how many. */
size_t eco_use_books_tell(struct eco_use_books *books, struct eco_gpu_use *ret, size_t capacity);
