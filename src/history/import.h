/* SPDX-License-Identifier: MIT */
/* Records of other machines and tools, put into STATE/runs. */
#pragma once

#include "base/macros.h"
#include "base/why.h"

#include <jansson.h>

struct eco_import {
    const char *state_dir;
    size_t taken, known; /* known: was there already, and is left as it is */
};

/** Take one file, whatever it is. 0 or negative errno with a reason; a file of many runs may be taken in
 * part. */
int eco_import_file(struct eco_import *import, const char *path, struct eco_why *why) ECO_MUST_CHECK;

/** Put a report into the history as a record of its own. -EEXIST: there is one of this id. */
int eco_import_report(struct eco_import *import, const json_t *report, struct eco_why *why) ECO_MUST_CHECK;

/**
 * emissions.csv of CodeCarbon: a run per row. Energy in kWh becomes joules, labelled estimated, by policy
 * "full": CodeCarbon charges a run with all that the machine used. -EBADMSG: no such file.
 */
int eco_import_codecarbon(struct eco_import *import, const char *path, struct eco_why *why) ECO_MUST_CHECK;
