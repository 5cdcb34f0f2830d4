/* SPDX-License-Identifier: MIT */
/*
 * The report for people against the golden files, its width, its sums as printed, and what it lets through
 * of hostile names. ECO_GOLDEN_UPDATE=1 writes the golden files anew: look at the difference.
 */
#include "base/mem.h"
#include "base/text.h"
#include "sample.h"
#include "support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define RANDOM_REPORTS 2000
#define PAGE_MAX       65536

static struct sample sample;

/* What a sink with these options writes for the sample, and for `frames` intervals before it. */
static void render(const struct eco_sink_options *given, int frames, char *ret)
{
    char path[] = "/tmp/eco-text-XXXXXX";
    static struct sample_frames intervals;
    struct eco_sink_options options = *given;
    struct eco_sink *sink = NULL;
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    (void)unlink(path);
    options.fd = fd;
    options.format = "text";
    options.mode = sample.report.command ? "run" : "monitor";
    sample_frames_init(&intervals, 2, 1);
    assert_int_equal(eco_sink_open(&options, &sink, NULL), 0);
    assert_int_equal(eco_sink_begin(sink, &intervals.begin), 0);
    for (int i = 0; i < frames; i++) {
        sample_frames_next(&intervals);
        if (i == 2)
            intervals.frame.domains[1] = (struct eco_frame_domain){.state = ECO_ENERGY_WAITING};
        assert_int_equal(eco_sink_frame(sink, &intervals.frame), 0);
    }
    if (frames == 0)
        assert_int_equal(eco_sink_report(sink, &sample.report), 0);
    (void)eco_sink_free(sink);
    ssize_t got = pread(fd, ret, PAGE_MAX - 1, 0);
    assert_true(got > 0);
    ret[got] = '\0';
    (void)close(fd);
}

static void compare_golden(const char *name, const char *text)
{
    static char expected[PAGE_MAX];
    char path[4096];
    (void)snprintf(path, sizeof(path), "%s/%s", ECO_GOLDEN_DIR, name);
    if (getenv("ECO_GOLDEN_UPDATE")) {
        FILE *file = fopen(path, "we");
        assert_non_null(file);
        assert_true(fputs(text, file) >= 0);
        assert_int_equal(fclose(file), 0);
        return;
    }
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    size_t got = fread(expected, 1, sizeof(expected) - 1, file);
    expected[got] = '\0';
    (void)fclose(file);
    assert_string_equal(text, expected);
}

static void check_width(const char *text, size_t columns)
{
    char line[4096];
    while (*text) {
        size_t length = strcspn(text, "\n");
        assert_true(length < sizeof(line));
        memcpy(line, text, length);
        line[length] = '\0';
        if (eco_text_width(line) > columns)
            fail_msg("wider than %zu columns: %s", columns, line);
        if (length > 0)
            assert_true(line[length - 1] != ' ');
        text += length + (text[length] == '\n');
    }
}

static void test_golden(void **state)
{
    (void)state;
    static char text[PAGE_MAX];
    char name[128];
    for (const char *const *which = sample_names; *which; which++) {
        sample_fill(*which, &sample);
        for (int utf8 = 0; utf8 < 2; utf8++) {
            const struct eco_sink_options options = {.utf8 = utf8};
            render(&options, 0, text);
            check_width(text, 79);
            (void)snprintf(name, sizeof(name), "report_%s%s.txt", *which, utf8 ? "" : ".ascii");
            compare_golden(name, text);
        }
    }
}

static void test_live_golden(void **state)
{
    (void)state;
    static char text[PAGE_MAX];
    assert_int_equal(setenv("TZ", "UTC", 1), 0);
    tzset();
    sample_fill("monitor", &sample);
    const struct eco_sink_options options = {.live = true, .rows = 8};
    render(&options, 10, text);
    check_width(text, 79);
    compare_golden("live.ascii.txt", text);
    const struct eco_sink_options narrow = {.live = true, .rows = 8, .columns = 50};
    render(&narrow, 10, text);
    check_width(text, 49);
}

static void test_narrow(void **state)
{
    (void)state;
    static char text[PAGE_MAX];
    for (const char *const *which = sample_names; *which; which++) {
        sample_fill(*which, &sample);
        for (unsigned columns = 1; columns < 200; columns += 7) {
            /* A command to type is never broken. */
            sample.report.sensor_fix[0] = '\0';
            const struct eco_sink_options options = {.utf8 = true, .columns = columns};
            render(&options, 0, text);
            check_width(text, columns < 41 ? 40 : columns < 80 ? columns - 1 : 79);
        }
    }
}

