/* SPDX-License-Identifier: MIT */
#include "platform/host.h"

#include "support/test.h"
#include "support/tree.h"

#include <string.h>

struct fixture {
    struct eco_temp temp;
    struct eco_root root;
    struct eco_host host;
};

static int set_up(void **state)
{
    static struct fixture fixture;
    fixture.host = (struct eco_host){0};
    eco_temp_init(&fixture.temp);
    eco_temp_roots(&fixture.temp, &fixture.root);
    *state = &fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    eco_host_finish(&f->host);
    eco_root_finish(&f->root);
    eco_temp_finish(&f->temp);
    return 0;
}

static void write_x86(struct fixture *f, const char *flags)
{
    eco_temp_printf(&f->temp, "proc/cpuinfo",
                    "processor\t: 0\nvendor_id\t: AuthenticAMD\ncpu family\t: 25\nmodel\t\t: 1\n"
                    "model name\t: AMD EPYC 7763 64-Core Processor\nstepping\t: 1\nmicrocode\t: 0xa0011d1\n"
                    "flags\t\t: fpu vme %s\n\n"
                    "processor\t: 1\nvendor_id\t: Second\nmodel name\t: Second\nmodel\t\t: 99\n\n",
                    flags);
}

static void nothing_is_known_of_an_empty_machine(void **state)
{
    struct fixture *f = *state;
    memset(&f->host, 0xAA, sizeof(f->host));
    f->host.topology = (struct eco_topology){0};
    eco_host_read(&f->root, &f->host);
    assert_string_not_equal(f->host.hostname, "");
    assert_string_not_equal(f->host.kernel, "");
    assert_true(f->host.ticks_per_s > 0);
    assert_string_equal(f->host.cpu_model, "");
    assert_string_equal(f->host.cpu_vendor, "");
    assert_string_equal(f->host.boot_id, "");
    assert_string_equal(f->host.virtualization, "");
    assert_string_equal(f->host.machine_type, "");
    assert_string_equal(f->host.cloud, "");
    assert_true(f->host.memory_bytes == 0);
    assert_true(isnan(f->host.cpu_quota));
    assert_false(f->host.is_hypervisor_guest || f->host.is_container || f->host.on_battery);
}

static void a_server_of_metal(void **state)
{
    struct fixture *f = *state;
    write_x86(f, "de pse hypervisorless");
    eco_temp_write(&f->temp, "proc/meminfo", "MemTotal:       16318636 kB\nMemFree: 1 kB\n");
    eco_temp_write(&f->temp, "proc/sys/kernel/random/boot_id", "6d1f2c37-0bb4-44ef-995c-cbfb91efabcd\n");
    eco_temp_write(&f->temp, "sys/class/dmi/id/sys_vendor", "Dell Inc.\n");
    eco_temp_write(&f->temp, "sys/class/dmi/id/product_name", "PowerEdge R7525\n");
    eco_host_read(&f->root, &f->host);
    assert_string_equal(f->host.cpu_model, "AMD EPYC 7763 64-Core Processor");
    assert_string_equal(f->host.cpu_vendor, "AuthenticAMD");
    assert_int_equal(f->host.cpu_family, 25);
    assert_int_equal(f->host.cpu_model_number, 1); /* "model", not "model name" */
    assert_int_equal(f->host.cpu_stepping, 1);
    assert_int_equal(f->host.microcode, 0xa0011d1);
    assert_true(f->host.memory_bytes == 16318636ull * 1024);
    assert_string_equal(f->host.boot_id, "6d1f2c37-0bb4-44ef-995c-cbfb91efabcd");
    assert_false(f->host.is_hypervisor_guest);
    assert_string_equal(f->host.virtualization, "");
    assert_string_equal(f->host.machine_type, "PowerEdge R7525");
}

static void check_cloud(struct fixture *f, const char *vendor, const char *product,
                        const char *virtualization, const char *cloud, const char *machine_type)
{
    eco_temp_printf(&f->temp, "sys/class/dmi/id/sys_vendor", "%s\n", vendor);
    eco_temp_printf(&f->temp, "sys/class/dmi/id/product_name", "%s\n", product);
    eco_host_read(&f->root, &f->host);
    assert_string_equal(f->host.virtualization, virtualization);
    assert_string_equal(f->host.cloud, cloud);
    assert_string_equal(f->host.machine_type, machine_type);
}

