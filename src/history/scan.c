/* SPDX-License-Identifier: MIT */
#include "history/scan.h"

#include "base/macros.h"
#include "base/parse.h"

#include <stdint.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

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

#define BLOCK_BYTES 64

#ifdef __SSE2__
/* A bit for each byte of a block that is `c` when `bits` are set in it. */
static uint64_t find_all(const char *at, char c, char bits)
{
    const __m128i wanted = _mm_set1_epi8(c), mask = _mm_set1_epi8(bits);
    uint64_t found = 0;
    for (size_t i = 0; i < BLOCK_BYTES / 16; i++) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)(at + i * 16));
        unsigned hits = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(_mm_or_si128(bytes, mask), wanted));
        found |= (uint64_t)hits << (i * 16);
    }
    return found;
}

/* Every bit becomes the parity of itself and those below it: set from a quote on until before the next. */
static uint64_t spread(uint64_t quotes)
{
    for (unsigned shift = 1; shift < BLOCK_BYTES; shift *= 2)
        quotes ^= quotes << shift;
    return quotes;
}

/*
 * A whole block at once, as simdjson does it (Langdale and Lemire, "Parsing Gigabytes of JSON per Second",
 * 2019). False: it has an escape, or the container may end in it; then nothing is changed.
 */
static bool pass_block(const char *at, size_t *depth, bool *in_string)
{
    if (find_all(at, '\\', 0) != 0)
        return false;
    uint64_t inside = spread(find_all(at, '"', 0)) ^ (*in_string ? UINT64_MAX : 0);
    /* '[' and ']' are '{' and '}' less this bit */
    uint64_t opening = find_all(at, '{', 0x20) & ~inside, closing = find_all(at, '}', 0x20) & ~inside;
    size_t closes = (size_t)__builtin_popcountll(closing);
    if (closes >= *depth)
        return false;
    *depth = *depth + (size_t)__builtin_popcountll(opening) - closes;
    *in_string = inside >> (BLOCK_BYTES - 1) != 0;
    return true;
}
#else
static bool pass_block(const char *at, size_t *depth, bool *in_string)
{
    (void)at;
    (void)depth;
    (void)in_string;
    return false;
}
#endif

static const char *skip_container(const char *at, const char *end)
{
    size_t depth = 1;
    bool in_string = false;
    const char *block = ++at; /* from here on a block is tried again */
    while (at < end) {
        if (at >= block && end - at >= BLOCK_BYTES) {
            block = at + BLOCK_BYTES;
            if (pass_block(at, &depth, &in_string)) {
                at = block;
                continue;
            }
        }
        unsigned kind = kind_of(*at);
        at += in_string && *at == '\\' ? 2 : 1;
        if (kind == QUOTE)
            in_string = !in_string;
        else if (kind == OPEN && !in_string)
            depth++;
        else if (kind == CLOSE && !in_string && --depth == 0)
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

bool eco_scan_enter(struct eco_span *cursor)
{
    const char *at = cursor->length > 0 ? next_item(*cursor) : NULL;
    if (!at || kind_of(*at) == CLOSE)
        return false;
    move(cursor, at);
    return true;
}

bool eco_scan_leave(struct eco_span *cursor)
{
    const char *end = cursor->text + cursor->length, *at = skip_blanks(cursor->text, end);
    /* an empty one is still in front of its opening bracket */
    if (at < end && kind_of(*at) == OPEN)
        at = skip_blanks(at + 1, end);
    if (at >= end || kind_of(*at) != CLOSE)
        return false;
    move(cursor, at + 1);
    return true;
}

bool eco_scan_value(struct eco_span *cursor, struct eco_span *ret_value)
{
    const char *begin = cursor->text, *behind = skip_value(begin, begin + cursor->length);
    if (!behind)
        return false;
    *ret_value = (struct eco_span){begin, (size_t)(behind - begin)};
    move(cursor, behind);
    return true;
}

bool eco_scan_key(struct eco_span *cursor, struct eco_span *ret_key)
{
    if (!eco_scan_enter(cursor) || *cursor->text != '"')
        return false;
    const char *key = cursor->text, *end = key + cursor->length, *key_end = skip_string(key, end);
    const char *at = key_end ? skip_blanks(key_end, end) : NULL;
    if (!at || at >= end || *at != ':')
        return false;
    at = skip_blanks(at + 1, end);
    if (at >= end)
        return false;
    *ret_key = (struct eco_span){key + 1, (size_t)(key_end - key) - 2};
    move(cursor, at);
    return true;
}

bool eco_scan_element(struct eco_span *cursor, struct eco_span *ret_value)
{
    struct eco_span at = *cursor;
    if (!eco_scan_enter(&at) || !eco_scan_value(&at, ret_value))
        return false;
    *cursor = at;
    return true;
}

bool eco_scan_member(struct eco_span *cursor, struct eco_span *ret_key, struct eco_span *ret_value)
{
    struct eco_span at = *cursor, key;
    if (!eco_scan_key(&at, &key) || !eco_scan_value(&at, ret_value))
        return false;
    *ret_key = key;
    *cursor = at;
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
