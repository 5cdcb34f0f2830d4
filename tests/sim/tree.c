/* SPDX-License-Identifier: MIT */
#include "tree.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define DEVICES "/devices/intel-rapl"

static struct eco_sim_node *add(struct eco_sim_tree *tree, enum eco_sim_node_kind kind, mode_t mode,
                                const char *format, ...) __attribute__((format(printf, 4, 5)));

/* The last node of the table is the one that overflows: it is overwritten, and build() says so. */
static struct eco_sim_node *add(struct eco_sim_tree *tree, enum eco_sim_node_kind kind, mode_t mode,
                                const char *format, ...)
{
    struct eco_sim_node *node =
        &tree->node[tree->count < ECO_SIM_NODES_MAX ? tree->count : ECO_SIM_NODES_MAX - 1];
    tree->count++;
    *node = (struct eco_sim_node){.kind = kind, .mode = mode};
    va_list args;
    va_start(args, format);
    vsnprintf(node->path, sizeof(node->path), format, args);
    va_end(args);
    return node;
}

static void add_text(struct eco_sim_tree *tree, const char *folder, const char *name, const char *text)
{
    snprintf(add(tree, ECO_SIM_NODE_TEXT, 0444, "%s/%s", folder, name)->text, sizeof(tree->node->text),
             "%s\n", text);
}

/* One zone: `id` is "0" or "0:1", `folder` where its files are. */
static void add_zone(struct eco_sim_tree *tree, const struct eco_sim *sim, mode_t energy_mode,
                     unsigned package, enum eco_sim_zone zone, const char *id, const char *folder)
{
    static const char *const names[ECO_SIM_ZONES] = {[ECO_SIM_CORE] = "core",
                                                     [ECO_SIM_UNCORE] = "uncore",
                                                     [ECO_SIM_DRAM] = "dram",
                                                     [ECO_SIM_PSYS] = "psys"};
    const size_t first = tree->count;
    char text[96];
    add(tree, ECO_SIM_NODE_FOLDER, 0755, "%s", folder);
    struct eco_sim_node *link = add(tree, ECO_SIM_NODE_LINK, 0777, "/class/intel-rapl:%s", id);
    snprintf(link->text, sizeof(link->text), "../../devices/virtual/powercap%.120s",
             folder + strlen("/devices"));
    if (zone == ECO_SIM_PACKAGE) {
        snprintf(text, sizeof(text), "package-%u", package);
    } else {
        snprintf(text, sizeof(text), "%s", names[zone]);
    }
    add_text(tree, folder, "name", text);
    add_text(tree, folder, "enabled", "1");
    snprintf(text, sizeof(text), "%.0f", sim->options.range_j * 1e6);
    add_text(tree, folder, "max_energy_range_uj", text);
    snprintf(text, sizeof(text), "%.0f", sim->options.max_power_w * 1e6);
    add_text(tree, folder, "constraint_0_name", "long_term");
    add_text(tree, folder, "constraint_0_power_limit_uw", text);
    add_text(tree, folder, "constraint_0_max_power_uw", text);
    add_text(tree, folder, "constraint_0_time_window_us", "27983872");
    add(tree, ECO_SIM_NODE_TEXT, 0644, "%s/uevent", folder);
    add(tree, ECO_SIM_NODE_ENERGY, energy_mode, "%s/energy_uj", folder);
    for (size_t i = first; i < tree->count && i < ECO_SIM_NODES_MAX; i++) {
        tree->node[i].in_zone = true;
        tree->node[i].package = package;
        tree->node[i].zone = zone;
    }
}

static void add_package(struct eco_sim_tree *tree, struct eco_sim *sim, mode_t energy_mode, unsigned package)
{
    char id[16], folder[96];
    snprintf(id, sizeof(id), "%x", package);
    snprintf(folder, sizeof(folder), DEVICES "/intel-rapl:%s", id);
    add_zone(tree, sim, energy_mode, package, ECO_SIM_PACKAGE, id, folder);
    unsigned part = 0;
    for (enum eco_sim_zone zone = ECO_SIM_CORE; zone <= ECO_SIM_DRAM; zone++) {
        if (eco_sim_has(sim, package, zone)) {
            char part_id[24], part_folder[160];
            snprintf(part_id, sizeof(part_id), "%s:%x", id, part++);
            snprintf(part_folder, sizeof(part_folder), "%s/intel-rapl:%s", folder, part_id);
            add_zone(tree, sim, energy_mode, package, zone, part_id, part_folder);
        }
    }
}

int eco_sim_tree_build(struct eco_sim_tree *tree, struct eco_sim *sim, mode_t energy_mode)
{
    tree->count = 0;
    add(tree, ECO_SIM_NODE_FOLDER, 0755, "/");
    add(tree, ECO_SIM_NODE_FOLDER, 0755, "/class");
    add(tree, ECO_SIM_NODE_FOLDER, 0755, "/devices");
    add(tree, ECO_SIM_NODE_FOLDER, 0755, DEVICES);
    add(tree, ECO_SIM_NODE_CONTROL, 0600, "/control");
    add(tree, ECO_SIM_NODE_TRUTH, 0444, "/truth");
    add_text(tree, DEVICES, "enabled", "1");
    add(tree, ECO_SIM_NODE_TEXT, 0644, DEVICES "/uevent");
    struct eco_sim_node *link = add(tree, ECO_SIM_NODE_LINK, 0777, "/class/intel-rapl");
    snprintf(link->text, sizeof(link->text), "../../devices/virtual/powercap/intel-rapl");
    for (unsigned i = 0; i < sim->options.packages; i++) {
        add_package(tree, sim, energy_mode, i);
    }
    if (eco_sim_has(sim, 0, ECO_SIM_PSYS)) {
        char id[16], folder[96];
        snprintf(id, sizeof(id), "%x", sim->options.packages);
        snprintf(folder, sizeof(folder), DEVICES "/intel-rapl:%s", id);
        add_zone(tree, sim, energy_mode, 0, ECO_SIM_PSYS, id, folder);
    }
    return tree->count <= ECO_SIM_NODES_MAX ? 0 : -ENOSPC;
}

const struct eco_sim_node *eco_sim_tree_find(const struct eco_sim_tree *tree, struct eco_sim *sim,
                                             const char *path)
{
    for (size_t i = 0; i < tree->count; i++) {
        const struct eco_sim_node *node = &tree->node[i];
        if (strcmp(node->path, path) == 0) {
            return !node->in_zone || eco_sim_has(sim, node->package, node->zone) ? node : NULL;
        }
    }
    return NULL;
}

bool eco_sim_node_is_in(const struct eco_sim_node *node, const char *folder, const char **ret_name)
{
    const size_t length = strcmp(folder, "/") == 0 ? 0 : strlen(folder);
    if (strncmp(node->path, folder, length) != 0 || node->path[length] != '/' ||
        node->path[length + 1] == '\0' || strchr(node->path + length + 1, '/') != NULL) {
        return false;
    }
    *ret_name = node->path + length + 1;
    return true;
}
