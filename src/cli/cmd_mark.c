/* SPDX-License-Identifier: MIT */
/* mark: the job tells where it is. Never stands in its way: short, quiet, and 0 whatever hears it. */
#include "cli/command.h"
#include "cli/follow.h"
#include "platform/clock.h"

#include "base/text.h"

#include <errno.h>
#include <string.h>

#define PATIENCE_MS 100 /* for a measurer that is busy */

static bool is_run_id(const char *text)
{
    return strlen(text) == 32 && strspn(text, "0123456789abcdef") == 32;
}

static void explain(int error)
{
    if (error == -ECONNREFUSED)
        eco_notice(
            "mark: the run is not heard from here: it has ended, or this is a container with a network "
            "of its own");
    else if (error == -EAGAIN)
        eco_notice("mark: the run does not listen now");
    else
        eco_notice("mark: %s", strerror(-error));
}

static int read_words(const struct eco_call *call, struct eco_mark *mark)
{
    char *const *words = call->words;
    if (!words[0] || (words[1] && words[2]))
        return eco_failf(call->command, ECO_EXIT_MISUSE,
                         "a name, and how far it is: ecocode mark epoch 3/20");
    if (!eco_mark_is_name(words[0]))
        return eco_failf(call->command, ECO_EXIT_MISUSE,
                         "'%.80s' is no name of a phase: up to %d bytes without control characters", words[0],
                         ECO_PHASE_NAME_MAX - 1);
    if (words[1] && eco_mark_parse_progress(words[1], &mark->done, &mark->total) < 0)
        return eco_failf(call->command, ECO_EXIT_MISUSE, "'%.40s' is no progress: DONE/TOTAL, as in 3/20",
                         words[1]);
    (void)eco_text_copy(mark->name, sizeof mark->name, words[0]);
    return 0;
}

static int run(struct eco_call *call)
{
    struct eco_mark mark = {.time_ns = eco_clock_system.mono_ns(&eco_clock_system)};
    const char *run_id = getenv("ECOCODE_RUN");
    int status = read_words(call, &mark);
    if (status != 0)
        return status;
    if (!run_id || !is_run_id(run_id)) {
        eco_notice("mark: not inside of `ecocode run`: nothing hears it");
        return 0;
    }
    int r = eco_marks_send(run_id, &mark, PATIENCE_MS);
    if (r < 0)
        explain(r);
    return 0;
}

static const struct eco_option *const tables[] = {eco_options_common, NULL};
static const struct eco_example examples[] = {
    {"ecocode mark load", "from now on, what the job uses is that of its phase `load`"},
    {"ecocode mark epoch 3/20", "three of twenty epochs are done: the whole can be told beforehand"},
    {0}};

const struct eco_command eco_command_mark = {
    .name = "mark",
    .summary = "Tell the run around this process which phase begins, and how far it is",
    .usage = "NAME [DONE/TOTAL]",
    .description =
        "Called by the measured command, in any language, through ECOCODE_RUN. From then on time and energy "
        "count to phase NAME, until the next mark; the same name again adds up. With DONE/TOTAL the report "
        "and the stream of frames tell what the whole is going to take; the first name with a total is the "
        "one that counts.\n\n"
        "It takes about a millisecond, never waits longer than a tenth of a second and ends with 0, also "
        "where no run hears it: then it says so. docs/api.md has the datagram for programs that would rather "
        "send it themselves.",
    .examples = examples,
    .options = tables,
    .takes_words = true,
    .takes_no_config = true,
    .run = run,
};
