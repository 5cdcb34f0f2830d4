/* SPDX-License-Identifier: MIT */
#include "base/json.h"

#include "base/text.h"

#include <assert.h>
#include <string.h>

#define REPLACEMENT 0xFFFDu

void eco_json_init(struct eco_json *json, struct eco_buf *out)
{
    *json = (struct eco_json){.out = out};
}

/* The comma before a value or a key, where one is due. */
static void separate(struct eco_json *json)
{
    if (json->after_key) {
        json->after_key = false;
        return;
    }
    if (json->depth == 0)
        return;
    bool *has_member = &json->has_member[json->depth - 1];
    if (*has_member)
        eco_buf_char(json->out, ',');
    *has_member = true;
}

void eco_json_open(struct eco_json *json, char bracket)
{
    assert(bracket == '{' || bracket == '[');
    assert(json->depth < ECO_JSON_DEPTH);
    separate(json);
    eco_buf_char(json->out, bracket);
    json->has_member[json->depth++] = false;
}

void eco_json_close(struct eco_json *json, char bracket)
{
    assert(bracket == '}' || bracket == ']');
    assert(json->depth > 0 && !json->after_key);
    json->depth--;
    eco_buf_char(json->out, bracket);
}

static void put_escape(struct eco_buf *out, uint32_t code)
{
    switch (code) {
    case '"':
        eco_buf_text(out, "\\\"");
        return;
    case '\\':
        eco_buf_text(out, "\\\\");
        return;
    case '\n':
        eco_buf_text(out, "\\n");
        return;
    case '\r':
        eco_buf_text(out, "\\r");
        return;
    case '\t':
        eco_buf_text(out, "\\t");
        return;
    case REPLACEMENT:
        eco_buf_text(out, "\xEF\xBF\xBD");
        return;
    default:
        eco_buf_printf(out, "\\u%04x", code);
        return;
    }
}

static bool needs_escape(uint32_t code)
{
    return code < 0x20 || code == '"' || code == '\\' || code == 0x7F || code == REPLACEMENT;
}

static void put_string(struct eco_buf *out, const char *text)
{
    size_t length = strlen(text), plain_from = 0;
    eco_buf_char(out, '"');
    for (size_t at = 0; at < length;) {
        uint32_t code;
        size_t used = eco_utf8_decode(text + at, length - at, &code);
        if (needs_escape(code)) {
            eco_buf_add(out, text + plain_from, at - plain_from);
            put_escape(out, code);
            plain_from = at + used;
        }
        at += used;
    }
    eco_buf_add(out, text + plain_from, length - plain_from);
    eco_buf_char(out, '"');
}

void eco_json_key(struct eco_json *json, const char *key)
{
    assert(json->depth > 0 && !json->after_key);
    separate(json);
    put_string(json->out, key);
    eco_buf_char(json->out, ':');
    json->after_key = true;
}

void eco_json_string(struct eco_json *json, const char *text)
{
    if (!text) {
        eco_json_null(json);
        return;
    }
    separate(json);
    put_string(json->out, text);
}

void eco_json_double(struct eco_json *json, double value)
{
    separate(json);
    eco_buf_double(json->out, value);
}

void eco_json_u64(struct eco_json *json, uint64_t value)
{
    separate(json);
    eco_buf_printf(json->out, "%llu", (unsigned long long)value);
}

void eco_json_i64(struct eco_json *json, int64_t value)
{
    separate(json);
    eco_buf_printf(json->out, "%lld", (long long)value);
}

void eco_json_bool(struct eco_json *json, bool value)
{
    separate(json);
    eco_buf_text(json->out, value ? "true" : "false");
}

void eco_json_null(struct eco_json *json)
{
    separate(json);
    eco_buf_text(json->out, "null");
}

void eco_json_kstring(struct eco_json *json, const char *key, const char *text)
{
    eco_json_key(json, key);
    eco_json_string(json, text);
}

void eco_json_kdouble(struct eco_json *json, const char *key, double value)
{
    eco_json_key(json, key);
    eco_json_double(json, value);
}

void eco_json_ku64(struct eco_json *json, const char *key, uint64_t value)
{
    eco_json_key(json, key);
    eco_json_u64(json, value);
}

void eco_json_ki64(struct eco_json *json, const char *key, int64_t value)
{
    eco_json_key(json, key);
    eco_json_i64(json, value);
}

void eco_json_kbool(struct eco_json *json, const char *key, bool value)
{
    eco_json_key(json, key);
    eco_json_bool(json, value);
}

void eco_json_knull(struct eco_json *json, const char *key)
{
    eco_json_key(json, key);
    eco_json_null(json);
}
