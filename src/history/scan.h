/* SPDX-License-Identifier: MIT */
/*
 * A fast walk over JSON that we have written: members of an object and elements of an array one after
 * another, values as they stand in the text. Containers are skipped by counting brackets, so that depth
 * costs no stack; what is cut off or no JSON ends the walk. Nothing is allocated, copied or converted.
 */
#pragma once

#include "store/json_find.h"

/**
 * @param cursor     at '{' or behind a member; moves behind the next one
 * @param ret_key    without its quotes, escapes as they are
 * @param ret_value  as it stands, a string with its quotes
 * @return false when there is no further one
 */
bool eco_scan_member(struct eco_span *cursor, struct eco_span *ret_key, struct eco_span *ret_value);
/** The same for the elements of an array. */
bool eco_scan_element(struct eco_span *cursor, struct eco_span *ret_value);

/*
 * The same in steps, for values that are gone into rather than passed over, so that no byte is read twice.
 * A failed step leaves the cursor anywhere: the text is then of no use.
 */
/** To the first byte of the next element or member; false at the end of the container. */
bool eco_scan_enter(struct eco_span *cursor);
/** To the first byte of the next member's value. */
bool eco_scan_key(struct eco_span *cursor, struct eco_span *ret_key);
/** Behind the value that the cursor is at. */
bool eco_scan_value(struct eco_span *cursor, struct eco_span *ret_value);
/** Behind the closing bracket, which is what comes next; false when it is not. */
bool eco_scan_leave(struct eco_span *cursor);

bool eco_scan_is(struct eco_span text, const char *word);
/** The number's text, or an empty one where it is null or no number. */
struct eco_span eco_scan_number(struct eco_span value);
/** The text between a string's quotes, escapes as they are; empty where it is none. */
struct eco_span eco_scan_string(struct eco_span value);
/** nan for an empty one. */
double eco_scan_double(struct eco_span number);