/* Of names, arguments, reasons: no byte that a terminal would obey. */
static void test_hostile(void **state)
{
    (void)state;
    static char text[PAGE_MAX];
    sample_fill("hostile", &sample);
    for (int utf8 = 0; utf8 < 2; utf8++) {
        const struct eco_sink_options options = {.utf8 = utf8};
        render(&options, 0, text);
        for (const char *c = text; *c; c++) {
            assert_true(*c == '\n' || ((unsigned char)*c >= 0x20 && *c != 0x7f));
            assert_true(utf8 || (unsigned char)*c < 0x80);
        }
        for (size_t at = 0, length = strlen(text); at < length;) {
            uint32_t code;
            at += eco_utf8_decode(text + at, length - at, &code);
            assert_true(code != 0xFFFD && code != 0x202E && (code < 0x80 || code >= 0xA0));
        }
    }
}

static void test_color(void **state)
{
    (void)state;
    static char text[PAGE_MAX], plain[PAGE_MAX], stripped[PAGE_MAX];
    sample_fill("gap", &sample);
    const struct eco_sink_options colored = {.color = true}, bare = {.color = false};
    render(&colored, 0, text);
    render(&bare, 0, plain);
    assert_non_null(strstr(text, "\033[1m"));
    assert_null(strchr(plain, '\033'));
    char *out = stripped;
    for (const char *c = text; *c; c++) {
        if (*c == '\033')
            c = strchr(c, 'm');
        else
            *out++ = *c;
    }
    *out = '\0';
    assert_string_equal(stripped, plain);
}

/* ---- printed cells add up ---- */

static uint64_t seed = 20261122;

static double random_unit(void)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (double)(seed >> 11) / 9007199254740992.0;
}

static void random_report(void)
{
    sample_fill("server", &sample);
    struct eco_report *r = &sample.report;
    double size = pow(10, random_unit() * 12 - 4);
    memset(r->sums, 0, sizeof(r->sums));
    r->machine_j = 0;
    r->headline = random_unit() < 0.5 ? ECO_SLOT_ACTIVE : ECO_SLOT_FULL;
    for (unsigned i = 0; i < r->domain_count; i++) {
        struct eco_report_domain *d = &r->domains[i];
        double scale = size * pow(10, -4 * random_unit());
        for (unsigned s = 0; s < r->slots; s++)
            d->slot[s] = (struct eco_sums){scale * random_unit(), scale * random_unit() * 0.1,
                                           s == ECO_SLOT_ACTIVE ? scale * random_unit() * 2 : 0,
                                           scale * (random_unit() - 0.5) * 0.05};
        const struct eco_sums *own = &d->slot[r->headline];
        d->machine_j = own->job_j + own->others_j + own->idle_j + own->unattributed_j;
        if (!d->info.counted)
            continue;
        r->machine_j += d->machine_j;
        for (unsigned s = 0; s < r->slots; s++)
            r->sums[s].job_j += d->slot[s].job_j;
    }
    double relative = pow(10, -3 * random_unit()) * 0.5, left = r->sums[r->headline].job_j;
    for (unsigned s = 0; s < r->slots; s++) {
        r->uncertainty[s].job_low_j = r->sums[s].job_j * (1 - relative);
        r->uncertainty[s].job_high_j = r->sums[s].job_j * (1 + relative);
    }
    for (size_t i = 0; i < r->process_count; i++) {
        double part = i + 1 < r->process_count ? left * random_unit() * 0.5 : left;
        r->processes[i].energy_j[r->headline] = part;
        left -= part;
    }
}

/* A printed number as a whole number of its last digit. */
static long long digits_of(const char *word, int *ret_decimals)
{
    long long value = 0;
    int decimals = -1;
    for (const char *c = word; *c; c++) {
        if (*c == '.')
            decimals = 0;
        else if (*c >= '0' && *c <= '9') {
            value = value * 10 + (*c - '0');
            decimals += decimals >= 0;
        } else if (*c != '-') {
            return -999999999;
        }
    }
    *ret_decimals = decimals > 0 ? decimals : 0;
    return word[0] == '-' ? -value : value;
}

struct printed {
    long long sum[5], job_total;
    int decimals, rows;
};

