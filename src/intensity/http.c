/* SPDX-License-Identifier: MIT */
#include "intensity/http.h"

#include <curl/curl.h>
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>

#define CONNECT_MS 3000L
#define TOTAL_MS   8000L
#define BODY_MAX   1048576u

int eco_http_init(struct eco_http *http, int hangup_fd)
{
    http->hangup_fd = hangup_fd;
    http->multi = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK ? curl_multi_init() : NULL;
    return http->multi ? 0 : -ENOMEM;
}

void eco_http_finish(struct eco_http *http)
{
    if (http->multi)
        (void)curl_multi_cleanup(http->multi);
    http->multi = NULL;
    curl_global_cleanup();
}

void eco_http_answer_finish(struct eco_http_answer *answer)
{
    eco_buf_finish(&answer->body);
}

static bool begins(const char *text, const char *head)
{
    return strncmp(text, head, strlen(head)) == 0;
}

static bool is_local(const char *url)
{
    static const char *const hosts[] = {"http://127.0.0.1", "http://localhost", "http://[::1]"};
    for (size_t i = 0; i < ECO_COUNT(hosts); i++) {
        size_t length = strlen(hosts[i]);
        if (begins(url, hosts[i]) && strchr(":/", url[length]))
            return true;
    }
    return false;
}

bool eco_http_is_safe(const char *url)
{
    return (begins(url, "https://") && url[8]) || is_local(url);
}

static size_t take_body(char *bytes, size_t size, size_t count, void *context)
{
    struct eco_buf *body = context;
    eco_buf_add(body, bytes, size * count);
    return eco_buf_error(body) == 0 ? size * count : 0;
}

/* NULL where it cannot be made. */
static CURL *make(const struct eco_http_request *request, struct eco_http_answer *answer,
                  struct curl_slist *headers, char *error)
{
    CURL *easy = curl_easy_init();
    if (!easy)
        return NULL;
    bool ok = curl_easy_setopt(easy, CURLOPT_URL, request->url) == CURLE_OK &&
              curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
              curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
              curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
              curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_MS) == CURLE_OK &&
              curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, TOTAL_MS) == CURLE_OK &&
              curl_easy_setopt(easy, CURLOPT_USERAGENT, "ecocode/" ECO_VERSION) == CURLE_OK &&
              curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers) == CURLE_OK &&
              curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body) == CURLE_OK &&
              curl_easy_setopt(easy, CURLOPT_WRITEDATA, &answer->body) == CURLE_OK &&
              curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, error) == CURLE_OK;
    if (ok && is_local(request->url))
        ok = curl_easy_setopt(easy, CURLOPT_PROXY, "") == CURLE_OK;
    if (ok && request->user_pwd)
        ok = curl_easy_setopt(easy, CURLOPT_HTTPAUTH, CURLAUTH_BASIC) == CURLE_OK &&
             curl_easy_setopt(easy, CURLOPT_USERPWD, request->user_pwd) == CURLE_OK;
    if (ok)
        return easy;
    curl_easy_cleanup(easy);
    return NULL;
}

/* 0 when the transfer is over, -ECANCELED, -EIO. */
static int drive(struct eco_http *http)
{
    for (int running = 1;;) {
        struct curl_waitfd extra = {.fd = http->hangup_fd, .events = CURL_WAIT_POLLIN};
        struct pollfd hung = {.fd = http->hangup_fd};
        if (curl_multi_perform(http->multi, &running) != CURLM_OK)
            return -EIO;
        if (running == 0)
            return 0;
        if (curl_multi_poll(http->multi, &extra, 1, 1000, NULL) != CURLM_OK)
            return -EIO;
        if (poll(&hung, 1, 0) > 0 && (hung.revents & (POLLHUP | POLLERR)))
            return -ECANCELED;
    }
}

static int result_of(struct eco_http *http, CURL *easy, struct eco_http_answer *answer, const char *error,
                     struct eco_why *why)
{
    int left;
    CURLMsg *message = curl_multi_info_read(http->multi, &left);
    CURLcode code = message && message->msg == CURLMSG_DONE ? message->data.result : CURLE_RECV_ERROR;
    curl_off_t retry_after = 0;
    if (code != CURLE_OK) {
        bool too_large = eco_buf_error(&answer->body) < 0;
        eco_why_set(why, "%s",
                    too_large ? "the answer is far too long"
                    : *error  ? error
                              : curl_easy_strerror(code));
        return too_large ? -EMSGSIZE : code == CURLE_OPERATION_TIMEDOUT ? -ETIMEDOUT : -EHOSTUNREACH;
    }
    (void)curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &answer->status);
    if (curl_easy_getinfo(easy, CURLINFO_RETRY_AFTER, &retry_after) == CURLE_OK && retry_after > 0)
        answer->retry_after_s = retry_after < 86400 ? (unsigned)retry_after : 86400u;
    return 0;
}

int eco_http_get(struct eco_http *http, const struct eco_http_request *request, struct eco_http_answer *ret,
                 struct eco_why *why)
{
    char error[CURL_ERROR_SIZE] = "";
    struct eco_http_answer answer = {.status = 0};
    struct curl_slist *headers = request->header ? curl_slist_append(NULL, request->header) : NULL;
    eco_buf_init(&answer.body, BODY_MAX);
    CURL *easy = request->header && !headers ? NULL : make(request, &answer, headers, error);
    int r = easy && curl_multi_add_handle(http->multi, easy) == CURLM_OK ? drive(http) : -ENOMEM;
    if (r == 0)
        r = result_of(http, easy, &answer, error, why);
    if (easy) {
        (void)curl_multi_remove_handle(http->multi, easy);
        curl_easy_cleanup(easy);
    }
    curl_slist_free_all(headers);
    if (r < 0)
        eco_http_answer_finish(&answer);
    else
        *ret = answer;
    return r;
}
