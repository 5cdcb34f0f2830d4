/* SPDX-License-Identifier: MIT */
#include "procs/identity_text.h"

#include <string.h>

#define ID_MIN 12u /* fewer digits are no container's id */
#define ID_MAX 64u

/* A path is cut at its slashes; a part is not NUL-terminated. */
struct part {
    const char *at;
    size_t length;
};

/* How deep in its path the best match of each kind lies; 0 = none. Over all lines. */
struct depths {
    unsigned container, pod, unit, slurm;
    size_t cgroup; /* how much the path says of itself, for the one that is shown */
};

static bool is(struct part part, const char *text)
{
    return part.length == strlen(text) && memcmp(part.at, text, part.length) == 0;
}

static bool begins(struct part part, const char *text)
{
    size_t n = strlen(text);
    return part.length >= n && memcmp(part.at, text, n) == 0;
}

static bool ends(struct part part, const char *text)
{
    size_t n = strlen(text);
    return part.length >= n && memcmp(part.at + part.length - n, text, n) == 0;
}

static struct part without(struct part part, size_t front, size_t back)
{
    return (struct part){part.at + front, part.length - front - back};
}

static struct part without_end(struct part part, const char *end)
{
    return ends(part, end) ? without(part, 0, strlen(end)) : part;
}

static bool contains(struct part part, const char *text)
{
    return memmem(part.at, part.length, text, strlen(text)) != NULL;
}

static bool copy(struct part part, char *ret, size_t size)
{
    if (part.length == 0 || part.length >= size)
        return false;
    memcpy(ret, part.at, part.length);
    ret[part.length] = '\0';
    return true;
}

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

static bool is_id(struct part part, size_t least)
{
    if (part.length < least || part.length > ID_MAX)
        return false;
    for (size_t i = 0; i < part.length; i++)
        if (!is_hex(part.at[i]))
            return false;
    return true;
}

static bool is_number(struct part part)
{
    if (part.length == 0 || part.length > 10)
        return false;
    for (size_t i = 0; i < part.length; i++)
        if (part.at[i] < '0' || part.at[i] > '9')
            return false;
    return true;
}

static bool is_word(struct part part)
{
    for (size_t i = 0; i < part.length; i++)
        if (!((part.at[i] >= '0' && part.at[i] <= '9') || (part.at[i] >= 'a' && part.at[i] <= 'z')))
            return false;
    return part.length > 0;
}

/* ---- containers ---- */

struct engine {
    const char *mark, *runtime;
};

/* Before the id in one part: "docker-ID.scope", "libpod-ID". */
static const struct engine prefixes[] = {
    {"docker-", "docker"},      {"cri-containerd-", "containerd"},
    {"nerdctl-", "containerd"}, {"containerd-", "containerd"},
    {"crio-", "cri-o"},         {"libpod-payload-", "podman"},
    {"libpod-", "podman"},
};
/* The part above the id: "/docker/ID". */
static const struct engine parents[] = {
    {"docker", "docker"}, {"containerd", "containerd"}, {"crio", "cri-o"}, {"podman", "podman"}};
/* Between colons: "system.slice:docker:ID", "...slice:cri-containerd:ID". */
static const struct engine between[] = {{":docker:", "docker"},
                                        {":cri-containerd:", "containerd"},
                                        {":containerd:", "containerd"},
                                        {":crio:", "cri-o"}};

static bool take_container(struct part id, const char *runtime, struct eco_cgroup_names *ret)
{
    char text[sizeof(ret->container)];

    if (!copy(id, text, sizeof(text)))
        return false;
    memcpy(ret->container, text, sizeof(text));
    ret->runtime = runtime;
    return true;
}

/* systemd writes what a unit's name may not hold as \xNN. */
static struct part unescape(struct part part, char *space, size_t size)
{
    static const char digits[] = "0123456789abcdef";
    size_t n = 0;

