/* SPDX-License-Identifier: MIT */
#include "impact/places.h"

#include "base/text.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define NEAR_MAX 2 /* letters that may be wrong in a name that is offered */

const char *eco_scope_name(enum eco_factor_scope scope)
{
    switch (scope) {
    case ECO_SCOPE_LIFECYCLE:
        return "lifecycle";
    case ECO_SCOPE_DIRECT:
        return "direct";
    case ECO_SCOPE_UNKNOWN:
        break;
    }
    return NULL;
}

/* The United Kingdom's code is GB, and everybody types UK. */
static const char *canonical(const char *text)
{
    return strcasecmp(text, "UK") == 0 ? "GB" : text;
}

static const struct eco_place *find_exact(const char *text)
{
    const struct eco_place *by_name = NULL;
    for (unsigned i = 0; i < eco_place_count; i++) {
        const struct eco_place *place = &eco_places[i];
        if (strcasecmp(place->code, text) == 0 || (*place->alias && strcasecmp(place->alias, text) == 0))
            return place;
        /* A region's name may be that of a country or state: those stand first. */
        if (!by_name && strcasecmp(place->name, text) == 0)
            by_name = place;
    }
    return by_name;
}

static void lower(const char *text, char *ret, size_t size)
{
    size_t length = 0;
    for (; *text && length + 1 < size; text++)
        ret[length++] = *text >= 'A' && *text <= 'Z' ? (char)(*text - 'A' + 'a') : *text;
    ret[length] = '\0';
}

static unsigned distance(const char *typed, const char *known)
{
    char word[64];
    lower(known, word, sizeof word);
    return eco_text_distance(typed, word);
}

/* "eu-west-3" without its provider, or the name with a slip or two. A code of two letters is near to all. */
static const struct eco_place *find_near(const char *text)
{
    char typed[64];
    const struct eco_place *nearest = NULL;
    unsigned best = NEAR_MAX + 1;
    lower(text, typed, sizeof typed);
    for (unsigned i = 0; i < eco_place_count; i++) {
        const struct eco_place *place = &eco_places[i];
        const char *colon = strchr(place->code, ':');
        if (colon && strcasecmp(colon + 1, text) == 0)
            return place;
        unsigned by_code = strlen(place->code) > 3 ? distance(typed, place->code) : NEAR_MAX + 1;
        unsigned by_name = strlen(typed) > 3 ? distance(typed, place->name) : NEAR_MAX + 1;
        unsigned d = by_code < by_name ? by_code : by_name;
        if (d < best) {
            best = d;
            nearest = place;
        }
    }
    return nearest;
}

const struct eco_place *eco_place_find(const char *text, struct eco_why *why)
{
    const struct eco_place *place = find_exact(canonical(text));
    if (place)
        return place;
    const struct eco_place *near = find_near(text);
    if (near)
        eco_why_set(why, "a place (the nearest is %s, %s; `--location list` shows all)", near->code,
                    near->name);
    else
        eco_why_set(why, "a country (FR), a state (US-CA), a subregion (egrid:CAMX) or a cloud region "
                         "(aws:eu-west-3); `--location list` shows all");
    return NULL;
}

const struct eco_embodied_row *eco_embodied_row(const char *item)
{
    for (unsigned i = 0; i < eco_embodied_row_count; i++)
        if (strcmp(eco_embodied_rows[i].item, item) == 0)
            return &eco_embodied_rows[i];
    return &eco_embodied_rows[0];
}

const struct eco_place *eco_place_world(void)
{
    static const struct eco_place *world;
    if (!world)
        world = find_exact("WORLD");
    return world;
}
