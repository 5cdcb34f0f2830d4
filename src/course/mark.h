/* SPDX-License-Identifier: MIT */
/*
 * What a job tells of itself, as one datagram of text (docs/api.md, "Marks"):
 *
 *     ecocode.mark/1 TIME_NS DONE TOTAL NAME
 *
 * TIME_NS is CLOCK_MONOTONIC of the sender, 0 = now; DONE and TOTAL are 0 0 where no progress is told.
 */
#pragma once

#include "base/macros.h"
#include "model/course.h"

#include <stddef.h>

#define ECO_MARK_TEXT_MAX 160

struct eco_mark {
    uint64_t time_ns;     /* 0 = when it came */
    uint64_t done, total; /* total 0: no progress is told */
    char name[ECO_PHASE_NAME_MAX];
};

/** "3/20": of a total above 0 not more than that are done. -EINVAL. */
int eco_mark_parse_progress(const char *text, uint64_t *ret_done, uint64_t *ret_total) ECO_MUST_CHECK;
/** Not empty, shorter than ECO_PHASE_NAME_MAX, without control characters; "(start)" and "(more)" are ours.
 */
bool eco_mark_is_name(const char *name);
/** The datagram. Returns its length. */
size_t eco_mark_format(const struct eco_mark *mark, char ret[ECO_MARK_TEXT_MAX]);
/** A datagram of `length` bytes by whomever. -EINVAL when it is none. */
int eco_mark_parse(const char *text, size_t length, struct eco_mark *ret) ECO_MUST_CHECK;
/** Name of the abstract socket of a run, without the NUL that such a name begins with. */
void eco_mark_address(const char *run_id, char *ret, size_t size);
