/* SPDX-License-Identifier: MIT */
/*
 * A datagram on the socket of marks, a progress, a budget: refused, or within its bounds; a mark that is read
 * and written again is the same.
 */
#include "course/budget.h"
#include "course/mark.h"
#include "fuzz/fuzz.h"

#include <string.h>

static void check_mark(const char *text, size_t size)
{
    struct eco_mark mark, again;
    char written[ECO_MARK_TEXT_MAX];
    if (eco_mark_parse(text, size, &mark) < 0)
        return;
    require(eco_mark_is_name(mark.name) && mark.done <= mark.total);
    size_t length = eco_mark_format(&mark, written);
    require(length > 0 && eco_mark_parse(written, length, &again) == 0);
    require(again.time_ns == mark.time_ns && again.done == mark.done && again.total == mark.total &&
            strcmp(again.name, mark.name) == 0);
}

static void check_words(const char *text)
{
    struct eco_budget budget;
    struct eco_why why = {0};
    uint64_t done, total;
    if (eco_mark_parse_progress(text, &done, &total) == 0)
        require(total > 0 && done <= total);
    if (eco_budget_parse(text, &budget, &why) == 0)
        require(budget.limit > 0 && budget.limit <= 1e18 && *budget.unit && !budget.is_exceeded);
    else
        require(*why.text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char text[256];
    size_t length = size < sizeof text ? size : sizeof text - 1;
    check_mark((const char *)data, size);
    memcpy(text, data, length);
    text[length] = '\0';
    check_words(text);
    return 0;
}
