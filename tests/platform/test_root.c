/* SPDX-License-Identifier: MIT */
#include "platform/root.h"

#include "support/test.h"
#include "support/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct fixture {
    struct eco_temp temp;
    struct eco_root root;
};

static int set_up(void **state)
{
    static struct fixture fixture;
    eco_temp_init(&fixture.temp);
    eco_temp_roots(&fixture.temp, &fixture.root);
    *state = &fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    eco_root_finish(&f->root);
    eco_temp_finish(&f->temp);
    return 0;
}

static void small_files_are_read(void **state)
{
    struct fixture *f = *state;
    char text[16] = "zzz";
    uint64_t value = 7;
    eco_temp_write(&f->temp, "sys/a/b", "12345 \t\n");
    assert_int_equal(eco_root_read(&f->root, ECO_SYSFS, "a/b", text, sizeof(text)), 5);
    assert_string_equal(text, "12345");
    assert_int_equal(eco_root_read_u64(&f->root, ECO_SYSFS, "a/b", &value), 0);
    assert_true(value == 12345);
    assert_int_equal(eco_root_read_u64(&f->root, ECO_PROCFS, "a/b", &value), -ENOENT);

    eco_temp_write(&f->temp, "proc/empty", "");
    assert_int_equal(eco_root_read(&f->root, ECO_PROCFS, "empty", text, sizeof(text)), 0);
    assert_string_equal(text, "");
    eco_temp_write(&f->temp, "proc/blank", " \n\n");
    assert_int_equal(eco_root_read(&f->root, ECO_PROCFS, "blank", text, sizeof(text)), 0);
    assert_int_equal(eco_root_read_u64(&f->root, ECO_PROCFS, "blank", &value), -EINVAL);
    assert_true(value == 12345);
}

static void what_does_not_fit_is_said(void **state)
{
    struct fixture *f = *state;
    char text[5];
    eco_temp_write(&f->temp, "sys/four", "1234");
    eco_temp_write(&f->temp, "sys/five", "12345");
    assert_int_equal(eco_root_read(&f->root, ECO_SYSFS, "four", text, sizeof(text)), 4);
    assert_int_equal(eco_root_read(&f->root, ECO_SYSFS, "five", text, sizeof(text)), -EFBIG);
    assert_int_equal(eco_root_read(&f->root, ECO_SYSFS, "four", text, 0), -EINVAL);
}

static void numbers_that_are_none(void **state)
{
    struct fixture *f = *state;
    uint64_t value = 7;
    eco_temp_write(&f->temp, "sys/minus", "-1\n");
    eco_temp_write(&f->temp, "sys/huge", "18446744073709551616\n");
    eco_temp_write(&f->temp, "sys/two", "1 2\n");
    eco_temp_printf(&f->temp, "sys/long", "%0100d", 1);
    assert_int_equal(eco_root_read_u64(&f->root, ECO_SYSFS, "minus", &value), -EINVAL);
    assert_int_equal(eco_root_read_u64(&f->root, ECO_SYSFS, "huge", &value), -ERANGE);
    assert_int_equal(eco_root_read_u64(&f->root, ECO_SYSFS, "two", &value), -EINVAL);
    assert_int_equal(eco_root_read_u64(&f->root, ECO_SYSFS, "long", &value), -EFBIG);
    assert_true(value == 7);
}

static void only_regular_files_are_opened(void **state)
{
    struct fixture *f = *state;
    eco_temp_fifo(&f->temp, "sys/fifo");
    eco_temp_mkdir(&f->temp, "sys/folder");
    eco_temp_link(&f->temp, "sys/device", "/dev/zero");
    eco_temp_link(&f->temp, "sys/dangling", "nowhere");
    eco_temp_link(&f->temp, "sys/loop", "loop");
    assert_int_equal(eco_root_open(&f->root, ECO_SYSFS, "fifo"), -EINVAL); /* and does not hang */
    assert_int_equal(eco_root_open(&f->root, ECO_SYSFS, "folder"), -EINVAL);
    assert_int_equal(eco_root_open(&f->root, ECO_SYSFS, "device"), -EINVAL);
    assert_int_equal(eco_root_open(&f->root, ECO_SYSFS, "dangling"), -ENOENT);
    assert_int_equal(eco_root_open(&f->root, ECO_SYSFS, "loop"), -ELOOP);
    assert_int_equal(eco_root_open(&f->root, ECO_SYSFS, "/etc/hostname"), -EINVAL);
    assert_int_equal(eco_root_open(&f->root, ECO_SYSFS, "fifo/x"), -ENOTDIR);
}

