/* SPDX-License-Identifier: MIT */
/*
 * Configuration files: INI, keys as the options. Keys above the first section are for every command,
 * those in a section [run] for that command. open/free; the values live as long as the config.
 */
#pragma once

#include "cli/command.h"

struct eco_config;

#define ECO_CONFIG_SYSTEM "/etc/ecocode/ecocode.conf"

/** Memory for what files hold. NULL = no memory. */
struct eco_config *eco_config_new(void) ECO_MUST_CHECK;
struct eco_config *eco_config_free(struct eco_config *config);

/** Is this program built with libinih? */
bool eco_config_is_built(void);

/** Path of the user's file; false when neither XDG_CONFIG_HOME nor a home is known, or it is too long. */
bool eco_config_user_path(char *ret, size_t size);

/**
 * Apply a file to the options of a call.
 *
 * @param layer  ECO_LAYER_SYSTEM or ECO_LAYER_USER
 * @param path   borrowed as long as the settings
 * @return 1 applied, 0 when there is no such file, -ENOTSUP when there is one and this program cannot read
 *         it, -EINVAL with "file:line: ..." in why, or the errno of the file
 */
int eco_config_apply(struct eco_config *config, struct eco_call *call, enum eco_layer layer, const char *path,
                     struct eco_why *why) ECO_MUST_CHECK;

/** Both files at their usual places; one that this user may not read is passed over. 0 or negative errno with
 * a reason. */
int eco_config_apply_all(struct eco_config *config, struct eco_call *call,
                         struct eco_why *why) ECO_MUST_CHECK;
