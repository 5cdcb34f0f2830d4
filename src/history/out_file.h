/* SPDX-License-Identifier: MIT */
/*
 * A file that is replaced when it is whole. What is no regular file ("-" is standard output, a pipe,
 * /dev/null) is written in place.
 */
#pragma once

#include "base/macros.h"
#include "base/why.h"

#include <stdio.h>

struct eco_out_file {
    FILE *file; /* write here */
    char *path, *temp_path;
};

/** 0 or negative errno with a reason. `path` is copied; the file gets mode 0666 less the umask. */
int eco_out_open(const char *path, struct eco_out_file *ret, struct eco_why *why) ECO_MUST_CHECK;

/**
 * The whole has been written: it takes the place of what was there.
 *
 * @return 0, or negative errno with a reason, and what was there before is untouched then
 */
int eco_out_commit(struct eco_out_file *out, struct eco_why *why) ECO_MUST_CHECK;

/** What was written is dropped, where that can be. Nothing happens after a commit. */
void eco_out_abandon(struct eco_out_file *out);
