/* SPDX-License-Identifier: MIT */
/* What the helper makes of the process that it was started in, before it listens to anybody. */
#pragma once

#include "base/macros.h"

/**
 * Refuses set-user-ID use, arguments, and a fd 0 that is not one end of a connected pair of SOCK_SEQPACKET
 * sockets made by this very user. Then: no environment, no other descriptor (1 and 2 are /dev/null), cwd /,
 * umask 077, no core, not dumpable, default signals, dies with the process that started it.
 *
 * @param ret_why  a word for people when it refuses
 * @return 0 or negative errno
 */
int eco_guard_begin(int argc, const char **ret_why) ECO_MUST_CHECK;
/** Nothing that is still to be opened needs more than there is: no privilege can be gained any more. */
void eco_guard_end(void);
