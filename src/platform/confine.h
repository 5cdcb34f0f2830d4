/* SPDX-License-Identifier: MIT */
/* What a program of ours gives up before it loads other people's code. Only for programs, at their start. */
#pragma once

/** Close every descriptor from `first` on. */
void eco_confine_close_from(int first);

/**
 * For one that only reads: leaves the terminal's session, gives way to others, dumps no core, can gain no
 * privilege, keeps of root's capabilities only those to read what others' processes do. Loads no module:
 * a setuid helper of a driver has no effect, and root lacks the capability.
 */
void eco_confine_reader(void);
/** The same for one that speaks with a network: it keeps no capability at all. */
void eco_confine_client(void);
