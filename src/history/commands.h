/* SPDX-License-Identifier: MIT */
/* The commands of ecocode-history. Each returns the exit status, and has its table in cli/cmd_*.c. */
#pragma once

#include "cli/command.h"

int eco_cmd_export(struct eco_call *call);
int eco_cmd_import(struct eco_call *call);
int eco_cmd_history(struct eco_call *call);
int eco_cmd_merge(struct eco_call *call);
int eco_cmd_bench(struct eco_call *call);
int eco_cmd_report(struct eco_call *call);
int eco_cmd_check(struct eco_call *call);
int eco_cmd_compare(struct eco_call *call);
