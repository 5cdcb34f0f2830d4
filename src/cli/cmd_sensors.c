/* SPDX-License-Identifier: MIT */
/* sensors: every source of energy figures on this machine, what counts, and what is refused and why. */
#include "base/json.h"
#include "base/text.h"
#include "cli/probe.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#include <time.h>

#define JSON_LIMIT (4u << 20)

static void clean(char *ret, size_t size, const char *text)
{
    eco_text_clean(ret, size, text, strlen(text), true);
}

/* "yes", "in package-0", "spare" (another source tells of the same joules) or "no". */
static void format_counted(const struct eco_probe *probe, const struct eco_finding *finding, char *ret,
                           size_t size)
{
    const struct eco_domain *domain = eco_probe_domain(probe, finding);
    bool inside = domain && domain->within >= 0 && (unsigned)domain->within < probe->domain_count;
    if (domain && !finding->elected)
        (void)snprintf(ret, size, "spare");
    else if (domain && domain->counted)
        (void)snprintf(ret, size, "yes");
    else if (inside)
        (void)snprintf(ret, size, "in %s", probe->domains[domain->within].name);
    else
        (void)snprintf(ret, size, "no");
}

static void format_power(const struct eco_finding *finding, char *ret, size_t size)
{
    if (finding->last.state == ECO_READING_ERROR)
        (void)snprintf(ret, size, "error");
    else if (finding->stands_still)
        (void)snprintf(ret, size, "still");
    else if (isfinite(finding->power_w))
        (void)snprintf(ret, size, finding->power_w < 100 ? "%.2f W" : "%.0f W", finding->power_w);
    else
        (void)snprintf(ret, size, "-");
}

/* Its own word for where it comes from: there is one sensor for all makers of graphics cards. */
static const char *source_of(const struct eco_finding *finding)
{
    return *finding->channel->source ? finding->channel->source : finding->sensor;
}

/* Which card it is, and how often its figure is new. */
static void write_card(const struct eco_channel *channel)
{
    char label[ECO_NAME_MAX * 2];
    if (channel->key.kind != ECO_KIND_GPU)
        return;
    clean(label, sizeof label, channel->label);
    (void)printf("%14s%s", "", label);
    if (channel->period_ns)
        (void)printf(", every %.3g ms", (double)channel->period_ns * 1e-6);
    (void)printf(", +-%.2g %%\n", 200 * channel->alpha);
}

static void write_row(const struct eco_probe *probe, const struct eco_finding *finding)
{
    const struct eco_channel *channel = finding->channel;
    char name[ECO_NAME_MAX], label[ECO_NAME_MAX * 2], source[ECO_NAME_MAX * 3], counted[ECO_NAME_MAX + 4],
        power[32];
    clean(name, sizeof name, channel->name);
    clean(label, sizeof label, channel->label);
    bool is_card = channel->key.kind == ECO_KIND_GPU;
    (void)snprintf(source, sizeof source, "%s%s%s", source_of(finding), is_card ? "" : " ",
                   is_card ? "" : label);
    eco_text_cut(name, 13, true);
    eco_text_cut(source, 24, true);
    format_counted(probe, finding, counted, sizeof counted);
    eco_text_cut(counted, 14, true);
    format_power(finding, power, sizeof power);
    (void)printf("%-13s %-24s %-7s %-9s %8s  %s\n", name, source, eco_kind_name(channel->key.kind),
                 eco_quality_name(channel->quality), power, counted);
    write_card(channel);
    if (channel->range_high_uw)
        (void)printf("%14srange %.4g to %.4g W\n", "", (double)channel->range_low_uw * 1e-6,
                     (double)channel->range_high_uw * 1e-6);
    if (finding->last.state == ECO_READING_ERROR)
        (void)printf("%14sread failed: %s\n", "", strerror(-finding->last.error));
    if (finding->stands_still)
        (void)printf("%14sstands still, which no counter does: broken, or a virtual machine's\n", "");
}

static void write_refused(const struct eco_finding *finding)
{
    const struct eco_refusal *refusal = finding->refusal;
    char text[ECO_WHY_MAX + ECO_NAME_MAX * 3];
    (void)snprintf(text, sizeof text, "%s%s%s: %s", finding->sensor, *refusal->what ? " " : "", refusal->what,
                   *refusal->why.text ? refusal->why.text : strerror(-refusal->error));
    char shown[sizeof text];
    clean(shown, sizeof shown, text);
    (void)printf("  ");
    eco_help_fill(stdout, shown, 2, 4);
    if (refusal->mendable && *refusal->why.fix)
        (void)printf("      %s\n", refusal->why.fix);
}

