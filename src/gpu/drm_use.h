/* SPDX-License-Identifier: MIT */
/*
 * Who uses graphics cards by the kernel's own books: descriptors of /dev/dri files and what
 * /proc/PID/fdinfo says of them. Processes of others are seen only with CAP_SYS_PTRACE. Reading all
 * descriptors of a machine is dear, so a process is looked at when it is new and every 10 s after; what holds
 * a card is read at every look. Sums are cumulative from the first look on. Thread: one.
 */
#pragma once

#include "gpu/fdinfo.h"
#include "gpu/use_books.h"
#include "platform/env.h"

struct eco_drm_use;

int eco_drm_use_new(const struct eco_env *env, const char *driver, struct eco_drm_use **ret) ECO_MUST_CHECK;
struct eco_drm_use *eco_drm_use_free(struct eco_drm_use *use);
/**
 * Look once, into the books.
 *
 * @param index_of  device index of a PCI address, negative = not one of ours
 */
int eco_drm_use_look(struct eco_drm_use *use, struct eco_use_books *books,
                     int32_t (*index_of)(const void *context, const char *pdev),
                     const void *context) ECO_MUST_CHECK;
/** Processes whose descriptors could not be read for want of privilege, at the last discovery. */
size_t eco_drm_use_hidden(const struct eco_drm_use *use);
