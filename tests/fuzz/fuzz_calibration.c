/* SPDX-License-Identifier: MIT */
/*
 * The file of a calibration, which anybody may have written. What is believed is bounded and makes sense;
 * written and read again it is the same.
 */
#include "fuzz/fuzz.h"
#include "meter/calibration_store.h"

#include <errno.h>
#include <math.h>

#define REGIME "0123456789abcdef"
#define CPU    "A CPU"
#define NOW_S  1763820000

static void check_domain(const struct eco_calibration_domain *domain)
{
    require(domain->name[0] && memchr(domain->name, '\0', sizeof(domain->name)));
    require(domain->source[0] && memchr(domain->source, '\0', sizeof(domain->source)));
    require(domain->idle_w >= 0 && domain->idle_w <= 1e6 && domain->idle_u_w >= 0 && domain->idle_u_w <= 1e6);
    require(domain->curve.count <= ECO_CURVE_KNOTS);
    require(domain->curve.count == 0 || eco_curve_is_valid(&domain->curve));
    for (double x = 0.1; x < 1e5 && domain->curve.count > 0; x *= 3) {
        double marginal, alone;
        eco_curve_job(&domain->curve, 100, x, 1, &marginal, &alone);
        require(marginal >= -1e-6 && marginal <= 100 + 1e-6 && alone >= -1e-6 && alone <= 100 + 1e-6);
    }
}

static void check(const struct eco_calibration *found)
{
    require(found->at_real_s > 0 && found->at_real_s <= NOW_S + 86400);
    require(strcmp(found->cpu_model, CPU) == 0);
    require(found->weights.sigma >= 0 && found->weights.sigma <= 1);
    require(found->weights.gamma >= 0 && found->weights.gamma <= 4);
    require(found->weights.core_count <= ECO_CORE_TYPES);
    for (unsigned i = 0; i < found->weights.core_count; i++)
        require(found->weights.core[i].factor > 0 && found->weights.core[i].factor <= 4);
    require(isnan(found->wall_idle_w) || found->wall_busy_w > found->wall_idle_w);
    require(found->domain_count <= ECO_CALIBRATION_DOMAINS);
    for (unsigned i = 0; i < found->domain_count; i++)
        check_domain(&found->domains[i]);
}

static void check_again(const struct eco_calibration *found)
{
    static struct eco_calibration again;
    struct eco_buf first, second;

    eco_buf_init(&first, 1u << 20);
    eco_buf_init(&second, 1u << 20);
    eco_buf_text(&first, "ecocode.calibration/1\n");
    eco_buf_text(&second, "ecocode.calibration/1\n");
    eco_calibration_format(found, REGIME, &first);
    require(eco_calibration_parse(first.data, REGIME, CPU, NOW_S, &again, NULL, NULL) == 0);
    eco_calibration_format(&again, REGIME, &second);
    require(first.length == second.length && memcmp(first.data, second.data, first.length) == 0);
    eco_buf_finish(&first);
    eco_buf_finish(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct eco_calibration found;
    struct eco_why why = {{0}, {0}};
    struct eco_buf foreign;
    char *text = fuzz_copy(data, size);

    eco_buf_init(&foreign, 1u << 20);
    int r = eco_calibration_parse(text, REGIME, CPU, NOW_S, &found, &foreign, &why);
    require(r == 0 || r == -ENOENT || r == -ESTALE || r == -ENODEV || r == -EINVAL);
    require((r == -EINVAL || r == -ENODEV) == (why.text[0] != '\0'));
    require(foreign.length <= size);
    if (r == 0) {
        check(&found);
        check_again(&found);
    }
    eco_buf_finish(&foreign);
    free(text);
    return 0;
}
