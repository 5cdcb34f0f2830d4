/* SPDX-License-Identifier: MIT */
/* Options as variables of the environment and as text. */
#include "base/text.h"
#include "cli/options.h"

#include <stdio.h>
#include <string.h>

#define PREFIX "ECOCODE_"

/* Upper case; '-' and '.' become '_'. */
static char variable_char(char c)
{
    if (c == '-' || c == '.')
        return '_';
    return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

void eco_option_variable(const struct eco_option *option, char *ret, size_t size)
{
    size_t used = eco_text_copy(ret, size, PREFIX);
    for (const char *c = option->name; *c && used + 1 < size; c++)
        ret[used++] = variable_char(*c);
    ret[used < size ? used : size - 1] = 0;
}

bool eco_option_is_variable(const struct eco_option *option, const char *variable)
{
    if (option->only_here || strncmp(variable, PREFIX, strlen(PREFIX)) != 0)
        return false;
    const char *v = variable + strlen(PREFIX);
    const char *c = option->name;
    while (*c && *v == variable_char(*c)) {
        c++;
        v++;
    }
    return !*c && (!*v || *v == '=');
}

int eco_options_environment(struct eco_option_set *set, char *const *environment, struct eco_why *why)
{
    const struct eco_origin origin = {.layer = ECO_LAYER_ENVIRONMENT};
    for (; environment && *environment; environment++) {
        const char *equals = strchr(*environment, '=');
        if (!equals || !equals[1] || strncmp(*environment, PREFIX, strlen(PREFIX)) != 0)
            continue;
        for (unsigned i = 0; i < set->count; i++) {
            if (!eco_option_is_variable(set->options[i], *environment))
                continue;
            int r = eco_option_assign(set, i, equals + 1, &origin, why);
            if (r < 0)
                return r;
        }
    }
    return 0;
}

static void format_list(const struct eco_texts *list, char *ret, size_t size)
{
    size_t used = 0;
    ret[0] = 0;
    for (unsigned i = 0; i < list->count && used + 2 < size; i++) {
        int n = snprintf(ret + used, size - used, "%s%s", i ? ", " : "", list->items[i]);
        used += n > 0 ? (size_t)n : 0;
    }
}

void eco_option_format(const struct eco_option_set *set, unsigned index, char *ret, size_t size)
{
    const struct eco_option *option = set->options[index];
    const struct eco_origin *origin = &set->origins[index];
    const void *field = (const char *)set->settings + option->offset;
    if (option->kind == ECO_OPTION_FLAG)
        eco_text_copy(ret, size, *(const bool *)field ? "yes" : "no");
    else if (option->kind == ECO_OPTION_LIST)
        format_list(field, ret, size);
    else
        eco_text_copy(ret, size, origin->layer != ECO_LAYER_NONE ? origin->text : "");
}
