/* SPDX-License-Identifier: MIT */
#include "call.h"

#include "calls.h"

#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <link.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_S 1000000000ULL

struct nv_scenario nv_world;
struct nv_handle nv_device_handle[NV_DEVICES_MAX];
struct nv_handle nv_mig_handle[NV_DEVICES_MAX][NV_MIG_MAX];
unsigned long nv_init_count;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct nv_calls *calls;
static double epoch_minus_start_s; /* of the realtime clock, when the library was loaded */
static bool is_loaded, is_broken;

static uint64_t clock_ns(clockid_t id)
{
    struct timespec ts;
    clock_gettime(id, &ts);
    return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}

uint64_t nv_stamp_us(double t_s)
{
    return (uint64_t)llround((epoch_minus_start_s + t_s) * 1e6);
}

/*
 * A driver of another age lacks functions. The dynamic linker passes over a symbol whose value is 0, so the
 * named ones are made such in this process's copy of the table, before any client can ask for them.
 */
static void leave_out(void *self, const char *name)
{
    Dl_info info;
    ElfW(Sym) *symbol = NULL;
    void *function = dlsym(self, name);
    if (function == NULL || dladdr1(function, &info, (void **)&symbol, RTLD_DL_SYMENT) == 0 ||
        symbol == NULL || strcmp(info.dli_sname, name) != 0) {
        fprintf(stderr, "nvml double: absent %s: there is no such function\n", name);
        return;
    }
    const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), first = (uintptr_t)symbol & ~(page - 1);
    const size_t size = (uintptr_t)(symbol + 1) - first;
    if (mprotect((void *)first, size, PROT_READ | PROT_WRITE) == 0) {
        symbol->st_value = 0;
        (void)mprotect((void *)first, size, PROT_READ);
    }
}

static void make_handles(void)
{
    for (size_t d = 0; d < NV_DEVICES_MAX; d++) {
        nv_device_handle[d] = (struct nv_handle){.device = d, .instance = -1};
        for (int i = 0; i < NV_MIG_MAX; i++) {
            nv_mig_handle[d][i] = (struct nv_handle){.device = d, .instance = i};
        }
    }
}

__attribute__((constructor)) static void load(void)
{
    const char *path = getenv("ECO_NVML_SCENARIO"), *calls_path = getenv("ECO_NVML_CALLS");
    char why[PATH_MAX + 128];
    make_handles();
    if (calls_path != NULL) {
        calls = nv_calls_open(calls_path);
    }
    if (path == NULL) {
        return;
    }
    if (nv_scenario_load(&nv_world, path, why, sizeof(why)) < 0) {
        fprintf(stderr, "nvml double: %s\n", why);
        is_broken = true;
        return;
    }
    is_loaded = true;
    epoch_minus_start_s = (double)clock_ns(CLOCK_REALTIME) / (double)NS_PER_S - nv_scenario_now_s(&nv_world);
    Dl_info info;
    struct link_map *self = NULL;
    if (nv_world.absent_count > 0 &&
        dladdr1((void *)&nv_world, &info, (void **)&self, RTLD_DL_LINKMAP) != 0) {
        for (size_t i = 0; i < nv_world.absent_count; i++) {
            leave_out(self, nv_world.absent[i]);
        }
    }
}

static bool is_handle(nvmlDevice_t handle)
{
    const uintptr_t at = (uintptr_t)handle;
    const uintptr_t devices = (uintptr_t)nv_device_handle, instances = (uintptr_t)nv_mig_handle;
    const bool is_device = at >= devices && at < devices + sizeof(nv_device_handle);
    const bool is_instance = at >= instances && at < instances + sizeof(nv_mig_handle);
    if ((!is_device && !is_instance) || (at - (is_device ? devices : instances)) % sizeof(*handle) != 0 ||
        handle->device >= nv_world.device_count) {
        return false;
    }
    return handle->instance < (int)nv_world.device[handle->device].instance_count;
}

