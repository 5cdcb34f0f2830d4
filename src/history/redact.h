/* SPDX-License-Identifier: MIT */
/*
 * What tells who ran what where is taken out of records: command lines, host names, users, folders, and what
 * names a machine (boot id, pods, containers, serials of cards). Figures, program names and labels stay.
 */
#pragma once

#include "base/macros.h"
#include "base/why.h"

#include <jansson.h>

/** A report, or any line of a record, in place. */
void eco_redact_report(json_t *root);

/**
 * Write a record anew without all that: the lines of `from` into the descriptor `to`, uncompressed.
 *
 * @return 0, -EBADMSG a line of it is no JSON (nothing of that line is written), negative errno
 */
int eco_redact_file(const char *from, int to, struct eco_why *why) ECO_MUST_CHECK;
