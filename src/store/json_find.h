/* SPDX-License-Identifier: MIT */
/*
 * Finds a member of a JSON object in text that may be cut off at its end. For our own records only: it
 * trusts nothing, but does not check the whole text either. Nothing is allocated.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct eco_span {
    const char *text;
    size_t length;
};

/** The value of member `key` of the object that `object` begins with: text from its first character on. */
bool eco_json_find(struct eco_span object, const char *key, struct eco_span *ret);
/** A string value without its quotes and escapes; what is not ASCII in an escape becomes '?'. False for
 * another type. */
bool eco_json_read_string(struct eco_span value, char *ret, size_t size);
bool eco_json_read_number(struct eco_span value, double *ret);
/** Move behind the value that `cursor` begins with. False when it is cut off. */
bool eco_json_skip(struct eco_span *cursor);
