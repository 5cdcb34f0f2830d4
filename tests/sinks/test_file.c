/* SPDX-License-Identifier: MIT */
/* Where outputs go: replaced at one stroke or written in place, and what happens when that fails. */
#include "base/mem.h"
#include "sample.h"
#include "sinks/sink.h"
#include "sinks/write.h"
#include "support/alloc.h"
#include "support/test.h"
#include "support/tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static struct sample sample;
static struct sample_frames frames;

struct fixture {
    struct eco_temp temp;
    char path[ECO_PATH_MAX];
    struct eco_why why;
};

static int setup(void **state)
{
    static struct fixture fixture;
    eco_temp_init(&fixture.temp);
    fixture.why = (struct eco_why){0};
    sample_fill("server", &sample);
    sample_frames_init(&frames, 2, 1);
    *state = &fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    eco_temp_finish(&f->temp);
    return 0;
}

static int open_at(struct fixture *f, const char *name, bool append, struct eco_sink **ret)
{
    const struct eco_sink_options options = {
        .path = eco_temp_path(&f->temp, name, f->path), .append = append, .mode = "run"};
    return eco_sink_open(&options, ret, &f->why);
}

static size_t read_file(const char *path, char *ret, size_t size)
{
    FILE *file = fopen(path, "re");
    if (!file)
        return (size_t)-1;
    size_t got = fread(ret, 1, size - 1, file);
    ret[got] = '\0';
    (void)fclose(file);
    return got;
}

static size_t count_lines(const char *text)
{
    size_t lines = 0;
    for (; *text; text++)
        lines += *text == '\n';
    return lines;
}

static void run_all(struct eco_sink *sink, int count)
{
    assert_int_equal(eco_sink_begin(sink, &frames.begin), 0);
    for (int i = 0; i < count; i++) {
        sample_frames_next(&frames);
        assert_int_equal(eco_sink_frame(sink, &frames.frame), 0);
    }
    assert_int_equal(eco_sink_report(sink, &sample.report), 0);
}

/* Names in the directory, "." and ".." not counted. */
static size_t count_entries(const struct fixture *f)
{
    size_t count = 0;
    DIR *folder = opendir(f->temp.path);
    assert_non_null(folder);
    while (readdir(folder))
        count++;
    (void)closedir(folder);
    return count - 2;
}

static void test_replaces_at_the_end(void **state)
{
    struct fixture *f = *state;
    struct eco_sink *sink = NULL;
    char text[65536], old[ECO_PATH_MAX];
    eco_temp_write(&f->temp, "out.json", "precious");
    assert_int_equal(chmod(eco_temp_path(&f->temp, "out.json", old), 0640), 0);
    int held = open(old, O_RDONLY | O_CLOEXEC);
    assert_int_equal(open_at(f, "out.json", false, &sink), 0);
    assert_int_equal(eco_sink_begin(sink, &frames.begin), 0);
    (void)read_file(f->path, text, sizeof(text));
    assert_string_equal(text, "precious");
    assert_int_equal(eco_sink_report(sink, &sample.report), 0);
    sink = eco_sink_free(sink);
    (void)read_file(f->path, text, sizeof(text));
    assert_int_equal(strncmp(text, "{\"schema\":\"ecocode.run/1\"", 25), 0);

    struct stat now;
    assert_int_equal(stat(f->path, &now), 0);
    assert_int_equal(now.st_mode & 07777, 0640);
    /* Whoever had the old file open still sees the old one, whole. */
    assert_int_equal(read(held, text, sizeof(text)), 8);
    (void)close(held);
    assert_int_equal(count_entries(f), 1);
}

