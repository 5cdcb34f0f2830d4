/* SPDX-License-Identifier: MIT */
/*
 * Parsers of what the kernel says of one process (proc(5)). Text in, plain data out; no file is
 * touched here. Out-parameters stay untouched on failure. `text[length]` must be NUL (NULs before
 * it do no harm). Thread: any.
 */
#pragma once

#include "base/macros.h"
#include "model/process.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What EcoCode uses of /proc/PID/stat. Times are in clock ticks (sysconf(_SC_CLK_TCK), 100 a second). */
struct eco_stat_line {
    int32_t pid, ppid;
    char name[ECO_PROC_NAME_MAX]; /* comm, any bytes, at most 63 of them */
    char state;                   /* 'R' 'S' 'D' 'Z' ... */
    bool is_kernel;               /* kernel thread: PF_KTHREAD */
    uint64_t user_ticks, system_ticks;
    uint64_t children_user_ticks, children_system_ticks; /* children that were waited for */
    uint32_t threads;
    uint64_t start_ticks; /* BOOTTIME */
    uint64_t rss_pages;
    int32_t last_cpu;   /* -1 unknown (kernels before 2.2.8) */
    uint64_t arg_start; /* where the command line lies: moves at exec; 0 = not told to us */
};

/**
 * One line of /proc/PID/stat:
 *
 *     4022 (a) R 1 (b) S 4021 4022 ... 0 -1 4194304 96 0 0 0 12 3 0 0 20 0 1 0 90241 ...
 *
 * The name may hold any byte, ") R 1 (" and newlines too: it ends at the last ')' of the text.
 *
 * @return 0, -EBADMSG when it is no such line (cut short before field 24), -ERANGE for a number
 *         that does not fit
 */
int eco_stat_parse(const char *text, size_t length, struct eco_stat_line *ret) ECO_MUST_CHECK;

/* What EcoCode uses of /proc/PID/status. */
struct eco_status_file {
    uint32_t uid;       /* effective */
    uint64_t rss_bytes; /* VmRSS; 0 for kernel threads and zombies */
    uint64_t
        max_rss_bytes; /* VmHWM: of this program only, unlike ru_maxrss, which begins with what forked it */
};

/** @return 0, or -EBADMSG without a line "Uid:" */
int eco_status_parse(const char *text, size_t length, struct eco_status_file *ret) ECO_MUST_CHECK;

/**
 * The path of a process in one hierarchy, from /proc/PID/cgroup:
 *
 *     0::/user.slice/job-1.scope
 *     4:cpu,cpuacct:/docker/1f
 *
 * @param controller  "" for version 2, else a controller's name ("cpuacct")
 * @param ret         gets the path, from '/', without " (deleted)"
 * @return length of the path, -ENOENT when there is no such line, -EBADMSG when it is none of the
 *         kernel's, -E2BIG when `size` is too small
 */
int eco_cgroup_parse(const char *text, size_t length, const char *controller, char *ret,
                     size_t size) ECO_MUST_CHECK;

/* CPU time in cpu.stat of version 2, in microseconds; there without any controller. */
struct eco_cgroup_cpu {
    uint64_t usage_us, user_us, system_us;
};

/** @return 0, or -EBADMSG when a line is missing, twice there, or no number */
int eco_cgroup_cpu_parse(const char *text, size_t length, struct eco_cgroup_cpu *ret) ECO_MUST_CHECK;

/**
 * Bounded, printable-by-others command line from /proc/PID/cmdline: arguments are separated by
 * NULs, which become blanks; those at the end go. Bytes are otherwise kept.
 *
 * @return bytes written without the NUL; 0 for kernel threads and zombies
 */
size_t eco_cmdline_parse(const char *raw, size_t length, char *ret, size_t size);

/** A name in /proc that is a process: its pid, or 0. */
int32_t eco_pid_parse(const char *name);
