/* SPDX-License-Identifier: MIT */
/* What a calibration found, for people (79 columns) and as JSON. */
#include "base/buf.h"
#include "base/json.h"
#include "base/text.h"
#include "cli/calibrate.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define JSON_LIMIT (4u << 20)

static double fitted_w(const struct eco_result *result, const struct eco_result_domain *domain,
                       const struct eco_calibration_point *point)
{
    double x = eco_calibration_x(&result->calibration.weights, result->plan->capacity, point);
    return domain->idle.power_w + eco_curve_power(&domain->fit.curve, x);
}

static void write_point(const struct eco_result *result, const struct eco_result_domain *domain, size_t index)
{
    const struct eco_calibration_point *point = &domain->points[index];
    double fit_w = fitted_w(result, domain, point), busy = 0;
    char fitted[40] = "", kind[24] = "";
    for (unsigned k = 0; k < ECO_CORE_TYPES; k++)
        busy += point->busy[k];
    if (isfinite(fit_w) && point->only_kind < 0)
        (void)snprintf(fitted, sizeof fitted, "%8.2f W  %+6.1f %%", fit_w,
                       100 * (fit_w - point->power_w) / point->power_w);
    if (point->only_kind >= 0)
        (void)snprintf(kind, sizeof kind, "small cores only");
    if (isfinite(point->power_w))
        (void)printf("   %7u  %9.2f  %8.2f W  %s%s\n", point->threads, busy, point->power_w, fitted, kind);
    else
        (void)printf("   %7u  %9.2f         -\n", point->threads, busy);
}

static void write_domain(const struct eco_result *result, const struct eco_result_domain *domain)
{
    char name[ECO_NAME_MAX];
    eco_text_clean(name, sizeof name, domain->info->name, strlen(domain->info->name), true);
    (void)printf("\n%s (%s): idle %.2f W +- %.2f W%s\n", name, domain->source, domain->idle.power_w,
                 2 * domain->idle.u_w,
                 domain->idle.trust == ECO_IDLE_EXTRAPOLATED ? ", extrapolated: it was not quiet" : "");
    (void)printf("   %7s  %9s  %10s  %10s  %8s\n", "threads", "busy CPUs", "measured", "fitted", "error");
    for (size_t i = 0; i < result->point_count; i++)
        write_point(result, domain, i);
    if (domain->fit.curve.count == 0) {
        (void)printf("   ");
        eco_help_fill(stdout, domain->fit.why, 3, 3);
    }
}

static void write_constant(const char *what, const struct eco_constant *constant, double scale,
                           const char *unit)
{
    char text[300];
    if (constant->is_known)
        (void)snprintf(text, sizeof text, "%s %.*f%s +- %.*f", what, scale > 1 ? 0 : 2,
                       scale * constant->value, unit, scale > 1 ? 0 : 2, 2 * scale * constant->u);
    else
        (void)snprintf(text, sizeof text, "%s: not found, %s", what, constant->why);
    eco_help_fill(stdout, text, 0, 3);
}

void eco_result_write(const struct eco_result *result)
{
    for (unsigned i = 0; i < result->domain_count; i++)
        write_domain(result, &result->domains[i]);
    (void)printf("\n");
    bool has_siblings = result->plan->count > result->plan->core_count;
    if (has_siblings)
        write_constant("Second thread of a core adds (sigma)", &result->sigma, 100, " %");
    for (unsigned kind = 1; kind < result->plan->kind_count; kind++) {
        char what[80];
        (void)snprintf(what, sizeof what, "Core of capacity %u over the largest",
                       result->plan->capacity[kind]);
        write_constant(what, &result->cores[kind], 1, "");
    }
    write_constant("Power follows frequency to the power of (gamma)", &result->gamma, 1, "");
}

static void put_constant(struct eco_json *json, const char *key, const struct eco_constant *constant)
{
    eco_json_key(json, key);
    eco_json_open(json, '{');
    eco_json_kdouble(json, "value", constant->is_known ? constant->value : (double)NAN);
    eco_json_kdouble(json, "half_width", constant->is_known ? 2 * constant->u : (double)NAN);
    eco_json_kstring(json, "reason", constant->is_known ? NULL : constant->why);
    eco_json_close(json, '}');
}

