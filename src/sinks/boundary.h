/* SPDX-License-Identifier: MIT */
/* What a measurement counts and what it does not, for every output in the same words. */
#pragma once

#include "model/report.h"

#define ECO_BOUNDARY_MAX 16

struct eco_boundary {
    const char *included[ECO_BOUNDARY_MAX]; /* "cpu" "dram" ... kinds of counted domains; static texts */
    const char *excluded[ECO_BOUNDARY_MAX]; /* "mainboard" "disks" ... */
    unsigned included_count, excluded_count;
};

void eco_boundary_of(const struct eco_report *report, struct eco_boundary *ret);

/** Unknown time of a domain that is to be told; how late a card's driver was is told by itself. */
double eco_gap_s(const struct eco_report_domain *domain);

/** "package-0 could not be read for 3 s; ...": the sentence about that time, which is given as a text. */
void eco_gap_format(const struct eco_report_domain *domain, const char *span, char *ret, size_t size);
