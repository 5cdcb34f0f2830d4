/* SPDX-License-Identifier: MIT */
/* What the options of a call come to. Texts are borrowed from the command line, environment or configuration.
 */
#pragma once

#include "model/impact.h"

#include <stdbool.h>
#include <stdint.h>

#define ECO_TEXTS_MAX 32

struct eco_texts {
    const char *items[ECO_TEXTS_MAX];
    unsigned count;
};

struct eco_settings {
    bool help, version, quiet, json, append;
    bool no_cgroup, no_cmdline, no_idle_tail, no_record, record, wait_all;
    bool show_origin, wait, force;
    bool fix, undo, udev, yes, dry_run; /* of `doctor`; `calibrate` too has dry_run */
    const char *format, *color;         /* color: "auto" (or NULL), "always", "never" */
    const char *policy, *accounting;    /* NULL = default */
    const char *idle_power;
    const char *run_as;         /* user of the command, NULL = as we are */
    const char *procfs, *sysfs; /* NULL = the real ones */
    const char *calibration;    /* directory of the machine's, NULL = the usual one */
    const char *threads, *meter_idle, *meter_busy, *calibration_file; /* of calibrate */
    const char *export_format, *rows; /* of export; NULL = by the suffix, by the format */
    const char *bundle, *man, *completion;
    uint64_t interval_ns;                  /* 0 = 1 s */
    uint64_t duration_ns, measure_idle_ns; /* 0 = not given */
    uint64_t load_ns;                      /* of calibrate */
    uint64_t count, top;                   /* 0 = not given */
    const char *by;                        /* NULL = no groups */
    struct eco_texts outputs, labels, pids;
    /* of run: what happens inside it */
    const char *budget_action;           /* NULL = warn */
    uint64_t budget_grace_ns, expect_ns; /* 0 = 10 s; not given */
    struct eco_texts budgets;
    struct eco_texts containers, jobs, units, users;
    /* of `history`; it uses labels, top and dry_run too */
    bool sum, recost, redact;
    const char *since, *until, *history_by, *history_command, *history_host;
    const char *compress_after, *thin_after, *delete_after;
    struct eco_impact_choices impact; /* of what shows CO2e, water and cost (cli/impact.h) */

    /* bench, compare, check */
    bool no_shell, ignore_failure, show_output, github_summary;
    uint64_t runs, warmup; /* 0 = not given */
    const char *margin, *tolerance, *shell;
    const char *export_json, *export_markdown, *markdown;
    struct eco_texts names, baselines;
    bool statement; /* of report */
};
