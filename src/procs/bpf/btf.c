/* SPDX-License-Identifier: MIT */
#include "procs/bpf/btf.h"

#include "base/mem.h"

#include <errno.h>
#include <string.h>

#define BTF_MAGIC     0xeb9fu
#define BTF_MAX       (256u << 20)
#define MEMBER_DEPTH  8  /* structs without a name within structs */
#define MODIFIER_STEP 16 /* typedef, const, volatile ... in a row */
#define STEPS_MAX     (1u << 20)

enum btf_kind {
    BTF_INT = 1,
    BTF_PTR,
    BTF_ARRAY,
    BTF_STRUCT,
    BTF_UNION,
    BTF_ENUM,
    BTF_FWD,
    BTF_TYPEDEF,
    BTF_VOLATILE,
    BTF_CONST,
    BTF_RESTRICT,
    BTF_FUNC,
    BTF_FUNC_PROTO,
    BTF_VAR,
    BTF_DATASEC,
    BTF_FLOAT,
    BTF_DECL_TAG,
    BTF_TYPE_TAG,
    BTF_ENUM64
};

struct btf_header {
    uint16_t magic;
    uint8_t version, flags;
    uint32_t header_size, type_offset, type_size, string_offset, string_size;
};

struct btf_type {
    uint32_t name, info, size; /* size, or the type that it refers to */
};

struct btf_member {
    uint32_t name, type, offset;
};

struct btf {
    const uint8_t *types;
    const char *strings;
    uint32_t type_size, string_size;
    uint32_t *at; /* by id: where in `types`; the first is id 1 */
    uint32_t count;
    uint32_t steps; /* members that were looked at: structs may contain each other in broken data */
};

/* Bytes behind a type, or -EINVAL. A kind that this does not know cannot be skipped. */
static int64_t btf_tail(const struct btf_type *type)
{
    uint64_t n = type->info & 0xffff;

    switch (type->info >> 24 & 0x1f) {
    case BTF_INT:
    case BTF_VAR:
    case BTF_DECL_TAG:
        return 4;
    case BTF_ARRAY:
        return 12;
    case BTF_STRUCT:
    case BTF_UNION:
    case BTF_DATASEC:
    case BTF_ENUM64:
        return (int64_t)(12 * n);
    case BTF_ENUM:
    case BTF_FUNC_PROTO:
        return (int64_t)(8 * n);
    case BTF_PTR:
    case BTF_FWD:
    case BTF_TYPEDEF:
    case BTF_VOLATILE:
    case BTF_CONST:
    case BTF_RESTRICT:
    case BTF_FUNC:
    case BTF_FLOAT:
    case BTF_TYPE_TAG:
        return 0;
    default:
        return -EINVAL;
    }
}

static uint32_t btf_kind(const struct btf_type *type)
{
    return type->info >> 24 & 0x1f;
}

/* NULL for void and for what is not there. */
static const struct btf_type *btf_get(const struct btf *btf, uint32_t id)
{
    return id == 0 || id > btf->count ? NULL : (const void *)(btf->types + btf->at[id]);
}

static const struct btf_type *btf_plain(const struct btf *btf, uint32_t id)
{
    const struct btf_type *type = btf_get(btf, id);

    for (unsigned i = 0; type != NULL && i < MODIFIER_STEP; i++) {
        uint32_t kind = btf_kind(type);
        if (kind != BTF_TYPEDEF && kind != BTF_CONST && kind != BTF_VOLATILE && kind != BTF_RESTRICT &&
            kind != BTF_TYPE_TAG)
            return type;
        type = btf_get(btf, type->size);
    }
    return NULL;
}

static bool btf_is_name(const struct btf *btf, uint32_t offset, const char *name, size_t length)
{
    return offset < btf->string_size && length < btf->string_size - offset &&
           memcmp(btf->strings + offset, name, length) == 0 && btf->strings[offset + length] == '\0';
}

/* The member of that name, also inside of members without one. `bits` is where this type begins. */
static const struct btf_member *btf_member(struct btf *btf, const struct btf_type *type, const char *name,
                                           size_t length, unsigned depth, uint64_t *bits)
{
    const struct btf_member *member = (const void *)(type + 1);
    uint32_t count = type->info & 0xffff;

    if (btf_kind(type) != BTF_STRUCT && btf_kind(type) != BTF_UNION)
        return NULL;
    for (uint32_t i = 0; i < count && btf->steps < STEPS_MAX; i++, member++, btf->steps++) {
        uint64_t at = type->info >> 31 ? member->offset & 0xffffff : member->offset;
        if (member->name != 0) {
            if (!btf_is_name(btf, member->name, name, length))
                continue;
            if (type->info >> 31 && member->offset >> 24 != 0)
                return NULL; /* a bit field has no offset in bytes */
            *bits += at;
            return member;
        }
        const struct btf_type *inner = depth > 0 ? btf_plain(btf, member->type) : NULL;
        uint64_t inner_bits = *bits + at;
        const struct btf_member *found =
            inner ? btf_member(btf, inner, name, length, depth - 1, &inner_bits) : NULL;
        if (found) {
            *bits = inner_bits;
            return found;
        }
    }
    return NULL;
}

