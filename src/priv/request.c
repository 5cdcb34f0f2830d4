/* SPDX-License-Identifier: MIT */
#include "priv/request.h"

#include <errno.h>
#include <string.h>

/* Memory of the kernel's that one caller may ask for. */
#define RING_MAX_BYTES (16u << 20)
#define SLOTS_MAX      16384u
#define PROCESSES_MAX  262144u

static size_t size_of(unsigned kind)
{
    return kind == ECO_PRIV_ACCOUNTING ? sizeof(struct eco_priv_accounting)
           : kind == ECO_PRIV_COUNTERS ? sizeof(struct eco_priv_counters)
                                       : 0;
}

int eco_priv_check(const void *bytes, size_t size, union eco_priv_question *ret)
{
    struct eco_priv_head head;
    if (size < sizeof head || size > sizeof *ret)
        return -EPROTO;
    memcpy(&head, bytes, sizeof head);
    if (head.magic != ECO_PRIV_MAGIC)
        return -EPROTO;
    if (head.version != ECO_PRIV_VERSION)
        return -EPROTONOSUPPORT;
    if (size_of(head.kind) != size)
        return -EPROTO;
    memset(ret, 0, sizeof *ret);
    memcpy(ret, bytes, size);
    return head.kind;
}

static int fill_siblings(const struct eco_priv_accounting *question, int32_t *siblings)
{
    for (uint32_t cpu = 0; cpu < question->cpu_count; cpu++) {
        uint16_t sibling = question->sibling[cpu];
        if (sibling != ECO_PRIV_NO_CPU && (sibling >= question->cpu_count || sibling == cpu))
            return -EINVAL;
        siblings[cpu] = sibling == ECO_PRIV_NO_CPU ? -1 : sibling;
    }
    return 0;
}

static uint32_t bounded(uint32_t wanted, uint32_t most)
{
    return wanted < most ? wanted : most;
}

int eco_priv_make_request(const struct eco_priv_accounting *question, uint32_t uid, int32_t *siblings,
                          struct eco_bpf_request *ret, struct eco_why *why)
{
    bool wants_all = question->head.flags & ECO_PRIV_ALL;
    if (wants_all && uid != 0) {
        eco_why_set(why, "only root may ask for the processes of all users");
        return -EPERM;
    }
    if ((question->head.flags & ~(ECO_PRIV_ALL | ECO_PRIV_SWITCHES)) != 0 ||
        question->cpu_count > ECO_PRIV_CPUS_MAX || question->seed_count > ECO_PRIV_SEEDS_MAX ||
        fill_siblings(question, siblings) < 0) {
        eco_why_set(why, "the question makes no sense");
        return -EINVAL;
    }
    for (uint32_t i = 0; i < question->seed_count; i++) {
        if (question->seeds[i] <= 0) {
            eco_why_set(why, "the question makes no sense");
            return -EINVAL;
        }
    }
    *ret = (struct eco_bpf_request){
        .only_uid = !wants_all,
        .uid = uid,
        .cgroup_id = question->cgroup_id,
        .cgroup_level = question->cgroup_level,
        .seeds = question->seed_count ? question->seeds : NULL,
        .seed_count = question->seed_count,
        .has_switch = question->head.flags & ECO_PRIV_SWITCHES,
        .siblings = question->cpu_count ? siblings : NULL,
        .sibling_count = question->cpu_count,
        .ring_bytes = bounded(question->ring_bytes, RING_MAX_BYTES),
        .slots_per_cpu = bounded(question->slots_per_cpu, SLOTS_MAX),
        .processes_limit = bounded(question->processes_limit, PROCESSES_MAX),
    };
    return 0;
}
