/* SPDX-License-Identifier: MIT */
/* Questions to ecocode-priv: what is understood has the size of its kind, and asks for no more than it may.
 */
#include "fuzz.h"
#include "priv/request.h"

static void try_request(const struct eco_priv_accounting *question, uint32_t uid)
{
    static int32_t siblings[ECO_PRIV_CPUS_MAX];
    struct eco_bpf_request request;
    struct eco_why why = {0};

    int r = eco_priv_make_request(question, uid, siblings, &request, &why);
    if (r < 0) {
        require(why.text[0] != '\0');
        return;
    }
    require(request.only_uid == ((question->head.flags & ECO_PRIV_ALL) == 0));
    require(uid == 0 || (request.only_uid && request.uid == uid));
    require(request.ring_bytes <= 16u << 20 && request.slots_per_cpu <= 16384 &&
            request.processes_limit <= 262144);
    require(request.seed_count <= ECO_PRIV_SEEDS_MAX && (request.seeds != NULL) == (request.seed_count > 0));
    for (size_t i = 0; i < request.seed_count; i++)
        require(request.seeds[i] > 0);
    require(request.sibling_count <= ECO_PRIV_CPUS_MAX);
    for (size_t i = 0; i < request.sibling_count; i++)
        require(request.siblings[i] >= -1 && request.siblings[i] < (int32_t)request.sibling_count &&
                request.siblings[i] != (int32_t)i);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static union eco_priv_question question;
    char *bytes = fuzz_copy(data, size);

    /* Most inputs begin with the right magic and version, or nothing behind them would be reached. */
    if (size >= sizeof question.head && data[0] % 4 != 0) {
        const struct eco_priv_head head = {
            .magic = ECO_PRIV_MAGIC,
            .version = ECO_PRIV_VERSION,
            .kind = size == sizeof(struct eco_priv_counters) ? ECO_PRIV_COUNTERS : ECO_PRIV_ACCOUNTING,
            .flags = data[1]};
        memcpy(bytes, &head, sizeof head);
    }
    int kind = eco_priv_check(bytes, size, &question);
    if (kind == ECO_PRIV_ACCOUNTING) {
        require(size == sizeof question.accounting);
        try_request(&question.accounting, 0);
        try_request(&question.accounting, 1000);
    } else if (kind == ECO_PRIV_COUNTERS) {
        require(size == sizeof question.counters);
    } else {
        require(kind == -EPROTO || kind == -EPROTONOSUPPORT);
    }
    /* A fuzzer seldom finds 8 KiB by itself: what it has stands at the beginning of a whole question. */
    memset(&question, 0, sizeof question);
    memcpy(&question.accounting, bytes,
           size < sizeof question.accounting ? size : sizeof question.accounting);
    try_request(&question.accounting, 0);
    try_request(&question.accounting, 1000);
    free(bytes);
    return 0;
}