/* Has a refusal said the same already? */
static bool is_told(const struct eco_probe *probe)
{
    for (size_t i = 0; i < probe->count; i++) {
        const struct eco_refusal *refusal = probe->findings[i].refusal;
        if (refusal && strcmp(refusal->why.text, probe->why.text) == 0)
            return true;
    }
    return false;
}

static void write_calibration(const struct eco_probe *probe)
{
    const struct eco_calibration *calibration = probe->calibration;
    char text[400];
    size_t length = 0;
    time_t at = calibration ? (time_t)calibration->at_real_s : 0;
    struct tm date;
    if (!calibration || !gmtime_r(&at, &date))
        return;
    length += (size_t)snprintf(text, sizeof text, "Calibrated on %04d-%02d-%02d", date.tm_year + 1900,
                               date.tm_mon + 1, date.tm_mday);
    for (unsigned i = 0; i < calibration->domain_count && length < sizeof text - 100; i++)
        length += (size_t)snprintf(text + length, sizeof text - length, "%s %.40s %.4g W", i ? "," : ": idle",
                                   calibration->domains[i].name, calibration->domains[i].idle_w);
    (void)printf("\n");
    eco_help_fill(stdout, text, 0, 0);
}

static void write_text(const struct eco_probe *probe)
{
    bool any = false, refused = false;
    for (size_t i = 0; i < probe->count; i++) {
        if (!probe->findings[i].channel)
            continue;
        if (!any)
            (void)printf("%-13s %-24s %-7s %-9s %8s  %s\n", "DOMAIN", "SOURCE", "KIND", "QUALITY", "NOW",
                         "COUNTED");
        any = true;
        write_row(probe, &probe->findings[i]);
    }
    if (!any)
        (void)printf("No source of energy figures was found.\n");
    for (size_t i = 0; i < probe->count; i++) {
        if (!probe->findings[i].refusal)
            continue;
        if (!refused)
            (void)printf("\nNot used:\n");
        refused = true;
        write_refused(&probe->findings[i]);
    }
    const char *model = eco_group_model_text(probe->group);
    if (*model) {
        (void)printf("\n");
        char text[400];
        (void)snprintf(text, sizeof text, "Estimated by a model: %s", model);
        eco_help_fill(stdout, text, 0, 0);
    }
    write_calibration(probe);
    if (*probe->why.text && !is_told(probe)) {
        (void)printf("\n");
        eco_help_fill(stdout, probe->why.text, 0, 0);
    }
    if (*probe->why.fix && !is_told(probe))
        (void)printf("    %s\n", probe->why.fix);
}

static void put_channel(struct eco_json *json, const struct eco_probe *probe,
                        const struct eco_finding *finding)
{
    const struct eco_channel *channel = finding->channel;
    const struct eco_domain *domain = eco_probe_domain(probe, finding);
    bool inside = domain && domain->within >= 0;
    eco_json_open(json, '{');
    eco_json_kstring(json, "domain", channel->name);
    eco_json_kstring(json, "source", source_of(finding));
    eco_json_kstring(json, "detail", channel->label);
    eco_json_kstring(json, "kind", eco_kind_name(channel->key.kind));
    eco_json_kstring(json, "quality", eco_quality_name(channel->quality));
    eco_json_kstring(json, "quantity", channel->quantity == ECO_ENERGY_UJ ? "energy" : "power");
    eco_json_kbool(json, "counted", domain && domain->counted && finding->elected);
    eco_json_kbool(json, "elected", finding->elected);
    eco_json_kstring(json, "within", inside ? probe->domains[domain->within].name : NULL);
    eco_json_kdouble(json, "power_w", finding->power_w);
    eco_json_kbool(json, "stands_still", finding->stands_still);
    bool has_value = finding->last.state == ECO_READING_OK || finding->last.state == ECO_READING_STALE;
    eco_json_kdouble(json, channel->quantity == ECO_ENERGY_UJ ? "reading_j" : "reading_w",
                     has_value ? (double)finding->last.value * 1e-6 : (double)NAN);
    eco_json_kstring(json, "error",
                     finding->last.state == ECO_READING_ERROR ? strerror(-finding->last.error) : NULL);
    eco_json_kdouble(json, "range_low_w",
                     channel->range_high_uw ? (double)channel->range_low_uw * 1e-6 : (double)NAN);
    eco_json_kdouble(json, "range_high_w",
                     channel->range_high_uw ? (double)channel->range_high_uw * 1e-6 : (double)NAN);
    eco_json_kdouble(json, "period_s", channel->period_ns ? (double)channel->period_ns * 1e-9 : (double)NAN);
    eco_json_kdouble(json, "wraps_at_j", channel->modulus ? (double)channel->modulus * 1e-6 : (double)NAN);
    eco_json_close(json, '}');
}

