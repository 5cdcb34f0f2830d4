/* SPDX-License-Identifier: MIT */
/*
 * What was learnt about idle power, kept between runs: one text file per host, so that a home shared by
 * many machines works.
 *
 *     ecocode.idle/1
 *     domain package-0 powercap 3f2a... 0.001        name, source, regime, counter's period (s)
 *     chunk 0.25 0.013 20.1 20.0 1763820000          length s, busy CPUs, W, heat W, when (s)
 *
 *     domain gpu-0+context nvml 3f2a... 0.01         of a card while a context is held
 *
 * A line that does not parse ends the reading: what came before counts. Replaced by rename.
 */
#include "base/buf.h"
#include "base/parse.h"
#include "meter/meter_internal.h"
#include "meter/state_file.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define STATE_MAX    ((size_t)256 * 1024)
#define FOREIGN_MAX  ((size_t)128 * 1024) /* other regimes and domains, kept as they are */
#define STATE_HEADER "ecocode.idle/1\n"

const char *eco_meter_source_name(const struct eco_meter *meter, unsigned d)
{
    const struct eco_domain *domain = &meter->domains[d];
    return domain->source_count ? domain->sources[domain->active_source].source : "none";
}

/* Two learners a domain: its own, and of a card that of a held context (NULL elsewhere). */
#define LEARNERS 2u

static struct eco_idle *learner_at(const struct eco_meter *meter, unsigned i)
{
    struct eco_meter_domain *own = meter->d + i / LEARNERS;
    struct eco_meter_gpu *gpu = meter->d ? own->gpu : NULL;
    if (i % LEARNERS == 0)
        return &own->learner;
    return gpu ? &gpu->context : NULL;
}

static void learner_name(const struct eco_meter *meter, unsigned i, char ret[ECO_NAME_MAX + 16])
{
    (void)snprintf(ret, ECO_NAME_MAX + 16, "%s%s", meter->domains[i / LEARNERS].name,
                   i % LEARNERS ? "+context" : "");
}

static struct eco_idle *learner_of_line(const struct eco_meter *meter, unsigned first, char *words[5])
{
    char name[ECO_NAME_MAX + 16];
    for (unsigned i = first * LEARNERS; i < meter->domain_count * LEARNERS; i++) {
        learner_name(meter, i, name);
        struct eco_idle *learner = learner_at(meter, i);
        if (learner && !strcmp(words[1], name) &&
            !strcmp(words[2], eco_meter_source_name(meter, i / LEARNERS)) && !strcmp(words[3], meter->regime))
            return learner;
    }
    return NULL;
}

static unsigned split_words(char *line, char **words, unsigned limit)
{
    unsigned n = 0;
    char *rest = line;
    while (n < limit) {
        rest += strspn(rest, " ");
        if (!*rest)
            break;
        words[n++] = rest;
        rest += strcspn(rest, " ");
        if (*rest)
            *rest++ = '\0';
    }
    return n;
}

static bool parse_chunk(char **words, struct eco_idle_chunk *ret)
{
    struct eco_idle_chunk chunk = {0};
    return eco_parse_double(words[1], &chunk.length_s) == 0 &&
           eco_parse_double(words[2], &chunk.busy_cpus) == 0 &&
           eco_parse_double(words[3], &chunk.power_w) == 0 &&
           eco_parse_double(words[4], &chunk.heat_w) == 0 && eco_parse_i64(words[5], &chunk.at_real_s) == 0 &&
           chunk.length_s > 0 && chunk.length_s < 86400 && chunk.busy_cpus >= 0 && chunk.power_w >= 0 &&
           chunk.power_w < 1e6 && chunk.heat_w >= 0 && (*ret = chunk, true);
}

