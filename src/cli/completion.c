/* SPDX-License-Identifier: MIT */
/* Completion scripts from the tables of commands and options. */
#include "cli/command.h"

#include <errno.h>
#include <string.h>

static void options_of(const struct eco_command *command, struct eco_option_set *set,
                       struct eco_settings *settings)
{
    *settings = (struct eco_settings){0};
    eco_option_set_init(set, command->options, settings);
}

/* A help text inside single quotes; `also` is escaped by a backslash as well. */
static void write_quoted(const char *text, const char *also, FILE *out)
{
    for (; *text; text++) {
        if (*text == '\'')
            (void)fputs("'\\''", out);
        else if (strchr(also, *text))
            (void)fprintf(out, "\\%c", *text);
        else
            (void)fputc(*text, out);
    }
}

static void write_choices(const struct eco_option *option, FILE *out)
{
    for (size_t i = 0; option->choices[i]; i++)
        (void)fprintf(out, "%s%s", i ? " " : "", option->choices[i]);
}

static void write_bash_values(const struct eco_command *command, FILE *out)
{
    struct eco_settings settings;
    struct eco_option_set set;
    options_of(command, &set, &settings);
    for (unsigned i = 0; i < set.count; i++) {
        const struct eco_option *option = set.options[i];
        if (!option->value)
            continue;
        (void)fprintf(out, "    %s:--%s", command->name, option->name);
        if (option->letter)
            (void)fprintf(out, "|%s:-%c", command->name, option->letter);
        (void)fputs(") COMPREPLY=(", out);
        if (option->choices) {
            (void)fputs("$(compgen -W '", out);
            write_choices(option, out);
            (void)fputs("' -- \"$cur\")", out);
        } else if (option->is_file) {
            (void)fputs("$(compgen -f -- \"$cur\")", out);
        }
        (void)fputs("); return;;\n", out);
    }
}

static void write_bash_options(const struct eco_command *command, FILE *out)
{
    struct eco_settings settings;
    struct eco_option_set set;
    options_of(command, &set, &settings);
    (void)fprintf(out, "    %s) words='", command->name);
    for (unsigned i = 0; i < set.count; i++)
        (void)fprintf(out, "%s--%s", i ? " " : "", set.options[i]->name);
    (void)fputs("';;\n", out);
}

/* `run` and its options end at the first word that is none: from there the command's own completion takes
 * over. */
static const char bash_head[] = "# bash completion for ecocode\n"
                                "_ecocode()\n{\n"
                                "    local cur prev command words i\n"
                                "    COMPREPLY=()\n"
                                "    cur=${COMP_WORDS[COMP_CWORD]}\n"
                                "    prev=${COMP_WORDS[COMP_CWORD-1]}\n"
                                "    command=${COMP_WORDS[1]}\n"
                                "    if [ \"$COMP_CWORD\" -eq 1 ]; then\n";

static void write_bash(FILE *out)
{
    (void)fputs(bash_head, out);
    (void)fputs("        COMPREPLY=($(compgen -W '", out);
    for (size_t i = 0; eco_commands[i]; i++)
        (void)fprintf(out, "%s%s", i ? " " : "", eco_commands[i]->name);
    (void)fputs("' -- \"$cur\"))\n        return\n    fi\n    case $command:$prev in\n", out);
    for (size_t i = 0; eco_commands[i]; i++)
        write_bash_values(eco_commands[i], out);
    (void)fputs("    esac\n    case $command in\n", out);
    for (size_t i = 0; eco_commands[i]; i++)
        write_bash_options(eco_commands[i], out);
    (void)fputs("    esac\n"
                "    if [[ $cur == -* ]]; then\n"
                "        COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
                "    elif [ \"$command\" = run ]; then\n"
                "        COMPREPLY=($(compgen -c -f -- \"$cur\"))\n"
                "    elif [ \"$command\" = help ]; then\n"
                "        COMPREPLY=($(compgen -W '",
                out);
    for (size_t i = 0; eco_commands[i]; i++)
        (void)fprintf(out, "%s%s", i ? " " : "", eco_commands[i]->name);
    (void)fputs("' -- \"$cur\"))\n    fi\n}\ncomplete -o bashdefault -F _ecocode ecocode\n", out);
}

