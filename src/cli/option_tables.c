/* SPDX-License-Identifier: MIT */
/* Options that several commands share. Their names are contract: key, variable and option are the same. */
#include "base/parse.h"
#include "cli/command.h"
#include "course/budget.h"

#include <errno.h>
#include <string.h>

#define AT(member) offsetof(struct eco_settings, member)

static const char *const color_choices[] = {"auto", "always", "never", NULL};
static const char *const format_choices[] = {"text", "json", "jsonl", "csv", NULL};
static const char *const policy_choices[] = {"active", "full", "equal", "reserved", NULL};
static const char *const by_choices[] = {"process", "tree", "container", "pod", "job", "unit", "user", NULL};
static const char *const accounting_choices[] = {"auto", "proc", "bpf", NULL};

static const char *const action_choices[] = {"warn", "fail", "stop", NULL};

static int check_label(const char *text, struct eco_why *why)
{
    const char *equals = strchr(text, '=');
    if (equals && equals != text)
        return 0;
    eco_why_set(why, "a label: KEY=VALUE");
    return -EINVAL;
}

static int check_budget(const char *text, struct eco_why *why)
{
    struct eco_budget budget;
    return eco_budget_parse(text, &budget, why);
}

int eco_check_filled(const char *text, struct eco_why *why)
{
    if (*text)
        return 0;
    eco_why_set(why, "a name");
    return -EINVAL;
}

/* One item of "package-0=20W,dram-0=2W" or a bare power. */
static int check_power_item(const char *item, size_t length)
{
    char value[64];
    const char *equals = memchr(item, '=', length);
    if (equals == item)
        return -EINVAL;
    const char *from = equals ? equals + 1 : item;
    size_t size = (size_t)(item + length - from);
    if (size == 0 || size >= sizeof value)
        return -EINVAL;
    memcpy(value, from, size);
    value[size] = 0;
    double watts;
    return eco_parse_power(value, &watts);
}

static int check_idle_power(const char *text, struct eco_why *why)
{
    bool several = strchr(text, ',') != NULL;
    for (const char *item = text;;) {
        size_t length = strcspn(item, ",");
        if (check_power_item(item, length) < 0 || (several && !memchr(item, '=', length))) {
            eco_why_set(why, "a power: 20W, or package-0=20W,dram-0=2W");
            return -EINVAL;
        }
        if (!item[length])
            return 0;
        item += length + 1;
    }
}

int eco_check_pids(const char *text, struct eco_why *why)
{
    const char *cursor = text;
    for (;;) {
        uint64_t pid;
        bool digit = *cursor >= '0' && *cursor <= '9';
        if (!digit || eco_scan_u64(&cursor, &pid) < 0 || pid == 0 || pid > INT32_MAX ||
            (*cursor && *cursor != ',')) {
            eco_why_set(why, "a list of process ids: 1234 or 1234,1250");
            return -EINVAL;
        }
        if (!*cursor)
            return 0;
        cursor++;
    }
}

const struct eco_option eco_options_common[] = {{.name = "help",
                                                 .letter = 'h',
                                                 .kind = ECO_OPTION_FLAG,
                                                 .offset = AT(help),
                                                 .only_here = true,
                                                 .help = "Show this help and exit"},
                                                {.name = "version",
                                                 .letter = 'V',
                                                 .kind = ECO_OPTION_FLAG,
                                                 .offset = AT(version),
                                                 .only_here = true,
                                                 .help = "Show the version and exit"},
                                                {0}};

const struct eco_option eco_options_output[] = {
    {.name = "json", .kind = ECO_OPTION_FLAG, .offset = AT(json), .help = "JSON in place of text"},
    {.name = "color",
     .kind = ECO_OPTION_CHOICE,
     .value = "WHEN",
     .choices = color_choices,
     .offset = AT(color),
     .help = "Use color: auto (on a terminal), always or never"},
    {0}};

const struct eco_option eco_options_report[] = {
    {.name = "quiet",
     .letter = 'q',
     .kind = ECO_OPTION_FLAG,
     .offset = AT(quiet),
     .help = "Leave out the report or table; files are written all the same"},
    {.name = "output",
     .letter = 'o',
     .kind = ECO_OPTION_LIST,
     .value = "FILE",
     .offset = AT(outputs),
     .is_file = true,
     .check = eco_check_filled,
     .help = "Write to FILE too; may be repeated. The suffix chooses the format: .txt .json .jsonl .csv. %p "
             "is the "
             "process id, %h the host name, %q{VAR} a variable, %% a percent sign"},
    {.name = "format",
     .kind = ECO_OPTION_CHOICE,
     .value = "FORMAT",
     .choices = format_choices,
     .offset = AT(format),
     .help = "Format of all outputs whatever their suffix: text, json, jsonl or csv"},
    {.name = "append",
     .kind = ECO_OPTION_FLAG,
     .offset = AT(append),
     .help = "Add to existing files; otherwise a file is replaced when the report is complete"},
    {.name = "by",
     .kind = ECO_OPTION_CHOICE,
     .value = "WHAT",
     .choices = by_choices,
     .offset = AT(by),
     .help = "Sums by process, tree, container, pod, job (Slurm), unit (systemd) or user"},
    {.name = "top",
     .kind = ECO_OPTION_COUNT,
     .value = "N",
     .min = 1,
     .max = 100000,
     .offset = AT(top),
     .help = "Rows of the process table (10)"},
    {0}};