static void clouds_and_hypervisors(void **state)
{
    struct fixture *f = *state;
    write_x86(f, "hypervisor lahf_lm");
    check_cloud(f, "Amazon EC2", "m5.large", "kvm", "aws", "m5.large");
    check_cloud(f, "Google", "Google Compute Engine", "kvm", "gcp", "");
    check_cloud(f, "Microsoft Corporation", "Virtual Machine", "hyper-v", "", "");
    eco_temp_write(&f->temp, "sys/class/dmi/id/chassis_asset_tag", "7783-7084-3265-9085-8269-3286-77\n");
    check_cloud(f, "Microsoft Corporation", "Virtual Machine", "hyper-v", "azure", "");
    check_cloud(f, "VMware, Inc.", "VMware7,1", "vmware", "", "VMware7,1");
    check_cloud(f, "QEMU", "Standard PC", "kvm", "", "Standard PC");
    check_cloud(f, "Nobody", "Nothing\x1b[2J", "vm", "", "Nothing?[2J");
    eco_temp_write(&f->temp, "sys/hypervisor/type", "xen\n");
    check_cloud(f, "Nobody", "x", "xen", "", "x");
    assert_true(f->host.is_hypervisor_guest);

    /* A rented bare machine: the cloud's names, but no hypervisor. */
    write_x86(f, "lahf_lm");
    check_cloud(f, "Amazon EC2", "m5.metal", "", "aws", "m5.metal");
    check_cloud(f, "Google", "Google Compute Engine", "", "gcp", "");
    assert_false(f->host.is_hypervisor_guest);
}

static void arm_has_numbers_only(void **state)
{
    struct fixture *f = *state;
    eco_temp_write(&f->temp, "proc/cpuinfo",
                   "processor\t: 0\nBogoMIPS\t: 243.75\nFeatures\t: fp asimd\nCPU implementer\t: 0x41\n"
                   "CPU architecture: 8\nCPU variant\t: 0x3\nCPU part\t: 0xd0c\nCPU revision\t: 1\n\n");
    eco_host_read(&f->root, &f->host);
    assert_string_equal(f->host.cpu_vendor, "ARM");
    assert_string_equal(f->host.cpu_model, "Neoverse-N1");
    assert_int_equal(f->host.cpu_family, 0);
    assert_false(f->host.is_hypervisor_guest);
    check_cloud(f, "Amazon EC2", "m6g.large", "kvm", "aws", "m6g.large");
    assert_true(f->host.is_hypervisor_guest);
    check_cloud(f, "Amazon EC2", "m6g.metal", "", "aws", "m6g.metal");

    eco_temp_write(&f->temp, "proc/cpuinfo", "CPU implementer\t: 0x41\nCPU part\t: 0xfff\n\n");
    eco_host_read(&f->root, &f->host);
    assert_string_equal(f->host.cpu_vendor, "ARM");
    assert_string_equal(f->host.cpu_model, "");
}