static void test_without_report_nothing_changes(void **state)
{
    struct fixture *f = *state;
    struct eco_sink *sink = NULL;
    char text[64];
    eco_temp_write(&f->temp, "out.json", "precious");
    assert_int_equal(open_at(f, "out.json", false, &sink), 0);
    assert_int_equal(eco_sink_begin(sink, &frames.begin), 0);
    assert_null(eco_sink_free(sink));
    (void)read_file(f->path, text, sizeof(text));
    assert_string_equal(text, "precious");

    /* A stream that was opened but never began neither empties nor leaves a file. */
    eco_temp_write(&f->temp, "old.csv", "precious");
    assert_int_equal(open_at(f, "old.csv", false, &sink), 0);
    (void)eco_sink_free(sink);
    (void)read_file(f->path, text, sizeof(text));
    assert_string_equal(text, "precious");
    assert_int_equal(open_at(f, "new.csv", false, &sink), 0);
    (void)eco_sink_free(sink);
    assert_int_equal(access(f->path, F_OK), -1);
}

static void test_follows_links(void **state)
{
    struct fixture *f = *state;
    struct eco_sink *sink = NULL;
    char text[65536];
    struct stat link;
    eco_temp_write(&f->temp, "target.json", "old");
    eco_temp_link(&f->temp, "link.json", "target.json");
    assert_int_equal(open_at(f, "link.json", false, &sink), 0);
    run_all(sink, 1);
    (void)eco_sink_free(sink);
    assert_int_equal(lstat(f->path, &link), 0);
    assert_true(S_ISLNK(link.st_mode));
    (void)read_file(eco_temp_path(&f->temp, "target.json", f->path), text, sizeof(text));
    assert_int_equal(text[0], '{');

    eco_temp_link(&f->temp, "dangling.json", "not-there-yet.json");
    assert_int_equal(open_at(f, "dangling.json", false, &sink), 0);
    run_all(sink, 1);
    (void)eco_sink_free(sink);
    (void)read_file(eco_temp_path(&f->temp, "not-there-yet.json", f->path), text, sizeof(text));
    assert_int_equal(text[0], '{');
}

static void test_streams_are_there_at_once(void **state)
{
    struct fixture *f = *state;
    struct eco_sink *sink = NULL;
    char text[65536];
    assert_int_equal(open_at(f, "out.jsonl", false, &sink), 0);
    assert_int_equal(eco_sink_begin(sink, &frames.begin), 0);
    for (size_t i = 0; i < 5; i++) {
        (void)read_file(f->path, text, sizeof(text));
        assert_int_equal(count_lines(text), 1 + i);
        sample_frames_next(&frames);
        assert_int_equal(eco_sink_frame(sink, &frames.frame), 0);
    }
    /* Killed here: what was written stays. */
    (void)eco_sink_free(sink);
    size_t length = read_file(f->path, text, sizeof(text));
    assert_int_equal(count_lines(text), 6);
    assert_int_equal(text[length - 1], '\n');
}

static void test_append(void **state)
{
    struct fixture *f = *state;
    struct eco_sink *sink = NULL;
    char text[65536];
    for (int i = 0; i < 2; i++) {
        assert_int_equal(open_at(f, "out.csv", true, &sink), 0);
        run_all(sink, 2);
        (void)eco_sink_free(sink);
    }
    (void)read_file(f->path, text, sizeof(text));
    assert_int_equal(count_lines(text), 1 + 2 * 2 * 3);
    assert_null(strstr(text + 10, "\nschema,"));

    eco_temp_write(&f->temp, "other.csv", "time,energy\n1,2\n");
    assert_int_equal(open_at(f, "other.csv", true, &sink), -EINVAL);
    assert_non_null(strstr(f->why.text, "other columns"));
    eco_temp_write(&f->temp, "cut.csv", "schema,run");
    assert_int_equal(open_at(f, "cut.csv", true, &sink), -EINVAL);

    eco_temp_write(&f->temp, "cut.jsonl", "{\"half\":");
    assert_int_equal(open_at(f, "cut.jsonl", true, &sink), 0);
    run_all(sink, 1);
    (void)eco_sink_free(sink);
    (void)read_file(f->path, text, sizeof(text));
    assert_int_equal(strncmp(text, "{\"half\":\n{\"schema\"", 18), 0);
    assert_int_equal(count_lines(text), 4);
}

