/* SPDX-License-Identifier: MIT */
#include "cli/options.h"

#include "base/parse.h"
#include "base/text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define SHOWN_MAX 48 /* bytes of a bad value that an error message repeats */

static void *field(const struct eco_option_set *set, const struct eco_option *option)
{
    return (char *)set->settings + option->offset;
}

void eco_option_set_init(struct eco_option_set *set, const struct eco_option *const *tables,
                         struct eco_settings *settings)
{
    *set = (struct eco_option_set){.settings = settings};
    for (; *tables; tables++)
        for (const struct eco_option *option = *tables; option->name; option++) {
            bool known = eco_option_find(set, option->name, strlen(option->name)) >= 0;
            if (!known && set->count < ECO_OPTIONS_MAX)
                set->options[set->count++] = option;
        }
}

int eco_option_find(const struct eco_option_set *set, const char *name, size_t length)
{
    for (unsigned i = 0; i < set->count; i++)
        if (strlen(set->options[i]->name) == length && memcmp(set->options[i]->name, name, length) == 0)
            return (int)i;
    return -1;
}

const char *eco_nearest(const char *word, const char *const *names, size_t count)
{
    const char *best = NULL;
    unsigned least = 99;
    for (size_t i = 0; i < count; i++) {
        unsigned distance = eco_text_distance(word, names[i]);
        if (distance < least) {
            least = distance;
            best = names[i];
        }
    }
    /* One slip in a short word, two in a longer one; more is another word. */
    size_t length = strlen(word);
    unsigned allowed = length <= 3 ? 1 : length <= 8 ? 2 : 3;
    return least <= allowed ? best : NULL;
}

/* Where a value stands, for messages: "--interval" on the line, otherwise file:line or the variable. */
static void place(const struct eco_option *option, const struct eco_origin *origin, char *ret, size_t size)
{
    char variable[64];
    switch (origin->layer) {
    case ECO_LAYER_SYSTEM:
    case ECO_LAYER_USER:
        (void)snprintf(ret, size, "%s:%u: %s", origin->file, origin->line, option->name);
        return;
    case ECO_LAYER_ENVIRONMENT:
        eco_option_variable(option, variable, sizeof variable);
        (void)snprintf(ret, size, "%s", variable);
        return;
    case ECO_LAYER_NONE:
    case ECO_LAYER_LINE:
        break;
    }
    (void)snprintf(ret, size, "--%s", option->name);
}

static int refuse(const struct eco_option *option, const struct eco_origin *origin, const char *text,
                  const char *expected, struct eco_why *why)
{
    char where[200], shown[SHOWN_MAX + 4];
    place(option, origin, where, sizeof where);
    eco_text_clean(shown, SHOWN_MAX, text, strlen(text), true);
    if (strlen(text) >= SHOWN_MAX)
        eco_text_copy(shown + strlen(shown), 4, "...");
    eco_why_set(why, "%s: '%s' is not %s", where, shown, expected);
    return -EINVAL;
}

static void format_duration(uint64_t ns, char *ret, size_t size)
{
    static const struct {
        uint64_t ns;
        const char *unit;
    } units[] = {{3600 * ECO_NS_PER_S, "h"},
                 {60 * ECO_NS_PER_S, "m"},
                 {ECO_NS_PER_S, "s"},
                 {ECO_NS_PER_MS, "ms"},
                 {ECO_NS_PER_US, "us"}};
    for (size_t i = 0; i < ECO_COUNT(units); i++)
        if (ns >= units[i].ns && ns % units[i].ns == 0) {
            (void)snprintf(ret, size, "%llu%s", (unsigned long long)(ns / units[i].ns), units[i].unit);
            return;
        }
    (void)snprintf(ret, size, "%llu.%09llus", (unsigned long long)(ns / ECO_NS_PER_S),
                   (unsigned long long)(ns % ECO_NS_PER_S));
}