/* With `foreign`, nothing is learnt: the lines of other regimes and domains are gathered there. */
static void parse_state(struct eco_meter *meter, unsigned first, char *text, struct eco_buf *foreign)
{
    if (strncmp(text, STATE_HEADER, strlen(STATE_HEADER)) != 0)
        return;
    struct eco_idle *learner = NULL;
    for (char *line = text + strlen(STATE_HEADER); line && *line;) {
        char *next = strchr(line, '\n'), copy[256];
        if (!next || (size_t)(next - line) >= sizeof copy)
            return;
        memcpy(copy, line, (size_t)(next - line));
        copy[next - line] = '\0';
        char *words[7];
        unsigned n = split_words(copy, words, ECO_COUNT(words));
        struct eco_idle_chunk chunk;
        if (n == 5 && !strcmp(words[0], "domain")) {
            learner = learner_of_line(meter, first, words);
            if (learner && !foreign)
                learner->count = 0;
        } else if (n != 6 || strcmp(words[0], "chunk") != 0 || !parse_chunk(words, &chunk)) {
            return;
        } else if (learner && !foreign && learner->count < ECO_IDLE_RING) {
            learner->ring[learner->count++] = chunk;
        }
        if (!learner && foreign)
            eco_buf_add(foreign, line, (size_t)(next - line) + 1);
        line = next + 1;
    }
}

void eco_meter_load_state(struct eco_meter *meter, unsigned first)
{
    if (first == 0)
        eco_regime_find(meter->env, meter->regime);
    if (!meter->extra.state_dir)
        return;
    ECO_CLEANUP(eco_cleanup_free) char *loaded = NULL;
    if (eco_state_file_read(meter->extra.state_dir, "idle", meter->env->host->hostname, STATE_MAX, &loaded) <
        0)
        return;
    parse_state(meter, first, loaded, NULL);
    int64_t now_s = meter->env->clock->real_ns(meter->env->clock) / (int64_t)ECO_NS_PER_S;
    for (unsigned i = first * LEARNERS; i < meter->domain_count * LEARNERS; i++) {
        struct eco_idle *learner = learner_at(meter, i);
        if (learner)
            eco_idle_expire(learner, now_s);
    }
}

static void write_learner(const struct eco_meter *meter, unsigned i, struct eco_buf *out)
{
    const struct eco_idle *idle = learner_at(meter, i);
    char name[ECO_NAME_MAX + 16];
    if (!idle || !idle->count)
        return;
    learner_name(meter, i, name);
    eco_buf_printf(out, "domain %s %s %s ", name, eco_meter_source_name(meter, i / LEARNERS), meter->regime);
    eco_buf_double(out, idle->tau_s);
    eco_buf_char(out, '\n');
    for (size_t c = 0; c < idle->count; c++) {
        const struct eco_idle_chunk *chunk = &idle->ring[c];
        const double figures[] = {chunk->length_s, chunk->busy_cpus, chunk->power_w, chunk->heat_w};
        eco_buf_text(out, "chunk");
        for (size_t f = 0; f < ECO_COUNT(figures); f++) {
            eco_buf_char(out, ' ');
            eco_buf_double(out, figures[f]);
        }
        eco_buf_printf(out, " %lld\n", (long long)chunk->at_real_s);
    }
}

int eco_meter_save_state(struct eco_meter *meter)
{
    if (!meter->extra.state_dir || (meter->options.flags & ECO_METER_NO_LEARN))
        return 0;
    bool any = false;
    for (unsigned i = 0; i < meter->domain_count * LEARNERS; i++) {
        const struct eco_idle *learner = learner_at(meter, i);
        any |= learner && learner->count > 0;
    }
    if (!any)
        return 0;
    struct eco_buf out, foreign;
    eco_buf_init(&out, STATE_MAX);
    eco_buf_init(&foreign, FOREIGN_MAX);
    eco_buf_text(&out, STATE_HEADER);
    /* What other regimes taught stays: read again, so that a run beside this one is not undone more than it
     * must. */
    ECO_CLEANUP(eco_cleanup_free) char *loaded = NULL;
    const char *host = meter->env->host->hostname;
    if (eco_state_file_read(meter->extra.state_dir, "idle", host, STATE_MAX, &loaded) >= 0)
        parse_state(meter, 0, loaded, &foreign);
    for (unsigned i = 0; i < meter->domain_count * LEARNERS; i++)
        write_learner(meter, i, &out);
    if (!eco_buf_error(&foreign) && foreign.length)
        eco_buf_add(&out, foreign.data, foreign.length);
    int r = eco_buf_error(&out);
    if (r >= 0)
        r = eco_state_file_write(meter->extra.state_dir, "idle", host, false, out.data, out.length);
    eco_buf_finish(&out);
    eco_buf_finish(&foreign);
    return r;
}
