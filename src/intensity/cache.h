/* SPDX-License-Identifier: MIT */
/* The last answer of a source for a zone, kept in the state folder, so that many short runs ask once. */
#pragma once

#include "impact/live.h"

/** Read it. 0 with the age filled in; -ENOENT none; -EBADMSG not one of ours. */
int eco_cache_read(const char *folder, const struct eco_live_source *source, const char *zone, int64_t now_s,
                   struct eco_live_news *ret) ECO_MUST_CHECK;
/** Replace it, mode 0600. What fails is of no consequence. */
void eco_cache_write(const char *folder, const struct eco_live_source *source, const char *zone,
                     int64_t now_s, const struct eco_live_news *news);
