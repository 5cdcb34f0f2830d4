/* SPDX-License-Identifier: MIT */
#include "base/text.h"

#include <string.h>

#define REPLACEMENT  0xFFFDu
#define DISTANCE_MAX 32u
#define DISTANCE_FAR 99u

struct range {
    uint32_t first, last;
};

static bool in_ranges(uint32_t code, const struct range *ranges, size_t count)
{
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (code > ranges[middle].last)
            low = middle + 1;
        else
            high = middle;
    }
    return low < count && code >= ranges[low].first;
}

/* Bytes of the sequence that `first` begins, 0 = none begins so, and the smallest code it may hold. */
static size_t sequence_length(unsigned char first, uint32_t *ret_bits, uint32_t *ret_least)
{
    if (first >= 0xC2 && first <= 0xDF) {
        *ret_bits = first & 0x1Fu;
        *ret_least = 0x80;
        return 2;
    }
    if (first >= 0xE0 && first <= 0xEF) {
        *ret_bits = first & 0x0Fu;
        *ret_least = 0x800;
        return 3;
    }
    if (first >= 0xF0 && first <= 0xF4) {
        *ret_bits = first & 0x07u;
        *ret_least = 0x10000;
        return 4;
    }
    return 0;
}

size_t eco_utf8_decode(const char *text, size_t length, uint32_t *ret_code)
{
    const unsigned char *bytes = (const unsigned char *)text;
    *ret_code = REPLACEMENT;
    if (length == 0)
        return 1;
    if (bytes[0] < 0x80) {
        *ret_code = bytes[0];
        return 1;
    }
    uint32_t code = 0, least = 0;
    size_t need = sequence_length(bytes[0], &code, &least);
    if (need == 0 || need > length)
        return 1;
    for (size_t i = 1; i < need; i++) {
        if ((bytes[i] & 0xC0u) != 0x80u)
            return 1;
        code = code << 6 | (bytes[i] & 0x3Fu);
    }
    /* Longer than needed, half of a UTF-16 pair, or beyond Unicode. */
    if (code < least || (code >= 0xD800 && code <= 0xDFFF) || code > 0x10FFFF)
        return 1;
    *ret_code = code;
    return need;
}

static bool is_blank(uint32_t code)
{
    return code == ' ' || code == '\t' || code == 0xA0 || code == 0x1680 ||
           (code >= 0x2000 && code <= 0x200A) || code == 0x202F || code == 0x205F || code == 0x3000;
}

/* What moves the cursor, turns the direction or hides, and so makes text look like other text. */
static bool is_dangerous(uint32_t code)
{
    static const struct range ranges[] = {
        {0x00, 0x1F},     {0x7F, 0x9F},     {0xAD, 0xAD},     {0x34F, 0x34F},
        {0x61C, 0x61C},   {0x115F, 0x1160}, {0x180B, 0x180F}, {0x200B, 0x200F},
        {0x2028, 0x202E}, {0x2060, 0x206F}, {0x3164, 0x3164}, {0xFEFF, 0xFEFF},
        {0xFFA0, 0xFFA0}, {0xFFF0, 0xFFFB}, {0xFFFD, 0xFFFF}, {0xE0000, 0xE0FFF},
    };
    return in_ranges(code, ranges, ECO_COUNT(ranges));
}

size_t eco_text_clean(char *ret, size_t size, const char *text, size_t length, bool ascii)
{
    size_t written = 0;
    if (size == 0)
        return 0;
    for (size_t at = 0; at < length;) {
        uint32_t code;
        size_t used = eco_utf8_decode(text + at, length - at, &code);
        char plain = '\0';
        if (is_blank(code))
            plain = ' ';
        else if (is_dangerous(code) || (ascii && code >= 0x80))
            plain = '?';
        size_t need = plain ? 1 : used;
        if (need > size - 1 - written)
            break;
        if (plain)
            ret[written] = plain;
        else
            memcpy(ret + written, text + at, used);
        written += need;
        at += used;
    }
    ret[written] = '\0';
    return written;
}

/* Columns of one character. Ranges after Unicode 15 (EastAsianWidth.txt W and F; general category Mn, Me),
 * the blocks that occur in practice; joined where what lies between is unassigned. */
