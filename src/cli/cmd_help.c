/* SPDX-License-Identifier: MIT */
/* help: what the program and its commands do. Also writes manual pages and completions for installation. */
#include "cli/command.h"

static const struct eco_option options[] = {
    {.name = "man",
     .kind = ECO_OPTION_TEXT,
     .value = "COMMAND",
     .only_here = true,
     .offset = offsetof(struct eco_settings, man),
     .help = "Write the manual page of COMMAND (ecocode for the program) in roff"},
    {.name = "completion",
     .kind = ECO_OPTION_TEXT,
     .value = "SHELL",
     .only_here = true,
     .offset = offsetof(struct eco_settings, completion),
     .help = "Write completions for bash, zsh or fish"},
    {0}};

static int unknown(const struct eco_call *call, const char *name)
{
    const char *names[32];
    size_t count = 0;
    for (size_t i = 0; eco_commands[i] && count < ECO_COUNT(names); i++)
        names[count++] = eco_commands[i]->name;
    const char *near = eco_nearest(name, names, count);
    return eco_failf(call->command, ECO_EXIT_MISUSE, "no command '%.40s'%s%s%s", name,
                     near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

static int write_man(const struct eco_call *call, const char *name)
{
    const struct eco_command *command = eco_command_find(name);
    if (!command && eco_nearest(name, (const char *const[]){"ecocode"}, 1) == NULL)
        return unknown(call, name);
    eco_man_write(command, stdout);
    return 0;
}

static int run(struct eco_call *call)
{
    const char *shell = call->settings.completion;
    if (call->settings.man)
        return write_man(call, call->settings.man);
    if (shell && eco_completion_write(shell, stdout) < 0)
        return eco_failf(call->command, ECO_EXIT_MISUSE,
                         "--completion: '%.40s' is not one of bash, zsh, fish", shell);
    if (shell)
        return 0;
    if (!call->words[0]) {
        eco_help_write(NULL, stdout);
        return 0;
    }
    const struct eco_command *command = eco_command_find(call->words[0]);
    if (!command)
        return unknown(call, call->words[0]);
    eco_help_write(command, stdout);
    return 0;
}

static const struct eco_option *const tables[] = {options, eco_options_common, NULL};

const struct eco_command eco_command_help = {
    .name = "help",
    .summary = "Explain a command and its options",
    .usage = "[COMMAND]",
    .description = "Without a command it lists all commands.",
    .options = tables,
    .takes_words = true,
    .takes_no_config = true,
    .run = run,
};
