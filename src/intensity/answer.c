/* SPDX-License-Identifier: MIT */
/* Shapes: Electricity Maps v3 latest, WattTime v3 historical, Carbon Intensity API v2 (Great Britain). */
#include "intensity/answer.h"

#include "base/text.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <string.h>
#include <time.h>

#define G_PER_LB    453.59237
#define KWH_PER_MWH 1000.0

static unsigned two_digits(const char *text)
{
    bool is_number = text[0] >= '0' && text[0] <= '9' && text[1] >= '0' && text[1] <= '9';
    return is_number ? (unsigned)(text[0] - '0') * 10 + (unsigned)(text[1] - '0') : 0;
}

int64_t eco_answer_time(const char *text)
{
    struct tm tm = {.tm_isdst = 0};
    const char *rest = text ? strptime(text, "%Y-%m-%dT%H:%M", &tm) : NULL;
    if (!rest)
        return 0;
    if (*rest == ':') {
        tm.tm_sec = (int)two_digits(rest + 1);
        rest += strspn(rest, ":0123456789.");
    }
    int64_t at = timegm(&tm), offset_s = 0;
    if ((*rest == '+' || *rest == '-') && strlen(rest) >= 6)
        offset_s = (int64_t)two_digits(rest + 1) * 3600 + (int64_t)two_digits(rest + 4) * 60;
    return at > 0 ? at + (*rest == '+' ? -offset_s : offset_s) : 0;
}

static int not_expected(struct eco_why *why)
{
    eco_why_set(why, "the answer is not what this source is known to say");
    return -EBADMSG;
}

static int take(double g_per_kwh, const char *at, struct eco_live_news *ret, struct eco_why *why)
{
    if (!(g_per_kwh > 0) || g_per_kwh > ECO_G_PER_KWH_MAX) {
        eco_why_set(why, "the answer is no intensity that can be believed");
        return -EBADMSG;
    }
    *ret =
        (struct eco_live_news){.size = sizeof *ret, .g_per_kwh = g_per_kwh, .at_real_s = eco_answer_time(at)};
    return 0;
}

static double number(const json_t *value)
{
    return json_is_number(value) ? json_number_value(value) : ECO_NAN;
}

static int read_electricitymaps(const json_t *root, struct eco_live_news *ret, struct eco_why *why)
{
    const json_t *value = json_object_get(root, "carbonIntensity");
    const char *scope = json_string_value(json_object_get(root, "emissionFactorType"));
    if (!json_is_number(value))
        return not_expected(why);
    int r = take(number(value), json_string_value(json_object_get(root, "datetime")), ret, why);
    if (r < 0)
        return r;
    ret->is_estimated = json_is_true(json_object_get(root, "isEstimated"));
    if (scope && (strcmp(scope, "direct") == 0 || strcmp(scope, "lifecycle") == 0))
        (void)eco_text_copy(ret->scope, sizeof ret->scope, scope);
    return 0;
}

/* The newest of the points; pounds of CO2 per MWh. */
static int read_watttime(const json_t *root, struct eco_live_news *ret, struct eco_why *why)
{
    const json_t *points = json_object_get(root, "data");
    const char *units = json_string_value(json_object_get(json_object_get(root, "meta"), "units"));
    const json_t *newest = NULL;
    int64_t newest_at = -1;
    if (units && strcmp(units, "lbs_co2_per_mwh") != 0)
        return not_expected(why);
    for (size_t i = 0; i < json_array_size(points); i++) {
        const json_t *point = json_array_get(points, i);
        int64_t at = eco_answer_time(json_string_value(json_object_get(point, "point_time")));
        if (at > newest_at && json_is_number(json_object_get(point, "value"))) {
            newest = point;
            newest_at = at;
        }
    }
    if (!newest)
        return not_expected(why);
    return take(number(json_object_get(newest, "value")) * G_PER_LB / KWH_PER_MWH,
                json_string_value(json_object_get(newest, "point_time")), ret, why);
}

/* What was counted, else what was forecast for this half hour. */
static int read_uk(const json_t *root, struct eco_live_news *ret, struct eco_why *why)
{
    const json_t *slot = json_array_get(json_object_get(root, "data"), 0);
    const json_t *intensity = json_object_get(slot, "intensity");
    const json_t *actual = json_object_get(intensity, "actual"),
                 *forecast = json_object_get(intensity, "forecast");
    if (!json_is_number(actual) && !json_is_number(forecast))
        return not_expected(why);
    int r = take(number(json_is_number(actual) ? actual : forecast),
                 json_string_value(json_object_get(slot, "from")), ret, why);
    if (r == 0)
        ret->is_estimated = !json_is_number(actual);
    return r;
}

int eco_answer_read(enum eco_live_kind kind, const char *body, size_t length, struct eco_live_news *ret,
                    struct eco_why *why)
{
    json_error_t error;
    json_t *root = body ? json_loadb(body, length, JSON_REJECT_DUPLICATES, &error) : NULL;
    int r = -EBADMSG;
    if (!root) {
        eco_why_set(why, "the answer is no JSON");
        return r;
    }
    switch (kind) {
    case ECO_LIVE_ELECTRICITYMAPS:
        r = read_electricitymaps(root, ret, why);
        break;
    case ECO_LIVE_WATTTIME:
        r = read_watttime(root, ret, why);
        break;
    case ECO_LIVE_UK:
        r = read_uk(root, ret, why);
        break;
    }
    json_decref(root);
    return r;
}

int eco_answer_token(const char *body, size_t length, char *ret, size_t size, struct eco_why *why)
{
    json_error_t error;
    json_t *root = body ? json_loadb(body, length, 0, &error) : NULL;
    const char *token = json_string_value(json_object_get(root, "token"));
    /* It becomes part of a header: letters, digits and the like, nothing else. */
    bool is_good =
        token && *token && strlen(token) < size &&
        !token[strspn(token, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-+/=~")];
    if (is_good)
        (void)eco_text_copy(ret, size, token);
    json_decref(root);
    return is_good ? 0 : not_expected(why);
}
