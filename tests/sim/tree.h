/* SPDX-License-Identifier: MIT */
/*
 * The files of the simulated machine. As in sysfs the class folder holds symbolic links into the tree of
 * devices; run-on-machine binds the two where the real ones would be:
 *   class/       over /sys/class/powercap
 *   devices/     over /sys/devices/virtual/powercap
 *   control, truth   for the tests alone
 */
#pragma once

#include "model.h"

#include <sys/stat.h>

#define ECO_SIM_NODES_MAX 512

enum eco_sim_node_kind {
    ECO_SIM_NODE_NONE,
    ECO_SIM_NODE_FOLDER,
    ECO_SIM_NODE_LINK,
    ECO_SIM_NODE_TEXT,
    ECO_SIM_NODE_ENERGY,
    ECO_SIM_NODE_CONTROL,
    ECO_SIM_NODE_TRUTH
};

struct eco_sim_node {
    char path[160]; /* from the root of the mount, "/class/intel-rapl:0" */
    char text[160]; /* content of a text file, target of a link */
    enum eco_sim_node_kind kind;
    mode_t mode;  /* permission bits */
    bool in_zone; /* goes when its zone goes */
    unsigned package;
    enum eco_sim_zone zone;
};

struct eco_sim_tree {
    struct eco_sim_node node[ECO_SIM_NODES_MAX];
    size_t count;
};

/** Builds the tree; energy_mode is that of energy_uj (the kernel's: 0400 since 5.10). 0 or -ENOSPC. */
int eco_sim_tree_build(struct eco_sim_tree *tree, struct eco_sim *sim, mode_t energy_mode);
/** NULL when there is none, or its zone is gone. */
const struct eco_sim_node *eco_sim_tree_find(const struct eco_sim_tree *tree, struct eco_sim *sim,
                                             const char *path);
/** True when the node lies directly in this folder; *ret_name is then its name. */
bool eco_sim_node_is_in(const struct eco_sim_node *node, const char *folder, const char **ret_name);