static void test_refused_at_once(void **state)
{
    struct fixture *f = *state;
    struct eco_sink *sink = NULL;
    const struct {
        const char *name;
        int error;
    } cases[] = {{"missing/out.json", -ENOENT}, {"missing/out.csv", -ENOENT}, {"dir.json", -EISDIR},
                 {"pipe.jsonl", -ENXIO},        {"out.xlsx", -EINVAL},        {"csv", -EINVAL}};
    eco_temp_mkdir(&f->temp, "dir.json");
    eco_temp_fifo(&f->temp, "pipe.jsonl");
    for (size_t i = 0; i < ECO_COUNT(cases); i++) {
        f->why.text[0] = '\0';
        assert_int_equal(open_at(f, cases[i].name, false, &sink), cases[i].error);
        assert_true(strlen(f->why.text) > 10);
        assert_null(sink);
    }
    struct eco_sink_options options = {.path = ""};
    assert_int_equal(eco_sink_open(&options, &sink, &f->why), -EINVAL);
    options = (struct eco_sink_options){.path = "-", .format = "xml"};
    assert_int_equal(eco_sink_open(&options, &sink, &f->why), -EINVAL);
    options = (struct eco_sink_options){.fd = 987};
    assert_int_equal(eco_sink_open(&options, &sink, &f->why), -EBADF);
    options = (struct eco_sink_options){.path = "/dev/null/x.json"};
    assert_int_equal(eco_sink_open(&options, &sink, &f->why), -ENOTDIR);
}

static void test_full_device(void **state)
{
    struct fixture *f = *state;
    struct eco_sink *sink = NULL;
    for (int i = 0; i < 2; i++) {
        const struct eco_sink_options options = {.path = "/dev/full", .format = i ? "jsonl" : "json"};
        assert_int_equal(eco_sink_open(&options, &sink, &f->why), 0);
        int r = eco_sink_begin(sink, &frames.begin);
        sample_frames_next(&frames);
        (void)eco_sink_frame(sink, &frames.frame);
        if (r == 0)
            r = eco_sink_report(sink, &sample.report);
        assert_int_equal(r, -ENOSPC);
        assert_int_equal(sink->error, -ENOSPC);
        assert_non_null(strstr(sink->why.text, "/dev/full"));
        /* Dead is dead, and says why once. */
        assert_int_equal(eco_sink_frame(sink, &frames.frame), -ENOSPC);
        (void)eco_sink_free(sink);
    }
}

/* A file that may not grow: the kernel takes the first part of a record and raises SIGXFSZ for the rest. */
static void test_file_size_limit(void **state)
{
    struct fixture *f = *state;
    struct eco_sink *sink = NULL;
    struct rlimit before, small;
    char text[65536];
    assert_int_equal(open_at(f, "out.jsonl", false, &sink), 0);
    assert_int_equal(eco_sink_begin(sink, &frames.begin), 0);
    sample_frames_next(&frames);
    assert_int_equal(eco_sink_frame(sink, &frames.frame), 0);
    size_t whole = read_file(f->path, text, sizeof(text));
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = before;
    small.rlim_cur = whole + 100;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    sample_frames_next(&frames);
    int r = eco_sink_frame(sink, &frames.frame);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(r, -EFBIG);
    (void)eco_sink_free(sink);
    assert_int_equal(read_file(f->path, text, sizeof(text)), whole);
    assert_int_equal(text[whole - 1], '\n');

    /* By rename: the older file stays as it was and nothing else lies beside it. */
    eco_temp_write(&f->temp, "out.json", "precious");
    assert_int_equal(open_at(f, "out.json", false, &sink), 0);
    small.rlim_cur = 200;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    r = eco_sink_report(sink, &sample.report);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(r, -EFBIG);
    assert_non_null(strstr(sink->why.text, "left as it was"));
    (void)eco_sink_free(sink);
    (void)read_file(f->path, text, sizeof(text));
    assert_string_equal(text, "precious");
    assert_int_equal(count_entries(f), 2);
}

