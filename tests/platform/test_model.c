/* SPDX-License-Identifier: MIT */
/* The little behaviour that model/ has; here, since model/ has no folder of tests. */
#include "model/report.h"

#include "base/mem.h"
#include "support/test.h"

#include <stdio.h>
#include <string.h>

static void every_kind_has_its_own_name(void **state)
{
    (void)state;
    for (int a = 0; a < ECO_KIND_COUNT; a++) {
        assert_non_null(eco_kind_name((enum eco_kind)a));
        for (int b = 0; b < a; b++)
            assert_string_not_equal(eco_kind_name((enum eco_kind)a), eco_kind_name((enum eco_kind)b));
    }
    assert_string_equal(eco_kind_name(ECO_KIND_CPU), "cpu");
    assert_string_equal(eco_kind_name(ECO_KIND_BATTERY), "battery");
    assert_string_equal(eco_kind_name(ECO_KIND_NONE), "none");
    assert_string_equal(eco_kind_name(ECO_KIND_COUNT), "none");
}

static void qualities_have_names(void **state)
{
    (void)state;
    assert_string_equal(eco_quality_name(ECO_MEASURED), "measured");
    assert_string_equal(eco_quality_name(ECO_DERIVED), "derived");
    assert_string_equal(eco_quality_name(ECO_ESTIMATED), "estimated");
    assert_string_equal(eco_quality_name(ECO_QUALITY_NONE), "none");
}

static void policies_are_named_and_found(void **state)
{
    (void)state;
    for (int policy = ECO_POLICY_NONE + 1; policy < ECO_POLICY_COUNT; policy++)
        assert_int_equal(eco_policy_parse(eco_policy_name((enum eco_policy)policy)), policy);
    assert_int_equal(eco_policy_parse("full"), ECO_POLICY_FULL);
    assert_int_equal(eco_policy_parse("Full"), ECO_POLICY_NONE);
    assert_int_equal(eco_policy_parse(""), ECO_POLICY_NONE);
    assert_int_equal(eco_policy_parse("none"), ECO_POLICY_NONE);
    assert_string_equal(eco_policy_name(ECO_POLICY_COUNT), "none");
}

static void warnings_are_said_once_and_bounded(void **state)
{
    (void)state;
    static struct eco_report report;
    eco_report_warn(&report, "lost %d samples", 3);
    eco_report_warn(&report, "lost %d samples", 3);
    eco_report_warn(&report, "lost %d samples", 4);
    assert_int_equal(report.warning_count, 2);
    assert_string_equal(report.warnings[0], "lost 3 samples");
    for (int i = 0; i < 100; i++)
        eco_report_warn(&report, "%0500d", i);
    assert_int_equal(strlen(report.warnings[2]), sizeof(report.warnings[2]) - 1);
    for (int i = 0; i < 100; i++)
        eco_report_warn(&report, "w%d", i);
    assert_int_equal(report.warning_count, ECO_WARNINGS_MAX);
    assert_string_equal(report.warnings[ECO_WARNINGS_MAX - 1], "w12");
}

static void what_a_report_owns_is_freed(void **state)
{
    (void)state;
    static struct eco_report report;
    report.domains = eco_calloc(2, sizeof(*report.domains));
    report.processes = eco_calloc(3, sizeof(*report.processes));
    report.process_energy = eco_calloc(6, sizeof(*report.process_energy));
    report.domain_count = 2;
    report.process_count = 3;
    eco_report_finish(&report);
    assert_null(report.domains);
    assert_null(report.processes);
    assert_int_equal(report.process_count, 0);
    eco_report_finish(&report);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_has_its_own_name),  cmocka_unit_test(qualities_have_names),
        cmocka_unit_test(policies_are_named_and_found), cmocka_unit_test(warnings_are_said_once_and_bounded),
        cmocka_unit_test(what_a_report_owns_is_freed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