static void links_are_followed(void **state)
{
    struct fixture *f = *state;
    uint64_t value = 0;
    char name[8];
    eco_temp_write(&f->temp, "sys/devices/zone:0/energy_uj", "42\n");
    eco_temp_link(&f->temp, "sys/class/zone:0", "../devices/zone:0");
    eco_temp_link(&f->temp, "sys/class/plain", "target");
    assert_int_equal(eco_root_read_u64(&f->root, ECO_SYSFS, "class/zone:0/energy_uj", &value), 0);
    assert_true(value == 42);
    assert_int_equal(eco_root_link_name(&f->root, ECO_SYSFS, "class/zone:0", name, sizeof(name)), 0);
    assert_string_equal(name, "zone:0");
    assert_int_equal(eco_root_link_name(&f->root, ECO_SYSFS, "class/plain", name, sizeof(name)), 0);
    assert_string_equal(name, "target");
    assert_int_equal(eco_root_link_name(&f->root, ECO_SYSFS, "class/plain", name, 6), -ENAMETOOLONG);
    assert_string_equal(name, "target");
    assert_int_equal(eco_root_link_name(&f->root, ECO_SYSFS, "devices", name, sizeof(name)), -EINVAL);
    assert_int_equal(eco_root_link_name(&f->root, ECO_SYSFS, "class/none", name, sizeof(name)), -ENOENT);
    assert_int_equal(eco_root_exists(&f->root, ECO_SYSFS, "class/zone:0"), 0);
    assert_int_equal(eco_root_exists(&f->root, ECO_SYSFS, "class/plain"), -ENOENT);
    assert_int_equal(eco_root_exists(&f->root, ECO_SYSFS, "class"), 0);
}

static void a_kept_descriptor_shows_new_values(void **state)
{
    struct fixture *f = *state;
    uint64_t value = 0;
    char text[8];
    eco_temp_write(&f->temp, "sys/counter", "1000\n");
    int fd = eco_root_open(&f->root, ECO_SYSFS, "counter");
    assert_true(fd >= 0);
    assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    assert_int_equal(eco_root_pread_u64(&f->root, fd, &value), 0);
    assert_true(value == 1000);
    eco_temp_write(&f->temp, "sys/counter", "7\n");
    assert_int_equal(eco_root_pread_u64(&f->root, fd, &value), 0);
    assert_true(value == 7);
    assert_int_equal(eco_root_pread(&f->root, fd, text, sizeof(text)), 1);
    assert_string_equal(text, "7");
    eco_temp_write(&f->temp, "sys/counter", "123456789\n");
    assert_int_equal(eco_root_pread(&f->root, fd, text, sizeof(text)), -EFBIG);
    (void)close(fd);
    assert_int_equal(eco_root_pread(&f->root, fd, text, sizeof(text)), -EBADF);
}

struct names {
    int count, stop_after;
    unsigned long length;
    bool has_dots, has_inode;
};

static int each_name(void *context, const char *name, uint64_t inode)
{
    struct names *names = context;
    names->count++;
    names->length += strlen(name);
    names->has_dots = names->has_dots || strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
    names->has_inode = inode != 0;
    return names->count == names->stop_after ? 77 : 0;
}

