/* SPDX-License-Identifier: MIT */
/* --container --job --unit --user: what they mean on this machine. */
#pragma once

#include "cli/command.h"
#include "meter/meter.h"

/**
 * The options as a selection; its lists are borrowed from the settings, and it is empty where none was given.
 *
 * @param uids  room for ECO_SELECTED_MAX
 * @return 0 or -EINVAL with a reason: a user that nobody knows
 */
int eco_select(const struct eco_settings *settings, uint32_t *uids, struct eco_selection *ret,
               struct eco_why *why) ECO_MUST_CHECK;
/** Each container, job and unit that is named must be there now, or a typing error would wait for ever. After
 * the first look. 0 or -ENOENT with a reason. */
int eco_select_check(struct eco_meter *meter, const struct eco_selection *selection,
                     struct eco_why *why) ECO_MUST_CHECK;
