/* SPDX-License-Identifier: MIT */
/*
 * What was learnt about idle power, kept between runs: one text file per host, so that a home shared by
 * many machines works.
 *
 *     ecocode.idle/1
 *     domain package-0 powercap 3f2a... 0.001        name, source, regime, counter's period (s)
 *     chunk 0.25 0.013 20.1 20.0 1763820000          length s, busy CPUs, W, heat W, when (s)
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

static uint64_t hash_text(uint64_t hash, const char *text)
{
    for (; *text; text++)
        hash = (hash ^ (unsigned char)*text) * 1099511628211ull; /* FNV-1a */
    return (hash ^ 31) * 1099511628211ull;
}

/* Idle power holds for one regime only: CPU, microcode, governor, power source, limit, online CPUs. */
static void find_regime(struct eco_meter *meter)
{
    const struct eco_host *host = meter->env->host;
    char text[128], number[96];
    uint64_t hash = hash_text(14695981039346656037ull, host->cpu_model);
    (void)snprintf(number, sizeof number, "%u %u %d", host->microcode, host->topology.online_count,
                   host->on_battery);
    hash = hash_text(hash, number);
    static const char *const files[] = {"devices/system/cpu/cpu0/cpufreq/scaling_governor",
                                        "devices/system/cpu/cpu0/cpufreq/energy_performance_preference",
                                        "class/powercap/intel-rapl:0/constraint_0_power_limit_uw"};
    for (size_t i = 0; i < ECO_COUNT(files); i++)
        if (eco_root_read(meter->env->root, ECO_SYSFS, files[i], text, sizeof text) >= 0)
            hash = hash_text(hash, text);
    (void)snprintf(meter->regime, sizeof meter->regime, "%016llx", (unsigned long long)hash);
}

static const char *source_name(const struct eco_meter *meter, unsigned d)
{
    const struct eco_domain *domain = &meter->domains[d];
    return domain->source_count ? domain->sources[domain->active_source].source : "none";
}

static int domain_of_line(const struct eco_meter *meter, char *words[5])
{
    for (unsigned d = 0; d < meter->domain_count; d++)
        if (!strcmp(words[1], meter->domains[d].name) && !strcmp(words[2], source_name(meter, d)) &&
            !strcmp(words[3], meter->regime))
            return (int)d;
    return -1;
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
static void parse_state(struct eco_meter *meter, char *text, struct eco_buf *foreign)
{
    if (strncmp(text, STATE_HEADER, strlen(STATE_HEADER)) != 0)
        return;
    int domain = -1;
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
            domain = domain_of_line(meter, words);
            if (domain >= 0 && !foreign)
                meter->d[domain].learner.count = 0;
        } else if (n != 6 || strcmp(words[0], "chunk") != 0 || !parse_chunk(words, &chunk)) {
            return;
        } else if (domain >= 0 && !foreign && meter->d[domain].learner.count < ECO_IDLE_RING) {
            meter->d[domain].learner.ring[meter->d[domain].learner.count++] = chunk;
        }
        if (domain < 0 && foreign)
            eco_buf_add(foreign, line, (size_t)(next - line) + 1);
        line = next + 1;
    }
}

void eco_meter_load_state(struct eco_meter *meter)
{
    find_regime(meter);
    if (!meter->extra.state_dir)
        return;
    ECO_CLEANUP(eco_cleanup_free) char *loaded = NULL;
    if (eco_state_file_read(meter->extra.state_dir, meter->env->host->hostname, STATE_MAX, &loaded) < 0)
        return;
    parse_state(meter, loaded, NULL);
    int64_t now_s = meter->env->clock->real_ns(meter->env->clock) / (int64_t)ECO_NS_PER_S;
    for (unsigned d = 0; d < meter->domain_count; d++)
        eco_idle_expire(&meter->d[d].learner, now_s);
}

static void write_domain(const struct eco_meter *meter, unsigned d, struct eco_buf *out)
{
    const struct eco_idle *idle = &meter->d[d].learner;
    if (!idle->count)
        return;
    eco_buf_printf(out, "domain %s %s %s ", meter->domains[d].name, source_name(meter, d), meter->regime);
    eco_buf_double(out, idle->tau_s);
    eco_buf_char(out, '\n');
    for (size_t i = 0; i < idle->count; i++) {
        const struct eco_idle_chunk *chunk = &idle->ring[i];
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
    for (unsigned d = 0; d < meter->domain_count; d++)
        any |= meter->d[d].learner.count > 0;
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
    if (eco_state_file_read(meter->extra.state_dir, host, STATE_MAX, &loaded) >= 0)
        parse_state(meter, loaded, &foreign);
    for (unsigned d = 0; d < meter->domain_count; d++)
        write_domain(meter, d, &out);
    if (!eco_buf_error(&foreign) && foreign.length)
        eco_buf_add(&out, foreign.data, foreign.length);
    int r = eco_buf_error(&out);
    if (r >= 0)
        r = eco_state_file_write(meter->extra.state_dir, host, out.data, out.length);
    eco_buf_finish(&out);
    eco_buf_finish(&foreign);
    return r;
}
