/* SPDX-License-Identifier: MIT */
#include "intensity/ask.h"

#include "base/text.h"
#include "intensity/answer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define URL_MAX    1024
#define HEADER_MAX 2304
#define HISTORY_S  3600 /* of WattTime: points come every five minutes, some late */
#define WAIT_MIN_S 60u

static int trim(char *key)
{
    key[strcspn(key, "\r\n")] = '\0';
    size_t blanks = strspn(key, " \t"), length = strlen(key);
    memmove(key, key + blanks, length - blanks + 1);
    for (length = strlen(key); length > 0 && strchr(" \t", key[length - 1]); length--)
        key[length - 1] = '\0';
    for (size_t i = 0; key[i]; i++)
        if (key[i] < 0x20 || key[i] == 0x7f)
            return -EINVAL;
    return 0;
}

static int read_file(const char *path, char *ret, size_t size, struct eco_why *why)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    ssize_t got = fd < 0 ? -1 : read(fd, ret, size - 1);
    int error = errno;
    if (fd >= 0)
        (void)close(fd);
    ret[got > 0 ? got : 0] = '\0';
    if (got < 0)
        eco_why_set(why, "the key's file cannot be read: %s", strerror(error));
    return got < 0 ? -error : 0;
}

int eco_ask_key(struct eco_ask *ask, const char *path, struct eco_why *why)
{
    const char *given = getenv("ECOCODE_CARBON_KEY");
    int r = 0;
    ask->key[0] = '\0';
    if (path)
        r = read_file(path, ask->key, sizeof ask->key, why);
    else if (given)
        (void)eco_text_copy(ask->key, sizeof ask->key, given);
    if (r < 0)
        return r;
    if (trim(ask->key) < 0) {
        ask->key[0] = '\0';
        eco_why_set(why, "the key holds what no key does");
        return -EINVAL;
    }
    if (!*ask->key && ask->source->key) {
        eco_why_set(why, "%s wants a key (%s): in a file, --carbon-key-file, or in ECOCODE_CARBON_KEY",
                    ask->source->title, ask->source->key);
        return -EACCES;
    }
    return 0;
}

/* What stands in a query: letters and digits, the rest as %XX. */
static void escape(const char *text, char *ret, size_t size)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~",
                      hex[] = "0123456789ABCDEF";
    size_t used = 0;
    for (; *text && used + 4 < size; text++) {
        unsigned char c = (unsigned char)*text;
        if (strchr(plain, c)) {
            ret[used++] = (char)c;
            continue;
        }
        ret[used++] = '%';
        ret[used++] = hex[c >> 4];
        ret[used++] = hex[c & 15];
    }
    ret[used] = '\0';
}

/* The status in words; 0 for 200. */
static int judge(const struct eco_http_answer *answer, unsigned *ret_wait_s, struct eco_why *why)
{
    switch (answer->status) {
    case 200:
        return 0;
    case 401:
    case 403:
        eco_why_set(why, "HTTP %ld: the key is not accepted", answer->status);
        return -EACCES;
    case 404:
        eco_why_set(why, "HTTP 404: nothing is known of this zone");
        return -ENOENT;
    case 429:
        *ret_wait_s = answer->retry_after_s > WAIT_MIN_S ? answer->retry_after_s : WAIT_MIN_S;
        eco_why_set(why, "HTTP 429: asked too often");
        return -EAGAIN;
    default:
        eco_why_set(why, "HTTP %ld", answer->status);
        return -EIO;
    }
}

static int get_value(struct eco_ask *ask, const struct eco_http_request *request, struct eco_live_news *ret,
                     unsigned *ret_wait_s, struct eco_why *why)
{
    struct eco_http_answer answer;
    int r = eco_http_get(ask->http, request, &answer, why);
    if (r < 0)
        return r;
    r = judge(&answer, ret_wait_s, why);
    if (r == 0)
        r = eco_answer_read(ask->source->kind, answer.body.data, answer.body.length, ret, why);
    eco_http_answer_finish(&answer);
    return r;
}

