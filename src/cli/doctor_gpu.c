/* SPDX-License-Identifier: MIT */
/* Checks of graphics cards: driver, library, permission, what a container hides. */
#include "cli/doctor.h"

#include "gpu/client.h"
#include "gpu/present.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAMES_MAX     200
#define PCI_MAX       1024 /* looked at */
#define CLASS_DISPLAY "0x03"
#define NVIDIA        "0x10de"

static void say(struct eco_check_result *ret, enum eco_verdict verdict, const char *text)
{
    ret->verdict = verdict;
    eco_why_set(&ret->why, "%s", text);
}

static size_t count_sources(const struct eco_probe *probe, bool only_open)
{
    size_t count = 0;
    for (size_t s = 0; probe->gpus.client && s < eco_gpu_client_sources(probe->gpus.client); s++)
        count += !only_open || eco_gpu_client_source(probe->gpus.client, s)->is_open;
    return count;
}

/* The first source that failed with that error (0 = any), or NULL. */
static const struct eco_gpu_seen_source *failed_source(const struct eco_probe *probe, int error)
{
    for (size_t s = 0; s < count_sources(probe, false); s++) {
        const struct eco_gpu_seen_source *source = eco_gpu_client_source(probe->gpus.client, s);
        if (!source->is_open && source->error < 0 && (!error || source->error == error))
            return source;
    }
    return NULL;
}

static const struct eco_refusal *gpu_refusal(const struct eco_probe *probe)
{
    for (size_t i = 0; i < probe->count; i++)
        if (probe->findings[i].refusal && strcmp(probe->findings[i].sensor, "gpu") == 0)
            return probe->findings[i].refusal;
    return NULL;
}

/* ---- on the bus ---- */

struct bus {
    const struct eco_root *root;
    unsigned looked_at;
    bool has_nvidia;
};

static int note_device(void *context, const char *name, uint64_t inode)
{
    struct bus *bus = context;
    char path[ECO_PATH_MAX], text[32];
    (void)inode;
    if (++bus->looked_at > PCI_MAX)
        return -1;
    if (eco_path(path, "bus/pci/devices/%s/vendor", name) < 0 ||
        eco_root_read(bus->root, ECO_SYSFS, path, text, sizeof text) < 0 ||
        strncmp(text, NVIDIA, sizeof NVIDIA - 1) != 0 ||
        eco_path(path, "bus/pci/devices/%s/class", name) < 0 ||
        eco_root_read(bus->root, ECO_SYSFS, path, text, sizeof text) < 0 ||
        strncmp(text, CLASS_DISPLAY, sizeof CLASS_DISPLAY - 1) != 0)
        return 0;
    bus->has_nvidia = true;
    return 1;
}

static bool is_nvidia_on_bus(const struct eco_probe *probe)
{
    struct bus bus = {.root = &probe->root};
    (void)eco_root_list(&probe->root, ECO_SYSFS, "bus/pci/devices", note_device, &bus);
    return bus.has_nvidia;
}

static bool is_here(const struct eco_probe *probe)
{
    return count_sources(probe, false) > 0 || *probe->gpus.why.text || eco_gpu_may_be_present(&probe->root) ||
           is_nvidia_on_bus(probe);
}

/* ---- the checks ---- */

void eco_check_gpu_found(const struct eco_checkup *checkup, struct eco_check_result *ret)
{
    const struct eco_probe *probe = checkup->probe;
    char names[NAMES_MAX] = "";
    unsigned count = 0;
    for (size_t i = 0; i < probe->count; i++) {
        const struct eco_channel *channel = probe->findings[i].channel;
        size_t length = strlen(names);
        if (!channel || channel->key.kind != ECO_KIND_GPU)
            continue;
        if (length + sizeof channel->name + 4 < sizeof names)
            (void)snprintf(names + length, sizeof names - length, "%s%s", count ? ", " : "", channel->name);
        count++;
    }
    if (count > 0) {
        ret->verdict = ECO_PASS;
        eco_why_set(&ret->why, "%u graphics card%s measured: %s", count, count == 1 ? " is" : "s are", names);
    } else if (is_here(probe)) {
        say(ret, ECO_WARN, "a graphics card seems to be here, but none gives an energy figure");
    } else {
        say(ret, ECO_SKIP, "no graphics card that can be measured seems to be here");
    }
}