const struct eco_option eco_options_measure[] = {
    {.name = "interval",
     .kind = ECO_OPTION_DURATION,
     .value = "TIME",
     .min = ECO_NS_PER_MS,
     .max = 3600 * ECO_NS_PER_S,
     .offset = AT(interval_ns),
     .help = "Time between two looks, from 1ms to 1h (1s)"},
    {.name = "policy",
     .kind = ECO_OPTION_CHOICE,
     .value = "POLICY",
     .choices = policy_choices,
     .offset = AT(policy),
     .help = "Who is charged for idle power: active (nobody; the default), full (by share of use), equal "
             "(every tree "
             "that ran the same) or reserved (by quota and cpuset)"},
    {.name = "accounting",
     .kind = ECO_OPTION_CHOICE,
     .value = "HOW",
     .choices = accounting_choices,
     .offset = AT(accounting),
     .help =
         "How processes are seen: bpf (the kernel tells of each; needs ecocode-priv), proc (looks at /proc) "
         "or auto (bpf where it can be had; the default)"},
    {.name = "idle-power",
     .kind = ECO_OPTION_TEXT,
     .value = "POWER",
     .check = check_idle_power,
     .offset = AT(idle_power),
     .help = "Idle power in place of the learnt one: 20W, or package-0=20W,dram-0=2W"},
    {.name = "label",
     .kind = ECO_OPTION_LIST,
     .value = "KEY=VALUE",
     .check = check_label,
     .offset = AT(labels),
     .help = "Put a label into the outputs; may be repeated"},
    {.name = "no-cmdline",
     .kind = ECO_OPTION_FLAG,
     .offset = AT(no_cmdline),
     .help = "Read and write no command lines of processes"},
    {.name = "no-record",
     .kind = ECO_OPTION_FLAG,
     .offset = AT(no_record),
     .help = "Keep no record of this run and do not learn from it"},
    {0}};

const struct eco_option eco_options_paths[] = {
    {.name = "path.procfs",
     .kind = ECO_OPTION_TEXT,
     .value = "DIR",
     .check = eco_check_filled,
     .offset = AT(procfs),
     .is_file = true,
     .help = "Where procfs is (/proc), for containers"},
    {.name = "path.sysfs",
     .kind = ECO_OPTION_TEXT,
     .value = "DIR",
     .check = eco_check_filled,
     .offset = AT(sysfs),
     .is_file = true,
     .help = "Where sysfs is (/sys), for containers"},
    {.name = "path.calibration",
     .kind = ECO_OPTION_TEXT,
     .value = "DIR",
     .check = eco_check_filled,
     .offset = AT(calibration),
     .is_file = true,
     .help = "Where the machine's calibration is (/var/lib/ecocode)"},
    {0}};

const struct eco_option eco_options_job[] = {
    {.name = "user",
     .letter = 'u',
     .kind = ECO_OPTION_TEXT,
     .value = "USER",
     .offset = AT(run_as),
     .only_here = true,
     .check = eco_check_filled,
     .help = "As root: run the command as USER, with his groups, home and shell, without any capability and "
             "without open files; the report and the record stay the caller's"},
    {.name = "no-cgroup",
     .kind = ECO_OPTION_FLAG,
     .offset = AT(no_cgroup),
     .help = "Make no private cgroup for the command; then processes that nobody waits for may be missed"},
    {.name = "wait-all",
     .kind = ECO_OPTION_FLAG,
     .offset = AT(wait_all),
     .help = "Measure until every process of the job has ended, not only the command itself"},
    {.name = "measure-idle",
     .kind = ECO_OPTION_DURATION,
     .value = "TIME",
     .min = 200 * ECO_NS_PER_MS,
     .max = 600 * ECO_NS_PER_S,
     .offset = AT(measure_idle_ns),
     .help = "Learn the idle power for TIME first, while the command is held; let nothing else run"},
    {.name = "no-idle-tail",
     .kind = ECO_OPTION_FLAG,
     .offset = AT(no_idle_tail),
     .help = "Do not look for at most a second after the command to learn the idle power"},
    {.name = "budget",
     .kind = ECO_OPTION_LIST,
     .value = "LIMIT",
     .check = check_budget,
     .offset = AT(budgets),
     .help = "What the command may be charged, by the report's policy: 50kJ, 10Wh, 5gCO2e, 0.01EUR; may be "
             "repeated"},
    {.name = "budget-action",
     .kind = ECO_OPTION_CHOICE,
     .value = "ACTION",
     .choices = action_choices,
     .offset = AT(budget_action),
     .help = "When a budget is exceeded: warn (the default; the status is the command's), fail (status 122 "
             "where the command ends with 0) or stop (SIGTERM to the job, later SIGKILL, status 122)"},
    {.name = "budget-grace",
     .kind = ECO_OPTION_DURATION,
     .value = "TIME",
     .min = ECO_NS_PER_MS,
     .max = 3600 * ECO_NS_PER_S,
     .offset = AT(budget_grace_ns),
     .help = "Time between the SIGTERM and the SIGKILL of --budget-action stop (10s)"},
    {.name = "expect",
     .kind = ECO_OPTION_DURATION,
     .value = "TIME",
     .min = ECO_NS_PER_MS,
     .max = 31536000 * ECO_NS_PER_S,
     .offset = AT(expect_ns),
     .help =
         "How long the whole is going to take, to tell beforehand what it will cost; `ecocode mark` tells "
         "it better"},
    {0}};
