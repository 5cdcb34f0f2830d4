/* SPDX-License-Identifier: MIT */
#include "history/blank.h"

#define UNCERTAINTY                                                                                          \
    "{\"level\":0.95,\"job_low_j\":null,\"job_high_j\":null,\"random_ratio\":null,"                          \
    "\"components_j\":{\"sensor\":null,\"timing\":null,\"idle\":null,\"attribution\":null,\"unattributed\":" \
    "null}}"

static const char report[] =
    "{\"schema\":\"ecocode.run/1\",\"ecocode_version\":\"\",\"model_version\":1,\"run_id\":\"\","
    "\"parent_run_id\":null,\"rank\":null,\"boot_id\":\"\",\"command\":null,\"cwd\":\"\",\"labels\":{},"
    "\"started_at\":null,"
    "\"duration_s\":null,\"suspended_s\":null,\"exit\":{\"code\":null,\"signal\":null},"
    "\"host\":{\"hostname\":\"\",\"cpu_model\":\"\",\"logical_cpus\":null,\"sockets\":null,\"memory_bytes\":"
    "null,"
    "\"kernel\":\"\",\"virtualization\":null,\"cpu_quota\":null,\"cpuset\":null,\"container\":null,\"pod\":"
    "null,"
    "\"slurm_job\":null,\"cgroup\":null},"
    "\"policy\":\"none\",\"accounting\":null,\"caught_ratio\":null,\"interval_s\":null,"
    "\"boundary\":{\"included\":[],\"excluded\":[]},"
    "\"idle_basis\":{\"method\":\"none\",\"power_w\":{},\"at\":null},"
    "\"energy\":{\"job_j\":null,\"others_j\":null,\"idle_j\":null,\"unattributed_j\":null,\"machine_j\":null,"
    "\"self_j\":null,\"by_policy_j\":{\"active\":null,\"full\":null},\"mean_power_w\":null,\"peak_power_w\":"
    "null,"
    "\"quality\":null,\"quality_j\":{\"measured\":null,\"derived\":null,\"estimated\":null},"
    "\"uncertainty\":" UNCERTAINTY ",\"job_marginal_j\":null,\"job_alone_j\":null},"
    "\"domains\":[],\"usage\":{\"cpu_s\":null,\"cpu_user_s\":null,\"cpu_system_s\":null,\"max_rss_bytes\":"
    "null,"
    "\"process_count\":0},\"processes\":[],"
    "\"groups\":{\"container\":null,\"pod\":null,\"job\":null,\"unit\":null,\"user\":null},"
    "\"phases\":[],\"progress\":null,\"prediction\":null,\"budgets\":[],\"findings\":[],"
    "\"impact\":null,\"self\":{\"cpu_s\":null,\"max_rss_bytes\":null},\"warnings\":[]}";

static const char domain[] =
    "{\"name\":\"\",\"kind\":\"cpu\",\"counted\":true,\"within\":null,\"sources\":[],\"quality\":null,"
    "\"uncertainty\":" UNCERTAINTY
    ",\"job_j\":null,\"others_j\":null,\"idle_j\":null,\"unattributed_j\":null,"
    "\"machine_j\":null,\"mean_power_w\":null,\"peak_power_w\":null,\"gap_s\":null,\"device\":null}";

json_t *eco_report_blank(void)
{
    return json_loads(report, 0, NULL);
}

json_t *eco_report_blank_domain(const char *name)
{
    json_t *made = json_loads(domain, 0, NULL);
    if (made && json_object_set_new(made, "name", json_string(name)) < 0) {
        json_decref(made);
        return NULL;
    }
    return made;
}
