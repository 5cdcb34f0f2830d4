/* SPDX-License-Identifier: MIT */
/* One measurement: `ecocode run` of the command, its report read back. */
#include "base/mem.h"
#include "base/text.h"
#include "history/bench.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define REPORT "run.json"
#define SAID   "said.txt" /* what the command wrote to its standard error, for the case that it fails */

static volatile sig_atomic_t came;
static _Atomic pid_t child;

/* Ctrl-C reaches the command by itself; a signal that only we were sent must end it too. */
static void on_signal(int number)
{
    int error = errno;
    came = number;
    pid_t pid = atomic_load(&child);
    if (pid > 0)
        (void)kill(pid, SIGTERM);
    errno = error;
}

void eco_bench_watch_signals(void)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
    struct sigaction action = {.sa_handler = on_signal}, before;
    (void)sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < ECO_COUNT(numbers); i++)
        if (sigaction(numbers[i], NULL, &before) == 0 && before.sa_handler != SIG_IGN)
            (void)sigaction(numbers[i], &action, NULL);
}

int eco_bench_signal(void)
{
    return came;
}

static void path_of(const struct eco_bench *bench, const char *name, char ret[PATH_MAX])
{
    (void)snprintf(ret, PATH_MAX, "%s/%s", bench->folder, name);
}

int eco_bench_open_folder(struct eco_bench *bench, struct eco_why *why)
{
    const char *base = getenv("TMPDIR");
    bool fits = base && *base == '/' && strlen(base) + 24 < sizeof bench->folder;
    (void)snprintf(bench->folder, sizeof bench->folder, "%s/ecocode-bench-XXXXXX", fits ? base : "/tmp");
    if (mkdtemp(bench->folder))
        return 0;
    int r = -errno;
    eco_why_set(why, "%s: %s", bench->folder, strerror(errno));
    bench->folder[0] = 0;
    return r;
}

void eco_bench_close_folder(struct eco_bench *bench)
{
    char path[PATH_MAX];
    if (!*bench->folder)
        return;
    path_of(bench, REPORT, path);
    (void)unlink(path);
    path_of(bench, SAID, path);
    (void)unlink(path);
    (void)rmdir(bench->folder);
    bench->folder[0] = 0;
}

