/* SPDX-License-Identifier: MIT */
/* Writes every sample in every format into a directory, for the tests that read them back in Python. */
#include "sample.h"

#include <stdio.h>
#include <string.h>

static struct sample sample;

static int write_one(const char *directory, const char *name, const char *format)
{
    static char path[4096];
    struct sample_frames frames;
    struct eco_sink *sink = NULL;
    struct eco_why why = {0};
    bool ascii = strcmp(format, "ascii.txt") == 0, live = strcmp(format, "live.txt") == 0;
    (void)snprintf(path, sizeof(path), "%s/%s.%s", directory, name, format);
    sample_fill(name, &sample);
    sample_frames_init(&frames, 3, 3);
    const struct eco_sink_options options = {.path = path,
                                             .utf8 = !ascii,
                                             .live = live,
                                             .rows = 8,
                                             .mode = sample.report.command ? "run" : "monitor"};
    int r = eco_sink_open(&options, &sink, &why);
    if (r < 0) {
        (void)fprintf(stderr, "%s\n", why.text);
        return 1;
    }
    (void)eco_sink_begin(sink, &frames.begin);
    for (int i = 0; i < 10; i++) {
        sample_frames_next(&frames);
        if (i == 4)
            frames.frame.domains[1] =
                (struct eco_frame_domain){.state = ECO_ENERGY_GAP, .gap_ns = ECO_NS_PER_S, .error = -5};
        (void)eco_sink_frame(sink, &frames.frame);
    }
    r = eco_sink_report(sink, &sample.report);
    (void)eco_sink_free(sink);
    return r < 0;
}

int main(int argc, char **argv)
{
    static const char *const formats[] = {"json", "jsonl", "csv", "txt", "ascii.txt", "live.txt", NULL};
    if (argc != 2) {
        (void)fprintf(stderr, "usage: write_samples DIRECTORY\n");
        return 2;
    }
    int failed = 0;
    for (const char *const *name = sample_names; *name; name++) {
        for (const char *const *format = formats; *format; format++)
            failed += write_one(argv[1], *name, *format);
    }
    return failed > 0;
}
