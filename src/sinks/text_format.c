/* SPDX-License-Identifier: MIT */
#include "base/num.h"
#include "base/text.h"
#include "sinks/text.h"

#include <math.h>
#include <stdio.h>

#define MIB 1048576.0

struct eco_scale eco_scale_for(double value, int digit)
{
    static const struct eco_scale scales[] = {{-3, "m"}, {0, ""}, {3, "k"}, {6, "M"}, {9, "G"}, {12, "T"}};
    double rounded = fabs(round(value / eco_pow10(digit)) * eco_pow10(digit));
    size_t i = 0;
    while (i + 1 < ECO_COUNT(scales) && (scales[i].exponent + (scales[i].exponent >= 0) < digit ||
                                         rounded >= 999.5 * eco_pow10(scales[i].exponent)))
        i++;
    return scales[i];
}

void eco_figure_number(double value, int digit, const struct eco_scale *scale, char ret[ECO_FIGURE_MAX])
{
    struct eco_buf text;
    int decimals = scale->exponent > digit ? scale->exponent - digit : 0;
    eco_buf_init(&text, ECO_FIGURE_MAX - 1);
    double rounded = digit > scale->exponent ? round(value / eco_pow10(digit)) * eco_pow10(digit) : value;
    eco_buf_fixed(&text, rounded / eco_pow10(scale->exponent), decimals);
    (void)eco_text_copy(ret, ECO_FIGURE_MAX, text.data && text.error == 0 ? text.data : "?");
    eco_buf_finish(&text);
}

void eco_figure_format(double value, int digit, const struct eco_scale *scale, const char *unit,
                       char ret[ECO_FIGURE_MAX])
{
    char number[ECO_FIGURE_MAX];
    eco_figure_number(value, digit, scale, number);
    (void)snprintf(ret, ECO_FIGURE_MAX, "%.30s %s%.8s", number, scale->prefix, unit);
}

/* Tenths as whole numbers: printf would take the locale's decimal point. */
static long tenths(double value)
{
    return lround(value * 10);
}

void eco_duration_format(double duration_s, char ret[ECO_FIGURE_MAX])
{
    double limited = duration_s > 0 && duration_s < 1e12 ? duration_s : duration_s > 0 ? 1e12 : 0;
    long t = tenths(limited), seconds = t / 10;
    if (limited < 0.0995)
        (void)snprintf(ret, ECO_FIGURE_MAX, "%ld.%ld ms", tenths(limited * 1e3) / 10,
                       tenths(limited * 1e3) % 10);
    else if (limited < 0.9995)
        (void)snprintf(ret, ECO_FIGURE_MAX, "%ld ms", lround(limited * 1e3));
    else if (t < 600)
        (void)snprintf(ret, ECO_FIGURE_MAX, "%ld.%ld s", seconds, t % 10);
    else if (t < 36000)
        (void)snprintf(ret, ECO_FIGURE_MAX, "%ld min %ld.%ld s", seconds / 60, seconds % 60, t % 10);
    else if (seconds < 2L * 86400)
        (void)snprintf(ret, ECO_FIGURE_MAX, "%ld h %ld min %ld s", seconds / 3600, seconds / 60 % 60,
                       seconds % 60);
    else
        (void)snprintf(ret, ECO_FIGURE_MAX, "%ld d %ld h %ld min", seconds / 86400, seconds / 3600 % 24,
                       seconds / 60 % 60);
}

void eco_bytes_format(uint64_t bytes, char ret[ECO_FIGURE_MAX])
{
    double mib = (double)bytes / MIB;
    long t = tenths(mib / 1024);
    if (bytes == 0)
        (void)snprintf(ret, ECO_FIGURE_MAX, "-");
    else if (mib < 0.95)
        (void)snprintf(ret, ECO_FIGURE_MAX, "<1 MiB");
    else if (mib < 99.5)
        (void)snprintf(ret, ECO_FIGURE_MAX, "%ld MiB", lround(mib));
    else if (t < 10000)
        (void)snprintf(ret, ECO_FIGURE_MAX, "%ld.%ld GiB", t / 10, t % 10);
    else
        (void)snprintf(ret, ECO_FIGURE_MAX, "%ld GiB", t / 10);
}

void eco_cpu_time_format(double cpu_s, double max_s, char ret[ECO_FIGURE_MAX])
{
    if (!(cpu_s >= 0) || !(cpu_s < 1e12)) {
        (void)snprintf(ret, ECO_FIGURE_MAX, "-");
        return;
    }
    long t = tenths(cpu_s), seconds = t / 10, milli = lround(cpu_s * 1e3);
    if (max_s < 9.9995)
        (void)snprintf(ret, ECO_FIGURE_MAX, "%ld.%03ld s", milli / 1000, milli % 1000);
    else if (max_s < 59.95)
        (void)snprintf(ret, ECO_FIGURE_MAX, "%ld.%ld s", seconds, t % 10);
    else if (seconds < 3600)
        (void)snprintf(ret, ECO_FIGURE_MAX, "%ld:%02ld.%ld", seconds / 60, seconds % 60, t % 10);
    else
        (void)snprintf(ret, ECO_FIGURE_MAX, "%ld:%02ld:%02ld", seconds / 3600, seconds / 60 % 60,
                       seconds % 60);
}