    for (size_t i = 0; i < part.length && n + 1 < size; i++) {
        bool is_escape = i + 3 < part.length && part.at[i] == '\\' && part.at[i + 1] == 'x' &&
                         is_hex(part.at[i + 2]) && is_hex(part.at[i + 3]);
        if (is_escape) {
            space[n++] = (char)((strchr(digits, part.at[i + 2]) - digits) * 16 +
                                (strchr(digits, part.at[i + 3]) - digits));
            i += 3;
        } else {
            space[n++] = part.at[i];
        }
    }
    space[n] = '\0';
    return (struct part){space, n};
}

/* "machine-qemu\x2d2\x2dvm1.scope" (libvirt), "machine-web.scope" (nspawn) */
static bool take_machine(struct part part, struct eco_cgroup_names *ret)
{
    static const struct engine kinds[] = {{"qemu-", "qemu"}, {"lxc-", "lxc"}, {"libvirt-lxc-", "lxc"}};
    char space[256];
    struct part name = unescape(without(part, strlen("machine-"), strlen(".scope")), space, sizeof(space));

    for (size_t i = 0; i < ECO_COUNT(kinds); i++) {
        if (!begins(name, kinds[i].mark))
            continue;
        struct part rest = without(name, strlen(kinds[i].mark), 0);
        const char *dash = memchr(rest.at, '-', rest.length);
        if (dash != NULL && is_number((struct part){rest.at, (size_t)(dash - rest.at)}))
            return take_container(without(rest, (size_t)(dash - rest.at) + 1, 0), kinds[i].runtime, ret);
    }
    return take_container(name, "nspawn", ret);
}

/* Names in place of ids: lxc, machined, libvirt. */
static bool take_named(struct part above, struct part part, struct eco_cgroup_names *ret)
{
    if (begins(part, "lxc.payload."))
        return take_container(without(part, strlen("lxc.payload."), 0), "lxc", ret);
    if (is(above, "lxc") || is(above, "lxc.payload"))
        return take_container(part, "lxc", ret);
    if (begins(part, "machine-") && ends(part, ".scope"))
        return take_machine(part, ret);
    if (begins(part, "systemd-nspawn@") && ends(part, ".service"))
        return take_container(without(part, strlen("systemd-nspawn@"), strlen(".service")), "nspawn", ret);
    if (is(above, "machine") && ends(part, ".libvirt-qemu"))
        return take_container(without_end(part, ".libvirt-qemu"), "qemu", ret);
    return false;
}

/* The processes of a container's monitor are the engine's, not the container's. */
static bool is_monitor(struct part part)
{
    return begins(part, "crio-conmon-") || begins(part, "libpod-conmon-") || begins(part, "lxc.monitor") ||
           ends(part, ".mount");
}

static bool find_container(struct part above, struct part part, struct eco_cgroup_names *ret)
{
    struct part bare = without_end(part, ".scope");

    if (is_monitor(part))
        return false;
    for (size_t i = 0; i < ECO_COUNT(prefixes); i++)
        if (begins(bare, prefixes[i].mark) && is_id(without(bare, strlen(prefixes[i].mark), 0), ID_MIN))
            return take_container(without(bare, strlen(prefixes[i].mark), 0), prefixes[i].runtime, ret);
    for (size_t i = 0; i < ECO_COUNT(parents); i++)
        if (is(above, parents[i].mark) && is_id(part, ID_MIN))
            return take_container(part, parents[i].runtime, ret);
    for (size_t i = 0; i < ECO_COUNT(between); i++) {
        const char *at = memmem(part.at, part.length, between[i].mark, strlen(between[i].mark));
        size_t front = at != NULL ? (size_t)(at - part.at) + strlen(between[i].mark) : 0;
        if (at != NULL && is_id(without(part, front, 0), ID_MIN))
            return take_container(without(part, front, 0), between[i].runtime, ret);
    }
    if (take_named(above, part, ret))
        return true;
    return is_id(part, ID_MAX) && take_container(part, NULL, ret);
}

