/* SPDX-License-Identifier: MIT */
/* What the client makes of messages: sums that go on, ended processes, and messages that lie. */
#include "gpu/client.h"

#include "support/alloc.h"
#include "support/test.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct told {
    struct eco_gpu_header header;
    union {
        struct eco_gpu_device devices[4];
        struct eco_gpu_state states[4];
        struct eco_gpu_use uses[8];
    } records;
};

static struct eco_gpu_client *fresh(void)
{
    struct eco_gpu_client *client = NULL;
    assert_int_equal(eco_gpu_client_new(-1, &client), 0);
    return client;
}

static int tell(struct eco_gpu_client *client, struct told *told, uint32_t kind, uint32_t count, size_t size)
{
    told->header.magic = ECO_GPU_MAGIC;
    told->header.version = ECO_GPU_VERSION;
    told->header.kind = kind;
    told->header.count = count;
    return eco_gpu_client_take(client, told, sizeof told->header + count * size, 1000);
}

static int open_one(struct eco_gpu_client *client, const char *uuid)
{
    struct told told = {.header = {.text = "nvml"}};
    told.records.devices[0] =
        (struct eco_gpu_device){.parent = ECO_GPU_NO_PARENT, .vendor = ECO_GPU_NVIDIA, .name = "H100"};
    (void)strcpy(told.records.devices[0].uuid, uuid);
    return tell(client, &told, ECO_GPU_OPENED, 1, sizeof(struct eco_gpu_device));
}

static int energy(struct eco_gpu_client *client, uint64_t uj, uint64_t at_ns, uint32_t fields)
{
    struct told told = {0};
    told.records.states[0] = (struct eco_gpu_state){
        .fields = ECO_GPU_HAS_ENERGY | fields, .energy_uj = uj, .valid_from_ns = at_ns, .valid_to_ns = at_ns};
    return tell(client, &told, ECO_GPU_STATES, 1, sizeof(struct eco_gpu_state));
}

static int divided(struct eco_gpu_client *client, uint64_t divided_ns, uint64_t divided_uj)
{
    struct told told = {0};
    told.records.states[0] = (struct eco_gpu_state){.fields = ECO_GPU_HAS_ENERGY | ECO_GPU_HAS_DIVIDED,
                                                    .energy_uj = 500,
                                                    .divided_uj = divided_uj,
                                                    .divided_ns = divided_ns,
                                                    .valid_from_ns = 100,
                                                    .valid_to_ns = 100};
    return tell(client, &told, ECO_GPU_STATES, 1, sizeof(struct eco_gpu_state));
}

static int use(struct eco_gpu_client *client, uint32_t seq, int32_t pid, uint64_t busy_ns, uint32_t flags)
{
    struct told told = {.header = {.seq = seq}};
    told.records.uses[0] =
        (struct eco_gpu_use){.pid = pid, .busy_ns = busy_ns, .weight_ns = busy_ns, .flags = flags};
    return tell(client, &told, ECO_GPU_USES, pid > 0, sizeof(struct eco_gpu_use));
}

static void test_energy_goes_on_over_breaks(void **state)
{
    (void)state;
    struct eco_gpu_client *client = fresh();
    assert_int_equal(open_one(client, "GPU-1"), 0);
    assert_int_equal(energy(client, 5000000, ECO_NS_PER_S, 0), 0);
    assert_int_equal(energy(client, 8000000, 2 * ECO_NS_PER_S, 0), 0);
    const struct eco_gpu_seen_device *seen = eco_gpu_client_device(client, 0);
    assert_int_equal(seen->energy_uj, 3000000);
    /* the counter began anew, said or unsaid */
    assert_int_equal(energy(client, 100, 3 * ECO_NS_PER_S, 0), 0);
    assert_int_equal(energy(client, 1000100, 4 * ECO_NS_PER_S, 0), 0);
    assert_int_equal(energy(client, 2000100, 5 * ECO_NS_PER_S, ECO_GPU_REBASED), 0);
    assert_int_equal(seen->energy_uj, 4000000);
    assert_int_equal(seen->breaks, 2);
    /* a process that was started anew, for the same board: what was not looked at is not in */
    assert_int_equal(open_one(client, "GPU-1"), 0);
    assert_int_equal(energy(client, 9000000, 9 * ECO_NS_PER_S, 0), 0);
    assert_int_equal(energy(client, 9500000, 10 * ECO_NS_PER_S, 0), 0);
    assert_int_equal(eco_gpu_client_devices(client), 1);
    assert_int_equal(seen->energy_uj, 4500000);
    assert_int_equal(seen->breaks, 3);
    /* another board is another device */
    assert_int_equal(open_one(client, "GPU-2"), 0);
    assert_int_equal(eco_gpu_client_devices(client), 2);
    assert_false(eco_gpu_client_device(client, 0)->is_there);
    (void)eco_gpu_client_free(client);
}

