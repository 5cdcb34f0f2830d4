/* SPDX-License-Identifier: MIT */
/* Parts of a stored report; shared by the stored_*.c files only. */
#pragma once

#include "history/stored_report.h"

/* nan, "" or 0 where the value is missing, null or of another type. */
double eco_stored_number(const json_t *object, const char *key);
uint64_t eco_stored_count(const json_t *object, const char *key);
const char *eco_stored_text(const json_t *object, const char *key); /* NULL */
enum eco_quality eco_stored_quality(const json_t *object);

int eco_stored_domains(struct eco_stored_report *stored, const json_t *root) ECO_MUST_CHECK;
int eco_stored_processes(struct eco_stored_report *stored, const json_t *root) ECO_MUST_CHECK;
void eco_stored_uncertainty(const json_t *object, struct eco_uncertainty *ret);
int eco_stored_course(struct eco_stored_report *stored, const json_t *root) ECO_MUST_CHECK;
void eco_stored_impact(const json_t *object, struct eco_impact *ret);