static void put_refusal(struct eco_json *json, const struct eco_finding *finding)
{
    const struct eco_refusal *refusal = finding->refusal;
    eco_json_open(json, '{');
    eco_json_kstring(json, "source", finding->sensor);
    eco_json_kstring(json, "what", refusal->what);
    eco_json_kstring(json, "domain", *refusal->domain ? refusal->domain : NULL);
    eco_json_kstring(json, "error", strerror(-refusal->error));
    eco_json_kstring(json, "why", refusal->why.text);
    eco_json_kstring(json, "fix", *refusal->why.fix ? refusal->why.fix : NULL);
    eco_json_close(json, '}');
}

static int write_json(const struct eco_probe *probe)
{
    struct eco_buf out;
    struct eco_json json;
    eco_buf_init(&out, JSON_LIMIT);
    eco_json_init(&json, &out);
    eco_json_open(&json, '{');
    eco_json_kstring(&json, "schema", "ecocode.sensors/1");
    eco_json_key(&json, "sensors");
    eco_json_open(&json, '[');
    for (size_t i = 0; i < probe->count; i++)
        if (probe->findings[i].channel)
            put_channel(&json, probe, &probe->findings[i]);
    eco_json_close(&json, ']');
    eco_json_key(&json, "refused");
    eco_json_open(&json, '[');
    for (size_t i = 0; i < probe->count; i++)
        if (probe->findings[i].refusal)
            put_refusal(&json, &probe->findings[i]);
    eco_json_close(&json, ']');
    if (probe->calibration)
        eco_json_ki64(&json, "calibrated_at_s", probe->calibration->at_real_s);
    else
        eco_json_knull(&json, "calibrated_at_s");
    const char *model = eco_group_model_text(probe->group);
    eco_json_kstring(&json, "model", *model ? model : NULL);
    eco_json_kstring(&json, "why", *probe->why.text ? probe->why.text : NULL);
    eco_json_kstring(&json, "fix", *probe->why.fix ? probe->why.fix : NULL);
    eco_json_close(&json, '}');
    int r = eco_buf_error(&out);
    if (r == 0)
        (void)printf("%s\n", out.data);
    eco_buf_finish(&out);
    return r;
}

static int run(struct eco_call *call)
{
    struct eco_why why = {0};
    struct eco_probe *probe;
    int r = eco_probe_open(call, &probe, &why);
    if (r < 0) {
        if (!*why.text)
            eco_why_set(&why, "%s", strerror(-r));
        return eco_fail(call->command, ECO_EXIT_MISUSE, &why);
    }
    if (call->settings.json)
        r = write_json(probe);
    else
        write_text(probe);
    probe = eco_probe_free(probe);
    return r < 0 ? eco_failf(call->command, ECO_EXIT_MISUSE, "%s", strerror(-r)) : 0;
}

static const struct eco_option *const tables[] = {eco_options_output, eco_options_paths, eco_options_common,
                                                  NULL};
static const struct eco_example examples[] = {{"ecocode sensors --json", "the same for a program"}, {0}};

const struct eco_command eco_command_sensors = {
    .name = "sensors",
    .summary = "List every source of energy figures on this machine",
    .usage = "[--json]",
    .description = "Shows each domain that can be known, from which source, how well (measured, derived or "
                   "estimated) and its "
                   "power now. No joule is counted twice: what is part of another domain says so, and a "
                   "spare tells of the same "
                   "joules as the one in use. What was found but cannot be used follows with the reason and "
                   "the command that "
                   "would change it.",
    .examples = examples,
    .options = tables,
    .run = run,
};