static void garbage_is_unknown(void **state)
{
    struct fixture *f = *state;
    char long_line[20000];
    memset(long_line, 'x', sizeof(long_line) - 1);
    long_line[sizeof(long_line) - 1] = '\0';
    eco_temp_write(&f->temp, "proc/cpuinfo", long_line);
    eco_temp_write(&f->temp, "proc/meminfo", "MemTotal: 99999999999999999999 kB\n");
    eco_temp_write(&f->temp, "proc/sys/kernel/random/boot_id", long_line);
    eco_temp_write(&f->temp, "proc/self/cgroup", "garbage\n:\n::\n1:cpu\n");
    eco_temp_write(&f->temp, "proc/self/mountinfo", "1 2 3\n\n   \n");
    eco_temp_write(&f->temp, "proc/1/environ", "container");
    eco_temp_write(&f->temp, "sys/class/dmi/id/product_name", long_line);
    eco_temp_fifo(&f->temp, "sys/class/power_supply/BAT0/type");
    eco_host_read(&f->root, &f->host);
    assert_string_equal(f->host.cpu_model, "");
    assert_true(f->host.memory_bytes == 0);
    assert_string_equal(f->host.boot_id, "");
    assert_false(f->host.is_container);

    eco_temp_write(
        &f->temp, "proc/cpuinfo",
        "models : 5\nmodel : -3\nmodel name\nvendor_id:\ncpu family : 99999999999\nstepping : 0x1ffffffff\n"
        "microcode : 0xzz\nflags :\n");
    eco_host_read(&f->root, &f->host);
    assert_string_equal(f->host.cpu_model, "");
    assert_string_equal(f->host.cpu_vendor, "");
    assert_int_equal(f->host.cpu_model_number, 0);
    assert_int_equal(f->host.cpu_family, 0);
    assert_int_equal(f->host.cpu_stepping, 0);
    assert_int_equal(f->host.microcode, 0);
}

static void check_container(struct fixture *f, const char *path, const char *text, const char *expected)
{
    eco_temp_write(&f->temp, path, text);
    eco_host_read(&f->root, &f->host);
    assert_string_equal(f->host.virtualization, expected);
    assert_int_equal(f->host.is_container, expected[0] != '\0');
    eco_temp_remove(&f->temp, path);
}

static void containers(void **state)
{
    struct fixture *f = *state;
    static const char environ_text[] = "PATH=/bin\0container=podman\0X=1";
    eco_temp_write_bytes(&f->temp, "proc/1/environ", environ_text, sizeof(environ_text));
    eco_host_read(&f->root, &f->host);
    assert_string_equal(f->host.virtualization, "container:podman");
    eco_temp_remove(&f->temp, "proc/1");

    check_container(f, "proc/self/cgroup", "0::/docker/0123456789abcdef\n", "container:docker");
    check_container(f, "proc/self/cgroup", "0::/system.slice/docker-0123456789abcdef.scope\n",
                    "container:docker");
    check_container(f, "proc/self/cgroup", "0::/system.slice/docker.service\n", "");
    check_container(f, "proc/self/cgroup", "0::/system.slice/docker-proxy.service\n", "");
    check_container(f, "proc/self/cgroup", "0::/system.slice/lxcfs.service\n", "");
    check_container(f, "proc/self/cgroup", "11:cpu:/kubepods/besteffort/pod1/abc\n0::/\n",
                    "container:kubernetes");
    check_container(f, "proc/self/mountinfo",
                    "600 500 0:50 / / rw - overlay overlay rw,lowerdir=/var/lib/docker/overlay2/l/A\n"
                    "601 600 0:51 / /proc rw - proc proc rw\n",
                    "container:docker");
    check_container(f, "proc/self/mountinfo",
                    "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n"
                    "99 22 0:50 / /var/lib/docker/overlay2/x/merged rw - overlay overlay rw\n",
                    "");
    check_container(f, "proc/1/environ", "container=\x1b]0;a-very-long-engine-name",
                    "container:?]0;a-very-l");
}

static double quota(struct fixture *f)
{
    eco_host_read(&f->root, &f->host);
    return f->host.cpu_quota;
}

static void quota_of_cgroup_v2(void **state)
{
    struct fixture *f = *state;
    eco_temp_write(&f->temp, "proc/self/cgroup", "0::/a/b/c\n");
    eco_temp_write(&f->temp, "sys/fs/cgroup/a/b/c/cpu.max", "max 100000\n");
    assert_true(isnan(quota(f)));
    eco_temp_write(&f->temp, "sys/fs/cgroup/a/b/cpu.max", "250000 100000\n");
    eco_assert_near(quota(f), 2.5, 1e-12);
    eco_temp_write(&f->temp, "sys/fs/cgroup/a/cpu.max", "50000 100000\n");
    eco_assert_near(quota(f), 0.5, 1e-12);
    eco_temp_write(&f->temp, "sys/fs/cgroup/a/cpu.max", "400000 100000\n");
    eco_assert_near(quota(f), 2.5, 1e-12); /* the least on the way up */
    eco_temp_write(&f->temp, "sys/fs/cgroup/cpu.max", "10000 100000\n");
    eco_assert_near(quota(f), 0.1, 1e-12); /* of a container that sees itself as the root */

    eco_temp_write(&f->temp, "sys/elsewhere/cpu.max", "1000 100000\n"); /* no cgroup's */
    eco_temp_write(&f->temp, "proc/self/cgroup", "0::/../../elsewhere\n");
    eco_assert_near(quota(f), 0.1, 1e-12);
    eco_temp_write(&f->temp, "sys/fs/cgroup/cpu.max", "100000 0\n");
    assert_true(isnan(quota(f)));
    eco_temp_write(&f->temp, "sys/fs/cgroup/cpu.max", "-5 100000\n");
    assert_true(isnan(quota(f)));
}

