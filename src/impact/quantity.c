/* SPDX-License-Identifier: MIT */
#include "impact/quantity.h"

#include "base/parse.h"
#include "base/text.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#include <strings.h>

#define NUMBER_BYTES  48
#define YEAR_S        (365.25 * 86400)
#define INTENSITY_MAX 5000.0
#define PUE_MAX       5.0
#define WUE_MAX       100.0
#define WALL_W_MAX    1e6
#define WALL_MAX      10.0

struct unit {
    const char *suffix;
    double factor;
};

/* The number at the start of `text`; *ret_rest is behind it and behind blanks. */
static int split_number(const char *text, double *ret, const char **ret_rest)
{
    char number[NUMBER_BYTES];
    size_t length = strspn(text, "0123456789.");
    if (length == 0 || length >= sizeof number)
        return -EINVAL;
    memcpy(number, text, length);
    number[length] = '\0';
    int r = eco_parse_double(number, ret);
    text += length;
    *ret_rest = text + strspn(text, " ");
    return r;
}

static int with_unit(const char *text, const struct unit *units, size_t count, double *ret)
{
    double value;
    const char *rest;
    int r = split_number(text, &value, &rest);
    if (r < 0)
        return r;
    for (size_t i = 0; i < count; i++) {
        if (strcmp(rest, units[i].suffix) == 0) {
            *ret = value * units[i].factor;
            return 0;
        }
    }
    return -EINVAL;
}

static int refuse(struct eco_why *why, const char *expected)
{
    eco_why_set(why, "%s", expected);
    return -EINVAL;
}

/* "EUR", "eur" or the euro sign. */
static size_t scan_currency(const char *text, char ret[ECO_CURRENCY_MAX])
{
    static const char euro[] = "\xe2\x82\xac";
    if (strncmp(text, euro, sizeof euro - 1) == 0) {
        (void)eco_text_copy(ret, ECO_CURRENCY_MAX, "EUR");
        return sizeof euro - 1;
    }
    for (size_t i = 0; i < 3; i++) {
        char letter = (char)(text[i] & ~0x20);
        if (letter < 'A' || letter > 'Z')
            return 0;
        ret[i] = letter;
    }
    ret[3] = '\0';
    return 3;
}

int eco_parse_price(const char *text, const char *per, struct eco_price *ret, struct eco_why *why)
{
    struct eco_price price;
    const char *rest;
    if (split_number(text, &price.amount, &rest) == 0) {
        size_t length = scan_currency(rest, price.currency);
        rest += length;
        if (length > 0 && (!*rest || (*rest == '/' && strcasecmp(rest + 1, per) == 0))) {
            *ret = price;
            return 0;
        }
    }
    eco_why_set(why, "a price per %s with its currency: 0.25EUR", per);
    return -EINVAL;
}

int eco_parse_intensity(const char *text, double *ret_g_per_kwh, struct eco_why *why)
{
    static const struct unit units[] = {{"", 1},         {"g", 1},         {"g/kWh", 1},
                                        {"gCO2/kWh", 1}, {"gCO2e/kWh", 1}, {"kg/kWh", 1000}};
    double value;
    if (with_unit(text, units, ECO_COUNT(units), &value) < 0 || value > INTENSITY_MAX)
        return refuse(why, "grams of CO2e per kWh: 56 or 56g/kWh, at most 5000");
    *ret_g_per_kwh = value;
    return 0;
}

int eco_parse_mass(const char *text, double *ret_g, struct eco_why *why)
{
    static const struct unit units[] = {{"g", 1}, {"kg", 1e3}, {"t", 1e6}};
    double value;
    if (with_unit(text, units, ECO_COUNT(units), &value) < 0 || value > 1e12)
        return refuse(why, "a mass of CO2e with its unit (180kg), or laptop, desktop, server");
    *ret_g = value;
    return 0;
}

int eco_parse_lifetime(const char *text, double *ret_s, struct eco_why *why)
{
    static const struct unit units[] = {{"y", YEAR_S}, {"mo", YEAR_S / 12}, {"d", 86400}, {"h", 3600}};
    double value;
    if (with_unit(text, units, ECO_COUNT(units), &value) < 0 || value < 3600 || value > 100 * YEAR_S)
        return refuse(why, "a time in years: 4y (or 48mo, 1460d, 35040h)");
    *ret_s = value;
    return 0;
}

int eco_parse_pue(const char *text, double *ret, struct eco_why *why)
{
    static const struct unit units[] = {{"", 1}};
    double value;
    if (with_unit(text, units, 1, &value) < 0 || value < 1 || value > PUE_MAX)
        return refuse(why, "a power usage effectiveness from 1 to 5: 1.2");
    *ret = value;
    return 0;
}

int eco_parse_wue(const char *text, double *ret, struct eco_why *why)
{
    static const struct unit units[] = {{"", 1}, {"L/kWh", 1}, {"l/kWh", 1}};
    double value;
    if (with_unit(text, units, ECO_COUNT(units), &value) < 0 || value > WUE_MAX)
        return refuse(why, "litres of water per kWh: 0.18");
    *ret = value;
    return 0;
}

int eco_parse_wall(const char *text, double *ret_w, double *ret_ratio, struct eco_why *why)
{
    static const char expected[] = "watts and a factor: 85,1.21 (wall = 85 W + 1.21 x measured)";
    char first[NUMBER_BYTES];
    double watts, ratio;
    const char *comma = strchr(text, ',');
    if (!comma || (size_t)(comma - text) >= sizeof first)
        return refuse(why, expected);
    memcpy(first, text, (size_t)(comma - text));
    first[comma - text] = '\0';
    if (eco_parse_power(first, &watts) < 0 || eco_parse_double(comma + 1, &ratio) < 0 || watts > WALL_W_MAX ||
        ratio < 1 || ratio > WALL_MAX)
        return refuse(why, expected);
    *ret_w = watts;
    *ret_ratio = ratio;
    return 0;
}

int eco_parse_per(const char *text, char *ret_name, size_t size, double *ret_count, struct eco_why *why)
{
    const char *equals = strchr(text, '=');
    size_t length = equals ? (size_t)(equals - text) : strlen(text);
    double count = 1;
    if (length == 0 || length >= size ||
        (equals && (eco_parse_double(equals + 1, &count) < 0 || !(count > 0))))
        return refuse(why, "a unit of work and how many of it the run did: epoch=20");
    memcpy(ret_name, text, length);
    ret_name[length] = '\0';
    *ret_count = count;
    return 0;
}