static void directories_are_listed(void **state)
{
    struct fixture *f = *state;
    struct names names = {0};
    assert_int_equal(eco_root_list(&f->root, ECO_PROCFS, "", each_name, &names), 0);
    assert_int_equal(names.count, 0);
    /* More than one answer of the kernel holds. */
    for (int i = 0; i < 1500; i++) {
        char path[ECO_PATH_MAX];
        assert_int_equal(eco_path(path, "proc/many/a_rather_long_name_%04d", i), 0);
        eco_temp_write(&f->temp, path, "");
    }
    assert_int_equal(eco_root_list(&f->root, ECO_PROCFS, "many", each_name, &names), 0);
    assert_int_equal(names.count, 1500);
    assert_int_equal(names.length, 1500 * strlen("a_rather_long_name_0000"));
    assert_false(names.has_dots);
    assert_true(names.has_inode);

    names = (struct names){.stop_after = 3};
    assert_int_equal(eco_root_list(&f->root, ECO_PROCFS, "many", each_name, &names), 77);
    assert_int_equal(names.count, 3);
    assert_int_equal(eco_root_list(&f->root, ECO_PROCFS, "none", each_name, &names), -ENOENT);
    assert_int_equal(eco_root_list(&f->root, ECO_PROCFS, "many/a_rather_long_name_0000", each_name, &names),
                     -ENOTDIR);
    assert_int_equal(names.count, 3);
}

struct faults {
    int calls;
    const char *path;
    int error;
};

static int fail_one(void *context, enum eco_tree tree, const char *path)
{
    struct faults *faults = context;
    (void)tree;
    faults->calls++;
    return strcmp(path, faults->path) == 0 ? faults->error : 0;
}

static void faults_reach_every_call(void **state)
{
    struct fixture *f = *state;
    struct faults faults = {.path = "secret", .error = -EACCES};
    char text[16];
    uint64_t value = 7;
    struct names names = {0};
    eco_temp_write(&f->temp, "sys/secret", "1");
    eco_temp_write(&f->temp, "sys/open", "2");
    int fd = eco_root_open(&f->root, ECO_SYSFS, "open");
    f->root.fault = fail_one;
    f->root.fault_context = &faults;
    assert_int_equal(eco_root_open(&f->root, ECO_SYSFS, "secret"), -EACCES);
    assert_int_equal(eco_root_read(&f->root, ECO_SYSFS, "secret", text, sizeof(text)), -EACCES);
    assert_int_equal(eco_root_read_u64(&f->root, ECO_SYSFS, "secret", &value), -EACCES);
    assert_int_equal(eco_root_list(&f->root, ECO_SYSFS, "secret", each_name, &names), -EACCES);
    assert_int_equal(eco_root_link_name(&f->root, ECO_SYSFS, "secret", text, sizeof(text)), -EACCES);
    assert_int_equal(eco_root_exists(&f->root, ECO_SYSFS, "secret"), -EACCES);
    assert_int_equal(eco_root_read_u64(&f->root, ECO_SYSFS, "open", &value), 0);
    assert_int_equal(faults.calls, 7);
    faults.path = "";
    faults.error = -EIO;
    assert_int_equal(eco_root_pread_u64(&f->root, fd, &value), -EIO);
    assert_true(value == 2);
    (void)close(fd);
}

static void given_roots_must_be_there(void **state)
{
    struct fixture *f = *state;
    struct eco_root root;
    char procfs[ECO_PATH_MAX], file[ECO_PATH_MAX], longer[300];
    (void)eco_temp_path(&f->temp, "proc", procfs);
    eco_temp_write(&f->temp, "file", "x");
    (void)eco_temp_path(&f->temp, "file", file);
    memset(longer, 'x', sizeof(longer) - 1);
    longer[sizeof(longer) - 1] = '\0';

    assert_int_equal(eco_root_init(&root, procfs, "/nowhere/at/all"), -ENOENT);
    assert_int_equal(root.fd[ECO_PROCFS], -1); /* nothing left open */
    assert_int_equal(eco_root_init(&root, file, procfs), -ENOTDIR);
    assert_int_equal(eco_root_init(&root, procfs, longer), -ENAMETOOLONG);
    assert_int_equal(eco_root_init(&root, procfs, procfs), 0);
    assert_string_equal(root.path[ECO_PROCFS], procfs);
    assert_false(root.is_own[ECO_PROCFS]);
    assert_false(root.is_own[ECO_SYSFS]);
    eco_root_finish(&root);
    assert_int_equal(root.fd[ECO_SYSFS], -1);
    eco_root_finish(&root);

    assert_int_equal(eco_root_open(&root, ECO_SYSFS, "x"), -ENOENT); /* a root that is not there */
}

