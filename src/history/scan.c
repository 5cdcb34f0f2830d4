/* SPDX-License-Identifier: MIT */
#include "history/scan.h"

#include "base/macros.h"
#include "base/parse.h"

#include <string.h>

/* What a byte means where it stands outside a string. */
enum { PLAIN, BLANK, QUOTE, OPEN, CLOSE, COMMA };

static const unsigned char kinds[256] = {
    [' '] = BLANK, ['\t'] = BLANK, ['\r'] = BLANK, ['\n'] = BLANK, ['"'] = QUOTE,
    ['{'] = OPEN,  ['['] = OPEN,   ['}'] = CLOSE,  [']'] = CLOSE,  [','] = COMMA};

static unsigned kind_of(char c)
{
    return kinds[(unsigned char)c];
}

static const char *skip_blanks(const char *at, const char *end)
{
    while (at < end && kind_of(*at) == BLANK)
        at++;
    return at;
}

/* Behind the closing quote of the string that begins at `at`, or NULL. */
static const char *skip_string(const char *at, const char *end)
{
    for (at++; at < end; at++) {
        if (*at == '"')
            return at + 1;
        at += *at == '\\';
    }
    return NULL;
}

static const char *skip_container(const char *at, const char *end)
{
    size_t depth = 0;
    while (at < end) {
        unsigned kind = kind_of(*at);
        if (kind == QUOTE) {
            at = skip_string(at, end);
            if (!at)
                return NULL;
            continue;
        }
        at++;
        if (kind == OPEN)
            depth++;
        else if (kind == CLOSE && --depth == 0)
            return at;
    }
    return NULL;
}

static const char *skip_value(const char *at, const char *end)
{
    if (at >= end)
        return NULL;
    if (kind_of(*at) == QUOTE)
        return skip_string(at, end);
    if (kind_of(*at) == OPEN)
        return skip_container(at, end);
    const char *begin = at;
    while (at < end && kind_of(*at) == PLAIN)
        at++;
    return at > begin && at < end ? at : NULL; /* a value at the text's end may have been cut */
}

/* Where the next item begins: behind the opening bracket or a comma; NULL when there is none. */
static const char *next_item(struct eco_span cursor)
{
    const char *end = cursor.text + cursor.length, *at = skip_blanks(cursor.text, end);
    if (at >= end || (kind_of(*at) != OPEN && kind_of(*at) != COMMA))
        return NULL;
    at = skip_blanks(at + 1, end);
    return at < end ? at : NULL;
}

static void move(struct eco_span *cursor, const char *to)
{
    cursor->length -= (size_t)(to - cursor->text);
    cursor->text = to;
}

bool eco_scan_element(struct eco_span *cursor, struct eco_span *ret_value)
{
    if (cursor->length == 0)
        return false;
    const char *end = cursor->text + cursor->length;
    const char *at = next_item(*cursor);
    const char *behind = at ? skip_value(at, end) : NULL;
    if (!behind)
        return false;
    *ret_value = (struct eco_span){at, (size_t)(behind - at)};
    move(cursor, behind);
    return true;
}

bool eco_scan_member(struct eco_span *cursor, struct eco_span *ret_key, struct eco_span *ret_value)
{
    if (cursor->length == 0)
        return false;
    const char *end = cursor->text + cursor->length;
    const char *key = next_item(*cursor);
    if (!key || *key != '"')
        return false;
    const char *key_end = skip_string(key, end);
    const char *at = key_end ? skip_blanks(key_end, end) : NULL;
    if (!at || at >= end || *at != ':')
        return false;
    at = skip_blanks(at + 1, end);
    const char *behind = skip_value(at, end);
    if (!behind)
        return false;
    *ret_key = (struct eco_span){key + 1, (size_t)(key_end - key) - 2};
    *ret_value = (struct eco_span){at, (size_t)(behind - at)};
    move(cursor, behind);
    return true;
}

bool eco_scan_is(struct eco_span text, const char *word)
{
    return strlen(word) == text.length && memcmp(text.text, word, text.length) == 0;
}

struct eco_span eco_scan_number(struct eco_span value)
{
    for (size_t i = 0; i < value.length; i++) {
        char c = value.text[i];
        bool is_digit = c >= '0' && c <= '9';
        bool is_sign = c == '-' || c == '+' || c == '.' || c == 'e' || c == 'E';
        if (!is_digit && (!is_sign || (i == 0 && c != '-')))
            return (struct eco_span){value.text, 0};
    }
    return value;
}

struct eco_span eco_scan_string(struct eco_span value)
{
    if (value.length < 2 || *value.text != '"')
        return (struct eco_span){value.text, 0};
    return (struct eco_span){value.text + 1, value.length - 2};
}

double eco_scan_double(struct eco_span number)
{
    char text[40];
    double value;
    if (number.length == 0 || number.length >= sizeof text)
        return ECO_NAN;
    memcpy(text, number.text, number.length);
    text[number.length] = 0;
    return eco_parse_double(text, &value) == 0 ? value : ECO_NAN;
}
