/* SPDX-License-Identifier: MIT */
/*
 * --accounting: asks ecocode-priv for the kernel's own accounting and hands it to the meter when it comes.
 * Nothing ever waits for it but `monitor`, for a moment, before its baseline. ask, take ..., finish.
 */
#pragma once

#include "base/why.h"
#include "model/report.h"

#include <stdbool.h>
#include <stdint.h>

struct eco_call;
struct eco_meter;
struct eco_priv_feed;

struct eco_accounting {
    const struct eco_call *call;
    struct eco_priv_feed *asked; /* an answer is waited for */
    bool was_asked, has_failed, was_late;
    bool is_notable; /* why it failed is worth a line in a report that did not insist on it */
    struct eco_why why;
};

/** `--accounting bpf` where it is known from the start that there is none: -ENOTSUP with the reason. */
int eco_accounting_check(const struct eco_call *call, struct eco_why *why) ECO_MUST_CHECK;
/* What is to be told. */
struct eco_accounting_scope {
    bool is_large;          /* so many processes that even asking each for its clock costs: learn who ran */
    int group_fd;           /* the job's private cgroup: of others nothing is told; -1 = of everybody */
    const char *group_path; /* with it */
};

/** Start the helper, once; returns at once. */
void eco_accounting_ask(struct eco_accounting *self, const struct eco_call *call, struct eco_meter *meter,
                        const struct eco_accounting_scope *scope);
/** To poll for an answer, -1 when none is waited for. */
int eco_accounting_fd(const struct eco_accounting *self);
/** Hand to the meter what has come by now. Never waits. */
void eco_accounting_take(struct eco_accounting *self, struct eco_meter *meter);
/** The same, but wait until `until_ns` (MONOTONIC) for an answer. */
void eco_accounting_await(struct eco_accounting *self, struct eco_meter *meter, uint64_t until_ns);
void eco_accounting_warn(const struct eco_accounting *self, struct eco_report *report);
/** The measurement is over: what has not come by now is given up. */
void eco_accounting_finish(struct eco_accounting *self);
