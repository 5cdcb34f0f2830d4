/* SPDX-License-Identifier: MIT */
#include "sensors/group.h"

#include "base/mem.h"
#include "base/text.h"
#include "sensors/group_impl.h"
#include "sensors/kinds.h"
#include "sensors/model.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <string.h>

/* Is `name` one of the words of a comma-separated list? */
static bool is_listed(const char *list, const char *name)
{
    size_t length = strlen(name);
    while (*list) {
        size_t word = strcspn(list, ",");
        if (word == length && strncmp(list, name, length) == 0)
            return true;
        list += word + (list[word] == ',');
    }
    return false;
}

static bool is_wanted(const struct eco_group *group, const struct eco_sensor_ops *ops)
{
    if (group->options.only && group->options.only[0])
        return is_listed(group->options.only, ops->name);
    return !(group->options.no_perf && ops == &eco_sensor_perf) &&
           !(group->options.no_estimate && ops == &eco_sensor_model);
}

void eco_group_drop_kind(struct kind_state *kind)
{
    kind->sensor = eco_sensor_free(kind->sensor);
    free(kind->readings);
    free(kind->looks);
    kind->readings = NULL;
    kind->looks = NULL;
}

/* A sensor that could not be opened is no failure of the group. */
int eco_group_open_kind(struct eco_group *group, const struct eco_sensor_ops *ops, struct kind_state *ret)
{
    struct kind_state kind = {.ops = ops};
    int r = eco_sensor_open(ops, group->env, &kind.sensor, NULL);
    if (r == -ENOMEM)
        return r;
    size_t count = kind.sensor ? kind.sensor->channel_count : 0;
    if (count > 0) {
        kind.readings = eco_calloc(count, sizeof(*kind.readings));
        kind.looks = eco_calloc(count, sizeof(*kind.looks));
        if (!kind.readings || !kind.looks) {
            eco_group_drop_kind(&kind);
            return -ENOMEM;
        }
        for (size_t c = 0; c < count; c++)
            kind.looks[c].power_w = (double)NAN;
    }
    *ret = kind;
    return 0;
}

static bool has_measured_cpu(const struct eco_group *group)
{
    for (unsigned i = 0; i < group->domain_count; i++) {
        const struct eco_domain *domain = &group->domains[i];
        if (domain->kind == ECO_KIND_CPU && domain->source_count > 0 &&
            domain->sources[domain->active_source].quality != ECO_ESTIMATED)
            return true;
    }
    return false;
}

static bool tells_of_cpu(const struct eco_refusal *refusal)
{
    return strncmp(refusal->domain, "package", 7) == 0 ||
           (refusal->domain[0] == '\0' && strncmp(refusal->what, "intel-rapl", 10) == 0 &&
            refusal->error != -ENOTSUP);
}

/* A counter that is there but closed explains more than one that is missing; what can be mended, most. */
static int rank_of(const struct eco_refusal *refusal)
{
    if (!tells_of_cpu(refusal))
        return 0;
    if (refusal->error == -EACCES || refusal->error == -EPERM)
        return 3;
    return refusal->mendable ? 2 : 1;
}

/* The refusal that explains best why the CPU's energy is not measured; powercap's before others alike. */
static const struct eco_refusal *best_refusal(const struct eco_group *group)
{
    const struct eco_refusal *best = NULL;
    int best_rank = 0;
    for (unsigned k = 0; k < group->kind_count; k++) {
        const struct eco_sensor *sensor = group->kinds[k].sensor;
        bool is_powercap = group->kinds[k].ops == &eco_sensor_powercap;
        for (size_t r = 0; sensor && r < sensor->refusal_count; r++) {
            int rank = 2 * rank_of(&sensor->refusals[r]);
            if (rank > 0 && rank + is_powercap > best_rank) {
                best = &sensor->refusals[r];
                best_rank = rank + is_powercap;
            }
        }
    }
    return best;
}

static void explain(const struct eco_group *group, struct eco_why *why)
{
    if (!why)
        return;
    *why = (struct eco_why){.text = ""};
    if (has_measured_cpu(group))
        return;
    const struct eco_refusal *refusal = best_refusal(group);
    if (refusal)
        *why = refusal->why;
    else
        eco_why_set(why, "this machine shows no energy sensor");
}

int eco_group_open(const struct eco_env *env, const struct eco_group_options *options, struct eco_group **ret,
                   struct eco_why *ret_why)
{
    struct eco_group *group = eco_calloc(1, sizeof(*group));
    if (!group)
        return -ENOMEM;
    group->env = env;
    if (options)
        group->options = *options;
    group->read_all = group->options.read_all;
    if (group->options.only) {
        eco_text_copy(group->only, sizeof(group->only), group->options.only);
        group->options.only = group->only;
    }
    for (size_t k = 0; eco_sensor_kinds[k]; k++) {
        assert(group->kind_count < KINDS_MAX);
        if (!is_wanted(group, eco_sensor_kinds[k]))
            continue;
        int r = eco_group_open_kind(group, eco_sensor_kinds[k], &group->kinds[group->kind_count]);
        if (r < 0) {
            eco_group_free(group);
            return r;
        }
        eco_group_add_kind(group, group->kind_count++);
    }
    eco_group_decide(group, 0);
    eco_group_set_standby(group);
    explain(group, ret_why);
    *ret = group;
    return 0;
}

struct eco_group *eco_group_free(struct eco_group *group)
{
    for (unsigned k = 0; group && k < group->kind_count; k++)
        eco_group_drop_kind(&group->kinds[k]);
    free(group);
    return NULL;
}

const struct eco_domain *eco_group_domains(const struct eco_group *group, unsigned *ret_count)
{
    *ret_count = group->domain_count;
    return group->domains;
}

const char *eco_group_model_text(const struct eco_group *group)
{
    const char *text = "";
    for (unsigned i = 0; i < group->domain_count; i++) {
        const struct eco_domain *domain = &group->domains[i];
        if (domain->source_count == 0 || domain->sources[domain->active_source].quality != ECO_ESTIMATED)
            continue;
        unsigned kind = group->slots[i].sources[domain->active_source].members[0].sensor;
        if (domain->kind == ECO_KIND_CPU)
            return eco_model_text(group->kinds[kind].sensor, true);
        text = eco_model_text(group->kinds[kind].sensor, false);
    }
    return text;
}
