/* SPDX-License-Identifier: MIT */
/* What all sensors share, with one made up for the purpose. */
#include "sensors/kinds.h"
#include "support/test.h"

#include <errno.h>
#include <string.h>

static int open_result, open_refusals, open_channels, closes;

static int fake_open(struct eco_sensor *self, const struct eco_env *env, struct eco_why *why)
{
    (void)env;
    eco_why_set(why, "as the test wants it");
    for (int i = 0; i < open_channels; i++) {
        if (!eco_sensor_add_channel(self))
            return -E2BIG;
    }
    for (int i = 0; i < open_refusals; i++)
        (void)eco_sensor_refuse(self, -EACCES, "a/file", "package-0");
    return open_result;
}

static int fake_read(struct eco_sensor *self, const struct eco_activity *activity,
                     struct eco_reading *readings)
{
    (void)activity;
    memset(readings, 0, self->channel_count * sizeof(*readings));
    return 0;
}

static void fake_close(struct eco_sensor *self)
{
    (void)self;
    closes++;
}

static const struct eco_sensor_ops fake = {.name = "fake",
                                           .summary = "none",
                                           .size = sizeof(struct eco_sensor),
                                           .open = fake_open,
                                           .read = fake_read,
                                           .close = fake_close};

static int open_fake(int result, int refusals, int channels, struct eco_sensor **ret)
{
    static const struct eco_env env;
    struct eco_why why;
    open_result = result;
    open_refusals = refusals;
    open_channels = channels;
    closes = 0;
    return eco_sensor_open(&fake, &env, ret, &why);
}

static void opened(void **state)
{
    struct eco_sensor *sensor = NULL;
    (void)state;
    assert_int_equal(open_fake(0, 1, 3, &sensor), 0);
    assert_int_equal(sensor->channel_count, 3);
    assert_int_equal(sensor->channels[2].key.package, -1);
    assert_int_equal(sensor->channels[2].quantum_uj, 1);
    assert_string_equal(sensor->refusals[0].what, "a/file");
    assert_null(eco_sensor_free(sensor));
    assert_int_equal(closes, 1);
    assert_null(eco_sensor_free(NULL));
}

/* A failure leaves the caller's pointer alone, but for what was refused. */
static void failed(void **state)
{
    struct eco_sensor untouched, *sensor = &untouched;
    (void)state;
    assert_int_equal(open_fake(-ENODEV, 0, 0, &sensor), -ENODEV);
    assert_ptr_equal(sensor, &untouched);
    assert_int_equal(closes, 1);
    assert_int_equal(open_fake(-ENOMEM, 2, 0, &sensor), -ENOMEM);
    assert_ptr_equal(sensor, &untouched);
    assert_int_equal(open_fake(-EIO, 2, 1, &sensor), -EIO);
    assert_ptr_equal(sensor, &untouched);
    assert_int_equal(closes, 1);
    assert_int_equal(open_fake(-EACCES, 2, 0, &sensor), -EACCES);
    assert_ptr_not_equal(sensor, &untouched);
    assert_int_equal(sensor->channel_count, 0);
    assert_int_equal(sensor->refusal_count, 2);
    assert_int_equal(closes, 0);
    eco_sensor_free(sensor);
    assert_int_equal(closes, 1);
}

static void limits(void **state)
{
    struct eco_sensor *sensor = NULL;
    (void)state;
    assert_int_equal(open_fake(0, 1000, ECO_CHANNELS_MAX, &sensor), 0);
    assert_int_equal(sensor->refusal_count, ECO_REFUSALS_MAX);
    assert_null(eco_sensor_add_channel(sensor));
    assert_int_equal(sensor->channel_count, ECO_CHANNELS_MAX);
    eco_sensor_free(sensor);
}

/* Texts that are too long are cut, never run over. */
static void long_texts(void **state)
{
    char text[400];
    struct eco_sensor *sensor = NULL;
    (void)state;
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    assert_int_equal(open_fake(0, 0, 0, &sensor), 0);
    const struct eco_refusal *refusal = eco_sensor_refuse(sensor, -EIO, text, text);
    assert_non_null(refusal);
    assert_int_equal(strlen(refusal->what), sizeof(refusal->what) - 1);
    assert_int_equal(strlen(refusal->domain), sizeof(refusal->domain) - 1);
    eco_sensor_free(sensor);
}

/* Names are part of stored series: lower case, no spaces, each once. */
static void registry(void **state)
{
    (void)state;
    for (size_t i = 0; eco_sensor_kinds[i]; i++) {
        const struct eco_sensor_ops *ops = eco_sensor_kinds[i];
        assert_int_equal(strspn(ops->name, "abcdefghijklmnopqrstuvwxyz_"), strlen(ops->name));
        assert_true(ops->size >= sizeof(struct eco_sensor) && ops->summary[0]);
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(ops->name, eco_sensor_kinds[j]->name);
    }
    assert_ptr_equal(eco_sensor_kinds[0], &eco_sensor_perf);
    assert_ptr_equal(eco_sensor_kinds[4], &eco_sensor_gpu);
    assert_ptr_equal(eco_sensor_kinds[5], &eco_sensor_model);
    assert_null(eco_sensor_kinds[6]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(opened), cmocka_unit_test(failed),
                                       cmocka_unit_test(limits), cmocka_unit_test(long_texts),
                                       cmocka_unit_test(registry)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
