/* SPDX-License-Identifier: MIT */
#include "sensors/powercap_zone.h"

#include "support/test.h"

#include <errno.h>
#include <string.h>

static void directory_names(void **state)
{
    struct eco_powercap_id id = {0};
    (void)state;
    assert_int_equal(eco_powercap_parse_id("intel-rapl:0", &id), 0);
    assert_int_equal(id.zone, 0);
    assert_int_equal(id.sub, -1);
    assert_false(id.is_mmio);
    assert_int_equal(eco_powercap_parse_id("intel-rapl:a:1f", &id), 0);
    assert_int_equal(id.zone, 10);
    assert_int_equal(id.sub, 31);
    assert_int_equal(eco_powercap_parse_id("intel-rapl-mmio:0:1", &id), 0);
    assert_true(id.is_mmio);
}

static void directory_names_that_are_none(void **state)
{
    static const char *const bad[] = {"",
                                      "intel-rapl",
                                      "intel-rapl-mmio",
                                      "intel-rapl:",
                                      "intel-rapl::",
                                      "intel-rapl:0:",
                                      "intel-rapl:g",
                                      "intel-rapl:-1",
                                      "intel-rapl:0x1",
                                      "intel-rapl: 1",
                                      "intel-rapl:0:0:0",
                                      "intel-rapl:123456789",
                                      "intel-rapl:0:ffffffff",
                                      "dtpm:0",
                                      "idle_inject"};
    struct eco_powercap_id id = {.zone = 77, .sub = 7};
    (void)state;
    for (size_t i = 0; i < ECO_COUNT(bad); i++) {
        assert_int_equal(eco_powercap_parse_id(bad[i], &id), -EINVAL);
        assert_int_equal(id.zone, 77);
    }
}

static void order_of_probing(void **state)
{
    static const char *const sorted[] = {"intel-rapl:0",       "intel-rapl:0:0", "intel-rapl:0:1",
                                         "intel-rapl:2",       "intel-rapl:10",  "intel-rapl-mmio:0",
                                         "intel-rapl-mmio:0:0"};
    (void)state;
    for (size_t i = 0; i < ECO_COUNT(sorted); i++) {
        for (size_t j = 0; j < ECO_COUNT(sorted); j++) {
            struct eco_powercap_id a, b;
            assert_int_equal(eco_powercap_parse_id(sorted[i], &a), 0);
            assert_int_equal(eco_powercap_parse_id(sorted[j], &b), 0);
            int order = eco_powercap_compare_id(&a, &b);
            assert_int_equal((order > 0) - (order < 0), (i > j) - (i < j));
        }
    }
}

static void zone_names(void **state)
{
    struct eco_key key = {0}, parent = {.kind = ECO_KIND_CPU, .package = 3, .die = 1, .device = -1};
    char name[ECO_NAME_MAX];
    (void)state;
    assert_int_equal(eco_powercap_parse_name("package-10", NULL, &key), 0);
    assert_int_equal(key.kind, ECO_KIND_CPU);
    assert_int_equal(key.package, 10);
    assert_int_equal(key.die, -1);
    assert_int_equal(eco_powercap_parse_name("package-1-die-2", NULL, &key), 0);
    assert_int_equal(key.package, 1);
    assert_int_equal(key.die, 2);
    eco_powercap_domain_name(&key, name, sizeof(name));
    assert_string_equal(name, "package-1");
    assert_int_equal(eco_powercap_parse_name("dram", &parent, &key), 0);
    assert_int_equal(key.kind, ECO_KIND_DRAM);
    assert_int_equal(key.package, 3);
    assert_int_equal(key.die, 1);
    eco_powercap_domain_name(&key, name, sizeof(name));
    assert_string_equal(name, "dram-3");
    assert_int_equal(eco_powercap_parse_name("psys", NULL, &key), 0);
    assert_int_equal(key.package, 0);
    eco_powercap_domain_name(&key, name, sizeof(name));
    assert_string_equal(name, "psys");
    assert_int_equal(eco_powercap_parse_name("psys-1", NULL, &key), 0);
    eco_powercap_domain_name(&key, name, sizeof(name));
    assert_string_equal(name, "psys-1");
    assert_int_equal(eco_powercap_parse_name("uncore", &parent, &key), 0);
    assert_int_equal(key.kind, ECO_KIND_UNCORE);
}

static void zone_names_that_are_none(void **state)
{
    static const char *const bad[] = {"",
                                      "package",
                                      "package-",
                                      "package-x",
                                      "package-1 ",
                                      "package-1-die",
                                      "package-1-die-",
                                      "package-1-die-2x",
                                      "package--1",
                                      "package-99999999",
                                      "package-1-core",
                                      "psys-",
                                      "psysx",
                                      "soc package",
                                      "package-0-die-0-die-1"};
    struct eco_key key = {.package = 77};
    (void)state;
    for (size_t i = 0; i < ECO_COUNT(bad); i++) {
        assert_int_equal(eco_powercap_parse_name(bad[i], NULL, &key), -EINVAL);
        assert_int_equal(key.package, 77);
    }
    /* A part without the whole that tells its socket. */
    assert_int_equal(eco_powercap_parse_name("dram", NULL, &key), -EINVAL);
}

static void units(void **state)
{
    (void)state;
    assert_int_equal(eco_powercap_unit_uj(262143328850ull), 61);
    assert_int_equal(eco_powercap_unit_uj(65532610987ull), 15);
    assert_int_equal(eco_powercap_unit_uj(65712999613ull), 15);
    assert_int_equal(eco_powercap_unit_uj(4294967295000000ull), 1000000);
    assert_int_equal(eco_powercap_unit_uj(1000), 1);
    assert_int_equal(eco_powercap_unit_uj(0), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(directory_names),          cmocka_unit_test(directory_names_that_are_none),
        cmocka_unit_test(order_of_probing),         cmocka_unit_test(zone_names),
        cmocka_unit_test(zone_names_that_are_none), cmocka_unit_test(units),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
