/* SPDX-License-Identifier: MIT */
#include "base/buf.h"
#include "base/text.h"
#include "cli/terminal.h"
#include "history/history.h"

#include <math.h>
#include <string.h>

/* Three digits and a unit: "212 kJ", "4.10 J", "35.0 mJ". */
static void put_scaled(double value, double step, const char *const *units, int count, int base, char *ret)
{
    struct eco_buf text;
    int at = base;
    double scaled = fabs(value);
    while (at + 1 < count && scaled >= 0.9995 * step)
        scaled /= step, at++;
    while (at > 0 && scaled < 0.9995 && scaled > 0)
        scaled *= step, at--;
    int decimals = scaled < 9.995 ? 2 : scaled < 99.95 ? 1 : 0;
    eco_buf_init(&text, ECO_CELL_MAX);
    eco_buf_fixed(&text, value < 0 ? -scaled : scaled, fabs(value) > 0 ? decimals : 0);
    (void)snprintf(ret, ECO_CELL_MAX, "%.12s %s", text.data && !text.error ? text.data : "?", units[at]);
    eco_buf_finish(&text);
}

void eco_cell_energy(double joules, bool is_estimated, char ret[ECO_CELL_MAX])
{
    static const char *const units[] = {"uJ", "mJ", "J", "kJ", "MJ", "GJ", "TJ"};
    char figure[ECO_CELL_MAX];
    if (!isfinite(joules)) {
        (void)snprintf(ret, ECO_CELL_MAX, "-");
        return;
    }
    put_scaled(joules, 1000, units, (int)ECO_COUNT(units), 2, figure);
    (void)snprintf(ret, ECO_CELL_MAX, "%s%.20s", is_estimated ? "~" : "", figure);
}

void eco_cell_mass(double grams, char ret[ECO_CELL_MAX])
{
    static const char *const units[] = {"ug", "mg", "g", "kg", "t"};
    if (isfinite(grams))
        put_scaled(grams, 1000, units, (int)ECO_COUNT(units), 2, ret);
    else
        (void)snprintf(ret, ECO_CELL_MAX, "-");
}

void eco_cell_bytes(double bytes, char ret[ECO_CELL_MAX])
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    if (isfinite(bytes))
        put_scaled(bytes, 1024, units, (int)ECO_COUNT(units), 0, ret);
    else
        (void)snprintf(ret, ECO_CELL_MAX, "-");
}

void eco_cell_duration(double seconds, char ret[ECO_CELL_MAX])
{
    if (!(seconds >= 0) || !(seconds < 1e11)) {
        (void)snprintf(ret, ECO_CELL_MAX, "-");
        return;
    }
    char text[64]; /* wide enough for any number, whatever a compiler fears */
    long whole = lround(seconds), ms = lround(seconds * 1e3);
    if (ms < 1000)
        (void)snprintf(text, sizeof text, "%ld ms", ms);
    else if (ms < 99950)
        (void)snprintf(text, sizeof text, "%ld.%ld s", (ms + 50) / 1000, (ms + 50) / 100 % 10);
    else if (whole < 3600)
        (void)snprintf(text, sizeof text, "%ld:%02ld min", whole / 60, whole % 60);
    else if (whole < 100L * 3600)
        (void)snprintf(text, sizeof text, "%ld:%02ld h", whole / 3600, whole / 60 % 60);
    else
        (void)snprintf(text, sizeof text, "%ld d %ld h", whole / 86400, whole / 3600 % 24);
    (void)eco_text_copy(ret, ECO_CELL_MAX, text);
}

void eco_cell_text(const char *text, size_t columns, char *ret, size_t size)
{
    bool ascii = !eco_terminal_utf8();
    (void)eco_text_clean(ret, size, text ? text : "", text ? strlen(text) : 0, ascii);
    eco_text_cut(ret, columns, ascii);
}

bool eco_history_is_estimated(const struct eco_run_entry *run)
{
    return run->quality && strcmp(run->quality, "measured") != 0;
}
