/* SPDX-License-Identifier: MIT */
/* The commands that read what was measured are a program of their own, with the libraries that this takes. */
#include "base/mem.h"
#include "cli/command.h"
#include "platform/process.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NAME      "ecocode-history"
#define LIBEXEC   ECO_LIBEXECDIR "/ecocode"
#define WORDS_MAX 4096

/* Beside us in a build tree; where the one is installed, the other is in a folder of its own. */
static bool find(const char *home, const char *installed, const char *name, char *ret, size_t size)
{
    char own[PATH_MAX];
    if (eco_process_own_path(own, sizeof own) < 0)
        return false;
    char *slash = strrchr(own, '/');
    if (!slash || slash == own)
        return false;
    *slash = '\0';
    bool is_installed = strcmp(own, home) == 0;
    int n = snprintf(ret, size, "%s/%s", is_installed ? installed : own, name);
    return n > 0 && (size_t)n < size && access(ret, X_OK) == 0;
}

bool eco_program_find(char *ret, size_t size)
{
    return find(LIBEXEC, ECO_BINDIR, "ecocode", ret, size);
}

int eco_history_become(struct eco_call *call)
{
    char path[PATH_MAX];
    char **argv;
    size_t count = 0;
    if (!find(ECO_BINDIR, LIBEXEC, NAME, path, sizeof path))
        return eco_failf(call->command, ECO_EXIT_MISUSE,
                         "%s, which does this, is not installed (it needs SQLite, jansson and GSL)", NAME);
    while (count < WORDS_MAX && call->line[count])
        count++;
    argv = eco_calloc(count + 2, sizeof *argv);
    if (!argv || call->line[count]) {
        free(argv);
        return eco_failf(call->command, ECO_EXIT_MISUSE, "more than %d words", WORDS_MAX);
    }
    argv[0] = path;
    for (size_t i = 0; i < count; i++)
        argv[i + 1] = call->line[i];
    (void)fflush(stdout);
    (void)execv(path, argv);
    int error = errno;
    free(argv);
    return eco_failf(call->command, ECO_EXIT_MISUSE, "%s: %s", path, strerror(error));
}
