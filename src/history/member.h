/* SPDX-License-Identifier: MIT */
/* Members of objects that were read: of another type or missing, they are simply not known. */
#pragma once

#include "base/macros.h"

#include <jansson.h>

static inline double eco_member_number(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    return json_is_number(value) ? json_number_value(value) : ECO_NAN;
}

static inline const char *eco_member_text(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}
