/* SPDX-License-Identifier: MIT */
/* What stands between us and the metal: hypervisor, cloud, container. */
#include "base/parse.h"
#include "base/text.h"
#include "platform/linux/host_parts.h"

#include <stdio.h>
#include <string.h>

#define DMI_MAX 64u

struct dmi {
    char vendor[DMI_MAX], product[DMI_MAX];
};

/* By class/dmi/id/sys_vendor and, where not NULL, the beginning of product_name. */
static const struct {
    const char *vendor, *product, *virtualization;
} hypervisors[] = {
    {"QEMU", NULL, "kvm"},
    {"Red Hat", "KVM", "kvm"},
    {"Amazon EC2", NULL, "kvm"},
    {"Google", "Google Compute Engine", "kvm"},
    {"OpenStack Foundation", NULL, "kvm"},
    {"DigitalOcean", NULL, "kvm"},
    {"Hetzner", NULL, "kvm"},
    {"Scaleway", NULL, "kvm"},
    {"Alibaba Cloud", NULL, "kvm"},
    {"Microsoft Corporation", "Virtual Machine", "hyper-v"},
    {"VMware, Inc.", NULL, "vmware"},
    {"innotek GmbH", NULL, "virtualbox"},
    {"Xen", NULL, "xen"},
    {"Parallels", NULL, "parallels"},
    {"Apple Inc.", "Apple Virtualization", "apple"},
    {"Bochs", NULL, "bochs"},
};

static void read_dmi_field(const struct eco_root *root, const char *field, char *ret)
{
    char path[ECO_PATH_MAX], text[256];
    if (eco_path(path, "class/dmi/id/%s", field) < 0)
        return;
    ssize_t length = eco_root_read(root, ECO_SYSFS, path, text, sizeof(text));
    if (length > 0)
        (void)eco_text_clean(ret, DMI_MAX, text, (size_t)length, false);
}

static bool starts_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

static bool ends_with(const char *text, const char *suffix)
{
    size_t length = strlen(text), suffix_length = strlen(suffix);
    return length >= suffix_length && strcmp(text + length - suffix_length, suffix) == 0;
}

static const char *hypervisor_of_dmi(const struct dmi *dmi)
{
    for (size_t i = 0; i < ECO_COUNT(hypervisors); i++) {
        if (starts_with(dmi->vendor, hypervisors[i].vendor) &&
            (!hypervisors[i].product || starts_with(dmi->product, hypervisors[i].product)))
            return hypervisors[i].virtualization;
    }
    return NULL;
}

/* Hyper-V on a desk shows the same names as Azure; the asset tag is Azure's own. */
static bool is_azure(const struct eco_root *root)
{
    char tag[DMI_MAX] = "";
    read_dmi_field(root, "chassis_asset_tag", tag);
    return strcmp(tag, "7783-7084-3265-9085-8269-3286-77") == 0;
}

static void name_cloud(const struct eco_root *root, const struct dmi *dmi, struct eco_host *ret)
{
    const char *cloud = "", *machine_type = dmi->product;
    if (starts_with(dmi->vendor, "Amazon EC2")) {
        cloud = "aws"; /* product_name is the instance type */
    } else if (starts_with(dmi->product, "Google Compute Engine")) {
        cloud = "gcp";
        machine_type = ""; /* the type is known to the metadata server only */
    } else if (starts_with(dmi->vendor, "Microsoft Corporation") &&
               starts_with(dmi->product, "Virtual Machine")) {
        cloud = is_azure(root) ? "azure" : "";
        machine_type = "";
    }
    (void)eco_text_copy(ret->cloud, sizeof(ret->cloud), cloud);
    (void)eco_text_copy(ret->machine_type, sizeof(ret->machine_type), machine_type);
}

static void read_hypervisor(const struct eco_root *root, struct eco_host *ret)
{
    struct dmi dmi = {0};
    char type[16] = "";
    read_dmi_field(root, "sys_vendor", dmi.vendor);
    read_dmi_field(root, "product_name", dmi.product);
    name_cloud(root, &dmi, ret);

    /* x86 says so in its flags, and a rented bare machine has the cloud's DMI without the flag. */
    const char *name = hypervisor_of_dmi(&dmi);
    bool is_x86 = ret->cpu_family != 0;
    if (!is_x86 && name && !ends_with(dmi.product, ".metal"))
        ret->is_hypervisor_guest = true;
    if (!ret->is_hypervisor_guest)
        return;
    if (!name && eco_root_read(root, ECO_SYSFS, "hypervisor/type", type, sizeof(type)) > 0 &&
        strcmp(type, "xen") == 0)
        name = "xen";
    (void)eco_text_copy(ret->virtualization, sizeof(ret->virtualization), name ? name : "vm");
}

