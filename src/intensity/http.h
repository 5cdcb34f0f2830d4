/* SPDX-License-Identifier: MIT */
/* One request at a time, with limits on time and size, given up at once when a descriptor hangs up. */
#pragma once

#include "base/buf.h"
#include "base/why.h"

#include <stdbool.h>

struct eco_http {
    void *multi;   /* CURLM */
    int hangup_fd; /* a request ends with -ECANCELED when its other end closes */
};

struct eco_http_request {
    const char *url;
    const char *header;   /* "auth-token: ..." or NULL */
    const char *user_pwd; /* for HTTP Basic, or NULL */
};

struct eco_http_answer {
    long status;            /* 200 ... */
    unsigned retry_after_s; /* 0 = not told */
    struct eco_buf body;
};

/** 0 or -ENOMEM. */
int eco_http_init(struct eco_http *http, int hangup_fd) ECO_MUST_CHECK;
void eco_http_finish(struct eco_http *http);

/**
 * GET. Not one redirect is followed, nothing but http and https is spoken.
 *
 * @return 0 with an answer of whatever status; -ETIMEDOUT, -EHOSTUNREACH with a reason; -ECANCELED hung up;
 *         -EMSGSIZE: more than was to be expected
 */
int eco_http_get(struct eco_http *http, const struct eco_http_request *request, struct eco_http_answer *ret,
                 struct eco_why *why) ECO_MUST_CHECK;
void eco_http_answer_finish(struct eco_http_answer *answer);

/** https, or http to this machine: a key is not sent in the clear. */
bool eco_http_is_safe(const char *url);