static void check_table_row(char *line, struct printed *printed)
{
    char *words = NULL;
    const char *name = strtok_r(line, " ", &words);
    long long cell[5];
    for (int c = 0; c < 5; c++) {
        int decimals;
        cell[c] = digits_of(strtok_r(NULL, " ", &words), &decimals);
        assert_true(printed->decimals < 0 || decimals == printed->decimals);
        printed->decimals = decimals;
    }
    assert_true(cell[0] + cell[1] + cell[2] + cell[3] == cell[4]);
    if (strcmp(name, "total") == 0) {
        for (int c = 0; c < 5; c++)
            assert_true(cell[c] == printed->sum[c]);
        printed->job_total = cell[0];
        return;
    }
    printed->rows++;
    for (int c = 0; c < 5; c++)
        printed->sum[c] += cell[c];
}

static void check_sums(char *text)
{
    struct printed printed = {.decimals = -1};
    enum { BEFORE, TABLE, BETWEEN, PROCESSES, AFTER } part = BEFORE;
    long long processes = 0, percent = 0;
    bool has_energy = false, has_small = false;
    char *lines = text;
    for (char *line; (line = strsep(&lines, "\n"));) {
        if (strstr(line, "measured by")) {
            part = TABLE;
        } else if (strstr(line, "CPU time") && part < PROCESSES) {
            part = PROCESSES;
            has_energy = strstr(line, "J  share");
        } else if (!*line) {
            part = part == TABLE ? BETWEEN : part == PROCESSES ? AFTER : part;
        } else if (part == TABLE) {
            check_table_row(line, &printed);
        } else if (part == PROCESSES) {
            char *end = strstr(line, " %"), *share;
            assert_non_null(end);
            *end = '\0';
            share = strrchr(line, ' ');
            has_small = has_small || share[1] == '<';
            percent += share[1] == '<' ? 0 : atol(share + 1);
            *share = '\0';
            for (size_t length = strlen(line); line[length - 1] == ' '; length--)
                line[length - 1] = '\0';
            int decimals;
            if (has_energy) {
                processes += digits_of(strrchr(line, ' ') + 1, &decimals);
                assert_int_equal(decimals, printed.decimals);
            }
        }
    }
    assert_int_equal(printed.rows, 3);
    if (has_energy)
        assert_true(processes == printed.job_total);
    assert_int_equal(percent, 100);
}

static void test_printed_cells_add_up(void **state)
{
    (void)state;
    static char text[PAGE_MAX];
    for (int i = 0; i < RANDOM_REPORTS; i++) {
        const struct eco_sink_options options = {.top = 3 + (size_t)i % 5};
        random_report();
        render(&options, 0, text);
        check_width(text, 79);
        check_sums(text);
    }
}

/* Rows that name each other or nobody as parents; none may vanish or hang the report. */
static void test_broken_tree(void **state)
{
    (void)state;
    static char text[PAGE_MAX];
    sample_fill("server", &sample);
    sample.processes[0].parent_id = 2;
    sample.processes[1].parent_id = 1;
    sample.processes[2].parent_id = sample.processes[2].id;
    sample.processes[3].parent_id = 77777;
    sample.processes[4].id = sample.processes[3].id;
    const struct eco_sink_options options = {0};
    render(&options, 0, text);
    check_sums(text);
}

/* One line where it tells more than the job's own energy does; none where it is the same or not known. */
static void test_calibrated_line(void **state)
{
    (void)state;
    static char text[PAGE_MAX];
    const struct eco_sink_options options = {0};
    sample_fill("server", &sample);
    double own_j = sample.report.sums[ECO_SLOT_ACTIVE].job_j;
    render(&options, 0, text);
    assert_null(strstr(text, "By the calibration"));
    sample.report.has_curve = true;
    sample.report.job_marginal_j = sample.report.job_alone_j = own_j;
    render(&options, 0, text);
    assert_null(strstr(text, "By the calibration"));
    sample.report.job_marginal_j = 0.5 * own_j;
    sample.report.job_alone_j = 1.5 * own_j;
    render(&options, 0, text);
    assert_non_null(strstr(text, "By the calibration it added"));
    check_width(text, 79);
    sample.report.has_curve = false;
    render(&options, 0, text);
    assert_null(strstr(text, "By the calibration"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden),      cmocka_unit_test(test_live_golden),
        cmocka_unit_test(test_narrow),      cmocka_unit_test(test_hostile),
        cmocka_unit_test(test_color),       cmocka_unit_test(test_printed_cells_add_up),
        cmocka_unit_test(test_broken_tree), cmocka_unit_test(test_calibrated_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