static int parse_number(const struct eco_option *option, const struct eco_origin *origin, const char *text,
                        uint64_t *ret, struct eco_why *why)
{
    bool is_duration = option->kind == ECO_OPTION_DURATION;
    uint64_t value = 0;
    int r = is_duration ? eco_parse_duration(text, &value) : eco_parse_u64(text, &value);
    uint64_t max = option->max ? option->max : UINT64_MAX;
    if (r == 0 && value >= option->min && value <= max) {
        *ret = value;
        return 0;
    }
    char low[40], high[40], expected[160];
    if (is_duration) {
        format_duration(option->min, low, sizeof low);
        format_duration(option->max, high, sizeof high);
        (void)snprintf(expected, sizeof expected, "a duration from %s to %s (such as 250ms, 2, 1.5m)", low,
                       high);
    } else if (option->max) {
        (void)snprintf(expected, sizeof expected, "a number from %llu to %llu",
                       (unsigned long long)option->min, (unsigned long long)option->max);
    } else {
        (void)snprintf(expected, sizeof expected, "a number of at least %llu",
                       (unsigned long long)option->min);
    }
    return refuse(option, origin, text, expected, why);
}

static int check_choice(const struct eco_option *option, const struct eco_origin *origin, const char *text,
                        struct eco_why *why)
{
    char expected[160] = "one of";
    for (size_t i = 0; option->choices[i]; i++) {
        if (strcmp(option->choices[i], text) == 0)
            return 0;
        size_t used = strlen(expected);
        (void)snprintf(expected + used, sizeof expected - used, "%s %s", i ? "," : "", option->choices[i]);
    }
    return refuse(option, origin, text, expected, why);
}

static int run_check(const struct eco_option *option, const struct eco_origin *origin, const char *text,
                     struct eco_why *why)
{
    struct eco_why reason = {0};
    if (!option->check || option->check(text, &reason) == 0)
        return 0;
    return refuse(option, origin, text, reason.text, why);
}

static int add_to_list(struct eco_texts *list, const struct eco_option *option,
                       const struct eco_origin *origin, bool first_of_layer, struct eco_why *why)
{
    if (first_of_layer)
        list->count = 0;
    if (list->count == ECO_TEXTS_MAX) {
        char where[200];
        place(option, origin, where, sizeof where);
        eco_why_set(why, "%s: given more than %d times", where, ECO_TEXTS_MAX);
        return -E2BIG;
    }
    list->items[list->count++] = origin->text;
    return 0;
}

int eco_option_assign(struct eco_option_set *set, unsigned index, const char *text,
                      const struct eco_origin *origin, struct eco_why *why)
{
    const struct eco_option *option = set->options[index];
    struct eco_origin from = *origin;
    from.text = text ? text : "yes";
    bool flag = true;
    uint64_t number = 0;
    int r = 0;
    switch (option->kind) {
    case ECO_OPTION_FLAG:
        r = text && eco_parse_bool(text, &flag) < 0 ? refuse(option, &from, text, "yes or no", why) : 0;
        break;
    case ECO_OPTION_DURATION:
    case ECO_OPTION_COUNT:
        r = parse_number(option, &from, from.text, &number, why);
        break;
    case ECO_OPTION_CHOICE:
        r = check_choice(option, &from, from.text, why);
        break;
    case ECO_OPTION_NONE:
    case ECO_OPTION_TEXT:
    case ECO_OPTION_LIST:
        r = run_check(option, &from, from.text, why);
        break;
    }
    enum eco_layer present = set->origins[index].layer;
    if (r < 0 || present > from.layer)
        return r;
    if (option->kind == ECO_OPTION_FLAG)
        *(bool *)field(set, option) = flag;
    else if (option->kind == ECO_OPTION_DURATION || option->kind == ECO_OPTION_COUNT)
        *(uint64_t *)field(set, option) = number;
    else if (option->kind == ECO_OPTION_LIST)
        r = add_to_list(field(set, option), option, &from, present != from.layer, why);
    else
        *(const char **)field(set, option) = from.text;
    if (r == 0)
        set->origins[index] = from;
    return r;
}

