/* SPDX-License-Identifier: MIT */
/* version: which program this is and what it was built with. */
#include "base/json.h"
#include "cli/command.h"
#include "cli/config.h"
#include "ecocode/ecocode.h"

static int run_json(void)
{
    struct eco_buf out;
    struct eco_json json;
    eco_buf_init(&out, 4096);
    eco_json_init(&json, &out);
    eco_json_open(&json, '{');
    eco_json_kstring(&json, "schema", "ecocode.version/1");
    eco_json_kstring(&json, "ecocode_version", eco_version());
    eco_json_kbool(&json, "inih", eco_config_is_built());
    eco_json_close(&json, '}');
    bool failed = eco_buf_error(&out) < 0;
    if (!failed)
        (void)printf("%s\n", out.data);
    eco_buf_finish(&out);
    return failed ? ECO_EXIT_MISUSE : 0;
}

static int run(struct eco_call *call)
{
    if (call->settings.json)
        return run_json();
    (void)printf("ecocode %s\nconfiguration files: %s\n", eco_version(),
                 eco_config_is_built() ? "yes" : "no (built without libinih)");
    return 0;
}

static const struct eco_option options[] = {{.name = "json",
                                             .kind = ECO_OPTION_FLAG,
                                             .offset = offsetof(struct eco_settings, json),
                                             .help = "JSON in place of text"},
                                            {0}};
static const struct eco_option *const tables[] = {options, eco_options_common, NULL};

const struct eco_command eco_command_version = {
    .name = "version",
    .summary = "Show the version and how the program was built",
    .usage = "[--json]",
    .description = "The first line is the program's name and version, and nothing else.",
    .options = tables,
    .takes_no_config = true,
    .run = run,
};
