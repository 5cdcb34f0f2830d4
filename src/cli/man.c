/* SPDX-License-Identifier: MIT */
/* Manual pages from the tables of commands and options (man(7) macros). */
#include "cli/command.h"
#include "ecocode/ecocode.h"

#include <ctype.h>
#include <string.h>

/* Text for roff: '-' stays a hyphen-minus, '\' is shown, a line never begins with a control character. */
static void write_text(const char *text, FILE *out)
{
    for (bool start = true; *text; text++) {
        if (*text == '\n' && text[1] == '\n') {
            (void)fputs("\n.PP\n", out);
            text++;
            start = true;
            continue;
        }
        if (start && (*text == '.' || *text == '\''))
            (void)fputs("\\&", out);
        if (*text == '-')
            (void)fputs("\\-", out);
        else if (*text == '\\')
            (void)fputs("\\e", out);
        else
            (void)fputc(*text, out);
        start = *text == '\n';
    }
    (void)fputc('\n', out);
}

static void write_option(const struct eco_option *option, FILE *out)
{
    (void)fputs(".TP\n", out);
    if (option->letter)
        (void)fprintf(out, "\\fB\\-%c\\fR, ", option->letter);
    (void)fputs("\\fB\\-\\-", out);
    for (const char *c = option->name; *c; c++)
        (void)fputs((const char[]){*c == '-' ? '\\' : *c, *c == '-' ? '-' : 0, 0}, out);
    (void)fputs("\\fR", out);
    if (option->value)
        (void)fprintf(out, " \\fI%s\\fR", option->value);
    (void)fputc('\n', out);
    char help[1024];
    (void)snprintf(help, sizeof help, "%s.", option->help);
    write_text(help, out);
}

static void write_head(const char *name, const char *summary, FILE *out)
{
    char upper[64];
    size_t n = 0;
    for (; name[n] && n + 1 < sizeof upper; n++)
        upper[n] = (char)toupper((unsigned char)name[n]);
    upper[n] = 0;
    (void)fprintf(out, ".TH %s 1 \"\" \"ecocode %s\" \"User Commands\"\n.SH NAME\n%s \\- ", upper,
                  eco_version(), name);
    write_text(summary, out);
}

static void write_command(const struct eco_command *command, FILE *out)
{
    char name[64];
    (void)snprintf(name, sizeof name, "ecocode-%s", command->name);
    write_head(name, command->summary, out);
    (void)fprintf(out, ".SH SYNOPSIS\n\\fBecocode %s\\fR\n", command->name);
    if (*command->usage)
        write_text(command->usage, out);
    (void)fputs(".SH DESCRIPTION\n", out);
    write_text(command->description, out);
    (void)fputs(".SH OPTIONS\n", out);
    struct eco_option_set set;
    struct eco_settings settings = {0};
    eco_option_set_init(&set, command->options, &settings);
    for (unsigned i = 0; i < set.count; i++)
        write_option(set.options[i], out);
    if (command->examples)
        (void)fputs(".SH EXAMPLES\n", out);
    for (const struct eco_example *e = command->examples; e && e->line; e++) {
        (void)fputs(".TP\n\\fB", out);
        for (const char *c = e->line; *c; c++)
            (void)fprintf(out, "%s%c", *c == '-' ? "\\" : "", *c);
        (void)fputs("\\fR\n", out);
        write_text(e->text, out);
    }
    (void)fputs(".SH SEE ALSO\n.BR ecocode (1)\n", out);
}

static const char exit_status[] =
    ".SH EXIT STATUS\n"
    "\\fBecocode run\\fR ends with the exit status of the command, or dies of the signal that it died of.\n"
    "125: ecocode itself failed before the command had started; 126: the command is not executable;\n"
    "127: it was not found.\n"
    "The other commands: 0 done, 1 a negative answer (\\fBdoctor\\fR found a failure), 2 misuse or error.\n";

static const char files[] =
    ".SH FILES\n"
    ".TP\n\\fI/etc/ecocode/ecocode.conf\\fR\nConfiguration of the machine.\n"
    ".TP\n\\fI$XDG_CONFIG_HOME/ecocode/ecocode.conf\\fR\nConfiguration of the user (~/.config).\n"
    ".TP\n\\fI$XDG_STATE_HOME/ecocode/\\fR\nRecords of runs and learnt idle power (~/.local/state).\n"
    ".TP\n\\fI/var/lib/ecocode/\\fR\nCalibration of the machine.\n"
    ".SH ENVIRONMENT\n"
    ".TP\n\\fBECOCODE_RUN\\fR\nSet for the measured command: the id of the run.\n"
    ".TP\n\\fBECOCODE_\\fINAME\\fR\nAny option: upper case, \\- and . written as _.\n";

static void write_program(FILE *out)
{
    write_head("ecocode", "measure the energy of commands and processes", out);
    (void)fputs(
        ".SH SYNOPSIS\n\\fBecocode\\fR \\fICOMMAND\\fR [options]\n.SH DESCRIPTION\n"
        "Says what a computing job costs in energy: joules and watts, per job, per process and per part\n"
        "of the machine, and how each figure is known: measured, derived or estimated.\n"
        "It needs no privilege and changes nothing for the measured command.\n.SH COMMANDS\n",
        out);
    for (size_t i = 0; eco_commands[i]; i++) {
        (void)fprintf(out, ".TP\n.BR ecocode\\-%s (1)\n", eco_commands[i]->name);
        write_text(eco_commands[i]->summary, out);
    }
    (void)fputs(exit_status, out);
    (void)fputs(files, out);
}

void eco_man_write(const struct eco_command *command, FILE *out)
{
    if (command)
        write_command(command, out);
    else
        write_program(out);
}
