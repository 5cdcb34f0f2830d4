/* SPDX-License-Identifier: MIT */
/* One aligned line per interval, for a terminal. */
#pragma once

#include "sinks/tally.h"
#include "sinks/text.h"

struct eco_live {
    struct eco_tally tally;
    unsigned rows;               /* height of the terminal */
    unsigned since_head;         /* lines since the header was last shown */
    bool has_cards;              /* some domain is a graphics card: two columns for all of them */
    bool is_machine, is_decided; /* watts of the whole machine, or of the processes watched */
    double joules;
};

void eco_live_frame(struct eco_live *live, struct eco_page *page, const struct eco_frame *frame);
