/* SPDX-License-Identifier: MIT */
/*
 * A file of a run, of any content: read as a report, gone over as frames, thinned, redacted. Nothing but an
 * error or a report comes of it; what is thinned reads again and is not thinned twice.
 */
#include "fuzz/fuzz.h"
#include "history/redact.h"
#include "history/run_file.h"
#include "history/run_frames.h"
#include "history/stored_report.h"
#include "history/thin.h"

#include <sys/mman.h>
#include <unistd.h>

/* A file without a name, and a path to it. */
static int make_file(const void *bytes, size_t size, char path[64])
{
    int fd = memfd_create("fuzz", MFD_CLOEXEC);

    require(fd >= 0);
    require(size == 0 || write(fd, bytes, size) == (ssize_t)size);
    (void)snprintf(path, 64, "/proc/self/fd/%d", fd);
    return fd;
}

static void try_report(const char *path)
{
    struct eco_run_report file;
    struct eco_stored_report stored;
    struct eco_why why = {.text = ""};
    int r = eco_run_report_read(path, &file, &why);

    if (r < 0) {
        require(r == -EBADMSG || r == -ENOTSUP || r == -ENOMEM);
        require(*why.text && strstr(why.text, path));
        return;
    }
    require(json_is_object(file.root));
    require(strlen(file.run_id) < sizeof file.run_id);
    require(eco_stored_report_init(&stored, &file) == 0);
    require(stored.report.domain_count <= ECO_DOMAINS_MAX);
    eco_stored_report_finish(&stored);
    eco_redact_report(file.root);
    eco_run_report_finish(&file);
    r = eco_run_report_read_totals(path, &file, NULL);
    require(r == 0);
    eco_run_report_finish(&file);
}

static void try_frames(const char *path)
{
    struct eco_lines *lines;
    struct eco_span line;
    static struct eco_frame_text frame;
    struct eco_process_text process;

    if (eco_lines_open(path, &lines, NULL) < 0)
        return;
    while (eco_lines_next(lines, &line) > 0) {
        if (!eco_frame_text_read(line, &frame))
            continue;
        require(eco_line_kind_of(line) != ECO_LINE_END || frame.domain_count <= ECO_DOMAINS_MAX);
        struct eco_span cursor = frame.processes;
        while (eco_process_text_next(&cursor, &process))
            require(process.pid.length <= line.length);
    }
    (void)eco_lines_free(lines);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[64], thin_path[64];
    int fd = make_file(data, size, path), thin_fd = make_file(NULL, 0, thin_path);

    try_report(path);
    try_frames(path);
    if (eco_thin_is_useful(path) && eco_thin_file(path, thin_fd, NULL) == 0) {
        require(!eco_thin_is_useful(thin_path));
        try_report(thin_path);
    }
    require(ftruncate(thin_fd, 0) == 0);
    (void)eco_redact_file(path, thin_fd, NULL);
    (void)close(fd);
    (void)close(thin_fd);
    return 0;
}