static int unknown_option(const struct eco_option_set *set, const char *word, size_t length,
                          struct eco_why *why)
{
    char name[SHOWN_MAX], shown[SHOWN_MAX];
    eco_text_copy(name, sizeof name, word);
    if (length < sizeof name)
        name[length] = 0;
    const char *names[ECO_OPTIONS_MAX];
    for (unsigned i = 0; i < set->count; i++)
        names[i] = set->options[i]->name;
    const char *near = eco_nearest(name, names, set->count);
    eco_text_clean(shown, sizeof shown, name, strlen(name), true);
    if (near)
        eco_why_set(why, "unknown option '--%s'; did you mean '--%s'?", shown, near);
    else
        eco_why_set(why, "unknown option '--%s'", shown);
    return -EINVAL;
}

/* "--name", "--name=value" or "--name value". *used grows by the words taken. */
static int parse_long(struct eco_option_set *set, char *const *argv, size_t *used, struct eco_why *why)
{
    const struct eco_origin line = {.layer = ECO_LAYER_LINE};
    const char *word = argv[0] + 2;
    const char *equals = strchr(word, '=');
    size_t length = equals ? (size_t)(equals - word) : strlen(word);
    int index = eco_option_find(set, word, length);
    if (index < 0)
        return unknown_option(set, word, length, why);
    const char *text = equals ? equals + 1 : NULL;
    size_t words = 1;
    if (!text && set->options[index]->kind != ECO_OPTION_FLAG) {
        text = argv[1];
        words = 2;
        if (!text) {
            eco_why_set(why, "--%s needs a value: %s", set->options[index]->name, set->options[index]->value);
            return -EINVAL;
        }
    }
    *used += words;
    return eco_option_assign(set, (unsigned)index, text, &line, why);
}

static int find_letter(const struct eco_option_set *set, char letter)
{
    for (unsigned i = 0; i < set->count; i++)
        if (set->options[i]->letter == letter)
            return (int)i;
    return -1;
}

/* "-q", "-qo FILE", "-oFILE". */
static int parse_letters(struct eco_option_set *set, char *const *argv, size_t *used, struct eco_why *why)
{
    const struct eco_origin line = {.layer = ECO_LAYER_LINE};
    for (const char *c = argv[0] + 1; *c; c++) {
        int index = find_letter(set, *c);
        if (index < 0) {
            bool printable = *c > ' ' && *c < 127;
            eco_why_set(why, "unknown option '-%c'", printable ? *c : '?');
            return -EINVAL;
        }
        const char *text = NULL;
        bool takes_value = set->options[index]->kind != ECO_OPTION_FLAG;
        if (takes_value) {
            text = c[1] ? c + 1 : argv[1];
            *used += c[1] ? 0 : 1;
            if (!text) {
                eco_why_set(why, "-%c needs a value: %s", *c, set->options[index]->value);
                return -EINVAL;
            }
        }
        int r = eco_option_assign(set, (unsigned)index, text, &line, why);
        if (r < 0 || takes_value) {
            *used += 1;
            return r;
        }
    }
    *used += 1;
    return 0;
}

int eco_options_parse(struct eco_option_set *set, char *const *argv, size_t *ret_used, struct eco_why *why)
{
    size_t used = 0;
    while (argv[used] && argv[used][0] == '-' && argv[used][1]) {
        if (strcmp(argv[used], "--") == 0) {
            used++;
            break;
        }
        bool is_long = argv[used][1] == '-';
        int r =
            is_long ? parse_long(set, argv + used, &used, why) : parse_letters(set, argv + used, &used, why);
        if (r < 0)
            return r;
    }
    *ret_used = used;
    return 0;
}
