/* SPDX-License-Identifier: MIT */
/*
 * ecocode-intensity: asks a source for the grid's intensity and tells it on its standard input, a socket of
 * ecocode's. A program apart, since libcurl takes longer to load than ecocode to run. It ends when the socket
 * closes; it is not started by hand. The key comes from a file or the environment, never from the command
 * line.
 */
#include "base/text.h"
#include "intensity/ask.h"
#include "intensity/cache.h"
#include "platform/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define FRESH_S    300u /* sources have a new value every five minutes at most */
#define RETRY_S    30u
#define WAIT_MAX_S 3600u
#define EXIT_USAGE 2

struct arguments {
    const char *source, *zone, *url, *key_file, *cache;
};

static int parse(int argc, char **argv, struct arguments *ret)
{
    const struct {
        const char *name;
        const char **value;
    } known[] = {{"--source", &ret->source},
                 {"--zone", &ret->zone},
                 {"--url", &ret->url},
                 {"--key-file", &ret->key_file},
                 {"--cache", &ret->cache}};
    for (int i = 1; i < argc; i += 2) {
        size_t k = 0;
        while (k < ECO_COUNT(known) && strcmp(known[k].name, argv[i]) != 0)
            k++;
        if (k == ECO_COUNT(known) || i + 1 == argc)
            return -EINVAL;
        *known[k].value = argv[i + 1];
    }
    return ret->source && ret->zone && ret->url && eco_http_is_safe(ret->url) ? 0 : -EINVAL;
}

static bool tell(const struct eco_live_news *news)
{
    return send(STDIN_FILENO, news, sizeof *news, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0 || errno == EAGAIN;
}

static bool tell_failure(int error, const struct eco_why *why)
{
    struct eco_live_news news = {.size = sizeof news, .error = error};
    (void)eco_text_clean(news.text, sizeof news.text, why->text, strlen(why->text), false);
    return tell(&news);
}

/* True when the other end has closed. */
static bool wait_for_hangup(unsigned seconds)
{
    struct pollfd fd = {.fd = STDIN_FILENO, .events = POLLIN};
    return poll(&fd, 1, (int)(seconds * 1000)) != 0;
}

/* One value, from the cache where it is fresh. Returns after how many seconds to ask again; 0 = end. */
static unsigned look(struct eco_ask *ask, const struct arguments *arguments, unsigned *retry_s)
{
    struct eco_live_news news, kept;
    struct eco_why why = {0};
    unsigned wait_s;
    int64_t now = time(NULL);
    bool has_kept = arguments->cache &&
                    eco_cache_read(arguments->cache, ask->source, ask->zone, now, &kept) == 0 &&
                    kept.age_s < ECO_LIVE_STALE_S;
    if (has_kept && kept.age_s < FRESH_S)
        return tell(&kept) ? FRESH_S - kept.age_s : 0;
    int r = eco_ask_now(ask, &news, &wait_s, &why);
    if (r == -ECANCELED)
        return 0;
    if (r == 0) {
        *retry_s = RETRY_S;
        if (arguments->cache)
            eco_cache_write(arguments->cache, ask->source, ask->zone, now, &news);
        return tell(&news) ? FRESH_S : 0;
    }
    bool is_heard = has_kept ? tell(&kept) : tell_failure(r, &why);
    unsigned after_s = wait_s > *retry_s ? wait_s : *retry_s;
    *retry_s = *retry_s * 2 < FRESH_S ? *retry_s * 2 : FRESH_S;
    return !is_heard ? 0 : after_s < WAIT_MAX_S ? after_s : WAIT_MAX_S;
}

static int take_place(void)
{
    int type = 0;
    socklen_t size = sizeof type;
    if (getsockopt(STDIN_FILENO, SOL_SOCKET, SO_TYPE, &type, &size) != 0 || type != SOCK_SEQPACKET)
        return -ENOTSOCK;
    eco_confine_close_from(STDIN_FILENO + 1);
    for (int fd = STDOUT_FILENO; fd <= STDERR_FILENO;
         fd++) /* what a library prints must not end up in a socket */
        if (open("/dev/null", O_RDWR) != fd)
            return -EIO;
    return 0;
}

int main(int argc, char **argv)
{
    struct arguments arguments = {.source = NULL};
    struct eco_http http;
    struct eco_why why = {0};
    unsigned retry_s = RETRY_S, wait_s;
    if (parse(argc, argv, &arguments) < 0 || take_place() < 0) {
        (void)fprintf(stderr, "ecocode-intensity: started by ecocode, not by hand\n");
        return EXIT_USAGE;
    }
    static struct eco_ask ask;
    ask = (struct eco_ask){.source = eco_live_source_find(arguments.source),
                           .zone = arguments.zone,
                           .url = arguments.url,
                           .http = &http};
    if (!ask.source || eco_http_init(&http, STDIN_FILENO) < 0)
        return EXIT_USAGE;
    int r = eco_ask_key(&ask, arguments.key_file,
                        &why); /* whoever may read it; what is read later comes from elsewhere */
    eco_confine_client();
    if (r < 0)
        (void)tell_failure(r, &why);
    else
        do
            wait_s = look(&ask, &arguments, &retry_s);
        while (wait_s > 0 && !wait_for_hangup(wait_s));
    eco_http_finish(&http);
    return 0;
}
