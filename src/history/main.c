/* SPDX-License-Identifier: MIT */
/* ecocode-history: started by `ecocode NAME` for each of these commands, with the same words. */
#include "history/commands.h"

#include <string.h>

static const struct {
    const char *name;
    int (*run)(struct eco_call *call);
} commands[] = {
    {"history", eco_cmd_history}, {"bench", eco_cmd_bench},   {"check", eco_cmd_check},
    {"compare", eco_cmd_compare}, {"export", eco_cmd_export}, {"import", eco_cmd_import},
    {"merge", eco_cmd_merge},     {"report", eco_cmd_report},
};

static int run(struct eco_call *call)
{
    for (size_t i = 0; i < ECO_COUNT(commands); i++)
        if (strcmp(commands[i].name, call->command->name) == 0)
            return commands[i].run(call);
    return eco_failf(call->command, ECO_EXIT_MISUSE, "is done by ecocode, not by ecocode-history");
}

int main(int argc, char **argv)
{
    return eco_dispatch(argc, argv, run);
}
