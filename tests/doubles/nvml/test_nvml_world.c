/* SPDX-License-Identifier: MIT */
/* The arithmetic of the double: what it calls the truth is checked against sums made here. */
#include "parse.h"
#include "support/test.h"
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[] = "/tmp/eco-nvml-XXXXXX";
static char scenario_path[64], pids_path[64], why[256];

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static int load(struct nv_scenario *scenario, const char *text)
{
    write_file(scenario_path, text);
    return nv_scenario_load(scenario, scenario_path, why, sizeof(why));
}

static void curves(void **state)
{
    (void)state;
    struct nv_curve curve = {.initial = 5};
    assert_int_equal(nv_curve_add(&curve, 1, 10, false), 0);
    assert_int_equal(nv_curve_add(&curve, 3, 30, true), 0);
    assert_int_equal(nv_curve_add(&curve, 4, 0, false), 0);
    assert_int_equal(nv_curve_add(&curve, 2, 0, false), -22);
    eco_assert_near(nv_curve_at(&curve, 0), 5, 0);
    eco_assert_near(nv_curve_at(&curve, 1), 10, 0);
    eco_assert_near(nv_curve_at(&curve, 2), 20, 1e-12);
    eco_assert_near(nv_curve_at(&curve, 3.5), 30, 0);
    eco_assert_near(nv_curve_at(&curve, 9), 0, 0);
    /* 1 s at 5, a ramp of 2 s from 10 to 30, 1 s at 30, nothing */
    eco_assert_near(nv_curve_integral(&curve, 0, 10), 5 + 40 + 30, 1e-12);
    eco_assert_near(nv_curve_integral(&curve, 1.5, 2.5), 20, 1e-12);
    eco_assert_near(nv_curve_integral(&curve, 2, 2), 0, 0);
    /* pieces add up */
    double sum = 0;
    for (int i = 0; i < 1000; i++) {
        sum += nv_curve_integral(&curve, i * 0.005, (i + 1) * 0.005);
    }
    eco_assert_near(sum, nv_curve_integral(&curve, 0, 5), 1e-9);
    nv_curve_free(&curve);
}

static const char two[] =
    "device Test GPU\narch hopper\nidle_w 50\ncontext_w 20\nenergy_period_ms 100\n"
    "energy_base_mj 1000\nreset 4\n"
    "process a\ndevice 0\npid 11\nstart 1\nend 3\nwatts 300\nsm 30\nwatts_enc 10\nenc 50\n"
    "process b\ndevice 0\npid 12\nstart 2\nend 6\nwatts 100\nsm 0 60 5 0\n";

/* By the size of the instance: 20 W x 3 slices x 50 %, and 20 W x 1 slice. */
static void slices(void **state)
{
    (void)state;
    struct nv_scenario s;
    assert_int_equal(load(&s,
                          "device X\narch hopper\ninstance 1 0 4 3 40000 60 A\ninstance 2 0 1 1 10000 16 B\n"
                          "process a\ndevice 0\npid 1\ngi 1\nci 0\nwatts_slice 20\nsm 50\n"
                          "process b\ndevice 0\npid 2\ngi 2\nci 0\nwatts_slice 20\nsm 100\n"
                          "process c\ndevice 0\npid 3\ngi 3\nci 0\nwatts 7\nwatts_slice 20\nsm 100\n"),
                     0);
    eco_assert_near(nv_process_energy_j(&s, &s.process[0], 0, 10), 300, 1e-9);
    eco_assert_near(nv_process_energy_j(&s, &s.process[1], 0, 10), 200, 1e-9);
    eco_assert_near(nv_process_energy_j(&s, &s.process[2], 0, 10), 70, 1e-9); /* in no instance */
    nv_scenario_free(&s);
}

static void energies(void **state)
{
    (void)state;
    struct nv_scenario s;
    assert_int_equal(load(&s, two), 0);
    /* a: 300*0.3 + 10*0.5 = 95 W for 2 s; b: 60 W for 3 s, then an idle context for 1 s */
    eco_assert_near(nv_process_energy_j(&s, &s.process[0], 0, 10), 190, 1e-9);
    eco_assert_near(nv_process_energy_j(&s, &s.process[1], 0, 10), 180, 1e-9);
    eco_assert_near(nv_process_busy_s(&s.process[1], NV_SM, 4, 10), 0.6, 1e-12);
    const struct nv_energy e = nv_device_energy(&s, 0, 0, 10);
    eco_assert_near(e.idle_j, 500, 1e-9);
    eco_assert_near(e.context_j, 100, 1e-9); /* from 1 to 6 s: twice open is once */
    eco_assert_near(e.dynamic_j, 370, 1e-9);
    eco_assert_near(e.total_j, 970, 1e-9);
    eco_assert_near(nv_power_instant_w(&s, 0, 2.5), 50 + 20 + 95 + 60, 1e-9);
    eco_assert_near(nv_power_mean_w(&s, 0, 2.5, 1), 50 + 20 + 95 + 30, 1e-9);
    eco_assert_near(nv_device_busy(&s, 0, NV_SM, 2, 3), 0.9, 1e-12);
    nv_scenario_free(&s);
}