static int ask_electricitymaps(struct eco_ask *ask, struct eco_live_news *ret, unsigned *ret_wait_s,
                               struct eco_why *why)
{
    char url[URL_MAX], zone[3 * ECO_ZONE_MAX + 4], header[HEADER_MAX];
    escape(ask->zone, zone, sizeof zone);
    (void)snprintf(url, sizeof url, "%s/v3/carbon-intensity/latest?zone=%s", ask->url, zone);
    (void)snprintf(header, sizeof header, "auth-token: %s", ask->key);
    const struct eco_http_request request = {.url = url, .header = header};
    return get_value(ask, &request, ret, ret_wait_s, why);
}

static int log_in(struct eco_ask *ask, unsigned *ret_wait_s, struct eco_why *why)
{
    char url[URL_MAX];
    struct eco_http_answer answer;
    (void)snprintf(url, sizeof url, "%s/login", ask->url);
    const struct eco_http_request request = {.url = url, .user_pwd = ask->key};
    int r = eco_http_get(ask->http, &request, &answer, why);
    if (r < 0)
        return r;
    r = judge(&answer, ret_wait_s, why);
    if (r == 0)
        r = eco_answer_token(answer.body.data, answer.body.length, ask->token, sizeof ask->token, why);
    eco_http_answer_finish(&answer);
    return r;
}

static void format_time(time_t at, char *ret, size_t size)
{
    struct tm tm;
    (void)gmtime_r(&at, &tm);
    if (strftime(ret, size, "%Y-%m-%dT%H:%M:%S%%2B00:00", &tm) == 0)
        ret[0] = '\0';
}

static int ask_watttime(struct eco_ask *ask, struct eco_live_news *ret, unsigned *ret_wait_s,
                        struct eco_why *why)
{
    char url[URL_MAX], zone[3 * ECO_ZONE_MAX + 4], header[HEADER_MAX], from[40], to[40];
    time_t now = time(NULL);
    escape(ask->zone, zone, sizeof zone);
    format_time(now - HISTORY_S, from, sizeof from);
    format_time(now, to, sizeof to);
    (void)snprintf(url, sizeof url, "%s/v3/historical?region=%s&signal_type=co2_moer&start=%s&end=%s",
                   ask->url, zone, from, to);
    int r = -EACCES;
    for (int attempt = 0; attempt < 2 && r == -EACCES; attempt++) {
        bool is_new = !*ask->token;
        if (is_new) {
            r = log_in(ask, ret_wait_s, why);
            if (r < 0)
                return r;
        }
        (void)snprintf(header, sizeof header, "Authorization: Bearer %s", ask->token);
        const struct eco_http_request request = {.url = url, .header = header};
        r = get_value(ask, &request, ret, ret_wait_s, why);
        if (r == -EACCES)
            ask->token[0] = '\0'; /* half an hour is over: log in again, once */
        if (is_new)
            break;
    }
    return r;
}

static int ask_uk(struct eco_ask *ask, struct eco_live_news *ret, unsigned *ret_wait_s, struct eco_why *why)
{
    char url[URL_MAX];
    (void)snprintf(url, sizeof url, "%s/intensity", ask->url);
    const struct eco_http_request request = {.url = url};
    return get_value(ask, &request, ret, ret_wait_s, why);
}

int eco_ask_now(struct eco_ask *ask, struct eco_live_news *ret, unsigned *ret_wait_s, struct eco_why *why)
{
    *ret_wait_s = 0;
    switch (ask->source->kind) {
    case ECO_LIVE_ELECTRICITYMAPS:
        return ask_electricitymaps(ask, ret, ret_wait_s, why);
    case ECO_LIVE_WATTTIME:
        return ask_watttime(ask, ret, ret_wait_s, why);
    case ECO_LIVE_UK:
        break;
    }
    return ask_uk(ask, ret, ret_wait_s, why);
}
