/* SPDX-License-Identifier: MIT */
/* A source of this process: what it is asked, in which order, and what comes of its refusals. */
#include "support/test.h"

#include "intensity/ask.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ASKED_MAX 16

static struct {
    int fd;
    char url[64];
    pthread_t thread;
    const char *answers[ASKED_MAX]; /* status line's end, headers and body of each request in turn */
    char asked[ASKED_MAX][256];     /* first line and authorization */
    unsigned count;
} server;

static void answer(int fd, unsigned index)
{
    char request[4096], reply[1024];
    size_t used = 0;
    while (used + 1 < sizeof request) {
        ssize_t got = read(fd, request + used, sizeof request - 1 - used);
        used += got > 0 ? (size_t)got : 0;
        request[used] = '\0';
        if (got <= 0 || strstr(request, "\r\n\r\n"))
            break;
    }
    const char *auth = strstr(request, "Authorization: ");
    (void)snprintf(server.asked[index], sizeof server.asked[index], "%.*s|%.*s", (int)strcspn(request, "\r"),
                   request, auth ? (int)strcspn(auth, "\r") : 0, auth ? auth : "");
    if (!server.answers[index]) { /* never: until the other side has had enough */
        (void)poll(&(struct pollfd){.fd = fd, .events = POLLIN}, 1, 5000);
        return;
    }
    int n = snprintf(reply, sizeof reply, "HTTP/1.1 %s", server.answers[index]);
    (void)!write(fd, reply, (size_t)n);
}

static void *serve(void *context)
{
    for (;;) {
        int fd = accept(server.fd, NULL, NULL);
        if (fd < 0 || server.count == ASKED_MAX)
            return context;
        answer(fd, server.count++);
        (void)close(fd);
    }
}

static int start(void **state)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof at;
    (void)state;
    server.count = 0;
    server.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (server.fd < 0 || bind(server.fd, (struct sockaddr *)&at, size) != 0 || listen(server.fd, 4) != 0 ||
        getsockname(server.fd, (struct sockaddr *)&at, &size) != 0)
        return -1;
    (void)snprintf(server.url, sizeof server.url, "http://127.0.0.1:%u", ntohs(at.sin_port));
    memset(server.answers, 0, sizeof server.answers);
    return pthread_create(&server.thread, NULL, serve, NULL);
}

static int stop(void **state)
{
    (void)state;
    (void)shutdown(server.fd, SHUT_RDWR);
    (void)pthread_join(server.thread, NULL);
    return close(server.fd);
}

static struct eco_http http;
static int ends[2];

static struct eco_ask ask_of(const char *source)
{
    struct eco_ask ask = {
        .source = eco_live_source_find(source), .zone = "A B&c", .url = server.url, .http = &http};
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
    assert_int_equal(eco_http_init(&http, ends[0]), 0);
    (void)snprintf(ask.key, sizeof ask.key, "user:secret");
    return ask;
}

static void finish(void)
{
    eco_http_finish(&http);
    (void)close(ends[0]);
    if (ends[1] >= 0)
        (void)close(ends[1]);
}

#define VALUE                \
    "200 OK\r\nConnection: " \
    "close\r\n\r\n{\"data\":[{\"point_time\":\"2025-01-01T00:00:00Z\",\"value\":870.0}]}"

/* Its token is good for half an hour: refused, it is got anew, once, and the same is asked again. */
static void a_token_that_has_expired_is_got_anew(void **state)
{
    struct eco_ask ask = ask_of("watttime");
    struct eco_live_news news;
    struct eco_why why = {0};
    unsigned wait_s;
    (void)state;
    server.answers[0] = "200 OK\r\nConnection: close\r\n\r\n{\"token\":\"one\"}";
    server.answers[1] = VALUE;
    server.answers[2] = "401 Unauthorized\r\nContent-Length: 0\r\n\r\n";
    server.answers[3] = "200 OK\r\nConnection: close\r\n\r\n{\"token\":\"two\"}";
    server.answers[4] = VALUE;
    assert_int_equal(eco_ask_now(&ask, &news, &wait_s, &why), 0);
    assert_int_equal(eco_ask_now(&ask, &news, &wait_s, &why), 0);
    eco_assert_near(news.g_per_kwh, 394.6253619, 1e-6);
    assert_int_equal(server.count, 5);
    assert_non_null(strstr(server.asked[0], "GET /login HTTP/1.1|Authorization: Basic dXNlcjpzZWNyZXQ="));
    assert_non_null(strstr(server.asked[1], "region=A%20B%26c&signal_type=co2_moer"));
    assert_non_null(strstr(server.asked[1], "Bearer one"));
    assert_non_null(strstr(server.asked[4], "Bearer two"));
    finish();
}

static void a_login_that_is_refused_is_not_tried_again(void **state)
{
    struct eco_ask ask = ask_of("watttime");
    struct eco_live_news news;
    struct eco_why why = {0};
    unsigned wait_s;
    (void)state;
    server.answers[0] = "403 Forbidden\r\nContent-Length: 0\r\n\r\n";
    assert_int_equal(eco_ask_now(&ask, &news, &wait_s, &why), -EACCES);
    assert_int_equal(server.count, 1);
    assert_null(strstr(why.text, "secret"));
    finish();
}

static void too_often_says_for_how_long(void **state)
{
    struct eco_ask ask = ask_of("uk");
    struct eco_live_news news;
    struct eco_why why = {0};
    unsigned wait_s;
    (void)state;
    server.answers[0] = "429 Too Many Requests\r\nRetry-After: 600\r\nContent-Length: 0\r\n\r\n";
    server.answers[1] = "429 Too Many Requests\r\nContent-Length: 0\r\n\r\n";
    assert_int_equal(eco_ask_now(&ask, &news, &wait_s, &why), -EAGAIN);
    assert_int_equal(wait_s, 600);
    assert_int_equal(eco_ask_now(&ask, &news, &wait_s, &why), -EAGAIN);
    assert_int_equal(wait_s, 60);
    finish();
}

/* A redirect could lead a key anywhere: it is not followed. */
static void a_redirect_is_no_answer(void **state)
{
    struct eco_ask ask = ask_of("electricitymaps");
    struct eco_live_news news;
    struct eco_why why = {0};
    unsigned wait_s;
    (void)state;
    server.answers[0] = "302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n";
    assert_int_equal(eco_ask_now(&ask, &news, &wait_s, &why), -EIO);
    assert_int_equal(server.count, 1);
    finish();
}

static void a_caller_that_has_gone_is_not_kept_waiting_for(void **state)
{
    struct eco_ask ask = ask_of("uk");
    struct eco_live_news news;
    struct eco_why why = {0};
    unsigned wait_s;
    (void)state;
    (void)close(ends[1]);
    ends[1] = -1;
    assert_int_equal(eco_ask_now(&ask, &news, &wait_s, &why), -ECANCELED);
    finish();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_token_that_has_expired_is_got_anew, start, stop),
        cmocka_unit_test_setup_teardown(a_login_that_is_refused_is_not_tried_again, start, stop),
        cmocka_unit_test_setup_teardown(too_often_says_for_how_long, start, stop),
        cmocka_unit_test_setup_teardown(a_redirect_is_no_answer, start, stop),
        cmocka_unit_test_setup_teardown(a_caller_that_has_gone_is_not_kept_waiting_for, start, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
