/* SPDX-License-Identifier: MIT */
#include "gpu/use_books.h"

#include "base/mem.h"

void eco_use_books_finish(struct eco_use_books *books)
{
    free(books->rows);
    *books = (struct eco_use_books){0};
}

void eco_use_books_begin(struct eco_use_books *books)
{
    for (size_t i = 0; i < books->count; i++) {
        books->rows[i].is_seen = false;
        books->rows[i].memory_bytes = 0;
    }
}

struct eco_use_row *eco_use_books_see(struct eco_use_books *books, int32_t index, int32_t pid)
{
    size_t at = 0;

    while (at < books->count && (books->rows[at].index != index || books->rows[at].pid != pid))
        at++;
    if (at == books->count) {
        if (eco_grow((void **)&books->rows, &books->capacity, at + 1, ECO_GPU_USES_MAX,
                     sizeof(*books->rows)) < 0)
            return NULL;
        books->rows[books->count++] = (struct eco_use_row){.index = index, .pid = pid};
    }
    books->rows[at].is_seen = true;
    return &books->rows[at];
}

size_t eco_use_books_tell(struct eco_use_books *books, struct eco_gpu_use *ret, size_t capacity)
{
    size_t count = 0, kept = 0;

    for (size_t i = 0; i < books->count; i++) {
        const struct eco_use_row row = books->rows[i];
        bool has_room = count < capacity;
        if (has_room)
            ret[count++] =
                (struct eco_gpu_use){.index = row.index,
                                     .pid = row.pid,
                                     .flags = (row.is_seen ? ECO_GPU_USE_CONTEXT : ECO_GPU_USE_ENDED) |
                                              (row.is_split ? ECO_GPU_USE_SPLIT : 0u),
                                     .busy_ns = (uint64_t)row.busy_ns,
                                     .weight_ns = (uint64_t)row.weight_ns,
                                     .memory_bytes = row.memory_bytes};
        if (row.is_seen || !has_room)
            books->rows[kept++] = row;
    }
    books->count = kept;
    return count;
}