/* For ever: no signal but SIGKILL ends it, or not even that, where the path leads to a frozen file system. */
__attribute__((noreturn)) static void hang(const char *path)
{
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, NULL);
    if (path[0] != '\0') {
        char byte;
        const int fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd >= 0) {
            (void)!read(fd, &byte, 1);
        }
    }
    for (;;) {
        pause();
    }
}

static bool concerns(const struct nv_fault *fault, const char *name, int device, bool is_general,
                     double now_s)
{
    if (now_s < fault->from_s || now_s >= fault->to_s || fnmatch(fault->call, name, 0) != 0) {
        return false;
    }
    return fault->device < 0 ? is_general : fault->device == device;
}

nvmlReturn_t nv_fault(const char *name, int device, bool is_general, double now_s)
{
    for (size_t i = 0; i < nv_world.fault_count; i++) {
        struct nv_fault *fault = &nv_world.fault[i];
        if (!concerns(fault, name, device, is_general, now_s)) {
            continue;
        }
        const unsigned long seen = __atomic_fetch_add(&fault->seen, 1, __ATOMIC_RELAXED);
        if (fault->times > 0 && seen >= fault->times) {
            continue;
        }
        switch (fault->kind) {
        case NV_FAULT_DELAY:
            usleep((useconds_t)(fault->delay_ms * 1000));
            break;
        case NV_FAULT_HANG:
            hang(fault->path);
        case NV_FAULT_CRASH:
            (void)signal(SIGSEGV, SIG_DFL);
            (void)raise(SIGSEGV);
            break;
        case NV_FAULT_CODE:
            return fault->code;
        }
    }
    return NVML_SUCCESS;
}

struct nv_call nv_enter(int *slot, const char *name, enum nv_need need, nvmlDevice_t handle)
{
    struct nv_call call = {.slot = -1};
    if (calls != NULL) {
        call.cpu_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID);
        if (*slot < 0) {
            *slot = nv_calls_slot(calls, name);
        }
        call.slot = *slot;
        if (call.slot >= 0) { /* now: it may not come back */
            __atomic_fetch_add(&calls->row[call.slot].calls, 1, __ATOMIC_RELAXED);
        }
    }
    if (!is_loaded) {
        call.code = is_broken ? NVML_ERROR_UNKNOWN : NVML_ERROR_DRIVER_NOT_LOADED;
        if (need == NV_NEEDS_NOTHING) {
            call.code = NVML_SUCCESS;
        }
        return call;
    }
    call.now_s = nv_scenario_now_s(&nv_world);
    if (need != NV_NEEDS_NOTHING && __atomic_load_n(&nv_init_count, __ATOMIC_ACQUIRE) == 0) {
        call.code = NVML_ERROR_UNINITIALIZED;
    } else if (need == NV_NEEDS_DEVICE && !is_handle(handle)) {
        call.code = NVML_ERROR_INVALID_ARGUMENT;
    } else {
        call.code = nv_fault(name, need == NV_NEEDS_DEVICE ? (int)handle->device : -1, true, call.now_s);
    }
    if (call.code == NVML_SUCCESS) {
        pthread_mutex_lock(&lock);
        call.holds_lock = true;
        nv_scenario_refresh(&nv_world);
        call.now_s = nv_scenario_now_s(&nv_world); /* a delay has passed */
    }
    return call;
}

void nv_leave(struct nv_call *call)
{
    if (call->holds_lock) {
        pthread_mutex_unlock(&lock);
    }
    if (calls != NULL && call->slot >= 0) {
        struct nv_calls_row *row = &calls->row[call->slot];
        __atomic_fetch_add(&row->cpu_ns, clock_ns(CLOCK_THREAD_CPUTIME_ID) - call->cpu_ns, __ATOMIC_RELAXED);
    }
}

nvmlReturn_t nv_copy_text(char *ret, unsigned size, const char *text)
{
    if (ret == NULL) {
        return NVML_ERROR_INVALID_ARGUMENT;
    }
    const size_t length = strlen(text);
    if (length >= size) {
        return NVML_ERROR_INSUFFICIENT_SIZE;
    }
    memcpy(ret, text, length + 1);
    return NVML_SUCCESS;
}