static void put_point(struct eco_json *json, const struct eco_result *result,
                      const struct eco_result_domain *domain, const struct eco_calibration_point *point)
{
    double busy = 0;
    for (unsigned kind = 0; kind < ECO_CORE_TYPES; kind++)
        busy += point->busy[kind];
    eco_json_open(json, '{');
    eco_json_ku64(json, "threads", point->threads);
    eco_json_kbool(json, "siblings", point->has_siblings);
    eco_json_kdouble(json, "capacity",
                     point->only_kind > 0 ? result->plan->capacity[point->only_kind] : (double)NAN);
    eco_json_kdouble(json, "busy_cpus", busy);
    eco_json_kdouble(json, "weighted_cpus",
                     eco_calibration_x(&result->calibration.weights, result->plan->capacity, point));
    eco_json_kdouble(json, "power_w", point->power_w);
    eco_json_kdouble(json, "half_width_w", 2 * point->u_w);
    eco_json_kdouble(json, "fitted_w", fitted_w(result, domain, point));
    eco_json_kdouble(json, "frequency_hz", point->freq_khz * 1e3);
    eco_json_close(json, '}');
}

static void put_domain(struct eco_json *json, const struct eco_result *result,
                       const struct eco_result_domain *domain)
{
    const struct eco_curve *curve = &domain->fit.curve;
    eco_json_open(json, '{');
    eco_json_kstring(json, "name", domain->info->name);
    eco_json_kstring(json, "source", domain->source);
    eco_json_kdouble(json, "idle_w", domain->idle.power_w);
    eco_json_kdouble(json, "idle_half_width_w", 2 * domain->idle.u_w);
    eco_json_key(json, "points");
    eco_json_open(json, '[');
    for (size_t i = 0; i < result->point_count; i++)
        put_point(json, result, domain, &domain->points[i]);
    eco_json_close(json, ']');
    eco_json_key(json, "curve");
    eco_json_open(json, '[');
    for (unsigned i = 0; i < curve->count; i++) {
        eco_json_open(json, '{');
        eco_json_kdouble(json, "weighted_cpus", curve->x[i]);
        eco_json_kdouble(json, "dynamic_w", curve->w[i]);
        eco_json_close(json, '}');
    }
    eco_json_close(json, ']');
    eco_json_kdouble(json, "fit_error_ratio", curve->count ? domain->fit.worst_ratio : (double)NAN);
    eco_json_kstring(json, "reason", curve->count ? NULL : domain->fit.why);
    eco_json_close(json, '}');
}

int eco_result_write_json(const struct eco_result *result, const char *regime, const char *kept)
{
    const struct eco_calibration *calibration = &result->calibration;
    struct eco_buf out;
    struct eco_json json;
    eco_buf_init(&out, JSON_LIMIT);
    eco_json_init(&json, &out);
    eco_json_open(&json, '{');
    eco_json_kstring(&json, "schema", "ecocode.calibration/1");
    eco_json_ki64(&json, "at_s", calibration->at_real_s);
    eco_json_kstring(&json, "cpu_model", calibration->cpu_model);
    eco_json_kstring(&json, "regime", regime);
    eco_json_kstring(&json, "kept_in", kept);
    eco_json_key(&json, "domains");
    eco_json_open(&json, '[');
    for (unsigned i = 0; i < result->domain_count; i++)
        put_domain(&json, result, &result->domains[i]);
    eco_json_close(&json, ']');
    put_constant(&json, "sigma", &result->sigma);
    put_constant(&json, "gamma", &result->gamma);
    eco_json_key(&json, "cores");
    eco_json_open(&json, '[');
    for (unsigned kind = 1; result->plan && kind < result->plan->kind_count; kind++) {
        eco_json_open(&json, '{');
        eco_json_ku64(&json, "capacity", result->plan->capacity[kind]);
        put_constant(&json, "factor", &result->cores[kind]);
        eco_json_close(&json, '}');
    }
    eco_json_close(&json, ']');
    eco_json_kdouble(&json, "wall_idle_w", calibration->wall_idle_w);
    eco_json_kdouble(&json, "wall_busy_w", calibration->wall_busy_w);
    eco_json_close(&json, '}');
    int r = eco_buf_error(&out);
    if (r == 0)
        (void)printf("%s\n", out.data);
    eco_buf_finish(&out);
    return r;
}
