/* SPDX-License-Identifier: MIT */
#include "cli/outputs.h"

#include "base/text.h"
#include "cli/terminal.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

static int add(struct eco_outputs *outputs, const struct eco_sink_options *options, struct eco_why *why)
{
    int r = eco_sink_open(options, &outputs->sinks[outputs->count], why);
    if (r < 0)
        return r;
    outputs->count++;
    return 0;
}

static int add_file(struct eco_outputs *outputs, const struct eco_call *call, const char *name,
                    const char *mode, struct eco_why *why)
{
    const struct eco_settings *settings = &call->settings;
    struct utsname host;
    char path[PATH_MAX];
    const char *hostname = uname(&host) == 0 ? host.nodename : "";
    int r = eco_sink_expand_path(name, call->pid ? call->pid : getpid(), hostname, path, sizeof path, why);
    if (r < 0)
        return r;
    bool is_stdout = strcmp(path, "-") == 0;
    const struct eco_sink_options options = {
        .path = path,
        .fd = is_stdout ? STDOUT_FILENO : -1,
        .format = settings->format ? settings->format
                  : is_stdout      ? (settings->json ? "json" : "text")
                                   : NULL,
        .append = settings->append,
        .color = settings->color && strcmp(settings->color, "always") == 0,
        .utf8 = eco_terminal_utf8(),
        .top = settings->top,
        .mode = mode,
        .by = settings->by ? eco_grouping_parse(settings->by) : ECO_GROUPING_NONE,
    };
    return add(outputs, &options, why);
}

int eco_outputs_open(struct eco_outputs *outputs, const struct eco_call *call,
                     const struct eco_sink_options *screen, const char *mode, struct eco_why *why)
{
    const struct eco_settings *settings = &call->settings;
    *outputs = (struct eco_outputs){0};
    int r = 0;
    if (screen) {
        struct eco_sink_options options = *screen;
        options.color = eco_terminal_color(screen->fd, settings->color);
        options.utf8 = eco_terminal_utf8();
        options.top = settings->top;
        options.mode = mode;
        options.one_line = true;
        options.by = settings->by ? eco_grouping_parse(settings->by) : ECO_GROUPING_NONE;
        eco_terminal_size(screen->fd, &options.columns, &options.rows);
        r = add(outputs, &options, why);
        outputs->has_screen = r == 0;
    }
    for (unsigned i = 0; r == 0 && i < settings->outputs.count; i++)
        r = add_file(outputs, call, settings->outputs.items[i], mode, why);
    if (r < 0)
        eco_outputs_close(outputs);
    return r;
}

/* The first failure of an output is said once. A terminal or pipe that was closed is no news. */
static void check(struct eco_outputs *outputs, unsigned i)
{
    int error = outputs->sinks[i]->error;
    if (error == 0 || outputs->told[i])
        return;
    outputs->told[i] = true;
    bool is_screen = i == 0 && outputs->has_screen;
    if (!is_screen || (error != -EPIPE && error != -EIO && error != -EBADF))
        eco_notice("%s", outputs->sinks[i]->why.text);
}

void eco_outputs_begin(struct eco_outputs *outputs, const struct eco_sink_begin *begin)
{
    for (unsigned i = 0; i < outputs->count; i++) {
        (void)eco_sink_begin(outputs->sinks[i], begin);
        check(outputs, i);
    }
}

void eco_outputs_frame(struct eco_outputs *outputs, const struct eco_frame *frame)
{
    for (unsigned i = 0; i < outputs->count; i++) {
        (void)eco_sink_frame(outputs->sinks[i], frame);
        check(outputs, i);
    }
}

void eco_outputs_report(struct eco_outputs *outputs, const struct eco_report *report)
{
    for (unsigned i = 0; i < outputs->count; i++) {
        (void)eco_sink_report(outputs->sinks[i], report);
        check(outputs, i);
    }
}

bool eco_outputs_hung_up(const struct eco_outputs *outputs)
{
    int error = outputs->has_screen ? outputs->sinks[0]->error : 0;
    return error == -EPIPE || error == -EIO;
}

void eco_outputs_close(struct eco_outputs *outputs)
{
    while (outputs->count > 0) {
        outputs->count--;
        outputs->sinks[outputs->count] = eco_sink_free(outputs->sinks[outputs->count]);
    }
    outputs->has_screen = false;
}
