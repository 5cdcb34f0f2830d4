/* SPDX-License-Identifier: MIT */
#include "gpu/fdinfo.h"

#include "base/counter.h"
#include "base/parse.h"
#include "base/text.h"

#include <errno.h>
#include <string.h>

#define CAPACITY_MAX 256u

/* Where memory is told more than once: what is resident is nearest to the truth. */
enum memory_word { MEMORY_TOTAL, MEMORY_PLAIN, MEMORY_RESIDENT, MEMORY_WORDS };

struct memory {
    uint64_t local[MEMORY_WORDS], system[MEMORY_WORDS];
    bool has[MEMORY_WORDS];
};

static struct eco_drm_engine *engine_of(struct eco_drm_client *client, const char *name, size_t length)
{
    if (length == 0 || length >= sizeof(client->engines[0].name))
        return NULL;
    for (size_t i = 0; i < client->engine_count; i++)
        if (strlen(client->engines[i].name) == length && strncmp(client->engines[i].name, name, length) == 0)
            return &client->engines[i];
    if (client->engine_count == ECO_DRM_ENGINES_MAX)
        return NULL;
    struct eco_drm_engine *engine = &client->engines[client->engine_count++];
    memcpy(engine->name, name, length);
    engine->capacity = 1;
    return engine;
}

/* "1234 KiB", "12 MiB" or bytes. */
static uint64_t bytes_of(const char *value)
{
    uint64_t number;

    if (eco_scan_u64(&value, &number) < 0)
        return 0;
    value += strspn(value, " \t");
    unsigned shift = strncmp(value, "KiB", 3) == 0 ? 10 : strncmp(value, "MiB", 3) == 0 ? 20 : 0;
    return number > UINT64_MAX >> shift ? 0 : number << shift;
}

static bool is_local(const char *region, size_t length)
{
    return (length >= 4 && strncmp(region, "vram", 4) == 0) ||
           (length >= 5 && strncmp(region, "local", 5) == 0);
}

static bool is_system(const char *region, size_t length)
{
    return (length >= 6 && strncmp(region, "system", 6) == 0) ||
           (length == 3 && strncmp(region, "gtt", 3) == 0);
}

static void add_memory(struct memory *memory, enum memory_word word, const char *region, size_t length,
                       const char *value)
{
    uint64_t *sum = is_local(region, length)    ? &memory->local[word]
                    : is_system(region, length) ? &memory->system[word]
                                                : NULL;
    if (!sum)
        return;
    *sum = eco_add_sat(*sum, bytes_of(value));
    memory->has[word] = true;
}

static uint64_t best_memory(const struct memory *memory)
{
    for (unsigned word = MEMORY_WORDS; word-- > 0;)
        if (memory->has[word])
            return memory->local[word] > 0 ? memory->local[word] : memory->system[word];
    return 0;
}

/* What stands behind `prefix` in a key of `length` bytes, or NULL. */
static const char *behind(const char *key, size_t length, const char *prefix, size_t *ret_length)
{
    size_t skip = strlen(prefix);

    if (length <= skip || strncmp(key, prefix, skip) != 0)
        return NULL;
    *ret_length = length - skip;
    return key + skip;
}

static void copy_word(char *ret, size_t size, const char *value)
{
    size_t length = strcspn(value, " \t\n");

    if (length >= size)
        return;
    memcpy(ret, value, length);
    ret[length] = '\0';
}

/* One of an engine's figures; false when the key is about something else. */
static bool take_engine(struct eco_drm_client *client, const char *key, size_t length, const char *value)
{
    static const struct {
        const char *prefix;
        enum { CAPACITY, BUSY, TOTAL, CYCLES } what;
    } fields[] = {{"drm-engine-capacity-", CAPACITY},
                  {"drm-engine-", BUSY},
                  {"drm-total-cycles-", TOTAL},
                  {"drm-cycles-", CYCLES}};
    for (size_t i = 0; i < ECO_COUNT(fields); i++) {
        size_t name_length;
        const char *name = behind(key, length, fields[i].prefix, &name_length);
        uint64_t number;
        if (!name)
            continue;
        struct eco_drm_engine *engine = engine_of(client, name, name_length);
        if (!engine || eco_scan_u64(&value, &number) < 0)
            return true;
        if (fields[i].what == CAPACITY)
            engine->capacity = number > 0 && number <= CAPACITY_MAX ? (uint32_t)number : 1;
        else
            *(fields[i].what == BUSY    ? &engine->busy_ns
              : fields[i].what == TOTAL ? &engine->total_cycles
                                        : &engine->cycles) = number;
        return true;
    }
    return false;
}

static void take_line(struct eco_drm_client *client, struct memory *memory, const char *key, size_t length,
                      const char *value)
{
    static const struct {
        const char *prefix;
        enum memory_word word;
    } words[] = {
        {"drm-resident-", MEMORY_RESIDENT}, {"drm-memory-", MEMORY_PLAIN}, {"drm-total-", MEMORY_TOTAL}};

    if (take_engine(client, key, length, value))
        return;
    if (length == strlen("drm-driver") && strncmp(key, "drm-driver", length) == 0)
        copy_word(client->driver, sizeof(client->driver), value);
    else if (length == strlen("drm-pdev") && strncmp(key, "drm-pdev", length) == 0)
        copy_word(client->pdev, sizeof(client->pdev), value);
    else if (length == strlen("drm-client-id") && strncmp(key, "drm-client-id", length) == 0)
        client->has_client_id = eco_scan_u64(&value, &client->client_id) == 0;
    else
        for (size_t i = 0; i < ECO_COUNT(words); i++) {
            size_t region_length;
            const char *region = behind(key, length, words[i].prefix, &region_length);
            if (region)
                add_memory(memory, words[i].word, region, region_length, value);
        }
}

int eco_drm_client_parse(const char *text, struct eco_drm_client *ret)
{
    struct eco_drm_client client = {0};
    struct memory memory = {0};

    for (const char *line = text; *line;) {
        size_t length = strcspn(line, "\n"), key = strcspn(line, ":\n");
        if (key < length && strncmp(line, "drm-", 4) == 0) {
            const char *value = line + key + 1;
            value += strspn(value, " \t");
            take_line(&client, &memory, line, key, value);
        }
        line += length + (line[length] == '\n');
    }
    if (!client.driver[0])
        return -EINVAL;
    client.memory_bytes = best_memory(&memory);
    *ret = client;
    return 0;
}

double eco_drm_engine_factor(const char *name)
{
    static const char *const full[] = {"gfx", "compute", "render",   "rcs",         "ccs",
                                       "gpu", "queue",   "fragment", "vertex-tiler"};

    for (size_t i = 0; i < ECO_COUNT(full); i++)
        if (strcmp(name, full[i]) == 0)
            return 1;
    return 0.3;
}
