/* SPDX-License-Identifier: MIT */
/* What a look tells its caller: the job's total, by its cgroup where it has one, and the lists. */
#include "procs/scan.h"

#include <errno.h>

bool eco_scan_read_cgroup_cpu(struct eco_scan *scan, struct eco_cgroup_cpu *ret)
{
    char text[4096];
    ssize_t n = scan->has_cgroup
                    ? eco_root_pread(&scan->members.cgroup, scan->members.cgroup_cpu_fd, text, sizeof(text))
                    : -ENOENT;

    return n > 0 && eco_cgroup_cpu_parse(text, (size_t)n, ret) == 0;
}

void eco_scan_see_cgroup(struct eco_scan *scan)
{
    struct eco_cgroup_cpu now;

    scan->is_cgroup_seen = scan->has_cgroup_base && eco_scan_read_cgroup_cpu(scan, &now);
    scan->is_cgroup_same = scan->is_cgroup_seen && now.usage_us == scan->cgroup_now.usage_us;
    if (scan->is_cgroup_seen)
        scan->cgroup_now = now;
}

bool eco_scan_has_stood_still(const struct eco_scan *scan)
{
    return scan->has_looked && scan->is_cgroup_same && !eco_fed_is_on(scan) && !scan->members.is_incomplete &&
           scan->touched_count == 0 && scan->vanished_count == 0 && scan->changed_count == 0;
}

static void fill_total(struct eco_scan *scan, struct eco_usage *ret)
{
    struct eco_account *account = &scan->account;
    uint64_t total_ns = eco_account_total(account);

    ret->job_cpu_ns = total_ns;
    eco_account_split(account, total_ns, &ret->job_user_ns, &ret->job_system_ns);
    ret->job_is_exact = false;
    if (!scan->has_cgroup_base)
        return;
    /* Where the file can no longer be read the last figures stand, but they are not the whole any more. */
    ret->job_is_exact = scan->is_cgroup_seen;
    uint64_t exact_ns = (scan->cgroup_now.usage_us - scan->cgroup_base.usage_us) * ECO_NS_PER_US;
    ret->job_user_ns = (scan->cgroup_now.user_us - scan->cgroup_base.user_us) * ECO_NS_PER_US;
    ret->job_system_ns = (scan->cgroup_now.system_us - scan->cgroup_base.system_us) * ECO_NS_PER_US;
    if (ret->job_is_exact)
        ret->job_cpu_ns = exact_ns > account->rows_ns ? exact_ns : account->rows_ns;
    else if (exact_ns > total_ns)
        ret->job_cpu_ns = exact_ns;
    account->reported_ns = ret->job_cpu_ns;
}

void eco_scan_fill_usage(struct eco_scan *scan, struct eco_usage *ret)
{
    *ret = (struct eco_usage){
        .time_ns = scan->now_ns,
        .job_count = scan->job_count,
        .job_alive = scan->job_alive,
        .changed = scan->changed,
        .changed_count = scan->changed_count,
        .alive_count = scan->table.used,
        .overflow = scan->overflow,
        .identities = scan->identities.all,
        .identity_alive = scan->identities.alive,
        .identity_count = scan->identities.count,
        .identity_overflow = scan->identities.overflow,
        .awaited = scan->fed.gone_count,
    };
    fill_total(scan, ret);
}
