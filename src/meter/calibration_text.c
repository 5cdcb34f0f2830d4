/* SPDX-License-Identifier: MIT */
/* The text of calibrations: parsing trusts nothing, formatting is its inverse. */
#include "base/parse.h"
#include "base/text.h"
#include "meter/calibration_store.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define HEADER    "ecocode.calibration/1\n"
#define LINE_SIZE 256
#define WORDS_MAX 8
#define WATTS_MAX 1e6
#define CPUS_MAX  1e5
#define KNOT_MIN  1e-3
#define DAY_S     86400

struct block {
    struct eco_calibration calibration;
    char regime[32];
};

struct words {
    unsigned count;
    char *word[WORDS_MAX];
};

static void split(char *line, struct words *ret)
{
    ret->count = 0;
    for (char *rest = line; ret->count < WORDS_MAX;) {
        rest += strspn(rest, " ");
        if (!*rest)
            break;
        ret->word[ret->count++] = rest;
        rest += strcspn(rest, " ");
        if (*rest)
            *rest++ = '\0';
    }
}

/* Figure `index` in [low, high]; a word too few is one that is none. */
static bool figure(const struct words *words, unsigned index, double low, double high, double *ret)
{
    double value;

    if (index >= words->count || eco_parse_double(words->word[index], &value) < 0 || !(value >= low) ||
        !(value <= high))
        return false;
    *ret = value;
    return true;
}

static bool is_name(const char *text, size_t size)
{
    size_t length = strlen(text);

    for (const char *c = text; *c; c++)
        if (*c <= ' ' || *c > '~')
            return false;
    return length > 0 && length < size;
}

static bool take_core(const struct words *words, struct eco_weight_model *weights)
{
    uint64_t capacity;
    double factor;

    if (words->count != 3 || eco_parse_u64(words->word[1], &capacity) < 0 || capacity == 0 ||
        capacity > 65536 || !figure(words, 2, 0.01, 4, &factor) || weights->core_count == ECO_CORE_TYPES)
        return false;
    for (unsigned i = 0; i < weights->core_count; i++)
        if (weights->core[i].capacity == capacity)
            return false;
    weights->core[weights->core_count++] = (struct eco_core_factor){(uint32_t)capacity, factor};
    return true;
}

static bool take_domain(const struct words *words, struct eco_calibration *calibration)
{
    struct eco_calibration_domain domain = {.name = ""};

    if (words->count != 6 || calibration->domain_count == ECO_CALIBRATION_DOMAINS ||
        !is_name(words->word[1], sizeof domain.name) || !is_name(words->word[2], sizeof domain.source) ||
        eco_calibration_find(calibration, words->word[1], words->word[2]) ||
        !figure(words, 3, 0, WATTS_MAX, &domain.idle_w) ||
        !figure(words, 4, 0, WATTS_MAX, &domain.idle_u_w) || !figure(words, 5, 0, 1, &domain.fit_ratio))
        return false;
    eco_text_copy(domain.name, sizeof domain.name, words->word[1]);
    eco_text_copy(domain.source, sizeof domain.source, words->word[2]);
    calibration->domains[calibration->domain_count++] = domain;
    return true;
}

static bool take_knot(const struct words *words, struct eco_calibration *calibration)
{
    double x, w;

    if (words->count != 3 || calibration->domain_count == 0 || !figure(words, 1, KNOT_MIN, CPUS_MAX, &x) ||
        !figure(words, 2, 0, WATTS_MAX, &w))
        return false;
    struct eco_curve *curve = &calibration->domains[calibration->domain_count - 1].curve;
    if (curve->count == ECO_CURVE_KNOTS)
        return false;
    curve->x[curve->count] = x;
    curve->w[curve->count++] = w;
    return true;
}