static void test_reader_gone(void **state)
{
    struct fixture *f = *state;
    struct eco_sink *sink = NULL;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    const struct eco_sink_options options = {.fd = ends[1], .format = "jsonl"};
    assert_int_equal(eco_sink_open(&options, &sink, &f->why), 0);
    assert_int_equal(eco_sink_begin(sink, &frames.begin), 0);
    (void)close(ends[0]);
    sample_frames_next(&frames);
    /* SIGPIPE would end this program here. */
    assert_int_equal(eco_sink_frame(sink, &frames.frame), -EPIPE);
    sigset_t pending;
    assert_int_equal(sigpending(&pending), 0);
    assert_false(sigismember(&pending, SIGPIPE));
    (void)eco_sink_free(sink);
    (void)close(ends[1]);
}

struct slow_reader {
    int fd;
    size_t got;
};

static void *read_slowly(void *context)
{
    struct slow_reader *reader = context;
    char bytes[999];
    ssize_t got;
    while ((got = read(reader->fd, bytes, sizeof(bytes))) > 0)
        reader->got += (size_t)got;
    return NULL;
}

static void ignore(int number)
{
    (void)number;
}

/* More than a socket holds, by a descriptor that does not block, with signals in between. */
static void test_short_writes(void **state)
{
    (void)state;
    static char bytes[3 << 20];
    int ends[2];
    pthread_t thread;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
    assert_int_equal(fcntl(ends[0], F_SETFL, 0), 0);
    struct slow_reader reader = {.fd = ends[0]};
    const struct sigaction action = {.sa_handler = ignore};
    assert_int_equal(sigaction(SIGUSR1, &action, NULL), 0);
    assert_int_equal(pthread_create(&thread, NULL, read_slowly, &reader), 0);
    const struct eco_write_target target = {.fd = ends[1], .patience_ms = 5000};
    for (int i = 0; i < 3; i++) {
        assert_int_equal(raise(SIGUSR1), 0);
        assert_int_equal(eco_write_all(&target, bytes, sizeof(bytes)), 0);
    }
    (void)close(ends[1]);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(reader.got, 3 * sizeof(bytes));
    (void)close(ends[0]);
}

static void test_reader_that_stopped(void **state)
{
    (void)state;
    static char bytes[3 << 20];
    int ends[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
    const struct eco_write_target target = {.fd = ends[1], .patience_ms = 20};
    assert_int_equal(eco_write_all(&target, bytes, sizeof(bytes)), -ETIMEDOUT);
    (void)close(ends[0]);
    (void)close(ends[1]);
}

static int attempt_all(void *context)
{
    struct fixture *f = context;
    static const char *const names[] = {"n.json", "n.jsonl", "n.csv", "n.txt"};
    for (size_t i = 0; i < ECO_COUNT(names); i++) {
        struct eco_sink *sink = NULL;
        int r = open_at(f, names[i], false, &sink);
        if (r < 0)
            return r;
        r = eco_sink_begin(sink, &frames.begin);
        sample_frames_next(&frames);
        if (r == 0)
            r = eco_sink_frame(sink, &frames.frame);
        if (r == 0)
            r = eco_sink_report(sink, &sample.report);
        (void)eco_sink_free(sink);
        if (r < 0)
            return r;
    }
    return 0;
}

static void test_every_allocation_may_fail(void **state)
{
    assert_true(eco_alloc_fail_each(attempt_all, *state) >= 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_replaces_at_the_end, setup, teardown),
        cmocka_unit_test_setup_teardown(test_without_report_nothing_changes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_follows_links, setup, teardown),
        cmocka_unit_test_setup_teardown(test_streams_are_there_at_once, setup, teardown),
        cmocka_unit_test_setup_teardown(test_append, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refused_at_once, setup, teardown),
        cmocka_unit_test_setup_teardown(test_full_device, setup, teardown),
        cmocka_unit_test_setup_teardown(test_file_size_limit, setup, teardown),
        cmocka_unit_test_setup_teardown(test_reader_gone, setup, teardown),
        cmocka_unit_test(test_short_writes),
        cmocka_unit_test(test_reader_that_stopped),
        cmocka_unit_test_setup_teardown(test_every_allocation_may_fail, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
