/* SPDX-License-Identifier: MIT */
#include "base/text.h"
#include "impact/impact.h"
#include "impact/places.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define S_PER_HOUR   3600.0
#define YEAR_S       (365.25 * 86400)
#define BYTES_PER_GB 1e9

/* Energy of IT equipment: what the sensors counted, or with --wall-factor what went in at the plug. */
static double it_kwh(const struct eco_factors *factors, double joules, double duration_s, double share)
{
    double at_wall = factors->wall_w * duration_s * share + factors->wall_ratio * joules;
    return (factors->has_wall ? at_wall : joules) / ECO_J_PER_KWH;
}

double eco_impact_co2e_g(const struct eco_factors *factors, double joules, double duration_s, double share)
{
    return it_kwh(factors, joules, duration_s, share) * factors->pue.value * factors->intensity.value;
}

double eco_impact_cost(const struct eco_factors *factors, double joules, double duration_s, double share)
{
    return it_kwh(factors, joules, duration_s, share) * factors->pue.value * factors->price_kwh.amount;
}

/* The energy's interval and the factor's are independent: root of the sum of squares. Never below nothing. */
static double relative(double value, double bound, double spread)
{
    double own = value > 0 && isfinite(bound) ? fabs(bound - value) / value : 0;
    return sqrt(own * own + spread * spread);
}

static void reckon_row(const struct eco_factors *factors, const struct eco_impact_input *input,
                       unsigned index, struct eco_impact_row *row)
{
    double job_j = input->rows[index].job_j, own = input->rows[index].intensity_g_per_kwh;
    double low_j = input->rows[index].low_j, high_j = input->rows[index].high_j;
    double it = it_kwh(factors, job_j, input->duration_s, input->rows[index].share);
    double facility = it * factors->pue.value;
    double g = facility * (own > 0 ? own : factors->intensity.value);
    double on_site = isfinite(factors->wue.value) ? factors->wue.value : 0;
    double below = 1 - relative(job_j, low_j, 0), above = 1 + relative(job_j, high_j, 0);
    *row = (struct eco_impact_row){
        .policy = input->rows[index].policy,
        .energy_it_kwh = it,
        .energy_facility_kwh = facility,
        .co2e_g = g,
        .co2e_low_g = g * fmax(0, 1 - relative(job_j, low_j, factors->intensity_spread)),
        .co2e_high_g = g * (1 + relative(job_j, high_j, factors->intensity_spread)),
        .water_l = it * on_site + facility * factors->water_off.value,
        .water_low_l = (it * on_site + facility * factors->water_off_low) * fmax(0, below),
        .water_high_l = (it * on_site + facility * factors->water_off_high) * above,
        .cost = facility * factors->price_kwh.amount,
    };
}

static void add_part(struct eco_impact *impact, const char *name, double whole_g, double share,
                     double duration_s, const char *source)
{
    if (impact->embodied.part_count == ECO_PARTS_MAX)
        return;
    double co2e_g = whole_g * duration_s / impact->embodied.lifetime_s * share;
    impact->embodied.parts[impact->embodied.part_count++] =
        (struct eco_embodied_part){name, whole_g, share, co2e_g, source};
    impact->embodied.co2e_g += co2e_g;
}

