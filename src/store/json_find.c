/* SPDX-License-Identifier: MIT */
#include "store/json_find.h"

#include "base/parse.h"

#include <string.h>

static void advance(struct eco_span *cursor, size_t count)
{
    cursor->text += count;
    cursor->length -= count;
}

static bool is_one_of(char c, const char *set)
{
    return c && strchr(set, c);
}

static void skip_blanks(struct eco_span *cursor)
{
    while (cursor->length && is_one_of(*cursor->text, " \t\r\n"))
        advance(cursor, 1);
}

static bool take(struct eco_span *cursor, char c)
{
    skip_blanks(cursor);
    if (!cursor->length || *cursor->text != c)
        return false;
    advance(cursor, 1);
    return true;
}

static bool skip_string(struct eco_span *cursor)
{
    if (!take(cursor, '"'))
        return false;
    while (cursor->length) {
        char c = *cursor->text;
        advance(cursor, 1);
        if (c == '"')
            return true;
        if (c == '\\' && cursor->length)
            advance(cursor, 1);
    }
    return false;
}

/* Containers by counting brackets, so that depth costs no stack. */
static bool skip_container(struct eco_span *cursor)
{
    size_t depth = 0;
    while (cursor->length) {
        char c = *cursor->text;
        if (c == '"') {
            if (!skip_string(cursor))
                return false;
            continue;
        }
        advance(cursor, 1);
        if (c == '{' || c == '[')
            depth++;
        else if ((c == '}' || c == ']') && --depth == 0)
            return true;
    }
    return false;
}

bool eco_json_skip(struct eco_span *cursor)
{
    skip_blanks(cursor);
    if (!cursor->length)
        return false;
    if (*cursor->text == '"')
        return skip_string(cursor);
    if (*cursor->text == '{' || *cursor->text == '[')
        return skip_container(cursor);
    size_t before = cursor->length;
    while (cursor->length && !is_one_of(*cursor->text, ",}] \t\r\n"))
        advance(cursor, 1);
    return cursor->length > 0 && cursor->length < before;
}

bool eco_json_find(struct eco_span object, const char *key, struct eco_span *ret)
{
    size_t length = strlen(key);
    if (!take(&object, '{'))
        return false;
    for (;;) {
        skip_blanks(&object);
        struct eco_span name = object;
        if (!skip_string(&object))
            return false;
        size_t quoted = (size_t)(object.text - name.text);
        if (!take(&object, ':'))
            return false;
        skip_blanks(&object);
        if (quoted == length + 2 && memcmp(name.text + 1, key, length) == 0) {
            if (!object.length)
                return false;
            *ret = object;
            return true;
        }
        if (!eco_json_skip(&object) || !take(&object, ','))
            return false;
    }
}

static char unescape(struct eco_span *cursor)
{
    char c = *cursor->text;
    advance(cursor, 1);
    if (c == 'n' || c == 't' || c == 'r' || c == 'b' || c == 'f')
        return ' ';
    if (c != 'u')
        return c;
    unsigned code = 0;
    for (int i = 0; i < 4 && cursor->length; i++) {
        static const char digits[] = "0123456789abcdef";
        const char *digit = strchr(digits, *cursor->text | 0x20);
        code = code * 16 + (digit ? (unsigned)(digit - digits) : 0);
        advance(cursor, 1);
    }
    return code >= 0x20 && code < 0x7f ? (char)code : '?';
}

bool eco_json_read_string(struct eco_span value, char *ret, size_t size)
{
    size_t used = 0;
    if (size == 0 || !take(&value, '"'))
        return false;
    while (value.length && *value.text != '"') {
        char c = *value.text;
        advance(&value, 1);
        if (c == '\\') {
            if (!value.length)
                break;
            c = unescape(&value);
        }
        if (used + 1 < size)
            ret[used++] = c;
    }
    ret[used] = 0;
    return true;
}

bool eco_json_read_number(struct eco_span value, double *ret)
{
    char text[40];
    struct eco_span end = value;
    if (!eco_json_skip(&end))
        return false;
    size_t length = (size_t)(end.text - value.text);
    if (length >= sizeof text)
        return false;
    memcpy(text, value.text, length);
    text[length] = 0;
    return eco_parse_double(text, ret) == 0;
}