/* ---- pods ---- */

/* "5ba385ca-b6e6-4246-bd66-d48d429dbc12", with '_' in names of slices; static pods: 32 digits. */
static bool take_pod(struct part uid, char *ret)
{
    char text[ECO_POD_MAX];

    if ((uid.length != 36 && uid.length != 32) || !copy(uid, text, sizeof(text)))
        return false;
    for (size_t i = 0; i < uid.length; i++) {
        bool is_dash = uid.length == 36 && (i == 8 || i == 13 || i == 18 || i == 23);
        if (text[i] == '_')
            text[i] = '-';
        if (is_dash ? text[i] != '-' : !is_hex(text[i]))
            return false;
    }
    memcpy(ret, text, sizeof(text));
    return true;
}

static bool find_pod(struct part part, bool in_kube, char *ret)
{
    static const char mark[] = "-pod";
    const char *colon = memchr(part.at, ':', part.length);
    struct part name = colon != NULL ? (struct part){part.at, (size_t)(colon - part.at)} : part;

    if (!in_kube)
        return false;
    if (begins(name, "pod"))
        return take_pod(without(name, strlen("pod"), 0), ret);
    if (!ends(name, ".slice"))
        return false;
    name = without_end(name, ".slice");
    const char *at = memmem(name.at, name.length, mark, strlen(mark));
    return at != NULL && take_pod(without(name, (size_t)(at - name.at) + strlen(mark), 0), ret);
}

/* ---- Slurm ---- */

/* "slurm" or "slurm_NODE" (version 1), "slurmstepd.scope" or "NODE_slurmstepd.scope" (version 2) */
static bool is_slurm(struct part part)
{
    return is(part, "slurm") || begins(part, "slurm_") || is(part, "slurmstepd.scope") ||
           ends(part, "_slurmstepd.scope");
}

static bool find_slurm(struct part part, struct eco_cgroup_names *ret)
{
    static const char job[] = "job_", step[] = "step_", task[] = "task_";
    struct part rest;

    if (begins(part, job) && is_number(rest = without(part, strlen(job), 0))) {
        ret->slurm_step[0] = '\0';
        ret->slurm_task = -1;
        return copy(rest, ret->slurm_job, sizeof(ret->slurm_job));
    }
    if (ret->slurm_job[0] == '\0')
        return false;
    if (begins(part, step) && is_word(rest = without(part, strlen(step), 0)))
        return copy(rest, ret->slurm_step, sizeof(ret->slurm_step));
    if (ret->slurm_step[0] == '\0' || !begins(part, task) ||
        !is_number(rest = without(part, strlen(task), 0)))
        return false;
    int64_t number = 0;
    for (size_t i = 0; i < rest.length; i++)
        number = number * 10 + (rest.at[i] - '0');
    ret->slurm_task = number <= INT32_MAX ? (int32_t)number : -1;
    return true;
}

/* ---- a path, a file ---- */

static bool is_unit(struct part part)
{
    static const char *const kinds[] = {".service", ".scope", ".mount", ".socket", ".swap"};

    for (size_t i = 0; i < ECO_COUNT(kinds); i++)
        if (ends(part, kinds[i]) && part.length > strlen(kinds[i]))
            return true;
    return false;
}