static void test_no_board_draws_so_much(void **state)
{
    (void)state;
    struct eco_gpu_client *client = fresh();
    assert_int_equal(open_one(client, "GPU-1"), 0);
    assert_int_equal(energy(client, 0, ECO_NS_PER_S, 0), 0);
    assert_int_equal(energy(client, 123456789012345ull, 2 * ECO_NS_PER_S, 0), 0);
    assert_int_equal(eco_gpu_client_device(client, 0)->energy_uj, 0);
    assert_int_equal(eco_gpu_client_device(client, 0)->breaks, 1);
    (void)eco_gpu_client_free(client);
}

static void test_who_is_not_named_has_ended(void **state)
{
    (void)state;
    struct eco_gpu_client *client = fresh();
    assert_int_equal(open_one(client, "GPU-1"), 0);
    assert_int_equal(use(client, 1, 42, 100, ECO_GPU_USE_CONTEXT), 0);
    assert_int_equal(use(client, 2, 42, 300, ECO_GPU_USE_CONTEXT), 0);
    assert_int_equal(eco_gpu_client_use(client, 0)->busy_ns, 300);
    assert_int_equal(use(client, 3, 0, 0, 0), 0);
    assert_int_equal(eco_gpu_client_use(client, 0)->flags, ECO_GPU_USE_ENDED);
    /* another process by the same number begins at 0 */
    assert_int_equal(use(client, 4, 42, 400, ECO_GPU_USE_CONTEXT), 0);
    assert_int_equal(eco_gpu_client_use(client, 0)->busy_ns, 700);
    assert_int_equal(use(client, 5, 43, 1, ECO_GPU_USE_ENDED), 0);
    assert_int_equal(eco_gpu_client_uses(client), 2);
    eco_gpu_client_forget_ended(client);
    assert_int_equal(eco_gpu_client_uses(client), 0);
    (void)eco_gpu_client_free(client);
}

static void test_many_uses(void **state)
{
    (void)state;
    struct eco_gpu_client *client = fresh();
    assert_int_equal(open_one(client, "GPU-1"), 0);
    struct told told = {.header = {.seq = 1, .more = 1}};
    for (int32_t pid = 1; pid <= ECO_GPU_USES_MAX + 8; pid += 8) {
        for (int32_t i = 0; i < 8; i++)
            told.records.uses[i] =
                (struct eco_gpu_use){.pid = pid + i, .busy_ns = 5, .flags = ECO_GPU_USE_CONTEXT};
        assert_int_equal(tell(client, &told, ECO_GPU_USES, 8, sizeof(struct eco_gpu_use)), 0);
    }
    assert_int_equal(eco_gpu_client_uses(client), ECO_GPU_USES_MAX);
    assert_int_equal(eco_gpu_client_dropped_uses(client), 8);
    assert_int_equal(use(client, 2, 7, 6, ECO_GPU_USE_CONTEXT), 0);
    eco_gpu_client_forget_ended(client);
    assert_int_equal(eco_gpu_client_uses(client), 1);
    assert_int_equal(eco_gpu_client_use(client, 0)->busy_ns, 6);
    (void)eco_gpu_client_free(client);
}

/* Of what is divided not more than was drawn, and not later than it is known. */
static void test_divided(void **state)
{
    (void)state;
    struct eco_gpu_client *client = fresh();
    assert_int_equal(open_one(client, "GPU-1"), 0);
    const struct eco_gpu_seen_device *seen = eco_gpu_client_device(client, 0);
    assert_int_equal(divided(client, 100, 500), 0);
    assert_true(seen->state.fields & ECO_GPU_HAS_DIVIDED);
    assert_int_equal(divided(client, 101, 500), 0);
    assert_false(seen->state.fields & ECO_GPU_HAS_DIVIDED);
    assert_int_equal(divided(client, 100, 501), 0);
    assert_false(seen->state.fields & ECO_GPU_HAS_DIVIDED);
    for (uint32_t i = 1; i <= 3; i++) { /* the third time another process has the number */
        struct told told = {.header = {.seq = i}};
        told.records.uses[0] =
            (struct eco_gpu_use){.pid = 7, .energy_uj = i < 3 ? 40 * i : 5, .span_ns = i < 3 ? 30 * i : 2};
        assert_int_equal(tell(client, &told, ECO_GPU_USES, 1, sizeof(struct eco_gpu_use)), 0);
    }
    assert_int_equal(eco_gpu_client_use(client, 0)->energy_uj, 85);
    assert_int_equal(eco_gpu_client_use(client, 0)->span_ns, 62);
    eco_gpu_client_free(client);
}