static void quota_of_cgroup_v1(void **state)
{
    struct fixture *f = *state;
    eco_temp_write(&f->temp, "proc/self/cgroup", "5:cpuset:/\n4:cpu,cpuacct:/docker/x\n0::/\n");
    eco_temp_write(&f->temp, "sys/fs/cgroup/cpu/docker/x/cpu.cfs_quota_us", "-1\n");
    eco_temp_write(&f->temp, "sys/fs/cgroup/cpu/docker/x/cpu.cfs_period_us", "100000\n");
    assert_true(isnan(quota(f)));
    eco_temp_write(&f->temp, "sys/fs/cgroup/cpu/docker/x/cpu.cfs_quota_us", "150000\n");
    eco_assert_near(quota(f), 1.5, 1e-12);
    eco_temp_write(&f->temp, "proc/self/cgroup", "4:cpuacct,cpuset:/docker/x\n");
    assert_true(isnan(quota(f))); /* not the cpu controller */
}

static void batteries(void **state)
{
    struct fixture *f = *state;
    eco_temp_write(&f->temp, "sys/class/power_supply/BAT0/type", "Battery\n");
    eco_temp_write(&f->temp, "sys/class/power_supply/BAT0/status", "Discharging\n");
    eco_host_read(&f->root, &f->host);
    assert_true(f->host.on_battery);
    eco_temp_write(&f->temp, "sys/class/power_supply/AC/type", "Mains\n");
    eco_temp_write(&f->temp, "sys/class/power_supply/AC/online", "0\n");
    eco_host_read(&f->root, &f->host);
    assert_true(f->host.on_battery);
    eco_temp_write(&f->temp, "sys/class/power_supply/AC/online", "1\n");
    eco_host_read(&f->root, &f->host);
    assert_false(f->host.on_battery);
    eco_temp_remove(&f->temp, "sys/class/power_supply/AC");
    eco_temp_write(&f->temp, "sys/class/power_supply/BAT0/scope", "Device\n"); /* a mouse's */
    eco_host_read(&f->root, &f->host);
    assert_false(f->host.on_battery);
}

static void this_machine(void **state)
{
    (void)state;
    struct eco_root root;
    struct eco_host host = {0};
    assert_int_equal(eco_root_init(&root, NULL, NULL), 0);
    eco_host_read(&root, &host);
    assert_true(host.memory_bytes > 1 << 20);
    assert_int_equal(strlen(host.boot_id), 36);
    assert_true(isnan(host.cpu_quota) || host.cpu_quota > 0.0);
    eco_host_finish(&host);
    eco_root_finish(&root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nothing_is_known_of_an_empty_machine, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_server_of_metal, set_up, tear_down),
        cmocka_unit_test_setup_teardown(clouds_and_hypervisors, set_up, tear_down),
        cmocka_unit_test_setup_teardown(arm_has_numbers_only, set_up, tear_down),
        cmocka_unit_test_setup_teardown(garbage_is_unknown, set_up, tear_down),
        cmocka_unit_test_setup_teardown(containers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(quota_of_cgroup_v2, set_up, tear_down),
        cmocka_unit_test_setup_teardown(quota_of_cgroup_v1, set_up, tear_down),
        cmocka_unit_test_setup_teardown(batteries, set_up, tear_down),
        cmocka_unit_test(this_machine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
