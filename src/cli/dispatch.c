/* SPDX-License-Identifier: MIT */
/*
 * From the words of a command line to a command: finds it, applies the layers of options, calls it. The
 * locale is never set, so that numbers have a decimal point everywhere and start-up costs nothing.
 */
#include "base/mem.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/config.h"
#include "cli/impact.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Is there a program of that name, in PATH or as a path? */
static bool is_program(const char *name)
{
    if (strchr(name, '/'))
        return access(name, X_OK) == 0;
    const char *path = getenv("PATH");
    for (; path && *path; path += strcspn(path, ":"), path += *path == ':') {
        char file[4096];
        int n = snprintf(file, sizeof file, "%.*s/%s", (int)strcspn(path, ":"), path, name);
        struct stat st;
        bool fits = n > 0 && (size_t)n < sizeof file;
        if (fits && access(file, X_OK) == 0 && stat(file, &st) == 0 && S_ISREG(st.st_mode))
            return true;
    }
    return false;
}

/* The words of a command line as they would be typed again; ends in "..." when there are too many. */
static void join_words(char *const *argv, char *ret, size_t size)
{
    size_t used = 0;
    ret[0] = 0;
    for (; *argv; argv++) {
        bool plain = **argv && !(*argv)[strcspn(*argv, " \t\n'\"\\$`;&|<>()*?[]#~!{}")];
        size_t need = strlen(*argv) + 3;
        if (used + need + 4 >= size) {
            eco_text_copy(ret + used, size - used, used ? " ..." : "...");
            return;
        }
        bool quotable = !strchr(*argv, '\'');
        int n =
            snprintf(ret + used, size - used, plain || !quotable ? "%s%s" : "%s'%s'", used ? " " : "", *argv);
        used += n > 0 ? (size_t)n : 0;
    }
}

static int unknown_command(char *const *argv)
{
    const char *names[32];
    size_t count = 0;
    for (size_t i = 0; eco_commands[i] && count < ECO_COUNT(names); i++)
        names[count++] = eco_commands[i]->name;
    if (argv[0][0] == '-')
        return eco_failf(NULL, ECO_EXIT_MISUSE,
                         "unknown option '%.40s'; options stand behind the command: ecocode %s", argv[0],
                         "run [options] CMD...");
    const char *near = eco_nearest(argv[0], names, count);
    if (is_program(argv[0])) {
        char line[160];
        join_words(argv, line, sizeof line);
        return eco_failf(NULL, ECO_EXIT_MISUSE,
                         "'%.40s' is no command of ecocode%s%s%s; to measure it: ecocode run %s", argv[0],
                         near ? " (did you mean '" : "", near ? near : "", near ? "'?)" : "", line);
    }
    if (near)
        return eco_failf(NULL, ECO_EXIT_MISUSE, "unknown command '%.40s'; did you mean '%s'?", argv[0], near);
    return eco_failf(NULL, ECO_EXIT_MISUSE, "unknown command '%.40s'; see: ecocode help", argv[0]);
}

/* A closed 0, 1 or 2 must not become one of our files. `run` does this itself, behind the fork. */
static void fill_standard_descriptors(void)
{
    int fd;
    do
        fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    while (fd >= 0 && fd <= 2);
    if (fd > 2)
        (void)close(fd);
}

static int misuse(const struct eco_command *command)
{
    return command->misuse ? command->misuse : ECO_EXIT_MISUSE;
}

/* `report last -o F` means what `report -o F last` does. */
static int gather_words(struct eco_call *call, char *const *argv, struct eco_why *why)
{
    size_t count = 0, used = 0;
    while (argv[count])
        count++;
    call->gathered = eco_calloc(count + 1, sizeof *call->gathered);
    if (!call->gathered)
        return -ENOMEM;
    call->words = call->gathered;
    bool has_ended = false;
    for (size_t words = 0; *argv; argv += used) {
        int r = eco_options_parse(&call->set, argv, &used, why);
        if (r < 0)
            return r;
        has_ended = has_ended || (used > 0 && strcmp(argv[used - 1], "--") == 0);
        for (bool is_word = argv[used] != NULL; is_word; is_word = has_ended && argv[used])
            call->gathered[words++] = argv[used++];
    }
    return 0;
}

static int apply_layers(struct eco_call *call, char *const *argv, struct eco_why *why)
{
    size_t used = 0;
    int r;
    if (call->command->options_anywhere) {
        r = gather_words(call, argv, why);
    } else {
        r = eco_options_parse(&call->set, argv, &used, why);
        call->words = argv + used;
    }
    if (r < 0 || call->settings.help || call->settings.version || call->command->takes_no_config)
        return r;
    r = eco_options_environment(&call->set, environ, why);
    return r < 0 ? r : eco_config_apply_all(call->config, call, why);
}

static int call_command(const struct eco_command *command, char *const *argv, int (*run)(struct eco_call *))
{
    struct eco_call call = {.command = command, .config = eco_config_new(), .line = argv - 1};
    if (!call.config)
        return eco_failf(command, misuse(command), "no memory");
    eco_option_set_init(&call.set, command->options, &call.settings);
    struct eco_why why = {0};
    int status = 0;
    if (apply_layers(&call, argv, &why) < 0)
        status = eco_fail(command, misuse(command), &why);
    else if (call.settings.help)
        eco_help_write(command, stdout);
    else if (call.settings.version)
        status = eco_command_version.run(&call);
    else if (!command->takes_words && call.words[0])
        status = eco_failf(command, misuse(command), "takes no argument '%.40s'; see: ecocode help %s",
                           call.words[0], command->name);
    else if (call.settings.impact.location && strcmp(call.settings.impact.location, "list") == 0)
        status = eco_locations_answer(&call);
    else
        status = run ? run(&call) : command->run(&call);
    free(call.gathered);
    call.config = eco_config_free(call.config);
    return status;
}

/* What was printed must have arrived; a reader that went away is its own affair. */
static int flush_output(int status)
{
    errno = 0;
    bool failed = fflush(stdout) != 0 || ferror(stdout);
    if (!failed || errno == EPIPE || errno == EBADF || status != 0)
        return status;
    return eco_failf(NULL, ECO_EXIT_MISUSE, "standard output: %s", errno ? strerror(errno) : "write failed");
}

int eco_dispatch(int argc, char **argv, int (*run)(struct eco_call *call))
{
    if (argc < 2) {
        fill_standard_descriptors();
        eco_help_banner(stdout);
        return flush_output(0);
    }
    const struct eco_command *command = eco_command_find(argv[1]);
    char *const *words = (char *const *)argv + 2;
    if (strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "--help") == 0)
        command = &eco_command_help;
    else if (strcmp(argv[1], "-V") == 0 || strcmp(argv[1], "--version") == 0)
        command = &eco_command_version;
    if (command != &eco_command_run)
        fill_standard_descriptors();
    if (!command)
        return unknown_command((char *const *)argv + 1);
    return flush_output(call_command(command, words, run));
}
