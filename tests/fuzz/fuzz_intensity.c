/* SPDX-License-Identifier: MIT */
/* Answers of live sources: the first byte chooses the source, the rest is the body. */
#include "fuzz/fuzz.h"
#include "intensity/answer.h"

#include <errno.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char token[16] = "unchanged";
    struct eco_why why = {{0}, {0}};
    struct eco_live_news news = {.g_per_kwh = -1};
    if (size == 0)
        return 0;
    char *body = fuzz_copy(data + 1, size - 1);
    int r = eco_answer_read((enum eco_live_kind)(data[0] % 3), body, size - 1, &news, &why);
    if (r < 0)
        require(r == -EBADMSG && *why.text && news.g_per_kwh < 0);
    else
        require(news.g_per_kwh > 0 && news.g_per_kwh <= ECO_G_PER_KWH_MAX && news.error == 0 &&
                strlen(news.scope) < 12);
    r = eco_answer_token(body, size - 1, token, sizeof token, &why);
    require(r == 0 ? *token && !strpbrk(token, "\r\n ") : strcmp(token, "unchanged") == 0);
    (void)eco_answer_time(body);
    free(body);
    return 0;
}
