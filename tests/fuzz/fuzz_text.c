/* SPDX-License-Identifier: MIT */
/* Any bytes: clean text is valid, short enough and stays as it is; a JSON string reads back as what went in.
 */
#include "base/json.h"
#include "base/text.h"
#include "fuzz/fuzz.h"
#include "fuzz/valid.h"

#define CLEAN_MAX 48

static void check_clean(const char *clean, size_t length, bool ascii)
{
    require(length < CLEAN_MAX && strlen(clean) == length && valid_utf8(clean, length));
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)clean[i];
        require(c >= 0x20 && c != 0x7f && (!ascii || c < 0x80));
        require(c != 0xC2 || (unsigned char)clean[i + 1] >= 0xA0); /* C1 controls */
    }
}

static void try_clean(const char *text, size_t size, bool ascii)
{
    char clean[CLEAN_MAX], twice[CLEAN_MAX], small[5];
    size_t length = eco_text_clean(clean, sizeof(clean), text, size, ascii);

    check_clean(clean, length, ascii);
    require(eco_text_clean(twice, sizeof(twice), clean, length, ascii) == length);
    require(memcmp(clean, twice, length + 1) == 0);
    size_t short_length = eco_text_clean(small, sizeof(small), text, size, ascii);
    require(short_length < sizeof(small) && memcmp(small, clean, short_length) == 0);
    for (size_t columns = 0; columns < 12; columns++) {
        memcpy(twice, clean, length + 1);
        eco_text_cut(twice, columns, ascii);
        require(eco_text_width(twice) <= columns && strlen(twice) <= length);
        require(valid_utf8(twice, strlen(twice)));
    }
}

/* What a reader of the JSON must find: the same text with every bad byte replaced. */
static size_t repair(const char *text, size_t size, char *ret)
{
    size_t out = 0;

    for (size_t at = 0; at < size;) {
        size_t used = valid_sequence((const unsigned char *)text + at, size - at);
        memcpy(ret + out, used ? text + at : "\xEF\xBF\xBD", used ? used : 3);
        out += used ? used : 3;
        at += used ? used : 1;
    }
    return out;
}

static void try_json(const char *text)
{
    size_t size = strlen(text), got = 0, expected;
    char *decoded = malloc(size * 3 + 1), *repaired = malloc(size * 3 + 1);
    struct eco_buf out;
    struct eco_json json;

    require(decoded != NULL && repaired != NULL);
    eco_buf_init(&out, 1u << 22);
    eco_json_init(&json, &out);
    eco_json_open(&json, '{');
    eco_json_kstring(&json, text, text);
    eco_json_close(&json, '}');
    require(eco_buf_error(&out) == 0 && out.length >= 7 && out.data[0] == '{');
    expected = repair(text, size, repaired);
    size_t key = valid_json_string(out.data + 1, out.length - 1, decoded, &got);
    require(key > 0 && got == expected && memcmp(decoded, repaired, got) == 0);
    require(out.data[1 + key] == ':');
    size_t value = valid_json_string(out.data + 2 + key, out.length - 2 - key, decoded, &got);
    require(value == key && got == expected && memcmp(decoded, repaired, got) == 0);
    require(3 + key + value == out.length && out.data[out.length - 1] == '}');
    eco_buf_finish(&out);
    free(decoded);
    free(repaired);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = fuzz_copy(data, size), copy[8];

    try_clean(text, size, false);
    try_clean(text, size, true);
    try_json(text);
    require(eco_text_copy(copy, sizeof(copy), text) == strlen(text) && strlen(copy) < sizeof(copy));
    require(eco_text_distance(text, text) == (strlen(text) <= 32 ? 0 : 99));
    free(text);
    return 0;
}
