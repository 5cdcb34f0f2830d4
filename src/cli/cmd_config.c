/* SPDX-License-Identifier: MIT */
/* config: the values in force and where each comes from. */
#include "base/text.h"
#include "cli/command.h"
#include "cli/config.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static void format_origin(const struct eco_option_set *set, unsigned index, char *ret, size_t size)
{
    const struct eco_origin *origin = &set->origins[index];
    char variable[64];
    switch (origin->layer) {
    case ECO_LAYER_NONE:
        eco_text_copy(ret, size, "default");
        break;
    case ECO_LAYER_SYSTEM:
    case ECO_LAYER_USER:
        (void)snprintf(ret, size, "%s:%u", origin->file, origin->line);
        break;
    case ECO_LAYER_ENVIRONMENT:
        eco_option_variable(set->options[index], variable, sizeof variable);
        (void)snprintf(ret, size, "%s", variable);
        break;
    case ECO_LAYER_LINE:
        eco_text_copy(ret, size, "command line");
        break;
    }
}

static void write_set(const struct eco_call *shown, bool show_origin)
{
    (void)printf("[%s]\n", shown->command->name);
    for (unsigned i = 0; i < shown->set.count; i++) {
        if (shown->set.options[i]->only_here)
            continue;
        char value[512], clean[512], origin[512], line[1100];
        eco_option_format(&shown->set, i, value, sizeof value);
        eco_text_clean(clean, sizeof clean, value, strlen(value), false);
        bool is_set = shown->set.origins[i].layer != ECO_LAYER_NONE;
        (void)snprintf(line, sizeof line, "%s%s = %s", is_set ? "" : "; ", shown->set.options[i]->name,
                       clean);
        format_origin(&shown->set, i, origin, sizeof origin);
        eco_text_clean(value, sizeof value, origin, strlen(origin), false);
        if (show_origin)
            (void)printf("%-40s ; %s\n", line, value);
        else
            (void)printf("%s\n", line);
    }
}

/* The options of another command as it would see them if it were called now. */
static int show(struct eco_call *call, const struct eco_command *command)
{
    struct eco_call shown = {.command = command, .config = call->config};
    struct eco_why why = {0};
    eco_option_set_init(&shown.set, command->options, &shown.settings);
    int r = eco_options_environment(&shown.set, environ, &why);
    if (r == 0)
        r = eco_config_apply_all(call->config, &shown, &why);
    if (r < 0)
        return eco_fail(call->command, ECO_EXIT_MISUSE, &why);
    write_set(&shown, call->settings.show_origin);
    return 0;
}

static int run(struct eco_call *call)
{
    for (size_t i = 0; eco_commands[i]; i++) {
        if (eco_commands[i]->takes_no_config)
            continue;
        if (i > 0)
            (void)printf("\n");
        int status = show(call, eco_commands[i]);
        if (status != 0)
            return status;
    }
    return 0;
}

static const struct eco_option options[] = {{.name = "show-origin",
                                             .kind = ECO_OPTION_FLAG,
                                             .only_here = true,
                                             .offset = offsetof(struct eco_settings, show_origin),
                                             .help = "Say where each value comes from"},
                                            {0}};
static const struct eco_option *const tables[] = {options, eco_options_common, NULL};
static const struct eco_example examples[] = {
    {"ecocode config --show-origin", "every option, its value and the file, variable or default that set it"},
    {0}};

const struct eco_command eco_command_config = {
    .name = "config",
    .summary = "Show the options in force and where each was set",
    .usage = "[--show-origin]",
    .description = "Options come from /etc/ecocode/ecocode.conf, then $XDG_CONFIG_HOME/ecocode/ecocode.conf "
                   "(~/.config), then "
                   "variables ECOCODE_NAME, then the command line; the later one wins. The output is itself "
                   "a configuration "
                   "file; what is not set stands behind a semicolon.\n\nIn a file a key is the name of the "
                   "option; keys above "
                   "the first section are for every command, those below [run] for that command.",
    .examples = examples,
    .options = tables,
    .takes_no_config = true,
    .run = run,
};
