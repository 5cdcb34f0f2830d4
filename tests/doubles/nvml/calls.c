/* SPDX-License-Identifier: MIT */
#include "calls.h"

#include <fcntl.h>
#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct nv_calls *nv_calls_open(const char *path)
{
    const int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) {
        return NULL;
    }
    void *map = MAP_FAILED;
    if (ftruncate(fd, (off_t)sizeof(struct nv_calls)) == 0) {
        map = mmap(NULL, sizeof(struct nv_calls), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    }
    close(fd);
    if (map == MAP_FAILED) {
        return NULL;
    }
    struct nv_calls *calls = map;
    calls->magic = NV_CALLS_MAGIC; /* whoever comes first: the rest is zeros and right so */
    return calls;
}

int nv_calls_slot(struct nv_calls *calls, const char *name)
{
    while (__atomic_exchange_n(&calls->lock, 1, __ATOMIC_ACQUIRE) != 0) {
        sched_yield();
    }
    int slot = -1;
    for (uint32_t i = 0; i < calls->count; i++) {
        if (strcmp(calls->row[i].name, name) == 0) {
            slot = (int)i;
        }
    }
    if (slot < 0 && calls->count < NV_CALLS_MAX) {
        slot = (int)calls->count;
        snprintf(calls->row[slot].name, sizeof(calls->row[slot].name), "%s", name);
        calls->count++;
    }
    __atomic_store_n(&calls->lock, 0, __ATOMIC_RELEASE);
    return slot;
}
