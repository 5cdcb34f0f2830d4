/* SPDX-License-Identifier: MIT */
#include "platform/root.h"

#include <errno.h>

int eco_root_init(struct eco_root *root, const char *procfs, const char *sysfs)
{
    *root = (struct eco_root){.fd = {-1, -1}};
    return procfs || sysfs ? -ENOTSUP : 0;
}

void eco_root_finish(struct eco_root *root)
{
    (void)root;
}

int eco_root_open(const struct eco_root *root, enum eco_tree tree, const char *path)
{
    (void)root;
    (void)tree;
    (void)path;
    return -ENOTSUP;
}

ssize_t eco_root_read(const struct eco_root *root, enum eco_tree tree, const char *path, char *ret,
                      size_t size)
{
    (void)root;
    (void)tree;
    (void)path;
    (void)ret;
    (void)size;
    return -ENOTSUP;
}

int eco_root_read_u64(const struct eco_root *root, enum eco_tree tree, const char *path, uint64_t *ret)
{
    (void)root;
    (void)tree;
    (void)path;
    (void)ret;
    return -ENOTSUP;
}

ssize_t eco_root_pread(const struct eco_root *root, int fd, char *ret, size_t size)
{
    (void)root;
    (void)fd;
    (void)ret;
    (void)size;
    return -ENOTSUP;
}

int eco_root_pread_u64(const struct eco_root *root, int fd, uint64_t *ret)
{
    (void)root;
    (void)fd;
    (void)ret;
    return -ENOTSUP;
}

int eco_root_list(const struct eco_root *root, enum eco_tree tree, const char *path,
                  int (*each)(void *context, const char *name, uint64_t inode), void *context)
{
    (void)root;
    (void)tree;
    (void)path;
    (void)each;
    (void)context;
    return -ENOTSUP;
}

int eco_root_link_name(const struct eco_root *root, enum eco_tree tree, const char *path, char *ret,
                       size_t size)
{
    (void)root;
    (void)tree;
    (void)path;
    (void)ret;
    (void)size;
    return -ENOTSUP;
}

int eco_root_exists(const struct eco_root *root, enum eco_tree tree, const char *path)
{
    (void)root;
    (void)tree;
    (void)path;
    return -ENOTSUP;
}
