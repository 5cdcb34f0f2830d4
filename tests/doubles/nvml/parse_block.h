/* SPDX-License-Identifier: MIT */
/* What stands below "device" and "process". */
#pragma once

#include "parse.h"

/** One line of such a block: 0, -EINVAL (no such word, or malformed), -ENOSPC, -ENOMEM. */
int nv_parse_device(struct nv_device *device, char **word, int count);
int nv_parse_process(struct nv_process *process, char **word, int count);
