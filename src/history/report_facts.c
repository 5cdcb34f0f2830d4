/* SPDX-License-Identifier: MIT */
#include "history/report_facts.h"

#include "base/num.h"
#include "base/text.h"
#include "history/member.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void add(char *ret, size_t size, const char *format, ...) ECO_PRINTF(3, 4);

/* Appends; what does not fit is cut. */
static void add(char *ret, size_t size, const char *format, ...)
{
    size_t used = strlen(ret);
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(ret + used, size - used, format, arguments);
    va_end(arguments);
}

void eco_fact_command(const json_t *report, char *ret, size_t size)
{
    const json_t *words = json_object_get(report, "command");
    ret[0] = 0;
    for (size_t i = 0; i < json_array_size(words) && strlen(ret) + 1 < size; i++) {
        const char *word = json_string_value(json_array_get(words, i));
        add(ret, size, "%s%s", i ? " " : "", word ? word : "?");
    }
    if (!ret[0]) {
        double others_j = eco_member_number(json_object_get(report, "energy"), "others_j");
        (void)eco_text_copy(ret, size,
                            fabs(others_j) > 0 ? "the processes that were watched" : "the whole machine");
    }
}

void eco_fact_status(const json_t *report, char *ret, size_t size)
{
    char duration[ECO_FIGURE_MAX] = "an unknown time";
    const json_t *exit = json_object_get(report, "exit");
    double duration_s = eco_member_number(report, "duration_s"), code = eco_member_number(exit, "code");
    double number = eco_member_number(exit, "signal");
    if (isfinite(duration_s))
        eco_duration_format(duration_s, duration);
    if (isfinite(number) && number > 0 && number < 256)
        (void)snprintf(ret, size, "killed by signal %d after %s", (int)number, duration);
    else if (isfinite(code) && fabs(code) < 1e6)
        (void)snprintf(ret, size, "exit %d after %s", (int)code, duration);
    else
        (void)snprintf(ret, size, "for %s", duration);
}

void eco_fact_started(const json_t *report, char *ret, size_t size)
{
    const char *text = eco_member_text(report, "started_at");
    if (text && strlen(text) >= 19 && text[10] == 'T')
        (void)snprintf(ret, size, "%.10s %.8s UTC", text, text + 11);
    else
        (void)eco_text_copy(ret, size, text && *text ? text : "an unknown time");
}

void eco_fact_list(const json_t *list, const char *none, char *ret, size_t size)
{
    ret[0] = 0;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *text = json_string_value(json_array_get(list, i));
        if (text)
            add(ret, size, "%s%s", ret[0] ? ", " : "", text);
    }
    if (!ret[0])
        (void)eco_text_copy(ret, size, none);
}

const char *eco_fact_source(const char *source)
{
    static const struct {
        const char *source, *words;
    } known[] = {{"powercap", "RAPL counter"},
                 {"perf", "RAPL counter (perf)"},
                 {"hwmon", "hwmon sensor"},
                 {"nvml", "NVML counter"},
                 {"model", "model"},
                 {"battery", "battery"},
                 {"amdgpu", "amdgpu power sensor"},
                 {"xe", "Intel GPU counter"},
                 {"i915", "Intel GPU counter"}};
    for (size_t i = 0; source && i < ECO_COUNT(known); i++)
        if (strcmp(known[i].source, source) == 0)
            return known[i].words;
    return source ? source : "unknown";
}

void eco_fact_sources(const json_t *domain, char *ret, size_t size)
{
    const json_t *sources = json_object_get(domain, "sources");
    ret[0] = 0;
    for (size_t i = 0; i < json_array_size(sources); i++) {
        const json_t *source = json_array_get(sources, i);
        const char *quality = eco_member_text(source, "quality");
        add(ret, size, "%s%s (%s)", ret[0] ? ", then " : "",
            eco_fact_source(eco_member_text(source, "source")), quality ? quality : "quality unknown");
    }
    if (!ret[0])
        (void)eco_text_copy(ret, size, "unknown");
}

void eco_fact_host(const json_t *report, char *ret, size_t size)
{
    const json_t *host = json_object_get(report, "host");
    const char *model = eco_member_text(host, "cpu_model"), *kernel = eco_member_text(host, "kernel");
    const char *virtualization = eco_member_text(host, "virtualization");
    double cpus = eco_member_number(host, "logical_cpus"), memory = eco_member_number(host, "memory_bytes");
    (void)snprintf(ret, size, "%s", model && *model ? model : "CPU unknown");
    if (cpus >= 1 && cpus < 1e6)
        add(ret, size, ", %d logical CPU%s", (int)cpus, cpus > 1 ? "s" : "");
    if (memory >= 1 && memory < 1e18) {
        char bytes[ECO_FIGURE_MAX];
        eco_bytes_format((uint64_t)memory, bytes);
        add(ret, size, ", %s of memory", bytes);
    }
    if (kernel && *kernel)
        add(ret, size, ", Linux %.64s", kernel);
    if (virtualization && *virtualization)
        add(ret, size, ", virtual (%.40s)", virtualization);
}

void eco_fact_idle(const json_t *report, char *ret, size_t size)
{
    static const struct {
        const char *method, *words;
    } known[] = {{"given", "given by hand"},
                 {"calibrated", "calibrated on this machine"},
                 {"learnt", "learnt on this machine"},
                 {"model", "taken from a model"}};
    const json_t *basis = json_object_get(report, "idle_basis");
    const char *method = eco_member_text(basis, "method"), *name, *separator = ": ";
    json_t *powers = json_object_get(basis, "power_w"), *value;
    ret[0] = 0;
    for (size_t i = 0; method && i < ECO_COUNT(known); i++)
        if (strcmp(known[i].method, method) == 0)
            (void)eco_text_copy(ret, size, known[i].words);
    if (!ret[0])
        return;
    json_object_foreach(powers, name, value)
    {
        char watts[ECO_FIGURE_MAX];
        eco_fact_quantity(json_is_number(value) ? json_number_value(value) : ECO_NAN, "W", watts);
        add(ret, size, "%s%.64s %s", separator, name, watts);
        separator = ", ";
    }
}

void eco_fact_quantity(double value, const char *unit, char ret[ECO_FIGURE_MAX])
{
    struct eco_buf text;
    if (!isfinite(value) || fabs(value) > 1e15) {
        (void)snprintf(ret, ECO_FIGURE_MAX, "unknown");
        return;
    }
    double size = fabs(value);
    int first = size > 1e-15 ? (int)floor(log10(size)) : 0, decimals = 3 - first;
    eco_buf_init(&text, ECO_FIGURE_MAX - 1);
    eco_buf_fixed(&text, value, decimals < 0 ? 0 : decimals > 9 ? 9 : decimals);
    char *point = text.data ? strchr(text.data, '.') : NULL;
    while (point && text.length > 1 &&
           (text.data[text.length - 1] == '0' || text.data[text.length - 1] == '.')) {
        bool is_point = text.data[text.length - 1] == '.';
        text.data[--text.length] = 0;
        if (is_point)
            break;
    }
    (void)snprintf(ret, ECO_FIGURE_MAX, "%.30s%s%.12s", text.data ? text.data : "?", *unit ? " " : "", unit);
    eco_buf_finish(&text);
}
