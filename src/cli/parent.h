/* SPDX-License-Identifier: MIT */
/*
 * The process of `run` that the user started: parent of the command. It touches no sensor, waits for the
 * measurer for a limited time only, and ends as the command ended.
 */
#pragma once

#include "cli/command.h"
#include "cli/link.h"
#include "run/run.h"

struct eco_parent {
    const struct eco_call *call;
    struct eco_run *run;
    int link;
    bool is_ready, has_failed, is_measured, is_done; /* what the measurer told; has_failed: it said why */
    bool is_gone;                                    /* it has ended */
    bool is_stuck;                                   /* it cannot end */
    bool has_ended, is_over, is_asked;               /* is_asked: to finish now, by a signal */
    bool is_exceeded, is_stopping, is_unwatched;     /* budgets: is_stopping: the job was told to end */
    int32_t action;                                  /* enum eco_budget_action of what is exceeded */
    uint64_t kill_ns;                                /* when what is left of the job is killed; 0 = never */
    int status;                                      /* of CMD, as from waitpid */
    uint64_t heard_ns;                               /* when the measurer last gave a sign */
    uint64_t self_begin_ns;                          /* our CPU time when the command began */
    struct eco_link_message *held;                   /* not sent yet: the measurer does not read now */
    size_t held_count, held_capacity;
};

/** Let the held command run and wait for its end. call, run and link are set. Returns the exit status. */
int eco_parent_be(struct eco_parent *self);
/** There is no command to run: the measurer ends, and is waited for as long as it gives signs. */
void eco_parent_give_up(struct eco_parent *self);
