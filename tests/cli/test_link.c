/* SPDX-License-Identifier: MIT */
/* What the two processes of `run` tell each other, with both ends in one. */
#include "cli/link.h"

#include "support/test.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static void test_messages_and_text_in_order(void **state)
{
    (void)state;
    int ends[2];
    char text[ECO_LINK_TEXT_MAX + 1];
    struct eco_link_message got;
    assert_int_equal(eco_link_open(ends), 0);
    assert_int_equal(eco_link_receive(ends[0], &got, text), ECO_LINK_NONE);
    struct eco_link_message sent = {.kind = ECO_LINK_EXITED, .pid = 42, .status = 256, .own_cpu_ns = 7};
    sent.usage.ru_maxrss = 99;
    assert_int_equal(eco_link_send(ends[1], &sent), 0);
    assert_int_equal(write(ends[1], "ecocode: a word\n", 16), 16);
    assert_int_equal(eco_link_tell(ends[1], ECO_LINK_DONE), 0);
    assert_int_equal(eco_link_receive(ends[0], &got, text), ECO_LINK_EXITED);
    assert_int_equal(got.pid, 42);
    assert_int_equal(got.status, 256);
    assert_int_equal(got.own_cpu_ns, 7);
    assert_int_equal(got.usage.ru_maxrss, 99);
    assert_int_equal(eco_link_receive(ends[0], &got, text), ECO_LINK_TEXT);
    assert_string_equal(text, "ecocode: a word\n");
    assert_int_equal(eco_link_receive(ends[0], &got, text), ECO_LINK_DONE);
    (void)close(ends[0]);
    (void)close(ends[1]);
}

/* Any bytes of a message's length are text as long as they do not begin as a message does. */
static void test_text_of_a_messages_length(void **state)
{
    (void)state;
    int ends[2];
    char text[ECO_LINK_TEXT_MAX + 1], sent[sizeof(struct eco_link_message)];
    struct eco_link_message got;
    memset(sent, 'x', sizeof sent);
    assert_int_equal(eco_link_open(ends), 0);
    assert_int_equal(write(ends[1], sent, sizeof sent), (ssize_t)sizeof sent);
    assert_int_equal(eco_link_receive(ends[0], &got, text), ECO_LINK_TEXT);
    assert_int_equal(strlen(text), sizeof sent);
    (void)close(ends[0]);
    (void)close(ends[1]);
}

/* The last words of a process that did not read all of ours come nevertheless. */
static void test_end_with_unread_messages(void **state)
{
    (void)state;
    int ends[2];
    char text[ECO_LINK_TEXT_MAX + 1];
    struct eco_link_message got;
    assert_int_equal(eco_link_open(ends), 0);
    assert_int_equal(eco_link_tell(ends[0], ECO_LINK_OVER), 0);
    assert_int_equal(eco_link_tell(ends[1], ECO_LINK_DONE), 0);
    (void)close(ends[1]);
    assert_true(eco_link_wait(ends[0], 0));
    assert_int_equal(eco_link_receive(ends[0], &got, text), ECO_LINK_DONE);
    assert_int_equal(eco_link_receive(ends[0], &got, text), ECO_LINK_CLOSED);
    assert_int_equal(eco_link_tell(ends[0], ECO_LINK_OVER), -EPIPE);
    (void)close(ends[0]);
}

static void test_reader_that_does_not_read(void **state)
{
    (void)state;
    int ends[2], r, count = 0;
    assert_int_equal(eco_link_open(ends), 0);
    while ((r = eco_link_tell(ends[0], ECO_LINK_TICK)) == 0 && count < 1000000)
        count++;
    assert_int_equal(r, -EAGAIN);
    assert_true(count >= 50);
    (void)close(ends[0]);
    (void)close(ends[1]);
}

static void test_descriptors_are_lent(void **state)
{
    (void)state;
    int ends[2];
    char text[ECO_LINK_TEXT_MAX + 1];
    struct eco_link_message got;
    assert_int_equal(eco_link_open(ends), 0);
    assert_int_equal(eco_link_send_standard(ends[0]), 0);
    assert_int_equal(eco_link_receive(ends[1], &got, text), ECO_LINK_STANDARD);
    assert_true(got.fds[0] > 2 && got.fds[1] > 2);
    assert_int_equal(close(got.fds[0]), 0);
    assert_int_equal(close(got.fds[1]), 0);
    assert_int_equal(eco_link_tell(ends[0], ECO_LINK_OVER), 0);
    assert_int_equal(eco_link_receive(ends[1], &got, text), ECO_LINK_OVER);
    assert_int_equal(got.fds[0], -1);
    (void)close(ends[0]);
    (void)close(ends[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_messages_and_text_in_order), cmocka_unit_test(test_text_of_a_messages_length),
        cmocka_unit_test(test_end_with_unread_messages),   cmocka_unit_test(test_reader_that_does_not_read),
        cmocka_unit_test(test_descriptors_are_lent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
