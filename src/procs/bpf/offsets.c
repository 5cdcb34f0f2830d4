/* SPDX-License-Identifier: MIT */
#include "procs/bpf/offsets.h"

#include "base/mem.h"
#include "platform/root.h"
#include "procs/bpf/btf.h"

#include <errno.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define BTF_BYTES_MAX (256u << 20)

struct kernel_types {
    void *data;
    size_t size;
    bool is_mapped;
};

/* Read: before 6.16 the file cannot be mapped. */
static int types_read(int fd, struct kernel_types *ret)
{
    size_t done = 0;

    ret->data = eco_calloc(1, ret->size);
    if (ret->data == NULL)
        return -ENOMEM;
    while (done < ret->size) {
        ssize_t n = pread(fd, (char *)ret->data + done, ret->size - done, (off_t)done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            int r = n < 0 ? -errno : -EINVAL;
            free(ret->data);
            ret->data = NULL;
            return r;
        }
        done += (size_t)n;
    }
    return 0;
}

static int types_open(struct kernel_types *ret)
{
    struct eco_root root;
    struct stat st;
    int r = eco_root_init(&root, NULL, NULL);

    if (r < 0)
        return r;
    int fd = eco_root_open(&root, ECO_SYSFS, "kernel/btf/vmlinux");
    eco_root_finish(&root);
    if (fd < 0)
        return fd;
    if (fstat(fd, &st) < 0 || st.st_size <= 0 || st.st_size > BTF_BYTES_MAX) {
        (void)close(fd);
        return -EINVAL;
    }
    ret->size = (size_t)st.st_size;
    ret->data = mmap(NULL, ret->size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
    ret->is_mapped = ret->data != MAP_FAILED;
    r = ret->is_mapped ? 0 : types_read(fd, ret);
    (void)close(fd);
    return r;
}

static void types_close(struct kernel_types *types)
{
    if (types->is_mapped)
        (void)munmap(types->data, types->size);
    else
        free(types->data);
}

static int offsets_find(const struct kernel_types *types, struct eco_bpf_config *config, struct eco_why *why)
{
    uint32_t switch_params = 0, exit_params = 0;
    struct eco_btf_query queries[] = {
        {.type = "task_struct", .member = "pid", .ret = &config->task_pid},
        {.type = "task_struct", .member = "tgid", .ret = &config->task_tgid},
        {.type = "task_struct", .member = "comm", .ret = &config->task_comm},
        {.type = "task_struct", .member = "start_boottime", .ret = &config->task_start},
        {.type = "task_struct", .member = "signal", .ret = &config->task_signal},
        {.type = "task_struct", .member = "group_leader", .ret = &config->task_leader},
        {.type = "task_struct", .member = "real_parent", .ret = &config->task_parent},
        {.type = "task_struct", .member = "cred", .ret = &config->task_cred},
        {.type = "task_struct", .member = "cgroups", .ret = &config->task_cgroups},
        {.type = "task_struct", .member = "se.sum_exec_runtime", .ret = &config->task_runtime},
        {.type = "task_struct", .member = "se.exec_start", .ret = &config->task_exec_start},
        {.type = "signal_struct", .member = "sum_sched_runtime", .ret = &config->signal_runtime},
        {.type = "signal_struct", .member = "live.counter", .ret = &config->signal_live},
        {.type = "cred", .member = "uid.val", .ret = &config->cred_uid},
        {.type = "css_set", .member = "dfl_cgrp", .ret = &config->cset_cgroup},
        {.type = "cgroup", .member = "kn", .ret = &config->cgroup_kn},
        {.type = "cgroup", .member = "level", .ret = &config->cgroup_level},
        {.type = "kernfs_node", .member = "id", .ret = &config->kn_id},
        {.type = "btf_trace_sched_switch", .ret = &switch_params},
        {.type = "btf_trace_sched_process_exit", .ret = &exit_params},
        /* One of the two: ids until 6.0, pointers since. */
        {.type = "cgroup", .member = "ancestors", .ret = &config->cgroup_ancestors},
        {.type = "cgroup", .member = "ancestor_ids", .ret = &config->cgroup_ancestor_ids},
    };
    const size_t count = ECO_COUNT(queries);
    int r = eco_btf_find(types->data, types->size, queries, count);

    if (r < 0) {
        eco_why_set(why, "the kernel's description of its types (BTF) cannot be read");
        return r;
    }
    for (size_t i = 0; i < count - 1; i++) {
        bool is_found = queries[i].is_found || (i == count - 2 && queries[count - 1].is_found);
        if (is_found)
            continue;
        eco_why_set(why, "this kernel's %s%s%s is not where BPF accounting looks for it", queries[i].type,
                    queries[i].member ? "." : "", queries[i].member ? queries[i].member : "");
        return -ENOTSUP;
    }
    /* The first parameter is the tracer's own. */
    for (size_t i = 0; i < count; i++)
        if (queries[i].ret == &switch_params)
            config->switch_type = queries[i].id;
    config->has_prev_state = switch_params >= 5;
    config->has_group_dead = exit_params >= 3;
    return 0;
}

int eco_bpf_offsets(struct eco_bpf_config *ret, struct eco_why *why)
{
    struct kernel_types types = {0};
    int r = types_open(&types);

    if (r < 0) {
        eco_why_set(why, "this kernel has no description of its types (BTF, CONFIG_DEBUG_INFO_BTF)");
        return r;
    }
    r = offsets_find(&types, ret, why);
    types_close(&types);
    return r;
}