/* The command has no terminal and no reader: what it prints is not what is measured, unless asked for. */
static int prepare_files(const struct eco_bench *bench, posix_spawn_file_actions_t *files)
{
    char said[PATH_MAX];
    path_of(bench, SAID, said);
    int r = posix_spawn_file_actions_init(files);
    if (r)
        return -r;
    r = posix_spawn_file_actions_addopen(files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    if (r == 0 && !bench->settings->show_output)
        r = posix_spawn_file_actions_addopen(files, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    else if (r == 0) /* what it prints must not stand in our own output */
        r = posix_spawn_file_actions_adddup2(files, STDERR_FILENO, STDOUT_FILENO);
    if (r == 0 && !bench->settings->show_output)
        r = posix_spawn_file_actions_addopen(files, STDERR_FILENO, said, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (r)
        (void)posix_spawn_file_actions_destroy(files);
    return -r;
}

static int await(pid_t pid, int *ret_status)
{
    while (waitpid(pid, ret_status, 0) < 0)
        if (errno != EINTR)
            return -errno;
    return 0;
}

/* Start it, wait for it. 0 with its status, -EINTR when a signal came meanwhile. */
static int call(struct eco_bench *bench, char *const *argv, int *ret_status, struct eco_why *why)
{
    posix_spawn_file_actions_t files;
    pid_t pid = 0;
    if (came)
        return -EINTR;
    int r = prepare_files(bench, &files);
    if (r < 0)
        return r;
    r = -posix_spawn(&pid, bench->program, &files, NULL, argv, environ);
    (void)posix_spawn_file_actions_destroy(&files);
    if (r < 0) {
        eco_why_set(why, "%s: %s", bench->program, strerror(-r));
        return r;
    }
    atomic_store(&child, pid);
    if (came) /* between the look above and here: the handler knew no child yet */
        (void)kill(pid, SIGTERM);
    r = await(pid, ret_status);
    atomic_store(&child, 0);
    return came ? -EINTR : r;
}

/* The last line that was written to standard error, without what ecocode puts before its own. */
static void read_said(const struct eco_bench *bench, char *ret, size_t size)
{
    char path[PATH_MAX], text[1024];
    path_of(bench, SAID, path);
    ret[0] = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    off_t end = lseek(fd, 0, SEEK_END);
    ssize_t n = pread(fd, text, sizeof text - 1, end > (off_t)sizeof text ? end - (off_t)sizeof text + 1 : 0);
    (void)close(fd);
    while (n > 0 && (text[n - 1] == '\n' || text[n - 1] == ' '))
        n--;
    text[n > 0 ? n : 0] = 0;
    char *line = strrchr(text, '\n');
    line = line ? line + 1 : text;
    if (strncmp(line, "ecocode: run: ", 14) == 0)
        line += 14;
    (void)eco_text_clean(ret, size, line, strlen(line), false);
}

static int refuse(const struct eco_bench *bench, unsigned command, const char *what, struct eco_why *why)
{
    char said[160];
    read_said(bench, said, sizeof said);
    eco_why_set(why, "%c, '%.60s', %s%s%s", eco_bench_letter(command), bench->commands[command].name, what,
                *said ? ": " : "", said);
    return -ECHILD;
}

/* A report means that it was started. Failed or not is the report's to say: the loop has its own status. */
static int read_report(struct eco_bench *bench, unsigned command, struct eco_sample *ret, struct eco_why *why)
{
    char path[PATH_MAX], what[80];
    struct eco_run_report report;
    path_of(bench, REPORT, path);
    if (access(path, F_OK) != 0)
        return refuse(bench, command, "could not be measured", why);
    int r = eco_run_report_read(path, &report, why);
    if (r < 0)
        return r;
    eco_sample_take(&report, ret);
    eco_run_report_finish(&report);
    if (!eco_sample_has_failed(ret))
        return 0;
    bench->commands[command].failures++;
    if (bench->settings->ignore_failure)
        return 0;
    if (ret->exit_signal > 0)
        (void)snprintf(what, sizeof what, "died of signal %ld", ret->exit_signal);
    else
        (void)snprintf(what, sizeof what, "failed with status %ld", ret->exit_code);
    r = refuse(bench, command, what, why);
    eco_why_fix(why, "-i, where a failure is what you expect");
    return r;
}

static void divide(struct eco_sample *sample, double by)
{
    sample->own_j /= by;
    sample->full_j /= by;
    sample->idle_half_j /= by;
    sample->idle_j /= by;
    sample->duration_s /= by;
}

/* ecocode run with nothing of the user's configuration that would put the report elsewhere. */
static const char *const run_words[] = {"run", "-q", "--no-record", "--append=no", "--format", "json", "-o"};

int eco_bench_measure(struct eco_bench *bench, unsigned command, struct eco_sample *ret, struct eco_why *why)
{
    const struct eco_bench_command *what = &bench->commands[command];
    char path[PATH_MAX];
    size_t own = ECO_COUNT(run_words), count = 0;
    int status = 0;
    path_of(bench, REPORT, path);
    (void)unlink(path);
    while (what->argv[count])
        count++;
    const char **argv = eco_calloc(own + count + 4, sizeof *argv);
    if (!argv)
        return -ENOMEM;
    argv[0] = bench->program;
    memcpy(argv + 1, run_words, sizeof run_words);
    argv[own + 1] = path;
    argv[own + 2] = "--";
    for (size_t i = 0; i < count; i++)
        argv[own + 3 + i] = what->argv[i];
    int r = call(bench, (void *)argv, &status, why);
    free(argv);
    if (r == 0)
        r = read_report(bench, command, ret, why);
    if (r == 0 && what->repeats > 1)
        divide(ret, (double)what->repeats);
    return r;
}

int eco_bench_watch_idle(struct eco_bench *bench, double seconds, struct eco_why *why)
{
    char duration[32], said[160];
    (void)snprintf(duration, sizeof duration, "--duration=%.3fs", seconds);
    const char *argv[] = {bench->program, "monitor", "-q",        "--record=no", "--format",
                          "json",         "-o",      "/dev/null", duration,      NULL};
    int status = 0;
    int r = call(bench, (void *)argv, &status, why);
    if (r < 0 || (WIFEXITED(status) && WEXITSTATUS(status) == 0))
        return r;
    read_said(bench, said, sizeof said);
    eco_why_set(why, "the quiet machine could not be watched%s%s", *said ? ": " : "", said);
    return -ECHILD;
}
