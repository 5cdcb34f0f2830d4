/* SPDX-License-Identifier: MIT */
/* The rows below a verdict: change, interval and verdict by each figure. */
#pragma once

#include "history/verdict.h"
#include "sinks/text.h"

/** @param own  NULL = not known, left out; its level is that of the title, else that of `full` */
void eco_pair_rows(struct eco_page *page, const struct eco_judgement *own, const struct eco_judgement *full,
                   double time_ratio);
