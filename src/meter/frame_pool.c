/* SPDX-License-Identifier: MIT */
#include "meter/frame_pool.h"

#include "base/mem.h"
#include "ecocode/ecocode.h"

#include <string.h>

/* Besides the ring, some that readers hold longer. */
#define POOL_FRAMES (ECO_FRAMES + 4)

struct eco_frame_pool {
    atomic_uint refs; /* the meter's, and one for each frame that is out */
    struct eco_frame frames[POOL_FRAMES];
};

struct eco_frame_pool *eco_frame_pool_new(void)
{
    struct eco_frame_pool *pool = eco_calloc(1, sizeof *pool);
    if (pool)
        atomic_init(&pool->refs, 1);
    return pool;
}

static void frame_finish(struct eco_frame *frame)
{
    free(frame->rows);
    free(frame->identities);
    free(frame->energy_uj);
}

static void pool_unref(struct eco_frame_pool *pool)
{
    if (atomic_fetch_sub(&pool->refs, 1) != 1)
        return;
    for (unsigned i = 0; i < POOL_FRAMES; i++)
        frame_finish(&pool->frames[i]);
    free(pool);
}

struct eco_frame_pool *eco_frame_pool_free(struct eco_frame_pool *pool)
{
    if (pool)
        pool_unref(pool);
    return NULL;
}

/* Domains that are not there are left as they are: they are most of a frame, and nobody looks at them. */
static void clear(struct eco_frame *frame, unsigned domains)
{
    void *pool = frame->pool;
    struct eco_frame_row *rows = frame->rows;
    double *energy_uj = frame->energy_uj;
    struct eco_frame_identity *identities = frame->identities;
    uint32_t row_capacity = frame->row_capacity, identity_capacity = frame->identity_capacity;
    size_t energy_capacity = frame->energy_capacity;
    memset(frame, 0, offsetof(struct eco_frame, domains) + domains * sizeof frame->domains[0]);
    frame->pool = pool;
    frame->rows = rows;
    frame->energy_uj = energy_uj;
    frame->identities = identities;
    frame->row_capacity = row_capacity;
    frame->identity_capacity = identity_capacity;
    frame->energy_capacity = energy_capacity;
}

/* Everything but the arrays is emptied. */
static int frame_reset(struct eco_frame *frame, uint32_t rows, unsigned slots, unsigned domains)
{
    size_t energies = (size_t)rows * slots * domains;
    if (rows > frame->row_capacity) {
        struct eco_frame_row *grown = eco_reallocarray(frame->rows, frame->row_capacity, rows, sizeof *grown);
        if (!grown)
            return -1;
        frame->rows = grown;
        frame->row_capacity = rows;
    }
    if (energies > frame->energy_capacity) {
        double *grown = eco_reallocarray(frame->energy_uj, frame->energy_capacity, energies, sizeof *grown);
        if (!grown)
            return -1;
        frame->energy_uj = grown;
        frame->energy_capacity = energies;
    }
    clear(frame, domains);
    frame->slots = slots;
    frame->domain_count = domains;
    for (size_t i = 0; i < energies; i++)
        frame->energy_uj[i] = 0;
    atomic_init(&frame->refs, 1);
    return 0;
}

struct eco_frame *eco_frame_pool_get(struct eco_frame_pool *pool, uint32_t rows, unsigned slots,
                                     unsigned domains)
{
    for (unsigned i = 0; i < POOL_FRAMES; i++) {
        struct eco_frame *frame = &pool->frames[i];
        unsigned none = 0;
        /* Taken by writing: to read first would fault twice in a page that was never used. */
        if (!atomic_compare_exchange_strong(&frame->refs, &none, 1))
            continue;
        frame->pool = pool;
        if (frame_reset(frame, rows, slots, domains) < 0) {
            atomic_store(&frame->refs, 0);
            return NULL;
        }
        atomic_fetch_add(&pool->refs, 1);
        return frame;
    }
    return NULL;
}

struct eco_frame *eco_frame_new(uint32_t rows, unsigned slots, unsigned domains)
{
    struct eco_frame *frame = eco_calloc(1, sizeof *frame);
    if (frame && frame_reset(frame, rows, slots, domains) < 0) {
        frame_finish(frame);
        free(frame);
        return NULL;
    }
    return frame;
}

struct eco_frame *eco_frame_ref(struct eco_frame *frame)
{
    if (frame)
        atomic_fetch_add(&frame->refs, 1);
    return frame;
}

void eco_frame_unref(struct eco_frame *frame)
{
    if (!frame)
        return;
    struct eco_frame_pool *pool = frame->pool;
    if (atomic_fetch_sub(&frame->refs, 1) != 1)
        return;
    if (pool) {
        pool_unref(pool);
    } else {
        frame_finish(frame);
        free(frame);
    }
}