void eco_check_gpu_sensord(const struct eco_checkup *checkup, struct eco_check_result *ret)
{
    const struct eco_probe *probe = checkup->probe;
    const char *given = secure_getenv("ECOCODE_SENSORD");
    if (*probe->gpus.why.text) {
        say(ret, ECO_FAIL, probe->gpus.why.text);
        eco_why_fix(&ret->why, "install the whole package: ecocode-sensord belongs to it");
    } else if (given && strcmp(given, "off") == 0) {
        say(ret, ECO_WARN, "ECOCODE_SENSORD=off: graphics cards are not looked for");
        eco_why_fix(&ret->why, "unset ECOCODE_SENSORD");
    } else if (!probe->gpus.client) {
        say(ret, ECO_SKIP, "ecocode-sensord is not needed without a graphics card");
    } else if (count_sources(probe, false) == 0 && eco_gpu_client_fd(probe->gpus.client) >= 0) {
        say(ret, ECO_WARN, "ecocode-sensord runs, but no driver has answered it within 3 s");
    } else {
        say(ret, ECO_PASS, "ecocode-sensord runs apart and has answered");
    }
}

static void check_missing_library(const struct eco_probe *probe, struct eco_check_result *ret)
{
    if (probe->host.is_container) {
        say(ret, ECO_WARN, "the host has an NVIDIA driver, but this container was given none of its devices");
        eco_why_fix(&ret->why, "docker run --gpus all -e NVIDIA_DRIVER_CAPABILITIES=compute,utility ...");
        return;
    }
    say(ret, ECO_WARN, "the NVIDIA kernel module is loaded, but its library (libnvidia-ml.so.1) is not here");
    eco_why_fix(&ret->why, "sudo apt install libnvidia-ml1");
}

void eco_check_gpu_driver(const struct eco_checkup *checkup, struct eco_check_result *ret)
{
    const struct eco_probe *probe = checkup->probe;
    bool has_module = eco_gpu_has_nvidia(&probe->root), is_answered = count_sources(probe, true) > 0;
    const struct eco_gpu_seen_source *failed = failed_source(probe, 0);
    bool is_hidden = !is_answered && !failed && has_module && probe->host.is_container;
    if (is_hidden || failed_source(probe, -ENOENT)) {
        check_missing_library(probe, ret);
    } else if (failed) {
        ret->verdict = ECO_WARN;
        eco_why_set(&ret->why, "%s%s%s", failed->name, *failed->name ? ": " : "",
                    *failed->why.text ? failed->why.text : strerror(-failed->error));
        if (failed->error == -ELIBBAD)
            eco_why_fix(&ret->why, "sudo reboot  # or load the nvidia modules anew");
    } else if (!is_answered && !has_module && is_nvidia_on_bus(probe)) {
        say(ret, ECO_WARN,
            "an NVIDIA card is on the bus, but its driver is not loaded (nouveau has no figures)");
        eco_why_fix(&ret->why, "sudo modprobe nvidia");
    } else if (is_answered) {
        say(ret, ECO_PASS, "every driver that was asked has answered");
    } else {
        say(ret, ECO_SKIP, "no driver of a graphics card was asked");
    }
}

void eco_check_gpu_permission(const struct eco_checkup *checkup, struct eco_check_result *ret)
{
    const struct eco_probe *probe = checkup->probe;
    const struct eco_refusal *refusal = gpu_refusal(probe);
    if (refusal && (refusal->error == -EPERM || refusal->error == -EACCES)) {
        ret->verdict = ECO_FAIL;
        eco_why_set(&ret->why, "%s%s%s", refusal->what, *refusal->what ? ": " : "",
                    *refusal->why.text ? refusal->why.text : strerror(-refusal->error));
        eco_why_fix(&ret->why, "%s", refusal->why.fix);
    } else if (count_sources(probe, true) > 0) {
        say(ret, ECO_PASS, "every card that a driver names may be read");
    } else {
        say(ret, ECO_SKIP, "no card to be read");
    }
}
