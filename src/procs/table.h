/* SPDX-License-Identifier: MIT */
/*
 * The processes that are known, by slot and by pid. What a look touches for every process lies in
 * one compact array (`hot`, 24 bytes a process); the rest lies in chunks that never move, so that
 * pointers to rows stay good until the row is freed. Rows are also linked as a tree. init/finish.
 * Ids count up from 1 and are never used again; slots are. Thread: one.
 */
#pragma once

#include "base/macros.h"
#include "model/process.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ECO_SLOT_NONE  UINT32_MAX
#define ECO_CHUNK_ROWS 256u /* a block of its own: little of its last page is left over */

struct eco_hot {
    int32_t pid;     /* 0: nothing to look at here (free, ended, or a row that stands for many) */
    uint32_t marks;  /* enum eco_row_marks, of the look in progress; above them for how many looks its clock
                        stands still */
    uint64_t cpu_ns; /* its clock at the last look */
    uint64_t inode;  /* of its directory in /proc, 0 unknown */
};

enum eco_row_marks {
    ECO_ROW_CHANGED = 1u << 0,  /* is in the list of what changed */
    ECO_ROW_QUEUED = 1u << 1,   /* its stat is going to be read in this look */
    ECO_ROW_READ = 1u << 2,     /* its stat has been read in this look */
    ECO_ROW_VANISHED = 1u << 3, /* found gone in this look */
    ECO_ROW_SETTLED = 1u << 4,  /* its CPU time has been handed on */
    ECO_ROW_RAN = 1u << 5,      /* in the list of those that a feed has seen on a CPU */
    ECO_ROW_STILL_ONE = 1u << 8
};

struct eco_row {
    struct eco_proc proc;
    uint32_t slot;
    uint32_t parent, first_child, next, previous; /* slots; the tree */
    uint32_t group;                               /* slot of the row for its short-lived children, or NONE */
    uint32_t waiting;                             /* children that must be settled before it */
    uint32_t cmdline_hash;                        /* of the start of the whole command line, 0 none */
    uint32_t refreshed_ms;                        /* MONOTONIC, cut, when RSS and name were last read */
    uint32_t identified_ms;                       /* MONOTONIC, cut, when its cgroups were last read */
    bool is_counted : 1;                          /* among the living of its identity */
    bool is_zombie : 1;
    bool is_unwalked : 1;        /* it ran since its children were listed */
    bool is_reaped : 1;          /* wait4 told of it: reaped_ns */
    bool is_born : 1;            /* a feed told when it started: proc.start_ns is exact */
    bool is_newborn : 1;         /* made of an event, not read from /proc or lent yet */
    bool is_whole : 1;           /* its CPU time is final */
    bool is_ended : 1;           /* its end was told */
    bool is_renamed : 1;         /* exec was told: read its command line, whatever stat says */
    bool is_unseen : 1;          /* a root that was held: whose it is was not read yet */
    bool is_late : 1;            /* it had ended before the feed's own sum began */
    uint64_t start_ticks;        /* tells a process from another of the same pid */
    uint64_t arg_start;          /* tells that it has called exec */
    uint64_t user_ns, system_ns; /* with children that were waited for, 10 ms grain */

    /* What a feed told: feeding.h. */
    uint64_t exit_ns; /* MONOTONIC, when its last thread began to end; 0 not told */
    uint64_t gone_ns; /* MONOTONIC, when /proc had it no more; 0 not so */

    /* Books of CPU time: account.h. */
    uint64_t children_ns;     /* cutime + cstime: what the kernel says of children waited for */
    uint64_t grown_ns;        /* by how much that grew in this look; with a feed, since it came */
    uint64_t claimed_ns;      /* what children that vanished meanwhile are known to have used */
    uint64_t handed_ns;       /* with a feed: what the parent's claimed_ns holds of it */
    uint64_t unseen_ns;       /* with a feed: its part of the account's */
    uint64_t provisional_ns;  /* claims that the 10 ms grain of children_ns may still hide */
    uint64_t extra_ns;        /* claims that children_ns will never hold */
    uint64_t reaped_ns;       /* what wait4 said of it and its children */
    uint64_t counted_base_ns; /* used before the measurement, with children */
    uint64_t counted_ns, counted_user_ns, counted_system_ns; /* its part of the account's sums */
};

struct eco_table {
    struct eco_hot *hot;
    struct eco_row **chunks;
    uint32_t chunk_count, chunk_capacity;
    uint32_t high;      /* slots [0, high) have been used */
    uint32_t free_head; /* list through row.next */
    uint32_t used;      /* rows with a pid */
    uint32_t *hash;     /* slot + 1, 0 = empty; linear probing */
    uint32_t hash_mask;
    uint32_t last_id;
    size_t limit;
};

void eco_table_init(struct eco_table *table, size_t limit);
void eco_table_finish(struct eco_table *table);

static inline struct eco_row *eco_table_row(const struct eco_table *table, uint32_t slot)
{
    return &table->chunks[slot / ECO_CHUNK_ROWS][slot % ECO_CHUNK_ROWS];
}

/**
 * A new row, zeroed but for id, slot, pid and the links. pid 0 makes one that cannot be found by pid.
 *
 * @return 0, -ENOMEM, -E2BIG above the limit, -EEXIST when the pid is there
 */
int eco_table_add(struct eco_table *table, int32_t pid, struct eco_row **ret) ECO_MUST_CHECK;
/** Slot of the living process `pid`, or ECO_SLOT_NONE. */
uint32_t eco_table_find(const struct eco_table *table, int32_t pid);
/** The process is gone: its pid can no longer be found and may be added again; the row stays. */
void eco_table_detach(struct eco_table *table, struct eco_row *row);
/** Free a row that is detached (or has pid 0), with its command line; its children lose their parent. */
void eco_table_remove(struct eco_table *table, struct eco_row *row);

/** proc.place_ns, which is the row's to write and to free. */
static inline uint64_t *eco_row_places(const struct eco_row *row)
{
    return (uint64_t *)(uintptr_t)row->proc.place_ns;
}

/** Its command line is `text` of `length` bytes from now on: `like`'s where it has the same, which is then
 * held once. What it was stays where there is no memory. */
void eco_row_set_cmdline(struct eco_row *row, const char *text, size_t length, const struct eco_row *like);

/** Put `row` below `parent` (a slot, or NONE), wherever it was. Never makes a circle: such a call only
 * unlinks. */
void eco_tree_link(struct eco_table *table, struct eco_row *row, uint32_t parent);
