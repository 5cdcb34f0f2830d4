/* SPDX-License-Identifier: MIT */
/* What can be done to the simulated machine while it runs; the list is in model.h. */
#include "model.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int parse_errno(const char *name)
{
    static const struct {
        const char *name;
        int number;
    } names[] = {{"EIO", EIO},       {"EACCES", EACCES}, {"EPERM", EPERM},  {"ENODATA", ENODATA},
                 {"EAGAIN", EAGAIN}, {"ENODEV", ENODEV}, {"ENOENT", ENOENT}};
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        if (strcmp(name, names[i].name) == 0) {
            return names[i].number;
        }
    }
    char *end = NULL;
    const long number = strtol(name, &end, 10);
    return end != name && *end == '\0' && number > 0 && number < 4096 ? (int)number : -EINVAL;
}

static void reset(struct eco_sim_package *package)
{
    for (int zone = 0; zone < ECO_SIM_ZONES; zone++) {
        package->zone[zone].shown_j = 0;
        package->zone[zone].stepped_j = 0;
    }
}

static void jump(struct eco_sim_package *package, double joules)
{
    for (int zone = 0; zone < ECO_SIM_ZONES; zone++) {
        package->zone[zone].shown_j += joules;
        package->zone[zone].stepped_j += joules;
    }
}

/* Commands for packages first .. last - 1. */
static int control_packages(struct eco_sim *sim, const char *verb, const char *value, unsigned first,
                            unsigned last)
{
    const int number = strcmp(verb, "error") == 0 ? parse_errno(value) : 0;
    if (number < 0) {
        return number;
    }
    for (unsigned i = first; i < last; i++) {
        struct eco_sim_package *package = &sim->package[i];
        if (strcmp(verb, "error") == 0) {
            package->error = number;
        } else if (strcmp(verb, "ok") == 0) {
            package->error = 0;
        } else if (strcmp(verb, "reset") == 0) {
            reset(package);
        } else if (strcmp(verb, "jump") == 0) {
            jump(package, strtod(value, NULL));
        } else if (strcmp(verb, "vanish") == 0 || strcmp(verb, "return") == 0) {
            package->gone = verb[0] == 'v';
        } else {
            return -EINVAL;
        }
    }
    return 0;
}

/* Commands for the whole machine; -ENOENT when it is none of them. */
static int control_machine(struct eco_sim *sim, const char *verb, double value)
{
    if (strcmp(verb, "hang") == 0) {
        sim->hangs = true;
    } else if (strcmp(verb, "stall") == 0) {
        sim->stalls = true;
    } else if (strcmp(verb, "noise") == 0) {
        sim->options.noise_ratio = value;
    } else if (strcmp(verb, "concave") == 0) {
        sim->options.exponent = value;
        return eco_sim_start(sim);
    } else if (strcmp(verb, "gain") == 0) {
        sim->options.gain = value;
    } else if (strcmp(verb, "idle") == 0) {
        sim->options.idle_w = value;
    } else {
        return -ENOENT;
    }
    return 0;
}

int eco_sim_control(struct eco_sim *sim, const char *line)
{
    char verb[16] = "", value[32] = "", which[16] = "";
    const int words = sscanf(line, "%15s %31s %15s", verb, value, which);
    const bool takes_value = strcmp(verb, "error") == 0 || strcmp(verb, "jump") == 0;
    const char *package = takes_value ? which : value;
    if (words < (takes_value ? 2 : 1)) {
        return -EINVAL;
    }
    /* What was used until now was used under the old rule; the text of it is of no interest. */
    char ignored[2048];
    (void)eco_sim_truth(sim, ignored, sizeof(ignored));

    pthread_mutex_lock(&sim->lock);
    int r = control_machine(sim, verb, strtod(value, NULL));
    if (r == -ENOENT) {
        const unsigned long number = strtoul(package, NULL, 10);
        const bool one = package[0] != '\0' && number < sim->options.packages;
        r = control_packages(sim, verb, value, one ? (unsigned)number : 0,
                             one ? (unsigned)number + 1 : sim->options.packages);
    }
    if (strcmp(verb, "ok") == 0) {
        sim->hangs = sim->stalls = false;
        pthread_cond_broadcast(&sim->released);
    }
    pthread_mutex_unlock(&sim->lock);
    return r;
}