static void our_own_proc_is_known(void **state)
{
    (void)state;
    struct eco_root root;
    char text[4096];
    assert_int_equal(eco_root_init(&root, NULL, NULL), 0);
    assert_string_equal(root.path[ECO_PROCFS], "/proc");
    assert_true(root.is_own[ECO_PROCFS]);
    assert_true(root.is_own[ECO_SYSFS]);
    assert_true(eco_root_read(&root, ECO_PROCFS, "self/stat", text, sizeof(text)) > 0);
    eco_root_finish(&root);
    assert_int_equal(eco_root_init(&root, "/proc", "/sys"), 0);
    assert_true(root.is_own[ECO_PROCFS]);
    eco_root_finish(&root);
    /* The same files by another name: nobody knows whose they are. */
    assert_int_equal(eco_root_init(&root, "/proc/self/../", "/proc"), 0);
    assert_false(root.is_own[ECO_PROCFS]);
    assert_false(root.is_own[ECO_SYSFS]);
    eco_root_finish(&root);
}

static void paths_are_bounded(void **state)
{
    (void)state;
    char path[ECO_PATH_MAX];
    assert_int_equal(eco_path(path, "class/%s/%d", "a", 7), 0);
    assert_string_equal(path, "class/a/7");
    assert_int_equal(eco_path(path, "%0*d", ECO_PATH_MAX - 1, 1), 0);
    assert_int_equal(eco_path(path, "%0*d", ECO_PATH_MAX, 1), -ENAMETOOLONG);
}

static void archives_are_unpacked(void **state)
{
    struct fixture *f = *state;
    static const char text[] = "# a machine\n"
                               "\n"
                               "D sys/empty 0555\n"
                               "F sys/name with blank 0400\n"
                               "|one\n"
                               "|\n"
                               "|# no comment, a \\\\ and \\x00\n"
                               "+no newline\n"
                               "F sys/nothing 0644\n"
                               "L sys/link -> ../sys/nothing\n";
    char full[ECO_PATH_MAX], content[64];
    struct stat info;
    eco_temp_unpack_text(&f->temp, text, sizeof(text) - 1);
    assert_int_equal(eco_root_read(&f->root, ECO_SYSFS, "name with blank", content, sizeof(content)), 39);
    assert_memory_equal(content, "one\n\n# no comment, a \\ and \0\nno newline", 40);
    assert_int_equal(stat(eco_temp_path(&f->temp, "sys/name with blank", full), &info), 0);
    assert_int_equal(info.st_mode & 07777, 0400);
    assert_int_equal(eco_root_read(&f->root, ECO_SYSFS, "nothing", content, sizeof(content)), 0);
    assert_int_equal(eco_root_exists(&f->root, ECO_SYSFS, "empty"), 0);
    assert_int_equal(eco_root_link_name(&f->root, ECO_SYSFS, "link", content, sizeof(content)), 0);
    assert_string_equal(content, "nothing");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(small_files_are_read, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_does_not_fit_is_said, set_up, tear_down),
        cmocka_unit_test_setup_teardown(numbers_that_are_none, set_up, tear_down),
        cmocka_unit_test_setup_teardown(only_regular_files_are_opened, set_up, tear_down),
        cmocka_unit_test_setup_teardown(links_are_followed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_kept_descriptor_shows_new_values, set_up, tear_down),
        cmocka_unit_test_setup_teardown(directories_are_listed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(faults_reach_every_call, set_up, tear_down),
        cmocka_unit_test_setup_teardown(given_roots_must_be_there, set_up, tear_down),
        cmocka_unit_test(our_own_proc_is_known),
        cmocka_unit_test(paths_are_bounded),
        cmocka_unit_test_setup_teardown(archives_are_unpacked, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
