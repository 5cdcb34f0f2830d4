/* SPDX-License-Identifier: MIT */
/* Help, from the tables of commands and options. At most 79 columns. */
#include "cli/command.h"

#include <string.h>

#define WIDTH       79
#define TEXT_COLUMN 26 /* where the explanation of an option begins */

void eco_help_fill(FILE *out, const char *text, unsigned column, unsigned indent)
{
    bool first = true;
    for (;;) {
        text += strspn(text, " \n");
        size_t length = strcspn(text, " \n");
        if (length == 0)
            break;
        if (!first && column + 1 + length > WIDTH) {
            (void)fprintf(out, "\n%*s", (int)indent, "");
            column = indent;
            first = true;
        }
        (void)fprintf(out, "%s%.*s", first ? "" : " ", (int)length, text);
        column += (unsigned)length + (first ? 0 : 1);
        first = false;
        text += length;
    }
    (void)fputc('\n', out);
}

static void write_option(const struct eco_option *option, FILE *out)
{
    char head[64];
    char letter[8] = "    ";
    if (option->letter)
        (void)snprintf(letter, sizeof letter, "-%c, ", option->letter);
    int n = snprintf(head, sizeof head, "  %s--%s%s%s", letter, option->name, option->value ? " " : "",
                     option->value ? option->value : "");
    unsigned column = n > 0 ? (unsigned)n : 0;
    (void)fputs(head, out);
    if (column + 2 > TEXT_COLUMN) {
        (void)fputc('\n', out);
        column = 0;
    }
    (void)fprintf(out, "%*s", (int)(TEXT_COLUMN - column), "");
    eco_help_fill(out, option->help, TEXT_COLUMN, TEXT_COLUMN);
}

/* Paragraphs are separated by an empty line. */
static void write_paragraphs(const char *text, FILE *out)
{
    while (*text) {
        const char *end = strstr(text, "\n\n");
        size_t length = end ? (size_t)(end - text) : strlen(text);
        char paragraph[1024];
        (void)snprintf(paragraph, sizeof paragraph, "%.*s", (int)length, text);
        (void)fputc('\n', out);
        eco_help_fill(out, paragraph, 0, 0);
        text += length + (end ? 2 : 0);
    }
}

static void write_examples(const struct eco_example *example, FILE *out)
{
    if (!example)
        return;
    (void)fputs("\nExamples:\n", out);
    for (; example->line; example++) {
        (void)fprintf(out, "  %s\n      ", example->line);
        eco_help_fill(out, example->text, 6, 6);
    }
}

static void write_program(FILE *out)
{
    (void)fputs("ecocode says what a computing job costs in energy: per job, per process, per\n"
                "part of the machine, and how each figure is known.\n\n"
                "Usage: ecocode COMMAND [options]\n\nCommands:\n",
                out);
    for (size_t i = 0; eco_commands[i]; i++)
        (void)fprintf(out, "  %-10s%s\n", eco_commands[i]->name, eco_commands[i]->summary);
    (void)fputs("\nHelp of a command: ecocode help COMMAND\n"
                "Every option is also a key of the configuration file (~/.config/ecocode/\n"
                "ecocode.conf) and a variable: --no-cgroup is ECOCODE_NO_CGROUP.\n"
                "Durations: us, ms, s, m, h; a bare number is seconds.\n",
                out);
}

void eco_help_write(const struct eco_command *command, FILE *out)
{
    if (!command) {
        write_program(out);
        return;
    }
    char usage[128];
    (void)snprintf(usage, sizeof usage, "ecocode %s%s%s", command->name, *command->usage ? " " : "",
                   command->usage);
    (void)fprintf(out, "%s\n\nUsage: %s\n", command->summary, usage);
    write_paragraphs(command->description, out);
    (void)fputs("\nOptions:\n", out);
    struct eco_option_set set;
    struct eco_settings settings = {0};
    eco_option_set_init(&set, command->options, &settings);
    for (unsigned i = 0; i < set.count; i++)
        write_option(set.options[i], out);
    write_examples(command->examples, out);
}

void eco_help_banner(FILE *out)
{
    (void)fputs("ecocode measures the energy of a command and of every process it starts:\n"
                "joules and watts, by process and by part of the machine, and how each figure\n"
                "is known (measured, derived or estimated).\n"
                "\n"
                "Measure a command:       ecocode run python3 train.py\n"
                "Watch what runs now:     ecocode monitor\n"
                "\n"
                "It needs no privilege. What this machine can measure, and what would make it\n"
                "better:                  ecocode doctor\n"
                "\n"
                "All commands:            ecocode help\n"
                "Options of one:          ecocode help run\n",
                out);
}
