/* SPDX-License-Identifier: MIT */
/* Records of runs and the finder of JSON members: within the text, terminated, nothing written on failure. */
#include "fuzz/fuzz.h"
#include "store/json_find.h"
#include "store/runs.h"

#include <math.h>

static bool lies_in(struct eco_span inner, struct eco_span outer)
{
    return inner.text >= outer.text && inner.text + inner.length == outer.text + outer.length;
}

static void try_values(struct eco_span value)
{
    char small[4] = "zzz", large[512];
    double number = -0.25;
    struct eco_span behind = value;

    if (eco_json_read_string(value, large, sizeof(large))) {
        require(value.length > 0 && strlen(large) < value.length);
        require(eco_json_read_string(value, small, sizeof(small)));
        require(memchr(small, '\0', sizeof(small)) != NULL);
        require(strncmp(small, large, strlen(small)) == 0);
        require(!eco_json_read_number(value, &number));
    } else {
        require(!eco_json_read_string(value, small, sizeof(small)) && strcmp(small, "zzz") == 0);
    }
    if (eco_json_read_number(value, &number))
        require(isfinite(number));
    else
        require(number < -0.24 && number > -0.26);
    if (eco_json_skip(&behind))
        require(lies_in(behind, value) && behind.length < value.length);
}

static void try_find(struct eco_span object)
{
    static const char *const keys[] = {"a", "schema", "cumulative", "job_j", "command", ""};

    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        struct eco_span value = {NULL, 77}, inner;
        if (!eco_json_find(object, keys[i], &value)) {
            require(value.text == NULL && value.length == 77);
            continue;
        }
        require(lies_in(value, object) && value.length > 0);
        try_values(value);
        if (eco_json_find(value, "a", &inner))
            require(lies_in(inner, value));
    }
}

static bool is_known_or_finite(double value)
{
    return isnan(value) || isfinite(value);
}

static void try_record(const char *first, size_t first_length, const char *last, size_t last_length)
{
    struct eco_record record, before;

    memset(&record, 0x5a, sizeof(record));
    memcpy(&before, &record, sizeof(record));
    if (eco_record_parse(first, first_length, last, last_length, &record) < 0) {
        require(memcmp(&record, &before, sizeof(record)) == 0);
        return;
    }
    require(memchr(record.run_id, '\0', sizeof(record.run_id)) != NULL);
    require(memchr(record.hostname, '\0', sizeof(record.hostname)) != NULL);
    require(memchr(record.started_at, '\0', sizeof(record.started_at)) != NULL);
    require(memchr(record.command, '\0', sizeof(record.command)) != NULL);
    require(record.pid >= 0 && is_known_or_finite(record.job_j) && is_known_or_finite(record.machine_j));
    require(is_known_or_finite(record.interval_s) && is_known_or_finite(record.duration_s));
}

/* The first line and the last one, as a file of a run has them; not NUL-terminated. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    const char *newline = size ? memchr(text, '\n', size) : NULL;
    size_t first = newline ? (size_t)(newline - text) : size;

    try_find((struct eco_span){text, size});
    try_values((struct eco_span){text, size});
    try_record(text, first, newline ? newline + 1 : text, newline ? size - first - 1 : 0);
    return 0;
}