static void test_messages_that_lie(void **state)
{
    (void)state;
    struct eco_gpu_client *client = fresh();
    struct told told = {.header = {.source = ECO_GPU_SOURCES_MAX}};
    assert_int_equal(tell(client, &told, ECO_GPU_OPENED, 0, 0), -EPROTO);
    told.header.source = 0;
    assert_int_equal(tell(client, &told, ECO_GPU_OPENED, 1, 1), -EPROTO);
    assert_int_equal(tell(client, &told, 99, 0, 0), -EPROTO);
    assert_int_equal(eco_gpu_client_take(client, &told, 7, 0), -EPROTO);
    assert_int_equal(eco_gpu_client_refused(client), 4);
    /* of a source that is not open, of a device that nobody named */
    assert_int_equal(energy(client, 1, 1, 0), 0);
    assert_int_equal(eco_gpu_client_devices(client), 0);
    assert_int_equal(open_one(client, "GPU-1\n\x1b[2J"), 0);
    assert_null(strchr(eco_gpu_client_device(client, 0)->device.uuid, '\x1b'));
    told.records.states[0] = (struct eco_gpu_state){.index = 12345};
    assert_int_equal(tell(client, &told, ECO_GPU_STATES, 1, sizeof(struct eco_gpu_state)), 0);
    assert_false(eco_gpu_client_device(client, 0)->has_state);
    (void)eco_gpu_client_free(client);
}

static void test_failed_source(void **state)
{
    (void)state;
    struct eco_gpu_client *client = fresh();
    assert_int_equal(open_one(client, "GPU-1"), 0);
    struct told told = {.header = {.error = -EFAULT, .text = "it crashed"}};
    assert_int_equal(tell(client, &told, ECO_GPU_FAILED, 0, 0), 0);
    assert_int_equal(eco_gpu_client_source(client, 0)->error, -EFAULT);
    assert_string_equal(eco_gpu_client_source(client, 0)->why.text, "it crashed");
    assert_false(eco_gpu_client_device(client, 0)->is_there);
    assert_int_equal(open_one(client, "GPU-1"), 0);
    assert_int_equal(eco_gpu_client_source(client, 0)->error, 0);
    assert_true(eco_gpu_client_device(client, 0)->is_there);
    (void)eco_gpu_client_free(client);
}

static void test_end_of_the_daemon(void **state)
{
    (void)state;
    int ends[2];
    struct eco_gpu_client *client = NULL;
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
    assert_int_equal(eco_gpu_client_new(ends[0], &client), 0);
    assert_int_equal(eco_gpu_client_read(client, 1), 0);
    const struct eco_gpu_header header = {
        .magic = ECO_GPU_MAGIC, .version = ECO_GPU_VERSION, .kind = ECO_GPU_OPENED, .text = "nvml"};
    assert_int_equal(send(ends[1], &header, sizeof header, 0), sizeof header);
    eco_gpu_client_ask(client); /* never read by the other end */
    (void)close(ends[1]);
    assert_int_equal(eco_gpu_client_read(client, 1), 1);
    assert_int_equal(eco_gpu_client_read(client, 1), -EPIPE);
    assert_int_equal(eco_gpu_client_fd(client), -1);
    eco_gpu_client_ask(client);
    (void)eco_gpu_client_free(client);
}

static int use_all(void *context)
{
    (void)context;
    struct eco_gpu_client *client = NULL;
    int r = eco_gpu_client_new(-1, &client);
    if (r < 0)
        return r;
    assert_int_equal(open_one(client, "GPU-1"), 0);
    assert_int_equal(use(client, 1, 42, 100, ECO_GPU_USE_CONTEXT), 0);
    r = eco_gpu_client_dropped_uses(client) > 0 ? -ENOMEM : 0;
    (void)eco_gpu_client_free(client);
    return r;
}

static void test_no_memory(void **state)
{
    (void)state;
    assert_int_equal(eco_alloc_fail_each(use_all, NULL), 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_energy_goes_on_over_breaks),
        cmocka_unit_test(test_no_board_draws_so_much),
        cmocka_unit_test(test_who_is_not_named_has_ended),
        cmocka_unit_test(test_many_uses),
        cmocka_unit_test(test_messages_that_lie),
        cmocka_unit_test(test_failed_source),
        cmocka_unit_test(test_end_of_the_daemon),
        cmocka_unit_test(test_divided),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
