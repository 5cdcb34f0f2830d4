/* SPDX-License-Identifier: MIT */
#include "sensors/cpu_tables.h"

#include "base/macros.h"
#include "base/text.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

#define WORD_MAX 40

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* "64-core", "24-cores", "eight-core" */
static bool is_core_count(const char *word)
{
    static const char *const counts[] = {"dual", "triple", "quad", "six", "eight", "twelve", "sixteen"};
    const char *dash = strchr(word, '-');
    if (!dash || (strcmp(dash, "-core") != 0 && strcmp(dash, "-cores") != 0))
        return false;
    if (is_digit(word[0]))
        return true;
    for (size_t i = 0; i < ECO_COUNT(counts); i++) {
        if (strlen(counts[i]) == (size_t)(dash - word) && strncmp(word, counts[i], strlen(counts[i])) == 0)
            return true;
    }
    return false;
}

/* "12th" of "12th Gen Intel" */
static bool is_ordinal(const char *word)
{
    size_t digits = strspn(word, "0123456789");
    const char *end = word + digits;
    return digits > 0 && (strcmp(end, "th") == 0 || strcmp(end, "st") == 0 || strcmp(end, "nd") == 0 ||
                          strcmp(end, "rd") == 0);
}

static bool is_dropped(const char *word)
{
    static const char *const dropped[] = {"cpu", "processor", "intel", "amd", "genuine", "gen", "apu", "soc"};
    for (size_t i = 0; i < ECO_COUNT(dropped); i++) {
        if (strcmp(word, dropped[i]) == 0)
            return true;
    }
    return is_ordinal(word) || is_core_count(word);
}

static bool ends_name(const char *word)
{
    return strcmp(word, "with") == 0 || strcmp(word, "w/") == 0 || strcmp(word, "radeon") == 0;
}

/* Lower case, without (R) and (TM), up to '@'. Returns behind the word; an empty word at the end. */
static const char *next_word(const char *text, char word[WORD_MAX])
{
    size_t length = 0;
    while (*text == ' ' || *text == '\t' || *text == ',')
        text++;
    while (*text && *text != '@' && *text != ' ' && *text != '\t' && *text != ',') {
        size_t mark = strncasecmp(text, "(r)", 3) == 0 ? 3 : strncasecmp(text, "(tm)", 4) == 0 ? 4 : 0;
        if (mark) {
            text += mark;
            continue;
        }
        if (length < WORD_MAX - 1)
            word[length++] = *text >= 'A' && *text <= 'Z' ? (char)(*text - 'A' + 'a') : *text;
        text++;
    }
    word[length] = '\0';
    return text;
}

void eco_cpu_name_normalise(const char *name, char *ret, size_t size)
{
    char word[WORD_MAX];
    size_t length = 0;
    ret[0] = '\0';
    while (*name && *name != '@') {
        name = next_word(name, word);
        if (ends_name(word))
            return;
        if (word[0] == '\0' || is_dropped(word))
            continue;
        const char *text = strcmp(word, "core2") == 0 ? "core 2" : word;
        if (length + strlen(text) + 2 > size)
            return;
        if (length > 0)
            ret[length++] = ' ';
        length += eco_text_copy(ret + length, size - length, text);
    }
}

