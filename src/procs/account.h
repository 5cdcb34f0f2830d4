/* SPDX-License-Identifier: MIT */
/*
 * The job's CPU time without a cgroup, so that nothing is lost or counted twice when processes end:
 *
 *     total = sum over living rows of (own clock + children waited for) + carried - base
 *
 * A process that ends and is waited for moves into its parent's cutime + cstime (which holds its
 * own and its children's, getrusage(2)); one that ends unseen by its parent (SIGCHLD ignored: the
 * kernel then drops its time, see wait(2)) is carried at what was last known; one that was reaped
 * by us is carried at what wait4 said. The kernel shows cutime and cstime cut to ticks, so up to
 * two ticks of what children are known to have used are held back before they count as dropped.
 * With a feed every process' own time is known to its end, and the sum is simpler:
 *
 *     total = what it was when the feed was in place + what the rows have grown since + unseen
 *
 * where unseen is nothing until the feed has lost something (fed_books.c).
 * Pure arithmetic. Thread: one.
 */
#pragma once

#include "procs/table.h"

struct eco_account {
    uint64_t living_ns, living_user_ns, living_system_ns;    /* sums of row.counted_... */
    uint64_t carried_ns, carried_user_ns, carried_system_ns; /* of those that ended */
    uint64_t base_ns, base_user_ns, base_system_ns;          /* used before the measurement */
    uint64_t rows_ns;     /* sum over the job's rows of cpu_ns - base_cpu_ns, ended ones too */
    uint64_t reported_ns; /* last total: it never falls */
    uint64_t slack_ns;    /* two ticks */
    bool is_fed;
    uint64_t fed_base_ns, fed_rows_ns; /* total and rows_ns when the feed was in place */
    uint64_t unseen_ns; /* sum over the job's rows: of children whom the feed did not tell of */
    uint64_t least_ns;  /* what wait4 said of a root and all that it had waited for: the total is no less */
};

/** Bring the sums up to date with the row's figures. Only for rows of the job. */
void eco_account_count(struct eco_account *account, struct eco_row *row);
/** Everything counted for the row so far was used before the measurement. */
void eco_account_base(struct eco_account *account, struct eco_row *row);
/**
 * The row has ended: take it out of the living.
 *
 * @param covered  its time is in a living (or just ended) row's children, so it is not carried
 */
void eco_account_end(struct eco_account *account, struct eco_row *row, bool covered);
/** A process that nobody had seen was reaped. */
void eco_account_unseen(struct eco_account *account, uint64_t user_ns, uint64_t system_ns);

/** What the row and its children are known to have used: the claim on its parent's children time. */
uint64_t eco_account_claim(const struct eco_row *row);
/**
 * Settle the growth of the row's children time with the claims of children that vanished.
 *
 * @return the part of the growth that no child is known for: short-lived ones, and what known ones
 *         used after they were last looked at
 */
uint64_t eco_account_settle(const struct eco_account *account, struct eco_row *row);

/** From now on the rows tell the whole. */
void eco_account_feed(struct eco_account *account);
/** Back to clocks and children's books, which go on from the present total. All rows have been counted. */
void eco_account_unfeed(struct eco_account *account);

/** The total so far; never falls, never less than the rows. */
uint64_t eco_account_total(struct eco_account *account);
/** Its split, in proportion to what the kernel's ticks say; both 0 when they say nothing. */
void eco_account_split(const struct eco_account *account, uint64_t total_ns, uint64_t *ret_user_ns,
                       uint64_t *ret_system_ns);
