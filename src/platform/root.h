/* SPDX-License-Identifier: MIT */
/*
 * Files of the operating system below a root that a test or the user can replace. Paths given here
 * are always below procfs or sysfs ("/proc/stat" and "/sys/class/powercap" are asked for as
 * (ECO_PROCFS, "stat") and (ECO_SYSFS, "class/powercap")). Only regular files are read: a FIFO or
 * device in their place is -EINVAL, never a hang; so is a path that begins with '/'. Nothing under a
 * root is ever written.
 *
 * Implemented once per platform (`linux/`, `none/`). Thread: any, on different handles.
 */
#pragma once

#include "base/macros.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum eco_tree { ECO_PROCFS, ECO_SYSFS };

struct eco_root {
    int fd[2];         /* directories, O_PATH; -1 = not there */
    char path[2][256]; /* as given */
    bool is_own[2];    /* the real /proc of our own pid namespace; the real /sys */
    /* tests: called before every open and read; nonzero = fail with that negative errno */
    int (*fault)(void *context, enum eco_tree tree, const char *path);
    void *fault_context;
};

/** Open the two roots; NULL = the real place. -ENOENT/-ENOTDIR when a given one is no directory. */
int eco_root_init(struct eco_root *root, const char *procfs, const char *sysfs) ECO_MUST_CHECK;
void eco_root_finish(struct eco_root *root);

/** Open a regular file for reading (close-on-exec). Returns a descriptor or negative errno. */
int eco_root_open(const struct eco_root *root, enum eco_tree tree, const char *path) ECO_MUST_CHECK;

/**
 * Read a small file at once; ret is NUL-terminated, white space at its end removed.
 *
 * @return bytes (>= 0), -EFBIG when it does not fit into size-1 bytes, or another negative errno
 */
ssize_t eco_root_read(const struct eco_root *root, enum eco_tree tree, const char *path, char *ret,
                      size_t size) ECO_MUST_CHECK;
int eco_root_read_u64(const struct eco_root *root, enum eco_tree tree, const char *path,
                      uint64_t *ret) ECO_MUST_CHECK;

/** Read from the start of a kept descriptor into ret, NUL-terminated. As eco_root_read. Honours `fault` with
 * the path "". */
ssize_t eco_root_pread(const struct eco_root *root, int fd, char *ret, size_t size) ECO_MUST_CHECK;
int eco_root_pread_u64(const struct eco_root *root, int fd, uint64_t *ret) ECO_MUST_CHECK;

/** printf-style path into a caller's buffer of ECO_PATH_MAX. -ENAMETOOLONG when cut. */
#define ECO_PATH_MAX 512
int eco_path(char *ret, const char *format, ...) ECO_PRINTF(2, 3) ECO_MUST_CHECK;

/**
 * Names in a directory, in the order of the file system, without "." and "..".
 *
 * @param each  called for every name; nonzero stops and is returned
 * @return 0, what `each` returned, or negative errno
 */
int eco_root_list(const struct eco_root *root, enum eco_tree tree, const char *path,
                  int (*each)(void *context, const char *name, uint64_t inode), void *context) ECO_MUST_CHECK;

/** Where a symbolic link leads: the last component of its target. */
int eco_root_link_name(const struct eco_root *root, enum eco_tree tree, const char *path, char *ret,
                       size_t size) ECO_MUST_CHECK;
/** 0 when it exists, else negative errno. Symbolic links are followed. */
int eco_root_exists(const struct eco_root *root, enum eco_tree tree, const char *path) ECO_MUST_CHECK;
