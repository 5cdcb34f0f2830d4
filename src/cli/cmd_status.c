/* SPDX-License-Identifier: MIT */
/* status: the runs in progress and their energy so far, from their records. */
#include "base/json.h"
#include "base/text.h"
#include "cli/command.h"
#include "store/runs.h"
#include "store/state_dir.h"

#include <limits.h>
#include <math.h>
#include <string.h>

struct listing {
    struct eco_json *json; /* NULL: a table */
    unsigned count;
};

static void write_row(const struct eco_record *record)
{
    char command[256], host[65], energy[32] = "-", duration[32] = "-";
    const char *shown = *record->command ? record->command : "(monitor)";
    eco_text_clean(command, sizeof command, shown, strlen(shown), true);
    eco_text_clean(host, sizeof host, record->hostname, strlen(record->hostname), true);
    eco_text_cut(command, 30, true);
    eco_text_cut(host, 14, true);
    if (isfinite(record->job_j))
        (void)snprintf(energy, sizeof energy, "%s%.4g J", record->is_estimated ? "~" : "", record->job_j);
    if (isfinite(record->duration_s))
        (void)snprintf(duration, sizeof duration, "%.0f s", record->duration_s);
    (void)printf("%-8.8s %-14s %7d %8s %12s  %s\n", record->run_id, host, record->pid, duration, energy,
                 command);
}

static void put_record(struct eco_json *json, const struct eco_record *record)
{
    eco_json_open(json, '{');
    eco_json_kstring(json, "run_id", record->run_id);
    eco_json_kstring(json, "hostname", record->hostname);
    eco_json_ki64(json, "pid", record->pid);
    eco_json_kstring(json, "command", *record->command ? record->command : NULL);
    eco_json_kstring(json, "started_at", *record->started_at ? record->started_at : NULL);
    eco_json_kdouble(json, "duration_s", record->duration_s);
    eco_json_kdouble(json, "job_j", record->job_j);
    eco_json_kdouble(json, "machine_j", record->machine_j);
    eco_json_kbool(json, "estimated", record->is_estimated);
    eco_json_kstring(json, "record", record->path);
    eco_json_close(json, '}');
}

static int each(void *context, const struct eco_record *record)
{
    struct listing *listing = context;
    if (!record->is_alive)
        return 0;
    if (listing->json) {
        put_record(listing->json, record);
    } else {
        if (listing->count == 0)
            (void)printf("%-8s %-14s %7s %8s %12s  %s\n", "RUN", "HOST", "PID", "TIME", "ENERGY", "COMMAND");
        write_row(record);
    }
    listing->count++;
    return 0;
}

static int write_json(const char *state_dir)
{
    struct eco_buf out;
    struct eco_json json;
    struct listing listing = {.json = &json};
    eco_buf_init(&out, 4u << 20);
    eco_json_init(&json, &out);
    eco_json_open(&json, '{');
    eco_json_kstring(&json, "schema", "ecocode.status/1");
    eco_json_key(&json, "runs");
    eco_json_open(&json, '[');
    int r = *state_dir ? eco_runs_list(state_dir, true, each, &listing) : 0;
    eco_json_close(&json, ']');
    eco_json_close(&json, '}');
    if (r == 0)
        r = eco_buf_error(&out);
    if (r == 0)
        (void)printf("%s\n", out.data);
    eco_buf_finish(&out);
    return r;
}

static int write_text(const char *state_dir)
{
    struct listing listing = {.count = 0};
    int r = *state_dir ? eco_runs_list(state_dir, true, each, &listing) : 0;
    if (r == 0 && listing.count == 0)
        (void)printf("No run is in progress.\n");
    return r;
}

static int run(struct eco_call *call)
{
    char state_dir[PATH_MAX];
    if (!eco_state_dir(state_dir, sizeof state_dir))
        state_dir[0] = 0;
    int r = call->settings.json ? write_json(state_dir) : write_text(state_dir);
    return r < 0 ? eco_failf(call->command, ECO_EXIT_MISUSE, "%s/runs: %s", state_dir, strerror(-r)) : 0;
}

static const struct eco_option *const tables[] = {eco_options_output, eco_options_common, NULL};

const struct eco_command eco_command_status = {
    .name = "status",
    .summary = "Show runs in progress with their energy so far",
    .usage = "[--json]",
    .description =
        "Reads the records that run writes while it goes on, so it asks nothing of the runs themselves. A "
        "run appears with its first interval that is a second old. A figure behind ~ is not measured "
        "throughout. Runs with --no-record are not seen.",
    .options = tables,
    .run = run,
};