static void write_zsh_option(const struct eco_option *option, FILE *out)
{
    (void)fprintf(out, "      '%s--%s%s[", option->kind == ECO_OPTION_LIST ? "*" : "", option->name,
                  option->value ? "=" : "");
    write_quoted(option->help, "[]:\\", out);
    (void)fputs("]", out);
    if (option->value) {
        (void)fputs(":", out);
        write_quoted(option->value, "[]:\\", out);
        (void)fputs(":", out);
        if (option->choices) {
            (void)fputs("(", out);
            write_choices(option, out);
            (void)fputs(")", out);
        } else if (option->is_file) {
            (void)fputs("_files", out);
        }
    }
    (void)fputs("' \\\n", out);
}

static void write_zsh(FILE *out)
{
    (void)fputs("#compdef ecocode\n_ecocode()\n{\n  local -a commands\n  commands=(\n", out);
    for (size_t i = 0; eco_commands[i]; i++) {
        (void)fprintf(out, "    '%s:", eco_commands[i]->name);
        write_quoted(eco_commands[i]->summary, ":\\", out);
        (void)fputs("'\n", out);
    }
    (void)fputs("  )\n  if (( CURRENT == 2 )); then\n    _describe command commands\n    return\n  fi\n"
                "  shift words\n  (( CURRENT-- ))\n  case $words[1] in\n",
                out);
    for (size_t i = 0; eco_commands[i]; i++) {
        struct eco_settings settings;
        struct eco_option_set set;
        options_of(eco_commands[i], &set, &settings);
        (void)fprintf(out, "    %s)\n      _arguments \\\n", eco_commands[i]->name);
        for (unsigned k = 0; k < set.count; k++)
            write_zsh_option(set.options[k], out);
        (void)fprintf(out, "      %s;;\n", eco_commands[i] == &eco_command_run ? "'*::command:_normal'" : "");
    }
    (void)fputs("  esac\n}\n_ecocode \"$@\"\n", out);
}

static void write_fish_option(const struct eco_command *command, const struct eco_option *option, FILE *out)
{
    (void)fprintf(out, "complete -c ecocode -n '__fish_seen_subcommand_from %s' -l %s", command->name,
                  option->name);
    if (option->letter)
        (void)fprintf(out, " -s %c", option->letter);
    if (option->choices) {
        (void)fputs(" -x -a '", out);
        write_choices(option, out);
        (void)fputs("'", out);
    } else if (option->value) {
        (void)fputs(option->is_file ? " -r -F" : " -x", out);
    }
    (void)fputs(" -d '", out);
    for (const char *c = option->help; *c; c++)
        (void)fprintf(out, *c == '\'' || *c == '\\' ? "\\%c" : "%c", *c);
    (void)fputs("'\n", out);
}

static void write_fish(FILE *out)
{
    (void)fputs(
        "# fish completion for ecocode\n"
        "complete -c ecocode -n '__fish_seen_subcommand_from run' -a '(__fish_complete_subcommand)'\n",
        out);
    for (size_t i = 0; eco_commands[i]; i++) {
        (void)fprintf(out, "complete -c ecocode -f -n __fish_use_subcommand -a %s -d '%s'\n",
                      eco_commands[i]->name, eco_commands[i]->summary);
        struct eco_settings settings;
        struct eco_option_set set;
        options_of(eco_commands[i], &set, &settings);
        for (unsigned k = 0; k < set.count; k++)
            write_fish_option(eco_commands[i], set.options[k], out);
    }
}

int eco_completion_write(const char *shell, FILE *out)
{
    if (strcmp(shell, "bash") == 0)
        write_bash(out);
    else if (strcmp(shell, "zsh") == 0)
        write_zsh(out);
    else if (strcmp(shell, "fish") == 0)
        write_fish(out);
    else
        return -EINVAL;
    return 0;
}