static size_t code_width(uint32_t code)
{
    static const struct range zero[] = {
        {0x0300, 0x036F}, {0x0483, 0x0489}, {0x0591, 0x05BD}, {0x05BF, 0x05BF}, {0x05C1, 0x05C2},
        {0x05C4, 0x05C5}, {0x0610, 0x061A}, {0x064B, 0x065F}, {0x0670, 0x0670}, {0x06D6, 0x06DC},
        {0x06DF, 0x06E4}, {0x06E7, 0x06E8}, {0x06EA, 0x06ED}, {0x0711, 0x0711}, {0x0730, 0x074A},
        {0x093C, 0x093C}, {0x0941, 0x0948}, {0x094D, 0x094D}, {0x0E31, 0x0E31}, {0x0E34, 0x0E3A},
        {0x0E47, 0x0E4E}, {0x1AB0, 0x1AFF}, {0x1DC0, 0x1DFF}, {0x200B, 0x200F}, {0x20D0, 0x20F0},
        {0x302A, 0x302D}, {0x3099, 0x309A}, {0xFE00, 0xFE0F}, {0xFE20, 0xFE2F}, {0xE0100, 0xE01EF},
    };
    static const struct range wide[] = {
        {0x1100, 0x115F},   {0x231A, 0x231B},   {0x23E9, 0x23EC},   {0x23F0, 0x23F0},   {0x25FD, 0x25FE},
        {0x2614, 0x2615},   {0x2648, 0x2653},   {0x267F, 0x267F},   {0x2693, 0x2693},   {0x26A1, 0x26A1},
        {0x26BD, 0x26BE},   {0x26C4, 0x26C5},   {0x26CE, 0x26CE},   {0x26D4, 0x26D4},   {0x26EA, 0x26EA},
        {0x26FA, 0x26FA},   {0x2705, 0x2705},   {0x270A, 0x270B},   {0x2728, 0x2728},   {0x274C, 0x274C},
        {0x2753, 0x2755},   {0x2795, 0x2797},   {0x2B1B, 0x2B1C},   {0x2B50, 0x2B50},   {0x2B55, 0x2B55},
        {0x2E80, 0x303E},   {0x3041, 0x4DBF},   {0x4E00, 0xA4CF},   {0xA960, 0xA97F},   {0xAC00, 0xD7A3},
        {0xF900, 0xFAFF},   {0xFE10, 0xFE19},   {0xFE30, 0xFE6F},   {0xFF00, 0xFF60},   {0xFFE0, 0xFFE6},
        {0x16FE0, 0x18AFF}, {0x1B000, 0x1B2FF}, {0x1F004, 0x1F004}, {0x1F0CF, 0x1F0CF}, {0x1F18E, 0x1F18E},
        {0x1F191, 0x1F19A}, {0x1F200, 0x1F320}, {0x1F32D, 0x1F335}, {0x1F337, 0x1F37C}, {0x1F37E, 0x1F393},
        {0x1F3A0, 0x1F3CA}, {0x1F3E0, 0x1F3F0}, {0x1F400, 0x1F43E}, {0x1F440, 0x1F4FC}, {0x1F4FF, 0x1F53D},
        {0x1F54B, 0x1F567}, {0x1F57A, 0x1F57A}, {0x1F595, 0x1F596}, {0x1F5A4, 0x1F5A4}, {0x1F5FB, 0x1F64F},
        {0x1F680, 0x1F6C5}, {0x1F6CC, 0x1F6DF}, {0x1F6EB, 0x1F6EC}, {0x1F6F4, 0x1F6FC}, {0x1F7E0, 0x1F7F0},
        {0x1F90C, 0x1F9FF}, {0x1FA70, 0x1FAFF}, {0x20000, 0x3FFFD},
    };
    if (code < 0x300)
        return 1;
    if (in_ranges(code, zero, ECO_COUNT(zero)))
        return 0;
    return in_ranges(code, wide, ECO_COUNT(wide)) ? 2 : 1;
}

/* Bytes of `text` that fit into `columns`, combining marks with the character before them. */
static size_t bytes_in_columns(const char *text, size_t columns, size_t *ret_width)
{
    size_t length = strlen(text), at = 0, width = 0;
    while (at < length) {
        uint32_t code;
        size_t used = eco_utf8_decode(text + at, length - at, &code), more = code_width(code);
        if (width + more > columns)
            break;
        width += more;
        at += used;
    }
    *ret_width = width;
    return at;
}

size_t eco_text_width(const char *text)
{
    size_t width;
    (void)bytes_in_columns(text, SIZE_MAX - 2, &width);
    return width;
}

void eco_text_cut(char *text, size_t columns, bool ascii)
{
    static const char dots[] = "...", ellipsis[] = "\xE2\x80\xA6";
    size_t width, length = strlen(text);
    if (bytes_in_columns(text, columns, &width) == length)
        return;

    const char *mark = ascii ? dots : ellipsis;
    size_t mark_columns = ascii ? 3 : 1, mark_length = 3;
    if (columns < mark_columns) {
        /* Not even the mark fits: as many dots as there are columns (none without any). */
        memset(text, '.', columns);
        text[columns] = '\0';
        return;
    }
    size_t room = columns - mark_columns, kept = bytes_in_columns(text, room, &width);
    /* The ellipsis is longer in bytes than in columns; the text's own memory is all there is. */
    while (room > 0 && kept + mark_length > length)
        kept = bytes_in_columns(text, --room, &width);
    if (kept + mark_length > length) {
        text[0] = '.';
        text[1] = '\0';
        return;
    }
    memcpy(text + kept, mark, mark_length);
    text[kept + mark_length] = '\0';
}

size_t eco_text_copy(char *ret, size_t size, const char *text)
{
    size_t length = strlen(text);
    if (size > 0) {
        size_t kept = length < size ? length : size - 1;
        memcpy(ret, text, kept);
        ret[kept] = '\0';
    }
    return length;
}

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

unsigned eco_text_distance(const char *a, const char *b)
{
    size_t length_a = strlen(a), length_b = strlen(b);
    if (length_a > DISTANCE_MAX || length_b > DISTANCE_MAX)
        return DISTANCE_FAR;

    /* rows[i % 3]: the present row, the one before, and the one before that for swapped neighbours. */
    unsigned rows[3][DISTANCE_MAX + 1];
    for (unsigned j = 0; j <= length_b; j++)
        rows[0][j] = j;
    for (unsigned i = 1; i <= length_a; i++) {
        unsigned *row = rows[i % 3];
        const unsigned *before = rows[(i + 2) % 3], *before_that = rows[(i + 1) % 3];
        row[0] = i;
        for (unsigned j = 1; j <= length_b; j++) {
            unsigned cost = a[i - 1] != b[j - 1];
            row[j] = least(least(before[j] + 1, row[j - 1] + 1), before[j - 1] + cost);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = least(row[j], before_that[j - 2] + 1);
        }
    }
    return rows[length_a % 3][length_b];
}