/* What is found in one path, and how deep. */
static void read_path(struct part path, struct eco_cgroup_names *ret, struct depths *ret_depths)
{
    struct part above = {path.at, 0};
    bool in_kube = false, in_slurm = false, in_user = false;
    unsigned depth = 0;

    for (size_t at = 0; at < path.length;) {
        size_t start = at + (path.at[at] == '/');
        const char *slash = start < path.length ? memchr(path.at + start, '/', path.length - start) : NULL;
        size_t stop = slash != NULL ? (size_t)(slash - path.at) : path.length;
        struct part part = {path.at + start, stop - start};
        at = stop > at ? stop : at + 1;
        if (part.length == 0)
            continue;
        depth++;
        in_kube = in_kube || contains(part, "kubepods");
        in_slurm = in_slurm || is_slurm(part);
        if (find_container(above, part, ret))
            ret_depths->container = depth;
        if (find_pod(part, in_kube, ret->pod))
            ret_depths->pod = depth;
        if (in_slurm && find_slurm(part, ret))
            ret_depths->slurm = depth;
        if (is_unit(part) && copy(part, ret->unit, sizeof(ret->unit))) {
            ret_depths->unit = depth;
            ret->is_user_unit = in_user;
        }
        in_user = in_user || (begins(part, "user@") && ends(part, ".service"));
        above = part;
    }
}

/* The deepest match of each kind over all lines; the first of two as deep. */
static void merge(struct eco_cgroup_names *to, struct depths *best, const struct eco_cgroup_names *from,
                  const struct depths *found)
{
    if (found->container > best->container) {
        memcpy(to->container, from->container, sizeof(to->container));
        to->runtime = from->runtime;
        best->container = found->container;
    }
    if (found->pod > best->pod) {
        memcpy(to->pod, from->pod, sizeof(to->pod));
        best->pod = found->pod;
    }
    if (found->unit > best->unit) {
        memcpy(to->unit, from->unit, sizeof(to->unit));
        to->is_user_unit = from->is_user_unit;
        best->unit = found->unit;
    }
    if (found->slurm > best->slurm) {
        memcpy(to->slurm_job, from->slurm_job, sizeof(to->slurm_job));
        memcpy(to->slurm_step, from->slurm_step, sizeof(to->slurm_step));
        to->slurm_task = from->slurm_task;
        best->slurm = found->slurm;
    }
}

/* Version 2 and systemd's own hierarchy tell more than a longer path of another. */
static void keep_path(struct part list, struct part path, struct eco_cgroup_names *ret, size_t *best)
{
    size_t worth = path.length <= 1           ? 1
                   : list.length == 0         ? 1u << 20
                   : is(list, "name=systemd") ? 1u << 19
                                              : path.length;

    if (worth <= *best)
        return;
    size_t n = path.length < sizeof(ret->cgroup) ? path.length : sizeof(ret->cgroup) - 1;
    memcpy(ret->cgroup, path.at, n);
    ret->cgroup[n] = '\0';
    *best = worth;
}

/* "4:cpu,cpuacct:/docker/1f...", "0::/system.slice/x.service" */
static void read_line(const char *line, const char *stop, struct eco_cgroup_names *ret, struct depths *best)
{
    const char *first = memchr(line, ':', (size_t)(stop - line));
    const char *second = first != NULL ? memchr(first + 1, ':', (size_t)(stop - first - 1)) : NULL;
    struct eco_cgroup_names found = {.slurm_task = -1};
    struct depths depths = {0};

    if (second == NULL || second + 1 == stop || second[1] != '/' ||
        memchr(line, '\0', (size_t)(stop - line)) != NULL)
        return;
    struct part path = without_end((struct part){second + 1, (size_t)(stop - second - 1)}, " (deleted)");
    read_path(path, &found, &depths);
    merge(ret, best, &found, &depths);
    keep_path((struct part){first + 1, (size_t)(second - first - 1)}, path, ret, &best->cgroup);
}

void eco_cgroup_names_parse(const char *text, size_t length, struct eco_cgroup_names *ret)
{
    const char *end = text + length;
    struct depths best = {0};

    *ret = (struct eco_cgroup_names){.slurm_task = -1};
    for (const char *line = text; line < end;) {
        const char *stop = memchr(line, '\n', (size_t)(end - line));
        if (stop == NULL)
            stop = end;
        read_line(line, stop, ret, &best);
        line = stop + 1;
    }
}