static bool take_wall(const struct words *words, struct eco_calibration *calibration)
{
    double idle_w, busy_w;

    if (words->count != 3 || !figure(words, 1, 0, WATTS_MAX, &idle_w) ||
        !figure(words, 2, 0, WATTS_MAX, &busy_w) || !(busy_w > idle_w))
        return false;
    calibration->wall_idle_w = idle_w;
    calibration->wall_busy_w = busy_w;
    return true;
}

static bool take_line(const struct words *words, struct eco_calibration *calibration)
{
    const char *key = words->word[0];
    struct eco_weight_model *weights = &calibration->weights;

    if (strcmp(key, "sigma") == 0)
        return words->count == 3 && figure(words, 1, 0, 1, &weights->sigma) &&
               figure(words, 2, 0, 1, &calibration->sigma_u);
    if (strcmp(key, "gamma") == 0)
        return words->count == 3 && figure(words, 1, 0, 4, &weights->gamma) &&
               figure(words, 2, 0, 4, &calibration->gamma_u);
    if (strcmp(key, "core") == 0)
        return take_core(words, weights);
    if (strcmp(key, "wall") == 0)
        return take_wall(words, calibration);
    if (strcmp(key, "domain") == 0)
        return take_domain(words, calibration);
    if (strcmp(key, "knot") == 0)
        return take_knot(words, calibration);
    return true;
}

static bool begin_block(const struct words *words, int64_t now_s, struct block *ret)
{
    int64_t at_s;

    eco_calibration_init(&ret->calibration);
    if (words->count != 3 || strlen(words->word[1]) != ECO_REGIME_SIZE - 1 ||
        strspn(words->word[1], "0123456789abcdef") != ECO_REGIME_SIZE - 1 ||
        eco_parse_i64(words->word[2], &at_s) < 0 || at_s <= 0 || at_s > now_s + DAY_S)
        return false;
    eco_text_copy(ret->regime, sizeof ret->regime, words->word[1]);
    ret->calibration.at_real_s = at_s;
    return true;
}

static bool is_whole(const struct block *block)
{
    for (unsigned i = 0; i < block->calibration.domain_count; i++) {
        const struct eco_curve *curve = &block->calibration.domains[i].curve;
        if (curve->count > 0 && !eco_curve_is_valid(curve))
            return false;
    }
    return block->calibration.cpu_model[0] != '\0';
}

/* What is wanted of a file, and what was found in it. */
struct search {
    const char *regime, *cpu_model;
    struct eco_calibration *ret;
    struct eco_buf *foreign;
    bool is_found, has_our_cpu;
    char other_cpu[96];
};

static void end_block(struct search *search, const struct block *block, const char *begin, const char *end)
{
    bool same_cpu = strcmp(block->calibration.cpu_model, search->cpu_model) == 0;
    bool same_regime = strcmp(block->regime, search->regime) == 0;

    if (!same_cpu)
        eco_text_copy(search->other_cpu, sizeof search->other_cpu, block->calibration.cpu_model);
    search->has_our_cpu |= same_cpu;
    if (same_cpu && same_regime) {
        if (!search->is_found || block->calibration.at_real_s > search->ret->at_real_s)
            *search->ret = block->calibration;
        search->is_found = true;
    } else if (search->foreign) {
        eco_buf_add(search->foreign, begin, (size_t)(end - begin));
    }
}

static bool take_text(struct search *search, const char *text, int64_t now_s, unsigned *ret_line)
{
    struct block block = {.regime = ""};
    const char *begin = text;
    struct words words;

    for (const char *line = text; *line;) {
        const char *end = strchr(line, '\n');
        char copy[LINE_SIZE];

        (*ret_line)++;
        if (!end || (size_t)(end - line) >= sizeof copy)
            return false;
        memcpy(copy, line, (size_t)(end - line));
        copy[end - line] = '\0';
        bool is_cpu = strncmp(copy, "cpu ", 4) == 0, is_regime = strncmp(copy, "regime ", 7) == 0;
        if (!is_regime && block.regime[0] == '\0')
            return false;
        if (is_regime) {
            if (block.regime[0] && !is_whole(&block))
                return false;
            if (block.regime[0])
                end_block(search, &block, begin, line);
            begin = line;
            split(copy, &words);
            if (!begin_block(&words, now_s, &block))
                return false;
        } else if (is_cpu) {
            eco_text_copy(block.calibration.cpu_model, sizeof block.calibration.cpu_model, copy + 4);
        } else {
            split(copy, &words);
            if (words.count == 0 || !take_line(&words, &block.calibration))
                return false;
        }
        line = end + 1;
    }
    if (block.regime[0] && is_whole(&block))
        end_block(search, &block, begin, begin + strlen(begin));
    return !block.regime[0] || is_whole(&block);
}

