/* SPDX-License-Identifier: MIT */
/* Places, prices, masses and the like as somebody types them: refused with a reason, or a figure in its
 * range. */
#include "fuzz/fuzz.h"
#include "impact/impact.h"
#include "impact/places.h"

#include <errno.h>
#include <math.h>

static void check_good(const struct eco_factors *f)
{
    struct eco_impact impact;
    const struct eco_impact_input input = {
        .duration_s = 1,
        .rows = {{.policy = "full", .job_j = 2, .low_j = 1, .high_j = 3, .share = 1}},
        .gpu_s = 1,
        .reserved_j = 2,
        .reserved_share = 1,
        .reserved_by = "whole machine"};
    require(f->pue.value >= 1 && f->pue.value <= 5 && f->intensity.value >= 0 && f->intensity.value <= 5000);
    require(!(f->wue.value < 0) && !(f->wue.value > 100) && f->per_count > 0 && isfinite(f->per_count));
    require(!(f->price_kwh.amount < 0) && strlen(f->price_kwh.currency) <= 3);
    eco_impact_reckon(f, &input, &impact);
    const struct eco_impact_row *row = &impact.rows[0];
    require(row->co2e_low_g >= 0 && row->co2e_low_g <= row->co2e_g && row->co2e_g <= row->co2e_high_g);
    require(!isinf(row->cost) && !isinf(row->water_l) && !(impact.embodied.co2e_g < 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = fuzz_copy(data, size);
    const struct eco_impact_choices all[] = {
        {.location = text},    {.carbon_intensity = text},
        {.pue = text},         {.wue = text},
        {.wall_factor = text}, {.price = text},
        {.price_hour = text},  {.price_gpu_hour = text},
        {.embodied = text},    {.lifetime = text, .embodied = "server"},
        {.per = text},
    };
    for (size_t i = 0; i < ECO_COUNT(all); i++) {
        struct eco_factors factors = {.per_count = -7};
        struct eco_why why = {{0}, {0}};
        int r = eco_factors_init(&factors, &all[i], &why);
        if (r < 0)
            require(r == -EINVAL && *why.text && factors.per_count < -6);
        else
            check_good(&factors);
    }
    free(text);
    return 0;
}
