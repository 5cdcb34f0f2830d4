/* SPDX-License-Identifier: MIT */
/*
 * Streaming JSON writer onto a buffer: it puts the commas and the escapes, the caller the order.
 * Strings of any bytes become valid JSON: invalid UTF-8 is replaced by U+FFFD. nan and infinity
 * become null (unknown is null). Depth is at most ECO_JSON_DEPTH (asserted).
 */
#pragma once

#include "base/buf.h"

#include <stdbool.h>
#include <stdint.h>

#define ECO_JSON_DEPTH 24

struct eco_json {
    struct eco_buf *out;
    unsigned depth;
    bool has_member[ECO_JSON_DEPTH];
    bool after_key;
};

void eco_json_init(struct eco_json *json, struct eco_buf *out);
void eco_json_open(struct eco_json *json, char bracket);  /* '{' or '[' */
void eco_json_close(struct eco_json *json, char bracket); /* '}' or ']' */
void eco_json_key(struct eco_json *json, const char *key);
void eco_json_string(struct eco_json *json, const char *text); /* NULL gives null */
void eco_json_double(struct eco_json *json, double value);
void eco_json_u64(struct eco_json *json, uint64_t value);
void eco_json_i64(struct eco_json *json, int64_t value);
void eco_json_bool(struct eco_json *json, bool value);
void eco_json_null(struct eco_json *json);

/* key and value in one */
void eco_json_kstring(struct eco_json *json, const char *key, const char *text);
void eco_json_kdouble(struct eco_json *json, const char *key, double value);
void eco_json_ku64(struct eco_json *json, const char *key, uint64_t value);
void eco_json_ki64(struct eco_json *json, const char *key, int64_t value);
void eco_json_kbool(struct eco_json *json, const char *key, bool value);
void eco_json_knull(struct eco_json *json, const char *key);
