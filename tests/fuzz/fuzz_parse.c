/* SPDX-License-Identifier: MIT */
/* Numbers, durations, powers, lists of CPUs: untouched on failure; what was read, written and read again. */
#include "base/buf.h"
#include "base/parse.h"
#include "fuzz/fuzz.h"

#include <math.h>
#include <stdio.h>

#define CPUS 70
#define MARK 0x5a5a5a5a5a5a5a5aull

static void try_u64(const char *text)
{
    uint64_t value = MARK, expected = 0;
    char again[32];
    int r = eco_parse_u64(text, &value);

    require((r == 0) == fuzz_is_number(text, &expected));
    if (r < 0) {
        require(value == MARK);
        return;
    }
    require(value == expected);
    (void)snprintf(again, sizeof(again), "%llu", (unsigned long long)value);
    require(eco_parse_u64(again, &expected) == 0 && expected == value);
}

static void try_signed_and_hex(const char *text)
{
    int64_t value = (int64_t)MARK, twice = 0;
    uint64_t hex = MARK, hex_twice = 0;
    char again[32];

    if (eco_parse_i64(text, &value) < 0) {
        require(value == (int64_t)MARK);
    } else {
        (void)snprintf(again, sizeof(again), "%lld", (long long)value);
        require(eco_parse_i64(again, &twice) == 0 && twice == value);
    }
    if (eco_parse_hex(text, &hex) < 0) {
        require(hex == MARK);
    } else {
        (void)snprintf(again, sizeof(again), "0x%llx", (unsigned long long)hex);
        require(eco_parse_hex(again, &hex_twice) == 0 && hex_twice == hex);
    }
}

static bool same(double a, double b)
{
    return !(a < b) && !(a > b);
}

static void try_double(const char *text)
{
    double value = -0.25, twice = 0;
    struct eco_buf out;

    if (eco_parse_double(text, &value) < 0) {
        require(same(value, -0.25));
        return;
    }
    require(isfinite(value));
    eco_buf_init(&out, 64);
    eco_buf_double(&out, value);
    require(eco_buf_error(&out) == 0 && eco_parse_double(out.data, &twice) == 0 && same(twice, value));
    eco_buf_finish(&out);
}

static void try_units(const char *text)
{
    uint64_t ns = MARK, ns_twice = 0;
    double watts = -0.25;
    bool flag = true, other = false;
    char again[40];

    if (eco_parse_duration(text, &ns) < 0) {
        require(ns == MARK);
    } else {
        require(ns >= 1 && ns <= INT64_MAX);
        (void)snprintf(again, sizeof(again), "%lluns", (unsigned long long)ns);
        require(eco_parse_duration(again, &ns_twice) == 0);
        /* Whole nanoseconds pass through a double, which holds 53 bits of them. */
        require(ns >= 1ull << 53 || ns_twice == ns);
    }
    if (eco_parse_power(text, &watts) < 0)
        require(same(watts, -0.25));
    else
        require(isfinite(watts) && watts >= 0);
    int r = eco_parse_bool(text, &flag), r_other = eco_parse_bool(text, &other);
    require(r == r_other && (r == 0 ? flag == other : flag && !other));
}

/* "0-2,5,7" of a set. */
static void format_list(const bool *set, struct eco_buf *out)
{
    for (unsigned cpu = 0; cpu < CPUS; cpu++) {
        unsigned last = cpu;
        if (!set[cpu])
            continue;
        while (last + 1 < CPUS && set[last + 1])
            last++;
        eco_buf_printf(out, last > cpu ? "%s%u-%u" : "%s%u", out->length ? "," : "", cpu, last);
        cpu = last;
    }
}

static void try_list(const char *text)
{
    bool set[CPUS], twice[CPUS];
    struct eco_buf out;
    int set_count = 0;

    memset(set, true, sizeof(set));
    int r = eco_parse_cpulist(text, set, CPUS);
    for (unsigned cpu = 0; cpu < CPUS; cpu++)
        set_count += set[cpu];
    require(set_count == (r < 0 ? CPUS : r));
    require(r != 0 || text[strspn(text, " \t\r\n\v\f")] == '\0');
    if (r <= 0)
        return;
    eco_buf_init(&out, 1024);
    format_list(set, &out);
    require(eco_buf_error(&out) == 0 && eco_parse_cpulist(out.data, twice, CPUS) == r);
    require(memcmp(set, twice, sizeof(set)) == 0);
    eco_buf_finish(&out);
}

static void try_scan(const char *text, size_t size)
{
    const char *cursor = text;
    uint64_t value = MARK;

    while (eco_scan_u64(&cursor, &value) == 0) {
        require(cursor > text && cursor <= text + size);
        if (*cursor != '\0')
            cursor++;
    }
    require(cursor <= text + size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = fuzz_copy(data, size);

    try_u64(text);
    try_signed_and_hex(text);
    try_double(text);
    try_units(text);
    try_list(text);
    try_scan(text, size);
    free(text);
    return 0;
}
