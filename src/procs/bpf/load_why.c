/* SPDX-License-Identifier: MIT */
#include "procs/bpf/load_why.h"

#include "base/parse.h"
#include "platform/root.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/utsname.h>

#define CAP_SYS_ADMIN_BIT 21
#define CAP_PERFMON_BIT   38
#define CAP_BPF_BIT       39

bool eco_bpf_kernel_version(const char *release, unsigned *major, unsigned *minor)
{
    uint64_t a, b;
    const char *at = release;

    if (eco_scan_u64(&at, &a) < 0 || *at++ != '.' || eco_scan_u64(&at, &b) < 0 || a > 1000 || b > 1000)
        return false;
    *major = (unsigned)a;
    *minor = (unsigned)b;
    return true;
}

int eco_bpf_check_kernel(struct eco_why *why)
{
    struct utsname name;
    unsigned major, minor;

    if (uname(&name) < 0)
        return -errno;
    if (strcmp(name.sysname, "Linux") != 0) {
        eco_why_set(why, "BPF accounting is for Linux");
        return -ENOTSUP;
    }
    if (!eco_bpf_kernel_version(name.release, &major, &minor) || major > 5 || (major == 5 && minor >= 15))
        return 0;
    eco_why_set(why, "Linux %u.%u is too old for BPF accounting, which needs 5.15", major, minor);
    return -ENOTSUP;
}

static uint64_t why_field(const char *status, const char *name)
{
    const char *at = strstr(status, name);
    char text[32] = "";
    uint64_t value = 0;

    if (at == NULL)
        return 0;
    at += strlen(name);
    at += strspn(at, " \t");
    size_t length = strcspn(at, "\n");
    if (length < sizeof(text))
        memcpy(text, at, length);
    return eco_parse_hex(text, &value) < 0 ? 0 : value;
}

static void why_refused(const struct eco_root *root, struct eco_why *why)
{
    char text[4096];

    if (eco_root_read(root, ECO_SYSFS, "kernel/security/lockdown", text, sizeof(text)) > 0 &&
        strstr(text, "[confidentiality]") != NULL) {
        eco_why_set(why,
                    "the kernel is locked down (confidentiality), which forbids BPF to read kernel memory");
        return;
    }
    if (eco_root_read(root, ECO_PROCFS, "self/status", text, sizeof(text)) <= 0) {
        eco_why_set(why, "the kernel refuses BPF");
        return;
    }
    uint64_t caps = why_field(text, "\nCapEff:");
    bool is_admin = caps >> CAP_SYS_ADMIN_BIT & 1;
    const char *lacks = !(caps >> CAP_BPF_BIT & 1) ? "CAP_BPF" : "CAP_PERFMON";
    if (!is_admin && (!(caps >> CAP_BPF_BIT & 1) || !(caps >> CAP_PERFMON_BIT & 1))) {
        eco_why_set(why, "the capability %s is missing", lacks);
        return;
    }
    if (why_field(text, "\nSeccomp:") != 0)
        eco_why_set(why, "a seccomp filter forbids bpf(), as containers have it");
    else
        eco_why_set(why,
                    "the kernel refuses bpf() in spite of the capabilities (a security module, or a user "
                    "namespace)");
}

void eco_bpf_say_why(const char *step, int error, struct eco_why *why)
{
    struct eco_root root;

    switch (-error) {
    case EPERM:
    case EACCES:
        if (error == -EACCES) {
            eco_why_set(why, "the kernel's verifier does not accept the BPF programs");
            return;
        }
        if (eco_root_init(&root, NULL, NULL) < 0) {
            eco_why_set(why, "the kernel refuses BPF");
            return;
        }
        why_refused(&root, why);
        eco_root_finish(&root);
        return;
    case ENOSYS:
        eco_why_set(why, "this kernel was built without BPF");
        return;
    case ENOMEM:
        eco_why_set(why, "no memory for BPF maps within the limit of this cgroup");
        return;
    case ENOENT:
        eco_why_set(why, "this kernel lacks a tracepoint that BPF accounting needs");
        return;
    default:
        eco_why_set(why, "BPF programs: %s failed: %s", step, strerror(-error));
        return;
    }
}
