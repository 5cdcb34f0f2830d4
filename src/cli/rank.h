/* SPDX-License-Identifier: MIT */
/* Which part of a parallel job we are, by what its launcher tells in the environment. */
#pragma once

#include "model/report.h"

/** variable NULL where we are none. */
void eco_rank_find(struct eco_report_rank *ret);