int eco_calibration_parse(const char *text, const char *regime, const char *cpu_model, int64_t now_s,
                          struct eco_calibration *ret, struct eco_buf *foreign, struct eco_why *why)
{
    struct eco_calibration found;
    struct search search = {
        .regime = regime, .cpu_model = *cpu_model ? cpu_model : "unknown", .ret = &found, .foreign = foreign};
    unsigned line = 1;

    if (strncmp(text, HEADER, strlen(HEADER)) != 0) {
        eco_why_set(why, "it does not begin with ecocode.calibration/1");
        return -EINVAL;
    }
    if (!take_text(&search, text + strlen(HEADER), now_s, &line)) {
        eco_why_set(why, "line %u cannot be believed", line);
        return -EINVAL;
    }
    if (search.is_found) {
        *ret = found;
        return 0;
    }
    if (search.has_our_cpu)
        return -ESTALE;
    if (!search.other_cpu[0])
        return -ENOENT;
    eco_why_set(why, "it was made on another CPU (%s)", search.other_cpu);
    return -ENODEV;
}

static void put(struct eco_buf *out, double value)
{
    eco_buf_char(out, ' ');
    eco_buf_double(out, value);
}

static void format_domain(const struct eco_calibration_domain *domain, struct eco_buf *out)
{
    if (!is_name(domain->name, sizeof domain->name) || !is_name(domain->source, sizeof domain->source))
        return;
    eco_buf_printf(out, "domain %s %s", domain->name, domain->source);
    put(out, domain->idle_w);
    put(out, domain->idle_u_w);
    put(out, domain->fit_ratio > 0 ? fmin(domain->fit_ratio, 1) : 0);
    eco_buf_char(out, '\n');
    for (unsigned i = 0; i < domain->curve.count; i++) {
        eco_buf_text(out, "knot");
        put(out, domain->curve.x[i]);
        put(out, domain->curve.w[i]);
        eco_buf_char(out, '\n');
    }
}

void eco_calibration_format(const struct eco_calibration *calibration, const char *regime,
                            struct eco_buf *out)
{
    const struct eco_weight_model *weights = &calibration->weights;

    eco_buf_printf(out, "regime %s %lld\ncpu %s\n", regime, (long long)calibration->at_real_s,
                   calibration->cpu_model[0] ? calibration->cpu_model : "unknown");
    const struct {
        const char *key;
        double first, second;
    } pairs[] = {{"sigma", weights->sigma, calibration->sigma_u},
                 {"gamma", weights->gamma, calibration->gamma_u},
                 {"wall", calibration->wall_idle_w, calibration->wall_busy_w}};
    for (size_t i = 0; i < ECO_COUNT(pairs); i++) {
        if (isnan(pairs[i].first) || isnan(pairs[i].second))
            continue;
        eco_buf_text(out, pairs[i].key);
        put(out, pairs[i].first);
        put(out, pairs[i].second);
        eco_buf_char(out, '\n');
    }
    for (unsigned i = 0; i < weights->core_count; i++) {
        eco_buf_printf(out, "core %u", weights->core[i].capacity);
        put(out, weights->core[i].factor);
        eco_buf_char(out, '\n');
    }
    for (unsigned i = 0; i < calibration->domain_count; i++)
        format_domain(&calibration->domains[i], out);
}
