/* SPDX-License-Identifier: MIT */
/*
 * A fixed number of frames, used again when nobody holds them. Their arrays keep their size, so nothing
 * is allocated per interval once they have grown. Thread: get under the meter's lock; ref and unref any.
 */
#pragma once

#include "base/macros.h"
#include "model/frame.h"

#define ECO_FRAMES 8 /* kept for readers that are a little late */

struct eco_frame_pool;

struct eco_frame_pool *eco_frame_pool_new(void) ECO_MUST_CHECK;
/** Frames that somebody still holds live on; the last unref frees them. */
struct eco_frame_pool *eco_frame_pool_free(struct eco_frame_pool *pool);
/** An empty frame with one reference and room for `rows`, or NULL: all are held, or no memory. */
struct eco_frame *eco_frame_pool_get(struct eco_frame_pool *pool, uint32_t rows, unsigned slots,
                                     unsigned domains) ECO_MUST_CHECK;
/** Empty a frame and give it room; for frames outside the pool (keyframes). */
struct eco_frame *eco_frame_new(uint32_t rows, unsigned slots, unsigned domains) ECO_MUST_CHECK;