static void counter_moves_and_resets(void **state)
{
    (void)state;
    struct nv_scenario s;
    double stamp_s;
    assert_int_equal(load(&s, two), 0);
    assert_int_equal(nv_counter_mj(&s, 0, 0.99, &stamp_s), 1000 + 45000);
    eco_assert_near(stamp_s, 0.9, 1e-9);
    assert_int_equal(nv_counter_mj(&s, 0, 1.0, &stamp_s), 1000 + 50000);
    assert_int_equal(nv_counter_mj(&s, 0, 4.2, &stamp_s), 26000); /* begun anew at 4 s: 130 W */
    assert_true(nv_counter_mj(&s, 0, 3.9, &stamp_s) > 26000);
    nv_scenario_free(&s);
}

/* A sensor that looks for 25 of 100 ms misses what happens in the other 75. */
static void part_time_sensor(void **state)
{
    (void)state;
    struct nv_scenario s;
    assert_int_equal(
        load(&s, "device X\narch ga100\nsampled 25 100\nidle_w 100\nprocess p\ndevice 0\npid 1\nwatts 200\n"
                 "sm 0 0 1.03 100 1.1 0\n"),
        0);
    eco_assert_near(nv_device_energy(&s, 0, 1, 1.1).total_j, 10 + 14, 1e-9);
    eco_assert_near(nv_seen_j(&s, 0, 1.1) - nv_seen_j(&s, 0, 1), 10, 1e-9);
    nv_scenario_free(&s);
}

static void control_file(void **state)
{
    (void)state;
    struct nv_scenario s;
    unlink(pids_path);
    assert_int_equal(load(&s, "pids pids.txt\ndevice X\nprocess p\ndevice 0\npid @load\nwatts 100\nsm 100\n"),
                     0);
    assert_false(nv_process_is_open(&s.process[0], 1));
    write_file(pids_path, "load pid=77 nspid=7 start=0.5 end=2.5\nother pid=5\n");
    nv_scenario_refresh(&s);
    assert_true(nv_process_is_open(&s.process[0], 1));
    eco_assert_near(s.process[0].now_pid, 77, 0);
    eco_assert_near(s.process[0].now_container_pid, 7, 0);
    eco_assert_near(nv_process_energy_j(&s, &s.process[0], 0, 10), 200, 1e-9);
    write_file(pids_path, "load pid=77 end=1\n");
    nv_scenario_refresh(&s);
    eco_assert_near(nv_process_energy_j(&s, &s.process[0], 0, 10), 100, 1e-9);
    nv_scenario_free(&s);
}

static void bad_scenarios(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "nonsense 1\n",
        "device\n",
        "idle_w 5\n",
        "device X\nidle_w many\n",
        "device X\nidle_w 5x\n",
        "device X\narch vacuum\n",
        "device X\npower 1 5 0 5\n",
        "device X\npower 1\npower 1 2 3\n",
        "device X\nenergy_period_ms 0\n",
        "device X\nutil_ring 0\n",
        "device X\nsampled 100 25\n",
        "device X\ninstance 1 0 1\n",
        "device X\nprocess p\ndevice 3\n",
        "device X\nprocess p\ndevice -1\n",
        "device X\nprocess p\ntype Q\n",
        "device X\nprocess p\nsm 0 nan\n",
        "fault 0 1 * nvmlInit NO_SUCH_CODE\n",
        "fault 0 1 * nvmlInit delay\n",
        "stride 9 1\n",
        "stride 3 8\n",
        "device X\nprocess p\npid -5\n",
        "device X\nprocess p\npid inf\n",
        "pids_in_lists elsewhere\n",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        struct nv_scenario s;
        why[0] = '\0';
        assert_int_equal(load(&s, bad[i]), -22);
        assert_true(strlen(why) > 0);
    }
    struct nv_scenario s;
    assert_int_equal(nv_scenario_load(&s, "/no/such/file", why, sizeof(why)), -2);
    assert_int_equal(load(&s, "# nothing\n\n"), 0);
    nv_scenario_free(&s);
}

static int set_up(void **state)
{
    (void)state;
    if (mkdtemp(folder) == NULL) {
        return -1;
    }
    snprintf(scenario_path, sizeof(scenario_path), "%s/scenario.txt", folder);
    snprintf(pids_path, sizeof(pids_path), "%s/pids.txt", folder);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    unlink(scenario_path);
    unlink(pids_path);
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(curves),           cmocka_unit_test(energies),
        cmocka_unit_test(slices),           cmocka_unit_test(counter_moves_and_resets),
        cmocka_unit_test(part_time_sensor), cmocka_unit_test(control_file),
        cmocka_unit_test(bad_scenarios),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
