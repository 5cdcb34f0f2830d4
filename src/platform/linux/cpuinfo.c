/* SPDX-License-Identifier: MIT */
/*
 * The first block of /proc/cpuinfo ("key\t: value" lines up to an empty one). The kernel looks up
 * each CPU's frequency while it writes the block, so what comes after the first is not asked for.
 */
#include "base/parse.h"
#include "base/text.h"
#include "platform/linux/host_parts.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define BLOCK_MAX 8192u
/* Small, since a read that wants more than the first block holds makes the kernel write the second. */
#define CHUNK_MAX 512u

/* ARM gives numbers only. The ones that servers and single-board computers have, from MIDR_EL1
 * (arch/arm64/include/asm/cputype.h). */
static const struct {
    uint32_t implementer, part;
    const char *vendor, *model;
} arm_cpus[] = {
    {0x41, 0xd03, "ARM", "Cortex-A53"},  {0x41, 0xd07, "ARM", "Cortex-A57"},
    {0x41, 0xd08, "ARM", "Cortex-A72"},  {0x41, 0xd0b, "ARM", "Cortex-A76"},
    {0x41, 0xd05, "ARM", "Cortex-A55"},  {0x41, 0xd0c, "ARM", "Neoverse-N1"},
    {0x41, 0xd40, "ARM", "Neoverse-V1"}, {0x41, 0xd42, "ARM", "Cortex-A78AE"},
    {0x41, 0xd49, "ARM", "Neoverse-N2"}, {0x41, 0xd4f, "ARM", "Neoverse-V2"},
    {0xc0, 0xac3, "Ampere", "Ampere-1"}, {0xc0, 0xac4, "Ampere", "Ampere-1a"},
    {0x4e, 0x004, "NVIDIA", "Carmel"},   {0x43, 0x0af, "Cavium", "ThunderX2"},
    {0x46, 0x001, "Fujitsu", "A64FX"},   {0x48, 0xd01, "HiSilicon", "Kunpeng-920"},
};

/* Up to and without the empty line; NUL-terminated. Returns false when there is nothing to read. */
static bool read_first_block(const struct eco_root *root, char *ret, size_t size)
{
    int fd = eco_root_open(root, ECO_PROCFS, "cpuinfo");
    if (fd < 0)
        return false;
    size_t length = 0;
    char *end = NULL;
    while (!end && length < size - 1) {
        size_t room = size - 1 - length;
        ssize_t n = read(fd, ret + length, room < CHUNK_MAX ? room : CHUNK_MAX);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        length += (size_t)n;
        ret[length] = '\0';
        end = strstr(ret, "\n\n");
    }
    (void)close(fd);
    if (end)
        end[1] = '\0';
    return length > 0;
}

/* Value of the line that begins with `key`: its start, and its length in *ret_length. NULL = no such line. */
static const char *find_value(const char *block, const char *key, size_t *ret_length)
{
    size_t key_length = strlen(key);
    for (const char *line = block; *line;) {
        size_t length = strcspn(line, "\n");
        const char *colon = memchr(line, ':', length);
        if (colon && strncmp(line, key, key_length) == 0) {
            const char *p = line + key_length;
            while (p < colon && (*p == ' ' || *p == '\t'))
                p++;
            if (p == colon) {
                const char *value = colon + 1;
                while (*value == ' ' || *value == '\t')
                    value++;
                size_t before = (size_t)(value - line);
                *ret_length = length > before ? length - before : 0;
                return value;
            }
        }
        line += length;
        line += *line == '\n';
    }
    return NULL;
}

static void get_text(const char *block, const char *key, char *ret, size_t size)
{
    size_t length;
    const char *value = find_value(block, key, &length);
    if (value)
        (void)eco_text_clean(ret, size, value, length, false);
}

static uint32_t get_number(const char *block, const char *key)
{
    char text[32] = "";
    uint64_t value;
    get_text(block, key, text, sizeof(text));
    bool is_hex = text[0] == '0' && text[1] == 'x';
    int r = is_hex ? eco_parse_hex(text, &value) : eco_parse_u64(text, &value);
    return r == 0 && value <= UINT32_MAX ? (uint32_t)value : 0;
}

static bool has_flag(const char *block, const char *flag)
{
    size_t length, flag_length = strlen(flag);
    const char *flags = find_value(block, "flags", &length);
    if (!flags)
        return false;
    const char *end = flags + length;
    while (flags < end) {
        size_t word = strcspn(flags, " \n");
        if (word == flag_length && memcmp(flags, flag, word) == 0)
            return true;
        flags += word + 1;
    }
    return false;
}

static void name_arm_cpu(const char *block, struct eco_host *ret)
{
    uint32_t implementer = get_number(block, "CPU implementer"), part = get_number(block, "CPU part");
    for (size_t i = 0; implementer != 0 && i < ECO_COUNT(arm_cpus); i++) {
        if (arm_cpus[i].implementer != implementer)
            continue;
        (void)eco_text_copy(ret->cpu_vendor, sizeof(ret->cpu_vendor), arm_cpus[i].vendor);
        if (arm_cpus[i].part == part) {
            (void)eco_text_copy(ret->cpu_model, sizeof(ret->cpu_model), arm_cpus[i].model);
            return;
        }
    }
}

void eco_host_read_cpu(const struct eco_root *root, struct eco_host *ret)
{
    char block[BLOCK_MAX];
    if (!read_first_block(root, block, sizeof(block)))
        return;
    get_text(block, "model name", ret->cpu_model, sizeof(ret->cpu_model));
    get_text(block, "vendor_id", ret->cpu_vendor, sizeof(ret->cpu_vendor));
    if (ret->cpu_vendor[0] == '\0')
        name_arm_cpu(block, ret);
    ret->cpu_family = get_number(block, "cpu family");
    ret->cpu_model_number = get_number(block, "model");
    ret->cpu_stepping = get_number(block, "stepping");
    ret->microcode = get_number(block, "microcode");
    ret->is_hypervisor_guest = has_flag(block, "hypervisor");
}
