/* SPDX-License-Identifier: MIT */
#include "intensity/cache.h"

#include "base/parse.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define HEAD     "ecocode intensity 1"
#define FILE_MAX 512

/* A zone may be anything that was typed: only letters, digits and '-' get into a file's name. */
static int path_of(const char *folder, const struct eco_live_source *source, const char *zone, char *ret,
                   size_t size)
{
    char name[ECO_ZONE_MAX];
    (void)eco_text_copy(name, sizeof name, zone);
    for (char *c = name; *c; c++)
        if (!strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-", *c))
            *c = '_';
    int n = snprintf(ret, size, "%s/intensity-%s-%s.txt", folder, source->name, name);
    return n > 0 && (size_t)n < size ? 0 : -ENAMETOOLONG;
}

/* The number behind "NAME " on a line of its own; nan = none. */
static double field(const char *text, const char *name)
{
    char line[40], number[32];
    double value;
    (void)snprintf(line, sizeof line, "\n%s ", name);
    const char *found = strstr(text, line);
    if (!found)
        return ECO_NAN;
    found += strlen(line);
    size_t length = strcspn(found, "\n");
    if (length >= sizeof number)
        return ECO_NAN;
    memcpy(number, found, length);
    number[length] = '\0';
    return eco_parse_double(number, &value) == 0 ? value : ECO_NAN;
}

static int parse(const char *text, int64_t now_s, struct eco_live_news *ret)
{
    double fetched = field(text, "fetched"), at = field(text, "at"), g = field(text, "g"),
           estimated = field(text, "estimated"), age = (double)now_s - fetched;
    bool is_good = strncmp(text, HEAD "\n", sizeof HEAD) == 0 && g > 0 && g <= ECO_G_PER_KWH_MAX &&
                   age > -60 && age < (double)UINT32_MAX && at >= 0 && at < 1e12;
    if (!is_good)
        return -EBADMSG;
    *ret = (struct eco_live_news){.size = sizeof *ret, .g_per_kwh = g, .at_real_s = (int64_t)at};
    ret->age_s = age > 0 ? (uint32_t)age : 0;
    ret->is_estimated = estimated > 0;
    if (strstr(text, "\nscope direct\n"))
        (void)eco_text_copy(ret->scope, sizeof ret->scope, "direct");
    else if (strstr(text, "\nscope lifecycle\n"))
        (void)eco_text_copy(ret->scope, sizeof ret->scope, "lifecycle");
    return 0;
}

int eco_cache_read(const char *folder, const struct eco_live_source *source, const char *zone, int64_t now_s,
                   struct eco_live_news *ret)
{
    char path[PATH_MAX], text[FILE_MAX];
    int r = path_of(folder, source, zone, path, sizeof path);
    if (r < 0)
        return r;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
    ssize_t got = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    if (fd >= 0)
        (void)close(fd);
    if (got < 0)
        return -ENOENT;
    text[got] = '\0';
    return parse(text, now_s, ret);
}

void eco_cache_write(const char *folder, const struct eco_live_source *source, const char *zone,
                     int64_t now_s, const struct eco_live_news *news)
{
    char path[PATH_MAX], fresh[PATH_MAX + 16], text[FILE_MAX];
    if (path_of(folder, source, zone, path, sizeof path) < 0)
        return;
    (void)snprintf(fresh, sizeof fresh, "%s.%d", path, (int)getpid());
    int n = snprintf(text, sizeof text, HEAD "\nfetched %lld\nat %lld\ng %.6f\nestimated %u\nscope %s\n",
                     (long long)now_s, (long long)news->at_real_s, news->g_per_kwh, news->is_estimated,
                     *news->scope ? news->scope : "-");
    int fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return;
    bool is_whole = write(fd, text, (size_t)n) == n;
    if (close(fd) != 0 || !is_whole || rename(fresh, path) != 0)
        (void)unlink(fresh);
}
