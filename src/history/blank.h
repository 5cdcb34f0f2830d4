/* SPDX-License-Identifier: MIT */
/* A run report in which everything is unknown, to be filled by what makes one of something else. */
#pragma once

#include <jansson.h>

/** A new object of schema `ecocode.run/1`; NULL = no memory. */
json_t *eco_report_blank(void);

/** A domain in which everything is unknown, counted, of kind "cpu". NULL = no memory. */
json_t *eco_report_blank_domain(const char *name);
