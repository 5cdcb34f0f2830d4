/* SPDX-License-Identifier: MIT */
/* Answers as the sources document them, and whatever else may come over a network. */
#include "support/test.h"

#include "intensity/answer.h"
#include "intensity/http.h"

#include <errno.h>
#include <string.h>

static int read_text(enum eco_live_kind kind, const char *body, struct eco_live_news *ret)
{
    struct eco_why why = {0};
    int r = eco_answer_read(kind, body, strlen(body), ret, &why);
    assert_int_equal(r < 0, *why.text != '\0');
    return r;
}

static void electricity_maps(void **state)
{
    struct eco_live_news news;
    (void)state;
    assert_int_equal(
        read_text(ECO_LIVE_ELECTRICITYMAPS,
                  "{\"zone\":\"FR\",\"carbonIntensity\":58.77,\"datetime\":\"2025-11-21T19:00:00.000Z\","
                  "\"emissionFactorType\":\"direct\",\"isEstimated\":true,\"estimationMethod\":null}",
                  &news),
        0);
    eco_assert_near(news.g_per_kwh, 58.77, 1e-12);
    assert_int_equal(news.at_real_s, 1763751600); /* date -u -d 2025-11-21T19:00:00 +%s */
    assert_int_equal(news.is_estimated, 1);
    assert_string_equal(news.scope, "direct");
    /* the least that it may say */
    assert_int_equal(read_text(ECO_LIVE_ELECTRICITYMAPS, "{\"carbonIntensity\":58}", &news), 0);
    assert_int_equal(news.at_real_s, 0);
    assert_string_equal(news.scope, "");
}

/* 870 lb/MWh: 870 * 453.59237 / 1000 = 394.625 g/kWh; the newest point counts, wherever it stands. */
static void watttime(void **state)
{
    struct eco_live_news news;
    (void)state;
    assert_int_equal(read_text(ECO_LIVE_WATTTIME,
                               "{\"data\":[{\"point_time\":\"2025-01-01T00:00:00+00:00\",\"value\":1.0},"
                               "{\"point_time\":\"2025-01-01T01:05:00+01:00\",\"value\":870.0}],"
                               "\"meta\":{\"units\":\"lbs_co2_per_mwh\"}}",
                               &news),
                     0);
    eco_assert_near(news.g_per_kwh, 394.6253619, 1e-6);
    assert_int_equal(news.at_real_s, 1735689900); /* 2025-01-01T00:05:00Z */
    assert_int_equal(read_text(ECO_LIVE_WATTTIME,
                               "{\"data\":[{\"point_time\":\"2025-01-01T00:00:00+00:00\",\"value\":1.0}],"
                               "\"meta\":{\"units\":\"kg_co2_per_mwh\"}}",
                               &news),
                     -EBADMSG);
}

static void great_britain(void **state)
{
    struct eco_live_news news;
    (void)state;
    assert_int_equal(read_text(ECO_LIVE_UK,
                               "{\"data\":[{\"from\":\"2026-10-18T02:00Z\",\"to\":\"2026-10-18T02:30Z\","
                               "\"intensity\":{\"forecast\":156,\"actual\":149,\"index\":\"moderate\"}}]}",
                               &news),
                     0);
    eco_assert_near(news.g_per_kwh, 149, 1e-12);
    assert_int_equal(news.is_estimated, 0);
    assert_int_equal(
        read_text(ECO_LIVE_UK, "{\"data\":[{\"intensity\":{\"forecast\":156,\"actual\":null}}]}", &news), 0);
    eco_assert_near(news.g_per_kwh, 156, 1e-12);
    assert_int_equal(news.is_estimated, 1);
}

static void what_is_no_answer_is_refused(void **state)
{
    static const char *const bad[] = {"",
                                      "{",
                                      "[]",
                                      "null",
                                      "<html>",
                                      "{\"carbonIntensity\":\"58\"}",
                                      "{\"carbonIntensity\":-1,\"data\":[{\"value\":-1}]}",
                                      "{\"carbonIntensity\":0}",
                                      "{\"carbonIntensity\":1e9,\"data\":[{\"intensity\":{\"actual\":1e9}}]}",
                                      "{\"carbonIntensity\":1,\"carbonIntensity\":2}",
                                      "{\"data\":3}",
                                      "{\"data\":[]}",
                                      "{\"data\":[null,{\"intensity\":5}]}"};
    struct eco_live_news news;
    (void)state;
    for (size_t i = 0; i < ECO_COUNT(bad); i++)
        for (int kind = ECO_LIVE_ELECTRICITYMAPS; kind <= ECO_LIVE_UK; kind++)
            assert_int_equal(read_text((enum eco_live_kind)kind, bad[i], &news), -EBADMSG);
}

/* A token goes into a header: one that would end the line is none. */
static void tokens_are_words(void **state)
{
    char token[32];
    struct eco_why why;
    static const char good[] = "{\"token\":\"abc.def-ghi_\"}", bad[] = "{\"token\":\"abc\\r\\nX: y\"}",
                      empty[] = "{\"token\":\"\"}",
                      long_one[] = "{\"token\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}";
    (void)state;
    assert_int_equal(eco_answer_token(good, strlen(good), token, sizeof token, &why), 0);
    assert_string_equal(token, "abc.def-ghi_");
    assert_int_equal(eco_answer_token(bad, strlen(bad), token, sizeof token, &why), -EBADMSG);
    assert_int_equal(eco_answer_token(empty, strlen(empty), token, sizeof token, &why), -EBADMSG);
    assert_int_equal(eco_answer_token(long_one, strlen(long_one), token, sizeof token, &why), -EBADMSG);
}

static void a_key_is_not_sent_in_the_clear(void **state)
{
    (void)state;
    assert_true(eco_http_is_safe("https://api.electricitymaps.com"));
    assert_true(eco_http_is_safe("http://127.0.0.1:8080"));
    assert_true(eco_http_is_safe("http://localhost/x"));
    assert_false(eco_http_is_safe("http://127.0.0.1.evil.example"));
    assert_false(eco_http_is_safe("http://localhost@evil.example/"));
    assert_false(eco_http_is_safe("http://api.electricitymaps.com"));
    assert_false(eco_http_is_safe("file:///etc/passwd"));
    assert_false(eco_http_is_safe("https://"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(electricity_maps), cmocka_unit_test(watttime),
        cmocka_unit_test(great_britain),    cmocka_unit_test(what_is_no_answer_is_refused),
        cmocka_unit_test(tokens_are_words), cmocka_unit_test(a_key_is_not_sent_in_the_clear),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
