/* SPDX-License-Identifier: MIT */
#include "priv/caps.h"
#include "priv/guard.h"
#include "priv/serve.h"

#include "platform/clock.h"

#include <errno.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/*
 * The counters are opened with CAP_DAC_READ_SEARCH. The limit's file is root's and is written to by all
 * instances: CAP_DAC_OVERRIDE, for that one open. Nothing of either is left when the first answer is given.
 */
static int open_all(struct eco_serve *self, struct eco_why *why)
{
    (void)eco_caps_raise(ECO_CAP(CAP_DAC_READ_SEARCH));
    int r = eco_zones_open(&self->zones, why);
    if (r == 0) {
        (void)eco_caps_raise(ECO_CAP(CAP_DAC_OVERRIDE));
        r = eco_limit_open(&self->limit, ECO_LIMIT_DIR, self->zones.boot_id, why);
    }
    (void)eco_caps_raise(0);
    if (eco_caps_keep(0) != 0)
        r = -EPERM;
    self->permitted = 0;
    eco_guard_end();
    self->serves_counters = true;
    if (r == -EACCES && !*why->fix)
        eco_why_fix(why, "sudo ecocode doctor --fix");
    return r;
}

static uint64_t now_ns(void)
{
    return eco_clock_system.mono_ns(&eco_clock_system);
}

static int fill(struct eco_serve *self, bool is_edge, struct eco_priv_sample *answer)
{
    uint64_t claim;
    if (eco_limit_claim(&self->limit, now_ns(), is_edge, &claim)) {
        eco_zones_read(&self->zones, &answer->sample);
        if (eco_limit_publish(&self->limit, claim, &answer->sample))
            return 0;
        memset(&answer->sample, 0, sizeof answer->sample);
    }
    return eco_limit_newest(&self->limit, now_ns(), &answer->sample);
}

bool eco_serve_counters(struct eco_serve *self, const struct eco_priv_counters *question)
{
    struct eco_priv_sample answer;
    struct eco_why why = {0};
    memset(&answer, 0, sizeof answer);
    answer.head = question->head;
    int r = self->serves_counters ? 0 : open_all(self, &why);
    bool is_open = r == 0;
    if (r == 0) {
        r = fill(self, question->head.flags & ECO_PRIV_EDGE, &answer);
        answer.next_ns = eco_limit_next_ns(&self->limit);
    }
    answer.error = r;
    if (r < 0 && !*why.text)
        eco_why_set(&why, "the energy counters cannot be told now: %s", strerror(-r));
    memcpy(answer.text, why.text, sizeof answer.text);
    memcpy(answer.fix, why.fix, sizeof answer.fix);
    /* A caller that does not read its answers loses them. One that has lost a counter starts a new helper. */
    (void)send(STDIN_FILENO, &answer, sizeof answer, MSG_NOSIGNAL | MSG_DONTWAIT);
    return is_open && !self->zones.is_lost;
}