double eco_cpu_tdp_w(const char *name)
{
    char key[96];
    eco_cpu_name_normalise(name, key, sizeof(key));
    unsigned low = 0, high = eco_tdp_count;
    while (low < high) {
        unsigned middle = low + (high - low) / 2;
        int order = strcmp(key, eco_tdp_names + eco_tdp_offsets[middle]);
        if (order == 0)
            return eco_tdp_tenths_w[middle] / 10.0;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return 0;
}

unsigned eco_cpu_name_cores(const char *name)
{
    char word[WORD_MAX];
    while (*name && *name != '@') {
        name = next_word(name, word);
        if (!is_core_count(word) || !is_digit(word[0]))
            continue;
        unsigned cores = 0;
        for (const char *c = word; is_digit(*c) && cores < 10000; c++)
            cores = cores * 10 + (unsigned)(*c - '0');
        return cores <= 1024 ? cores : 0;
    }
    return 0;
}

struct family {
    char vendor[16];
    uint32_t family, model_low, model_high, stepping_low, stepping_high;
    char name[20];
};

/* Kernel: arch/x86/include/asm/intel-family.h; AMD: revision guides of families 17h, 19h and 1Ah. */
static const struct family families[] = {
    {"GenuineIntel", 6, 42, 42, 0, 99, "Sandy Bridge"},
    {"GenuineIntel", 6, 45, 45, 0, 99, "Sandy Bridge"},
    {"GenuineIntel", 6, 58, 58, 0, 99, "Ivy Bridge"},
    {"GenuineIntel", 6, 62, 62, 0, 99, "Ivy Bridge"},
    {"GenuineIntel", 6, 60, 60, 0, 99, "Haswell"},
    {"GenuineIntel", 6, 63, 63, 0, 99, "Haswell"},
    {"GenuineIntel", 6, 79, 79, 0, 99, "Broadwell"},
    {"GenuineIntel", 6, 86, 86, 0, 99, "Broadwell"},
    {"GenuineIntel", 6, 85, 85, 0, 4, "Skylake"},
    {"GenuineIntel", 6, 85, 85, 5, 99, "Cascade Lake"},
    {"GenuineIntel", 6, 106, 106, 0, 99, "Ice Lake"},
    {"GenuineIntel", 6, 108, 108, 0, 99, "Ice Lake"},
    {"GenuineIntel", 6, 143, 143, 0, 99, "Sapphire Rapids"},
    {"GenuineIntel", 6, 158, 158, 0, 99, "Coffee Lake"},
    {"GenuineIntel", 6, 173, 174, 0, 99, "Granite Rapids"},
    {"GenuineIntel", 6, 207, 207, 0, 99, "Emerald Rapids"},
    {"AuthenticAMD", 23, 1, 15, 0, 99, "EPYC 1st Gen"},
    {"AuthenticAMD", 23, 49, 63, 0, 99, "EPYC 2nd Gen"},
    {"AuthenticAMD", 25, 0, 15, 0, 99, "EPYC 3rd Gen"},
    {"AuthenticAMD", 25, 16, 31, 0, 99, "EPYC 4th Gen"},
    {"AuthenticAMD", 25, 160, 175, 0, 99, "EPYC 4th Gen"},
    /* The source's figures for the fifth generation are 4-5 times those of its neighbours: not used. */
    {"AuthenticAMD", 26, 0, 255, 0, 99, "EPYC 4th Gen"},
};

const char *eco_cpu_microarchitecture(const struct eco_host *host)
{
    for (size_t i = 0; i < ECO_COUNT(families); i++) {
        const struct family *f = &families[i];
        if (strcmp(host->cpu_vendor, f->vendor) == 0 && host->cpu_family == f->family &&
            host->cpu_model_number >= f->model_low && host->cpu_model_number <= f->model_high &&
            host->cpu_stepping >= f->stepping_low && host->cpu_stepping <= f->stepping_high)
            return f->name;
    }
    /* ARM names no family: Graviton, which the source takes to be like the second EPYC. */
    return host->cpu_family == 0 && strcmp(host->cloud, "aws") == 0 ? "Graviton3" : "";
}

static const struct eco_vcpu_watts *find_vcpu(const char *microarchitecture, const char *provider)
{
    for (unsigned i = 0; i < eco_vcpu_count; i++) {
        const struct eco_vcpu_watts *row = &eco_vcpu_table[i];
        if (strcmp(row->microarchitecture, microarchitecture) == 0 &&
            (!provider || strcmp(row->provider, provider) == 0))
            return row;
    }
    return NULL;
}

const struct eco_vcpu_watts *eco_cpu_vcpu_watts(const char *microarchitecture, const char *provider)
{
    const struct eco_vcpu_watts *row = NULL;
    if (microarchitecture[0])
        row = find_vcpu(microarchitecture, provider);
    if (!row && microarchitecture[0])
        row = find_vcpu(microarchitecture, NULL);
    if (!row)
        row = find_vcpu("default", provider);
    return row ? row : find_vcpu("default", NULL);
}
