/* SPDX-License-Identifier: MIT */
/* One source asked for one zone: the requests that this takes, the key that it wants. */
#pragma once

#include "impact/live.h"
#include "intensity/http.h"

#define ECO_KEY_MAX 512

struct eco_ask {
    const struct eco_live_source *source;
    const char *zone, *url; /* url: without a slash at its end */
    char key[ECO_KEY_MAX];  /* "" = none */
    char token[2048];       /* of WattTime: got by the key, good for half an hour */
    struct eco_http *http;
};

/**
 * The key: what stands in the file, or with NULL in ECOCODE_CARBON_KEY. Its first line, blanks at the ends
 * left out.
 *
 * @return 0, or 0 with an empty key where none is needed; negative errno with a reason
 */
int eco_ask_key(struct eco_ask *ask, const char *path, struct eco_why *why) ECO_MUST_CHECK;

/**
 * Ask.
 *
 * @param ret_wait_s  how long the source wants not to be asked (429); 0 = it did not say
 * @return 0; -ECANCELED hung up; -EACCES the key is not accepted; -EAGAIN asked too often; -EBADMSG, -EIO,
 *         -ETIMEDOUT, -EHOSTUNREACH; with a reason that never holds the key
 */
int eco_ask_now(struct eco_ask *ask, struct eco_live_news *ret, unsigned *ret_wait_s,
                struct eco_why *why) ECO_MUST_CHECK;
