/* SPDX-License-Identifier: MIT */
#include "attribution/share.h"

#include <float.h>
#include <math.h>

/*
 * A running sum that keeps what rounding loses (Neumaier 1974), so that a hundred thousand rows add
 * up to the last bits in any order.
 */
struct sum {
    double total, lost;
};

static void sum_add(struct sum *sum, double value)
{
    double next = sum->total + value;

    if (fabs(sum->total) >= fabs(value))
        sum->lost += (sum->total - next) + value;
    else
        sum->lost += (value - next) + sum->total;
    sum->total = next;
}

static double sum_get(const struct sum *sum)
{
    return sum->total + sum->lost;
}

/* A weight fit for arithmetic: nan and negative count as 0, infinity as the largest number. */
static double clean(double weight)
{
    return weight > 0 ? fmin(weight, DBL_MAX) : 0;
}

/* Weights of the rows, of the rest and of what is lost, divided by the largest so that no sum overflows. */
struct parts {
    const double *row; /* NULL: every row 0 */
    size_t count;
    double rest, lost; /* scaled */
    double largest;    /* 0 when all are 0 */
    double total;      /* of the scaled ones, >= 1 unless all are 0 */
};

static double part_row(const struct parts *parts, size_t i)
{
    return parts->row && parts->largest > 0 ? clean(parts->row[i]) / parts->largest : 0;
}

static struct parts parts_of(const double *row, size_t count, double rest, double lost)
{
    struct parts parts = {.row = row, .count = count};
    struct sum total = {0, 0};

    parts.largest = fmax(clean(rest), clean(lost));
    for (size_t i = 0; row && i < count; i++)
        parts.largest = fmax(parts.largest, clean(row[i]));
    if (!(parts.largest > 0))
        return parts;
    parts.rest = clean(rest) / parts.largest;
    parts.lost = clean(lost) / parts.largest;
    for (size_t i = 0; i < count; i++)
        sum_add(&total, part_row(&parts, i));
    sum_add(&total, parts.rest);
    sum_add(&total, parts.lost);
    parts.total = sum_get(&total);
    return parts;
}

/*
 * Turn weights, which share a whole, into fractions of 1: what they leave is nobody's. Their sum is
 * at least 1 after this, so that dividing by it scales down where they exceed 1 and nothing else.
 */
static void parts_as_fractions(struct parts *parts)
{
    double one = parts->largest > 0 ? 1 / parts->largest : 1;

    parts->total = fmax(parts->total, one);
}

/* One slot: `dynamic` by `by`, `idle` by `idle_by` (NULL: it stays idle), `excess` by nobody. */
struct division {
    double dynamic, idle, excess;
    const struct parts *by, *idle_by;
};

static double row_energy(const struct division *d, size_t i)
{
    double energy = d->by->total > 0 ? d->dynamic * (part_row(d->by, i) / d->by->total) : 0;

    if (d->idle_by && d->idle_by->total > 0)
        energy += d->idle * (part_row(d->idle_by, i) / d->idle_by->total);
    return energy;
}

static void divide(const struct division *d, size_t count, double *row_uj, struct eco_split *ret)
{
    struct sum job = {0, 0}, given = {0, 0};
    double by_total = d->by->total;
    double rest = 0, lost = d->dynamic, idle_rest = 0, idle_lost = 0;

    if (by_total > 0) {
        rest = d->dynamic * (d->by->rest / by_total);
        lost = d->dynamic * (d->by->lost / by_total);
    }
    for (size_t i = 0; i < count; i++) {
        double energy = row_energy(d, i);

        if (row_uj)
            row_uj[i] = energy;
        sum_add(&job, energy);
        if (d->idle_by && d->idle_by->total > 0)
            sum_add(&given, part_row(d->idle_by, i) / d->idle_by->total);
    }
    if (d->idle_by && d->idle_by->total > 0) {
        idle_rest = d->idle * (d->idle_by->rest / d->idle_by->total);
        idle_lost = d->idle * (d->idle_by->lost / d->idle_by->total);
    }
    ret->job_uj = sum_get(&job);
    ret->others_uj = rest + idle_rest;
    ret->unattributed_uj = d->excess + lost + idle_lost;
    ret->idle_uj = fmax(d->idle - d->idle * sum_get(&given) - idle_rest - idle_lost, 0);
}

static void unknown(struct eco_share_output *out, enum eco_slot slot, size_t count)
{
    out->split[slot] = (struct eco_split){(double)NAN, (double)NAN, (double)NAN, (double)NAN};
    for (size_t i = 0; out->row_uj[slot] && i < count; i++)
        out->row_uj[slot][i] = (double)NAN;
}

static void divide_slot(const struct division *d, size_t count, enum eco_slot slot,
                        struct eco_share_output *out)
{
    divide(d, count, out->row_uj[slot], &out->split[slot]);
}

static bool chosen_asked(const struct eco_share_input *in)
{
    return in->chosen == ECO_POLICY_EQUAL || in->chosen == ECO_POLICY_RESERVED;
}

static void share_without_idle(const struct eco_share_input *in, const struct parts *by,
                               struct eco_share_output *out)
{
    /* The limit is one of dynamic energy: it says nothing of a whole that holds idle power too. */
    struct division whole = {.dynamic = in->energy_uj, .by = by};

    divide_slot(&whole, in->row_count, ECO_SLOT_FULL, out);
    unknown(out, ECO_SLOT_ACTIVE, in->row_count);
    unknown(out, ECO_SLOT_CHOSEN, in->row_count);
}

static void share_with_idle(const struct eco_share_input *in, const struct parts *by,
                            struct eco_share_output *out)
{
    double idle = fmin(fmax(in->idle_uj, 0), in->energy_uj);
    double dynamic = in->energy_uj - idle;
    double excess = isnan(in->dynamic_limit_uj) ? 0 : fmax(dynamic - fmax(in->dynamic_limit_uj, 0), 0);
    struct division d = {.dynamic = dynamic - excess, .idle = idle, .excess = excess, .by = by};
    struct parts fractions;
    bool somebody_ran = by->total > 0;

    divide_slot(&d, in->row_count, ECO_SLOT_ACTIVE, out);

    if (in->idle_weight) {
        fractions = parts_of(in->idle_weight, in->row_count, in->rest_idle_weight, 0);
        parts_as_fractions(&fractions);
    }
    if (somebody_ran)
        d.idle_by = in->idle_weight ? &fractions : by;
    divide_slot(&d, in->row_count, ECO_SLOT_FULL, out);

    if (!chosen_asked(in)) {
        unknown(out, ECO_SLOT_CHOSEN, in->row_count);
        return;
    }
    fractions = parts_of(in->chosen_weight, in->row_count, in->rest_chosen_weight, 0);
    parts_as_fractions(&fractions);
    d.idle_by = somebody_ran ? &fractions : NULL;
    divide_slot(&d, in->row_count, ECO_SLOT_CHOSEN, out);
}

void eco_share_domain(const struct eco_share_input *in, struct eco_share_output *out)
{
    if (!(in->energy_uj >= 0) || isinf(in->energy_uj)) {
        for (int slot = 0; slot < ECO_SLOT_COUNT; slot++)
            unknown(out, (enum eco_slot)slot, in->row_count);
        return;
    }
    struct parts by = parts_of(in->weight, in->row_count, in->rest_weight, in->lost_weight);

    if (isnan(in->idle_uj))
        share_without_idle(in, &by, out);
    else
        share_with_idle(in, &by, out);
}
