/* SPDX-License-Identifier: MIT */
/* UTF-8 (RFC 3629) and JSON (RFC 8259), checked by code that shares nothing with ours. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Bytes of the well-formed sequence at `at` (table 3-7 of the Unicode standard), 0 = it is none. */
static inline size_t valid_sequence(const unsigned char *at, size_t left)
{
    unsigned char low = 0x80, high = 0xBF;
    size_t length;

    if (left == 0)
        return 0;
    if (at[0] < 0x80)
        return 1;
    if (at[0] < 0xC2 || at[0] > 0xF4)
        return 0;
    length = at[0] < 0xE0 ? 2 : at[0] < 0xF0 ? 3 : 4;
    if (at[0] == 0xE0)
        low = 0xA0;
    else if (at[0] == 0xED)
        high = 0x9F;
    else if (at[0] == 0xF0)
        low = 0x90;
    else if (at[0] == 0xF4)
        high = 0x8F;
    if (length > left || at[1] < low || at[1] > high)
        return 0;
    for (size_t i = 2; i < length; i++)
        if (at[i] < 0x80 || at[i] > 0xBF)
            return 0;
    return length;
}

static inline bool valid_utf8(const char *text, size_t length)
{
    for (size_t at = 0; at < length;) {
        size_t used = valid_sequence((const unsigned char *)text + at, length - at);
        if (used == 0)
            return false;
        at += used;
    }
    return true;
}

/* A JSON string at `text`: bytes used with both quotes, 0 = none. Its content is decoded into ret. */
static inline size_t valid_json_string(const char *text, size_t length, char *ret, size_t *ret_length)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    size_t at = 1, out = 0;

    if (length < 2 || text[0] != '"')
        return 0;
    while (at < length && text[at] != '"') {
        unsigned char c = (unsigned char)text[at++];
        if (c < 0x20)
            return 0;
        if (c == '\\') {
            const char *found = at < length && text[at] ? strchr(from, text[at]) : NULL;
            if (found) {
                c = (unsigned char)to[found - from];
            } else {
                unsigned code = 0;
                if (at + 5 > length || text[at] != 'u')
                    return 0;
                for (size_t i = 1; i <= 4; i++) {
                    static const char digits[] = "0123456789abcdef";
                    const char *digit = text[at + i] ? strchr(digits, text[at + i]) : NULL;
                    if (digit == NULL)
                        return 0;
                    code = code * 16 + (unsigned)(digit - digits);
                }
                /* Our writer escapes nothing else in this way. */
                if (code >= 0x80)
                    return 0;
                c = (unsigned char)code;
                at += 4;
            }
            at++;
        }
        ret[out++] = (char)c;
    }
    if (at >= length)
        return 0;
    *ret_length = out;
    return valid_utf8(text, at) ? at + 1 : 0;
}