static void btf_answer_member(struct btf *btf, const struct btf_type *type, struct eco_btf_query *query)
{
    const char *name = query->member;
    uint64_t bits = 0;

    for (;;) {
        size_t length = strcspn(name, ".");
        const struct btf_member *member = btf_member(btf, type, name, length, MEMBER_DEPTH, &bits);
        if (member == NULL)
            return;
        if (name[length] == '\0')
            break;
        name += length + 1;
        type = btf_plain(btf, member->type);
        if (type == NULL)
            return;
    }
    if (bits % 8 != 0 || bits / 8 > UINT32_MAX)
        return;
    *query->ret = (uint32_t)(bits / 8);
    query->is_found = true;
}

static void btf_answer_params(const struct btf *btf, const struct btf_type *type, struct eco_btf_query *query)
{
    const struct btf_type *pointer = btf_plain(btf, type->size);
    const struct btf_type *function =
        pointer != NULL && btf_kind(pointer) == BTF_PTR ? btf_plain(btf, pointer->size) : NULL;

    if (function == NULL || btf_kind(function) != BTF_FUNC_PROTO)
        return;
    *query->ret = function->info & 0xffff;
    query->is_found = true;
}

static void btf_answer(struct btf *btf, uint32_t id, struct eco_btf_query *queries, size_t count)
{
    const struct btf_type *type = (const void *)(btf->types + btf->at[id]);
    uint32_t kind = btf_kind(type);

    if (kind != BTF_STRUCT && kind != BTF_TYPEDEF)
        return;
    for (size_t i = 0; i < count; i++) {
        struct eco_btf_query *query = &queries[i];
        if (query->is_found || (kind == BTF_TYPEDEF) != (query->member == NULL) ||
            !btf_is_name(btf, type->name, query->type, strlen(query->type)))
            continue;
        if (kind == BTF_STRUCT)
            btf_answer_member(btf, type, query);
        else
            btf_answer_params(btf, type, query);
        query->id = id;
    }
}

static int btf_open(const void *data, size_t size, struct btf *ret)
{
    const struct btf_header *header = data;

    if (size < sizeof(*header) || size > BTF_MAX || (uintptr_t)data % 4 != 0)
        return -EINVAL;
    if (header->magic != BTF_MAGIC || header->version != 1 || header->header_size < sizeof(*header) ||
        header->header_size > size || header->header_size % 4 != 0)
        return -EINVAL;
    uint64_t body = size - header->header_size;
    if ((uint64_t)header->type_offset + header->type_size > body || header->type_offset % 4 != 0 ||
        (uint64_t)header->string_offset + header->string_size > body)
        return -EINVAL;
    ret->types = (const uint8_t *)data + header->header_size + header->type_offset;
    ret->type_size = header->type_size;
    ret->strings = (const char *)data + header->header_size + header->string_offset;
    ret->string_size = header->string_size;
    return 0;
}

/* Where each type begins. Memory is for the smallest types there could be; only what is used is touched. */
static int btf_index(struct btf *btf)
{
    btf->at = eco_calloc(btf->type_size / sizeof(struct btf_type) + 2, sizeof(*btf->at));
    if (btf->at == NULL)
        return -ENOMEM;
    for (uint32_t at = 0; at < btf->type_size;) {
        if (btf->type_size - at < sizeof(struct btf_type))
            return -EINVAL;
        int64_t tail = btf_tail((const void *)(btf->types + at));
        if (tail < 0 || (uint64_t)tail > btf->type_size - at - sizeof(struct btf_type))
            return -EINVAL;
        btf->at[++btf->count] = at;
        at += (uint32_t)(sizeof(struct btf_type) + (uint64_t)tail);
    }
    return 0;
}

int eco_btf_find(const void *data, size_t size, struct eco_btf_query *queries, size_t count)
{
    struct btf btf = {0};
    int r = btf_open(data, size, &btf);

    if (r == 0)
        r = btf_index(&btf);
    for (uint32_t id = 1; r == 0 && id <= btf.count; id++)
        btf_answer(&btf, id, queries, count);
    if (r == 0 && btf.steps >= STEPS_MAX)
        r = -EINVAL;
    free(btf.at);
    return r;
}
