/* SPDX-License-Identifier: MIT */
/* doctor: what keeps measurements on this machine from being as good as they could be, and what mends it. */
#include "base/json.h"
#include "base/text.h"
#include "cli/doctor.h"
#include "cli/fix.h"

#include <errno.h>
#include <string.h>

#define CHECKS_MAX 32

static const char *const verdict_names[] = {[ECO_VERDICT_NONE] = "SKIP",
                                            [ECO_PASS] = "PASS",
                                            [ECO_WARN] = "WARN",
                                            [ECO_FAIL] = "FAIL",
                                            [ECO_SKIP] = "SKIP"};

static void write_text(const char *id, const struct eco_check_result *result)
{
    char text[ECO_WHY_MAX], fix[ECO_WHY_MAX];
    eco_text_clean(text, sizeof text, result->why.text, strlen(result->why.text), true);
    eco_text_clean(fix, sizeof fix, result->why.fix, strlen(result->why.fix), true);
    (void)printf("%s  %-17s ", verdict_names[result->verdict], id);
    eco_help_fill(stdout, text, 24, 24);
    if (*fix)
        (void)printf("%24s%s\n", "", fix);
}

static void put_json(struct eco_json *json, const char *id, const struct eco_check_result *result)
{
    eco_json_open(json, '{');
    eco_json_kstring(json, "id", id);
    eco_json_kstring(json, "verdict", verdict_names[result->verdict]);
    eco_json_kstring(json, "text", result->why.text);
    eco_json_kstring(json, "fix", *result->why.fix ? result->why.fix : NULL);
    eco_json_close(json, '}');
}

static int write_json(const struct eco_check_result *results, const unsigned *counts)
{
    struct eco_buf out;
    struct eco_json json;
    eco_buf_init(&out, 1u << 20);
    eco_json_init(&json, &out);
    eco_json_open(&json, '{');
    eco_json_kstring(&json, "schema", "ecocode.doctor/1");
    eco_json_ku64(&json, "failed", counts[ECO_FAIL]);
    eco_json_key(&json, "checks");
    eco_json_open(&json, '[');
    for (size_t i = 0; eco_checks[i].id; i++)
        put_json(&json, eco_checks[i].id, &results[i]);
    eco_json_close(&json, ']');
    eco_json_close(&json, '}');
    int r = eco_buf_error(&out);
    if (r == 0)
        (void)printf("%s\n", out.data);
    eco_buf_finish(&out);
    return r;
}

static int check_all(struct eco_call *call, const struct eco_probe *probe)
{
    static struct eco_check_result results[CHECKS_MAX];
    unsigned counts[ECO_SKIP + 1] = {0};
    const struct eco_checkup checkup = {.call = call, .probe = probe};
    for (size_t i = 0; i < CHECKS_MAX && eco_checks[i].id; i++) {
        eco_checks[i].run(&checkup, &results[i]);
        counts[results[i].verdict]++;
        if (!call->settings.json)
            write_text(eco_checks[i].id, &results[i]);
    }
    int r = 0;
    if (call->settings.json)
        r = write_json(results, counts);
    else
        (void)printf("\n%u passed, %u warnings, %u failed, %u skipped\n", counts[ECO_PASS], counts[ECO_WARN],
                     counts[ECO_FAIL], counts[ECO_SKIP]);
    if (r < 0)
        return eco_failf(call->command, ECO_EXIT_MISUSE, "%s", strerror(-r));
    return counts[ECO_FAIL] ? ECO_EXIT_NO : 0;
}

static int run(struct eco_call *call)
{
    struct eco_why why = {0};
    struct eco_probe *probe;
    const struct eco_settings *settings = &call->settings;
    if (settings->fix || settings->undo)
        return eco_fix_run(call);
    if (settings->udev || settings->yes || settings->dry_run)
        return eco_failf(call->command, ECO_EXIT_MISUSE,
                         "--udev, --yes and --dry-run go with --fix or --undo");
    int r = eco_probe_open(call, &probe, &why);
    if (r < 0) {
        if (!*why.text)
            eco_why_set(&why, "%s", strerror(-r));
        return eco_fail(call->command, ECO_EXIT_MISUSE, &why);
    }
    int status = 0;
    if (!call->settings.bundle)
        status = check_all(call, probe);
    else if (eco_bundle_write(probe, call->settings.bundle, &why) < 0)
        status = eco_fail(call->command, ECO_EXIT_MISUSE, &why);
    else
        (void)printf(
            "The sensor tree of this machine is in %s.\nIt holds no serial numbers, host or user names; look "
            "through it before you send it.\n",
            call->settings.bundle);
    probe = eco_probe_free(probe);
    return status;
}

#define AT(field) offsetof(struct eco_settings, field)

static const struct eco_option options[] = {
    {.name = "fix",
     .kind = ECO_OPTION_FLAG,
     .offset = AT(fix),
     .only_here = true,
     .help =
         "Let users measure without being root: installs ecocode-priv with its group and capabilities and "
         "lets the user who called sudo in; shows everything first and asks"},
    {.name = "undo",
     .kind = ECO_OPTION_FLAG,
     .offset = AT(undo),
     .only_here = true,
     .help = "Take away what --fix has made"},
    {.name = "udev",
     .kind = ECO_OPTION_FLAG,
     .offset = AT(udev),
     .only_here = true,
     .help =
         "With --fix or --undo: instead of the helper a rule of udev that opens the energy counters to the "
         "group, without any limit on how often they are read"},
    {.name = "dry-run",
     .kind = ECO_OPTION_FLAG,
     .offset = AT(dry_run),
     .only_here = true,
     .help = "With --fix or --undo: print the commands, do nothing"},
    {.name = "yes",
     .letter = 'y',
     .kind = ECO_OPTION_FLAG,
     .offset = AT(yes),
     .only_here = true,
     .help = "With --fix or --undo: do not ask"},
    {.name = "bundle",
     .kind = ECO_OPTION_TEXT,
     .value = "FILE",
     .offset = offsetof(struct eco_settings, bundle),
     .is_file = true,
     .only_here = true,
     .help = "Write the sensor tree of this machine to FILE, without serial numbers, host and user names"},
    {0}};
static const struct eco_option *const tables[] = {options, eco_options_output, eco_options_paths,
                                                  eco_options_common, NULL};
static const struct eco_example examples[] = {
    {"ecocode doctor", "every check, and under each that did not pass the command that mends it"},
    {"ecocode doctor --fix --dry-run", "the commands that would let you measure without being root"},
    {"sudo ecocode doctor --fix", "do it, once for this machine"},
    {"ecocode doctor --bundle machine.tree", "a file to attach to a report about this machine"},
    {0}};

const struct eco_command eco_command_doctor = {
    .name = "doctor",
    .summary = "Check what this machine can measure and how to mend it",
    .usage = "[--json | --bundle FILE | --fix | --undo]",
    .description =
        "Each line is PASS, WARN, FAIL or SKIP with an id that never changes. Exit status 1 when a check "
        "failed: a counter is there, but cannot be read.",
    .examples = examples,
    .options = tables,
    .takes_no_config = true,
    .run = run,
};
