/* SPDX-License-Identifier: MIT */
#include "cli/command.h"

#include "base/text.h"

#include <stdarg.h>
#include <string.h>

const struct eco_command *const eco_commands[] = {&eco_command_run,
                                                  &eco_command_mark,
                                                  &eco_command_monitor,
                                                  &eco_command_status,
                                                  &eco_command_history,
                                                  &eco_command_report,
                                                  &eco_command_export,
                                                  &eco_command_import,
                                                  &eco_command_merge,
                                                  &eco_command_compare,
                                                  &eco_command_bench,
                                                  &eco_command_check,
                                                  &eco_command_sensors,
                                                  &eco_command_doctor,
                                                  &eco_command_calibrate,
                                                  &eco_command_config,
                                                  &eco_command_version,
                                                  &eco_command_help,
                                                  NULL};

const struct eco_command *eco_command_find(const char *name)
{
    for (size_t i = 0; eco_commands[i]; i++)
        if (strcmp(eco_commands[i]->name, name) == 0)
            return eco_commands[i];
    return NULL;
}

/* One write, so that a line is not torn by what the measured command prints at the same time. */
static void say(const struct eco_command *command, const char *text, const char *fix)
{
    char line[2048], clean[1024], mend[640];
    eco_text_clean(clean, sizeof clean, text, strlen(text), false);
    eco_text_clean(mend, sizeof mend, fix, strlen(fix), false);
    int n = snprintf(line, sizeof line, "ecocode: %s%s%s%s%s\n", command ? command->name : "",
                     command ? ": " : "", clean, *mend ? "; try: " : "", mend);
    if (n > 0)
        (void)fwrite(line, 1, (size_t)n < sizeof line ? (size_t)n : sizeof line - 1, stderr);
}

int eco_fail(const struct eco_command *command, int status, const struct eco_why *why)
{
    say(command, why->text, why->fix);
    return status;
}

int eco_failf(const struct eco_command *command, int status, const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    say(command, text, "");
    return status;
}

void eco_notice(const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    say(NULL, text, "");
}
