/* SPDX-License-Identifier: MIT */
/* What providers answer, read without trust: bodies of any bytes. */
#pragma once

#include "base/why.h"
#include "impact/live.h"

#include <stddef.h>

/**
 * The newest value of an answer of status 200.
 *
 * @return 0; -EBADMSG with a reason: not what this provider answers, or a figure that cannot be believed
 */
int eco_answer_read(enum eco_live_kind kind, const char *body, size_t length, struct eco_live_news *ret,
                    struct eco_why *why) ECO_MUST_CHECK;

/** The token of WattTime's login; ret holds `size` bytes. -EBADMSG with a reason. */
int eco_answer_token(const char *body, size_t length, char *ret, size_t size,
                     struct eco_why *why) ECO_MUST_CHECK;

/** "2025-11-21T19:00:00.000Z", "2026-10-18T02:00Z", "...+00:00": seconds since 1970; 0 = not a time. */
int64_t eco_answer_time(const char *text);