/* M = TE * (TiR / EL) * (RR / ToR), ISO/IEC 21031; no PUE: a cooling plant is not made anew. */
static void reckon_embodied(const struct eco_impact_input *input, struct eco_impact *impact)
{
    static const char *const items[] = {NULL, NULL, "laptop", "desktop", "server"};
    const struct eco_factors *factors = &impact->factors;
    double share = input->reserved_share, time = input->duration_s;
    impact->embodied.co2e_g = ECO_NAN;
    if (factors->embodied == ECO_EMBODIED_NONE || !isfinite(share))
        return;
    const char *item = items[factors->embodied];
    const struct eco_embodied_row *row = eco_embodied_row(item ? item : "server");
    impact->embodied.co2e_g = 0;
    impact->embodied.lifetime_s = factors->lifetime_s > 0 ? factors->lifetime_s : row->lifetime_y * YEAR_S;
    impact->embodied.share_basis = input->reserved_by;
    if (!item) {
        add_part(impact, "machine", factors->embodied_g, share, time, "given");
        return;
    }
    if (factors->embodied != ECO_EMBODIED_SERVER) {
        add_part(impact, "machine", row->kg * 1e3, share, time, row->source);
        return;
    }
    const struct eco_embodied_row *cpu = eco_embodied_row("server_cpu"),
                                  *ram = eco_embodied_row("server_ram_per_gb"),
                                  *gpu = eco_embodied_row("server_gpu");
    add_part(impact, "rest", row->kg * 1e3, share, time, row->source);
    if (input->sockets > 1)
        add_part(impact, "cpu", cpu->kg * 1e3 * (input->sockets - 1), share, time, cpu->source);
    if (input->memory_bytes > 0)
        add_part(impact, "ram", ram->kg * 1e3 * ((double)input->memory_bytes / BYTES_PER_GB), share, time,
                 ram->source);
    if (input->gpus > 0)
        add_part(impact, "gpu", gpu->kg * 1e3 * input->gpus, (double)input->gpus_used / input->gpus, time,
                 gpu->source);
}

/* Operational by what is reserved, whatever the policy, and embodied, per unit of work. */
static void reckon_sci(const struct eco_impact_input *input, struct eco_impact *impact)
{
    const struct eco_factors *factors = &impact->factors;
    double kwh =
        it_kwh(factors, input->reserved_j, input->duration_s, input->reserved_share) * factors->pue.value;
    impact->sci.energy_kwh = kwh;
    impact->sci.operational_g = kwh * factors->intensity.value;
    impact->sci.embodied_g = impact->embodied.co2e_g;
    impact->sci.g_per_unit = (impact->sci.operational_g + impact->sci.embodied_g) / factors->per_count;
    impact->sci.basis = input->reserved_by;
}

static void find_equivalent(struct eco_impact *impact)
{
    double g = ECO_NAN;
    for (unsigned i = 0; i < ECO_IMPACT_ROWS_MAX && impact->rows[i].policy && !isfinite(g); i++)
        g = impact->rows[i].co2e_g;
    double m = g / eco_equivalent.g_per_unit * 1000;
    if (!(m >= 1) || m > 1e12)
        return;
    /* One or two digits: the factor allows no more. */
    double step = pow(10, floor(log10(m)) - 1);
    double shown = m < 10 ? floor(m + 0.5) : floor(m / step + 0.5) * step;
    if (shown < 1000)
        (void)snprintf(impact->equivalent, sizeof impact->equivalent, "%.0f m %s", shown,
                       eco_equivalent.what);
    else
        (void)snprintf(impact->equivalent, sizeof impact->equivalent, "%.*f %s %s", shown < 10000 ? 1 : 0,
                       shown / 1000, eco_equivalent.unit, eco_equivalent.what);
    impact->equivalent_source = eco_equivalent.source;
    impact->equivalent_brief = eco_equivalent.brief;
}

void eco_impact_reckon(const struct eco_factors *factors, const struct eco_impact_input *input,
                       struct eco_impact *ret)
{
    *ret = (struct eco_impact){.is_known = true, .factors = *factors};
    ret->boundary = factors->has_wall ? "wall" : "components";
    for (unsigned i = 0; i < ECO_IMPACT_ROWS_MAX && input->rows[i].policy; i++)
        reckon_row(factors, input, i, &ret->rows[i]);
    ret->hours = input->duration_s / S_PER_HOUR;
    ret->gpu_hours = input->gpu_s / S_PER_HOUR;
    ret->hour_cost = ret->hours * factors->price_hour.amount;
    ret->gpu_hour_cost = ret->gpu_hours * factors->price_gpu_hour.amount;
    reckon_embodied(input, ret);
    reckon_sci(input, ret);
    find_equivalent(ret);
}