/* "container=docker" in the environment of the first process, where we may read it. NUL-separated. */
static bool find_in_environ(const struct eco_root *root, char *ret, size_t size)
{
    char text[4096];
    ssize_t length = eco_host_read_head(root, ECO_PROCFS, "1/environ", text, sizeof(text));
    for (ssize_t at = 0; at < length; at += (ssize_t)strlen(text + at) + 1) {
        if (starts_with(text + at, "container=")) {
            const char *name = text + at + strlen("container=");
            return eco_text_clean(ret, size, name, strlen(name), true) > 0;
        }
    }
    return false;
}

/* "/docker-<id>.scope", but not docker-proxy.service or the like: an id has 64 hexadecimal digits. */
static bool has_docker_scope(const char *text)
{
    static const char mark[] = "/docker-";
    for (const char *p = strstr(text, mark); p; p = strstr(p + 1, mark)) {
        if (strspn(p + strlen(mark), "0123456789abcdef") >= 12)
            return true;
    }
    return false;
}

/* Paths that container engines give to cgroups and to the layers of the root file system. */
static bool find_in_paths(const char *text, char *ret, size_t size)
{
    static const char *const marks[][2] = {
        {"/kubepods", "kubernetes"},
        {"/libpod", "podman"},
        {"/containers/storage/", "podman"},
        {"/docker/", "docker"},
        {"/lxc/", "lxc"},
        {"/lxc.payload", "lxc"},
        {"/containerd/", "containerd"},
        {"io.containerd", "containerd"},
        {"/garden/", "garden"},
        {"/apptainer/", "apptainer"},
        {"/singularity/", "singularity"},
    };
    for (size_t i = 0; i < ECO_COUNT(marks); i++) {
        if (strstr(text, marks[i][0])) {
            (void)eco_text_copy(ret, size, marks[i][1]);
            return true;
        }
    }
    if (!has_docker_scope(text))
        return false;
    (void)eco_text_copy(ret, size, "docker");
    return true;
}

/* Whether the first one is the mount of "/" (the fifth field). */
static bool begins_with_root(const char *mounts)
{
    size_t length = strcspn(mounts, "\n");
    const char *field = mounts;
    for (int i = 0; i < 4 && field; i++) {
        field = memchr(field, ' ', length - (size_t)(field - mounts));
        field = field ? field + 1 : NULL;
    }
    return field && starts_with(field, "/ ");
}

/* A container's root is its first mount. The kernel makes as much of this list as is read of it, and the
 * whole one takes long: so most of it is read only where it begins like that. */
static bool find_in_mounts(const struct eco_root *root, char *ret, size_t size)
{
    char text[2048];
    if (eco_host_read_head(root, ECO_PROCFS, "self/mountinfo", text, 256) <= 0 || !begins_with_root(text) ||
        eco_host_read_head(root, ECO_PROCFS, "self/mountinfo", text, sizeof(text)) <= 0)
        return false;
    text[strcspn(text, "\n")] = '\0';
    return find_in_paths(text, ret, size);
}

static bool find_container(const struct eco_root *root, char *ret, size_t size)
{
    char text[2048];
    if (find_in_environ(root, ret, size))
        return true;
    if (eco_host_read_head(root, ECO_PROCFS, "self/cgroup", text, sizeof(text)) > 0 &&
        find_in_paths(text, ret, size))
        return true;
    return find_in_mounts(root, ret, size);
}

void eco_host_read_virt(const struct eco_root *root, struct eco_host *ret)
{
    char engine[13];
    read_hypervisor(root, ret);
    ret->is_container = find_container(root, engine, sizeof(engine));
    if (ret->is_container)
        (void)snprintf(ret->virtualization, sizeof(ret->virtualization), "container:%s", engine);
}
