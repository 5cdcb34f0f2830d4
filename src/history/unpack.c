/* SPDX-License-Identifier: MIT */
#include "history/unpack.h"

#include "base/mem.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#if ECO_HAVE_ZSTD
#include <zstd.h>
#else
typedef struct eco_no_zstd ZSTD_DStream;
#endif

#define BLOCK_BYTES    (128u << 10)
#define WINDOW_LOG_MAX 23 /* 8 MiB: what a hostile file may make us allocate */
#define PACK_LEVEL     6

static const unsigned char magic[4] = {0x28, 0xb5, 0x2f, 0xfd};

struct eco_unpack {
    int fd;
    bool is_packed, is_damaged, is_pending; /* pending: the decoder holds more than there was room for */
    ZSTD_DStream *stream;
    size_t used, length; /* of `block` */
    size_t wanted;       /* what the decoder still expects of the present frame; 0 = it is whole */
    char block[BLOCK_BYTES];
};

static ssize_t read_some(int fd, char *ret, size_t size)
{
    for (;;) {
        ssize_t n = read(fd, ret, size);
        if (n >= 0 || errno != EINTR)
            return n < 0 ? -errno : n;
    }
}

#if ECO_HAVE_ZSTD

static int start(struct eco_unpack *unpack)
{
    unpack->stream = ZSTD_createDStream();
    if (!unpack->stream ||
        ZSTD_isError(ZSTD_DCtx_setParameter(unpack->stream, ZSTD_d_windowLogMax, WINDOW_LOG_MAX)))
        return -ENOMEM;
    return 0;
}

static void stop(struct eco_unpack *unpack)
{
    (void)ZSTD_freeDStream(unpack->stream);
}

static long decode(struct eco_unpack *unpack, char *ret, size_t size)
{
    ZSTD_outBuffer out = {ret, size, 0};
    while (out.pos == 0) {
        if (unpack->used == unpack->length && !unpack->is_pending) {
            ssize_t n = read_some(unpack->fd, unpack->block, sizeof unpack->block);
            if (n < 0)
                return n;
            unpack->used = 0;
            unpack->length = (size_t)n;
            if (n == 0) {
                unpack->is_damaged = unpack->wanted > 0;
                return 0;
            }
        }
        ZSTD_inBuffer in = {unpack->block, unpack->length, unpack->used};
        size_t r = ZSTD_decompressStream(unpack->stream, &out, &in);
        unpack->used = in.pos;
        unpack->is_pending = out.pos == out.size;
        if (ZSTD_isError(r)) {
            unpack->is_damaged = true;
            return (long)out.pos;
        }
        unpack->wanted = r;
    }
    return (long)out.pos;
}

static int write_all(int fd, const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t n = write(fd, bytes, length);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : -EIO;
        bytes += n;
        length -= (size_t)n;
    }
    return 0;
}

struct packer {
    ZSTD_CCtx *context;
    char in[BLOCK_BYTES], out[BLOCK_BYTES];
};

static int pack_block(struct packer *packer, size_t length, bool is_last, int to)
{
    ZSTD_inBuffer in = {packer->in, length, 0};
    for (;;) {
        ZSTD_outBuffer out = {packer->out, sizeof packer->out, 0};
        size_t left =
            ZSTD_compressStream2(packer->context, &out, &in, is_last ? ZSTD_e_end : ZSTD_e_continue);
        int r = ZSTD_isError(left) ? -EIO : write_all(to, packer->out, out.pos);
        if (r < 0 || (is_last ? left == 0 : in.pos == in.size))
            return r;
    }
}

int eco_pack_file(int from, int to)
{
    struct packer *packer = eco_calloc(1, sizeof *packer);
    int r = packer && (packer->context = ZSTD_createCCtx()) ? 0 : -ENOMEM;
    if (r == 0 &&
        (ZSTD_isError(ZSTD_CCtx_setParameter(packer->context, ZSTD_c_compressionLevel, PACK_LEVEL)) ||
         ZSTD_isError(ZSTD_CCtx_setParameter(packer->context, ZSTD_c_checksumFlag, 1))))
        r = -ENOMEM;
    for (off_t at = 0; r == 0;) {
        ssize_t n = pread(from, packer->in, sizeof packer->in, at);
        if (n < 0 && errno == EINTR)
            continue;
        r = n < 0 ? -errno : pack_block(packer, (size_t)n, n == 0, to);
        if (n == 0)
            break;
        at += n;
    }
    if (packer)
        (void)ZSTD_freeCCtx(packer->context);
    free(packer);
    return r;
}

#else

static int start(struct eco_unpack *unpack)
{
    (void)unpack;
    return -ENOTSUP;
}

static void stop(struct eco_unpack *unpack)
{
    (void)unpack;
}

static long decode(struct eco_unpack *unpack, char *ret, size_t size)
{
    (void)unpack;
    (void)ret;
    (void)size;
    return -ENOTSUP;
}

int eco_pack_file(int from, int to)
{
    (void)from;
    (void)to;
    return -ENOTSUP;
}

#endif

int eco_unpack_open(int fd, struct eco_unpack **ret)
{
    struct eco_unpack *unpack = eco_calloc(1, sizeof *unpack);
    if (!unpack) {
        (void)close(fd);
        return -ENOMEM;
    }
    unpack->fd = fd;
    ssize_t n = read_some(fd, unpack->block, sizeof unpack->block);
    int r = n < 0 ? (int)n : 0;
    unpack->length = n > 0 ? (size_t)n : 0;
    unpack->is_packed = n >= (ssize_t)sizeof magic && memcmp(unpack->block, magic, sizeof magic) == 0;
    if (r == 0 && unpack->is_packed)
        r = start(unpack);
    if (r < 0) {
        (void)eco_unpack_free(unpack);
        return r;
    }
    *ret = unpack;
    return 0;
}

long eco_unpack_read(struct eco_unpack *unpack, char *ret, size_t size)
{
    if (unpack->is_packed)
        return unpack->is_damaged ? 0 : decode(unpack, ret, size);
    size_t left = unpack->length - unpack->used;
    if (left == 0)
        return read_some(unpack->fd, ret, size);
    if (left > size)
        left = size;
    memcpy(ret, unpack->block + unpack->used, left);
    unpack->used += left;
    return (long)left;
}

bool eco_unpack_is_damaged(const struct eco_unpack *unpack)
{
    return unpack->is_damaged;
}

struct eco_unpack *eco_unpack_free(struct eco_unpack *unpack)
{
    if (!unpack)
        return NULL;
    if (unpack->stream)
        stop(unpack);
    (void)close(unpack->fd);
    free(unpack);
    return NULL;
}
