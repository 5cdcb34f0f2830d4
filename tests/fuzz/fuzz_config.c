/* SPDX-License-Identifier: MIT */
/*
 * A configuration file, and the same text as variables and as a command line: refused with one sentence, or
 * applied so that every value lies in its bounds; twice gives the same.
 */
#include "cli/config.h"
#include "fuzz/fuzz.h"
#include "support/tree.h"

#include <errno.h>

#define WORDS_MAX 24

static struct eco_temp temp;
static char path[ECO_PATH_MAX];

static void finish(void)
{
    eco_temp_finish(&temp);
}

static void prepare(void)
{
    if (path[0])
        return;
    eco_temp_init(&temp);
    (void)eco_temp_path(&temp, "ecocode.conf", path);
    require(atexit(finish) == 0);
}

static void check_settings(const struct eco_call *call)
{
    for (unsigned i = 0; i < call->set.count; i++) {
        const struct eco_option *option = call->set.options[i];
        const char *field = (const char *)&call->settings + option->offset;
        char text[128];
        eco_option_format(&call->set, i, text, sizeof(text));
        require(memchr(text, '\0', sizeof(text)) != NULL);
        if (call->set.origins[i].layer == ECO_LAYER_NONE)
            continue;
        if (option->kind == ECO_OPTION_DURATION || option->kind == ECO_OPTION_COUNT) {
            uint64_t value;
            memcpy(&value, field, sizeof(value));
            require(value >= option->min && (option->max == 0 || value <= option->max));
        } else if (option->kind == ECO_OPTION_CHOICE) {
            const char *value;
            bool is_known = false;
            memcpy(&value, field, sizeof(value));
            for (unsigned c = 0; option->choices[c]; c++)
                is_known |= value != NULL && strcmp(option->choices[c], value) == 0;
            require(is_known);
        } else if (option->kind == ECO_OPTION_LIST) {
            struct eco_texts texts;
            memcpy(&texts, field, sizeof(texts));
            require(texts.count <= ECO_TEXTS_MAX);
        }
    }
}

static void check_why(const struct eco_why *why)
{
    require(why->text[0] != '\0' && memchr(why->text, '\0', sizeof(why->text)) != NULL);
    require(memchr(why->fix, '\0', sizeof(why->fix)) != NULL);
}

static void new_call(struct eco_call *call)
{
    *call = (struct eco_call){.command = &eco_command_run};
    eco_option_set_init(&call->set, eco_command_run.options, &call->settings);
}

static int try_file(const uint8_t *data, size_t size)
{
    struct eco_config *config = eco_config_new();
    struct eco_call call;
    struct eco_why why = {{0}, {0}};

    require(config != NULL);
    new_call(&call);
    eco_temp_write_bytes(&temp, "ecocode.conf", data, size);
    int r = eco_config_apply(config, &call, ECO_LAYER_USER, path, &why);
    if (r < 0)
        check_why(&why);
    else
        require(r == 1);
    check_settings(&call);
    (void)eco_config_free(config);
    return r;
}

/* Lines are words, or variables. */
static void try_words(const uint8_t *data, size_t size)
{
    char *text = fuzz_copy(data, size), *words[WORDS_MAX + 1];
    struct eco_call call;
    struct eco_why why = {{0}, {0}};
    size_t used = 1000, count = 0;

    for (char *at = text; *at && count < WORDS_MAX; count++) {
        words[count] = at;
        at += strcspn(at, "\n");
        if (*at)
            *at++ = '\0';
    }
    words[count] = NULL;
    new_call(&call);
    if (eco_options_parse(&call.set, words, &used, &why) < 0) {
        check_why(&why);
        require(used == 1000);
    } else {
        require(used <= count);
    }
    check_settings(&call);
    new_call(&call);
    why = (struct eco_why){{0}, {0}};
    if (eco_options_environment(&call.set, words, &why) < 0)
        check_why(&why);
    check_settings(&call);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    prepare();
    if (eco_config_is_built()) {
        int r = try_file(data, size);
        require(try_file(data, size) == r);
    }
    try_words(data, size);
    return 0;
}
