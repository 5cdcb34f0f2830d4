/* SPDX-License-Identifier: MIT */
/* The words of a scenario file. */
#pragma once

#include "scenario.h"

#define NV_WORDS_MAX 32

/** One line, cut into words; changes the scenario. 0, -EINVAL (unknown or malformed), -ENOSPC, -ENOMEM. */
int nv_parse_words(struct nv_scenario *scenario, char **word, int count, int line);
/** A decimal number and nothing behind it ("inf" included). */
bool nv_parse_number(const char *text, double *ret_value);
/** Return code by its name without NVML_ERROR_; -1 when there is none. */
int nv_parse_code(const char *name);
/** Sets what is not said, from the architecture. */
void nv_scenario_complete(struct nv_scenario *scenario);
