/* SPDX-License-Identifier: MIT */
#include "history/redact.h"

#include "history/lines.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static void blank(json_t *object, const char *const *keys, bool is_text)
{
    for (; *keys; keys++)
        if (json_object_get(object, *keys))
            (void)json_object_set_new(object, *keys, is_text ? json_string("") : json_null());
}

static void blank_each(json_t *array, const char *const *keys)
{
    for (size_t i = 0; i < json_array_size(array); i++)
        blank(json_array_get(array, i), keys, false);
}

/* The program's name says what was run, its arguments on what. */
static void keep_program(json_t *root)
{
    const char *first = json_string_value(json_array_get(json_object_get(root, "command"), 0));
    const char *slash = first ? strrchr(first, '/') : NULL;
    if (!first)
        return;
    json_t *words = json_array();
    (void)json_array_append_new(words, json_string(slash ? slash + 1 : first));
    (void)json_object_set_new(root, "command", words);
}

void eco_redact_report(json_t *root)
{
    static const char *const texts[] = {"cwd", "boot_id", NULL};
    static const char *const own[] = {"hostname", NULL}; /* of a stream's first line */
    static const char *const host_texts[] = {"hostname", NULL};
    static const char *const host[] = {"container", "pod", "slurm_job", "cgroup", NULL};
    static const char *const process[] = {"cmdline", "user",      "container",  "pod",
                                          "unit",    "slurm_job", "slurm_step", NULL};
    static const char *const device[] = {"uuid", "pci", NULL};
    static const char *const group[] = {"group", "name", "pod", "job_name", "cluster", NULL};
    const char *kind = NULL;
    json_t *item = NULL, *groups = json_object_get(root, "groups");
    json_t *processes = json_object_get(root, "processes"), *domains = json_object_get(root, "domains");
    keep_program(root);
    blank(root, texts, true);
    blank(root, own, false);
    blank(json_object_get(root, "host"), host_texts, true);
    blank(json_object_get(root, "host"), host, false);
    blank_each(processes, process);
    for (size_t i = 0; i < json_array_size(processes); i++)
        if (json_object_get(json_array_get(processes, i), "uid"))
            (void)json_object_set_new(json_array_get(processes, i), "uid", json_integer(0));
    for (size_t i = 0; i < json_array_size(domains); i++)
        blank(json_object_get(json_array_get(domains, i), "device"), device, false);
    if (json_is_array(groups))
        blank_each(groups, group);
    else
        json_object_foreach(groups, kind, item)
        {
            blank_each(item, group);
        }
}

static int write_line(int to, const json_t *root)
{
    char *text = json_dumps(root, JSON_COMPACT);
    if (!text)
        return -ENOMEM;
    size_t length = strlen(text), done = 0;
    int r = 0;
    text[length++] = '\n';
    while (done < length && r == 0) {
        ssize_t n = write(to, text + done, length - done);
        if (n > 0)
            done += (size_t)n;
        else if (n == 0 || errno != EINTR)
            r = n < 0 ? -errno : -EIO;
    }
    free(text);
    return r;
}

int eco_redact_file(const char *from, int to, struct eco_why *why)
{
    struct eco_lines *lines;
    struct eco_span line;
    int r = eco_lines_open(from, &lines, why);
    if (r < 0)
        return r;
    while ((r = eco_lines_next(lines, &line)) > 0) {
        json_t *root = json_loadb(line.text, line.length, 0, NULL);
        if (json_is_object(root))
            eco_redact_report(root);
        r = json_is_object(root) ? write_line(to, root) : -EBADMSG;
        json_decref(root);
        if (r < 0)
            break;
    }
    (void)eco_lines_free(lines);
    if (r < 0)
        eco_why_set(why, "%s: %s", from, r == -EBADMSG ? "a line of it is no JSON" : strerror(-r));
    return r;
}
