/* SPDX-License-Identifier: MIT */
/* Calibrations: the file, which is never trusted, and what a measurement makes of one. */
#include "machine.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#define NOW_S   1700000000ll
#define REGIME  "0123456789abcdef"
#define REGIME2 "fedcba9876543210"
#define HEAD    "ecocode.calibration/1\nregime " REGIME " 1699990000\ncpu A CPU\n"

static void assert_near(double got, double want, double tolerance)
{
    if (!(fabs(got - want) <= tolerance))
        fail_msg("%.12g is not within %g of %.12g", got, tolerance, want);
}

static void example(struct eco_calibration *ret, const char *cpu, int64_t at_s)
{
    eco_calibration_init(ret);
    ret->at_real_s = at_s;
    eco_text_copy(ret->cpu_model, sizeof ret->cpu_model, cpu);
    ret->weights.sigma = 0.24;
    ret->sigma_u = 0.01;
    ret->weights.core_count = 1;
    ret->weights.core[0] = (struct eco_core_factor){512, 0.31};
    ret->domain_count = 2;
    ret->domains[0] = (struct eco_calibration_domain){.name = "package-0",
                                                      .source = "powercap",
                                                      .idle_w = 20,
                                                      .idle_u_w = 0.1,
                                                      .fit_ratio = 0.012,
                                                      .curve = {.count = 2, .x = {1, 2}, .w = {20, 25}}};
    ret->domains[1] = (struct eco_calibration_domain){
        .name = "dram-0", .source = "powercap", .idle_w = 2, .idle_u_w = 0.02};
}

static int parse(const char *text, struct eco_calibration *ret, struct eco_why *why)
{
    *why = (struct eco_why){{0}, {0}};
    return eco_calibration_parse(text, REGIME, "A CPU", NOW_S, ret, NULL, why);
}

static void what_is_written_is_read(void **state)
{
    struct eco_calibration written, read;
    struct eco_why why;
    struct eco_buf out;

    (void)state;
    example(&written, "A CPU", NOW_S - 5);
    written.wall_idle_w = 45.5;
    written.wall_busy_w = 120;
    eco_buf_init(&out, 65536);
    eco_buf_text(&out, "ecocode.calibration/1\n");
    eco_calibration_format(&written, REGIME, &out);
    assert_int_equal(eco_buf_error(&out), 0);
    assert_int_equal(parse(out.data, &read, &why), 0);
    assert_int_equal(read.at_real_s, written.at_real_s);
    assert_near(read.weights.sigma, 0.24, 0);
    assert_near(read.sigma_u, 0.01, 0);
    assert_near(read.weights.gamma, ECO_GAMMA_DEFAULT, 0);
    assert_true(isnan(read.gamma_u));
    assert_int_equal(read.weights.core_count, 1);
    assert_int_equal(read.weights.core[0].capacity, 512);
    assert_near(read.wall_idle_w, 45.5, 0);
    assert_int_equal(read.domain_count, 2);
    const struct eco_calibration_domain *domain = eco_calibration_find(&read, "package-0", "powercap");
    assert_non_null(domain);
    assert_near(domain->idle_w, 20, 0);
    assert_near(domain->fit_ratio, 0.012, 0);
    assert_int_equal(domain->curve.count, 2);
    assert_near(eco_curve_power(&domain->curve, 1.5), 22.5, 1e-12);
    assert_null(eco_calibration_find(&read, "package-0", "perf"));
    assert_int_equal(eco_calibration_find(&read, "dram-0", "powercap")->curve.count, 0);
    eco_buf_finish(&out);
}

static void nonsense_is_refused_whole(void **state)
{
    static const char *const bad[] = {
        "",
        "hello\n",
        "ecocode.calibration/2\n",
        "ecocode.calibration/1\nsigma 0.2 0.1\n",
        "ecocode.calibration/1\nregime 01 1699990000\ncpu A CPU\n",
        "ecocode.calibration/1\nregime " REGIME " 0\ncpu A CPU\n",
        "ecocode.calibration/1\nregime " REGIME " -5\ncpu A CPU\n",
        "ecocode.calibration/1\nregime " REGIME " 1999999999\ncpu A CPU\n",     /* from the future */
        "ecocode.calibration/1\nregime " REGIME " 1699990000\nsigma 0.2 0.1\n", /* of no CPU */
        HEAD "sigma 1.5 0.1\n",
        HEAD "sigma nan 0.1\n",
        HEAD "sigma 0.2\n",
        HEAD "gamma 9 0.1\n",
        HEAD "core 512 0.3\ncore 512 0.4\n",
        HEAD "core 0 0.3\n",
        HEAD "wall 120 45\n",
        HEAD "wall -1 45\n",
        HEAD "knot 1 20\n",
        HEAD "domain package-0 powercap -20 0.1 0.01\n",
        HEAD "domain package-0 powercap inf 0.1 0.01\n",
        HEAD "domain package-0 powercap 20 0.1\n",
        HEAD "domain package-0 powercap 20 0.1 0.01\ndomain package-0 powercap 21 0.1 0.01\n",
        HEAD "domain package-0 powercap 20 0.1 0.01\nknot 2 25\nknot 1 20\n",
        HEAD "domain package-0 powercap 20 0.1 0.01\nknot 1 20\nknot 2 10\n",
        HEAD "domain package-0 powercap 20 0.1 0.01\nknot 1 20\nknot 2 50\n",
        HEAD "domain package-0 powercap 20 0.1 0.01\nknot 0 20\n",
        HEAD "domain package-0 powercap 20 0.1 0.01\nknot 1 20", /* cut off */
    };
    struct eco_calibration read = {.at_real_s = 7};
    struct eco_why why;

    (void)state;
    for (size_t i = 0; i < ECO_COUNT(bad); i++) {
        if (parse(bad[i], &read, &why) != -EINVAL)
            fail_msg("believed: %s", bad[i]);
        assert_true(why.text[0] != '\0');
    }
    assert_int_equal(read.at_real_s, 7);
    char line[4096] = HEAD;
    memset(line + strlen(line), 'x', 2000);
    assert_int_equal(parse(line, &read, &why), -EINVAL);
    /* a word of a later version is no harm */
    assert_int_equal(parse(HEAD "colour red\n", &read, &why), 0);
}

static void other_machines_and_regimes(void **state)
{
    struct eco_calibration read;
    struct eco_why why;
    struct eco_buf foreign;

    (void)state;
    const char *text = "ecocode.calibration/1\n"
                       "regime " REGIME2 " 1699990000\ncpu A CPU\nwall 1 2\n"
                       "regime " REGIME " 1699990000\ncpu A CPU\nwall 3 4\n"
                       "regime " REGIME " 1699980000\ncpu A CPU\nwall 5 6\n"
                       "regime " REGIME " 1699999000\ncpu Another\nwall 7 8\n";
    assert_int_equal(parse(text, &read, &why), 0);
    assert_near(read.wall_idle_w, 3, 0); /* the newest of this regime and CPU */
    eco_buf_init(&foreign, 4096);
    assert_int_equal(eco_calibration_parse(text, REGIME, "A CPU", NOW_S, &read, &foreign, &why), 0);
    assert_string_equal(foreign.data, "regime " REGIME2 " 1699990000\ncpu A CPU\nwall 1 2\n"
                                      "regime " REGIME " 1699999000\ncpu Another\nwall 7 8\n");
    eco_buf_finish(&foreign);
    assert_int_equal(parse("ecocode.calibration/1\n", &read, &why), -ENOENT);
    assert_int_equal(parse("ecocode.calibration/1\nregime " REGIME2 " 1699990000\ncpu A CPU\n", &read, &why),
                     -ESTALE);
    assert_int_equal(parse("ecocode.calibration/1\nregime " REGIME " 1699990000\ncpu Another\n", &read, &why),
                     -ENODEV);
    assert_non_null(strstr(why.text, "another CPU (Another)"));
}

static void place(const struct machine *machine, const char *name, char *ret, size_t size)
{
    (void)snprintf(ret, size, "%s/%s", machine->temp.path, name);
}

static void the_newer_of_two_places(void **state)
{
    struct machine machine;
    struct eco_calibration calibration, loaded;
    struct eco_calibration_source source;
    char system[4096], user[4096], file[4200];

    (void)state;
    machine_init(&machine, 1);
    place(&machine, "system", system, sizeof system);
    place(&machine, "user", user, sizeof user);
    assert_int_equal(eco_calibration_load(&machine.env, system, user, &loaded, &source), -ENOENT);
    assert_string_equal(source.ignored.text, "");
    example(&calibration, "unknown", NOW_S - 100);
    assert_int_equal(eco_calibration_save(&machine.env, system, true, &calibration), 0);
    assert_int_equal(eco_calibration_load(&machine.env, system, user, &loaded, &source), 0);
    assert_string_equal(source.dir, system);
    calibration.at_real_s = NOW_S - 200;
    assert_int_equal(eco_calibration_save(&machine.env, user, false, &calibration), 0);
    assert_int_equal(eco_calibration_load(&machine.env, system, user, &loaded, &source), 0);
    assert_string_equal(source.dir, system);
    calibration.at_real_s = NOW_S - 50;
    assert_int_equal(eco_calibration_save(&machine.env, user, false, &calibration), 0);
    assert_int_equal(eco_calibration_load(&machine.env, system, user, &loaded, &source), 0);
    assert_string_equal(source.dir, user);
    assert_int_equal(loaded.at_real_s, NOW_S - 50);

    struct stat status;
    (void)snprintf(file, sizeof file, "%s/calibration-scripted.txt", system);
    assert_int_equal(stat(file, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0644);
    assert_int_equal(stat(system, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0755);
    /* what everybody may write to, or is no file, is not believed, and said */
    assert_int_equal(chmod(file, 0666), 0);
    assert_int_equal(eco_calibration_load(&machine.env, system, NULL, &loaded, &source), -ENOENT);
    assert_non_null(strstr(source.ignored.text, "everybody may write"));
    assert_int_equal(unlink(file), 0);
    assert_int_equal(symlink("/etc/hostname", file), 0);
    assert_int_equal(eco_calibration_load(&machine.env, system, NULL, &loaded, &source), -ENOENT);
    assert_non_null(strstr(source.ignored.text, "no regular file"));
    assert_int_equal(unlink(file), 0);
    assert_int_equal(mkfifo(file, 0644), 0); /* nothing to wait for */
    assert_int_equal(eco_calibration_load(&machine.env, system, user, &loaded, &source), 0);
    assert_string_equal(source.dir, user);
    assert_true(source.ignored.text[0] != '\0');
    machine_finish(&machine);
}

/* A new calibration takes the place of that of its regime; others stay. */
static void other_regimes_are_kept(void **state)
{
    struct machine machine;
    struct eco_calibration calibration, loaded;
    struct eco_calibration_source source;
    char dir[4096];

    (void)state;
    machine_init(&machine, 1);
    place(&machine, "system", dir, sizeof dir);
    example(&calibration, "unknown", NOW_S - 100);
    assert_int_equal(eco_calibration_save(&machine.env, dir, true, &calibration), 0);
    machine.host.on_battery = true;
    assert_int_equal(eco_calibration_load(&machine.env, dir, NULL, &loaded, &source), -ENOENT);
    assert_true(source.is_other_regime);
    assert_string_equal(source.ignored.text, "");
    calibration.domains[0].idle_w = 5;
    assert_int_equal(eco_calibration_save(&machine.env, dir, true, &calibration), 0);
    assert_int_equal(eco_calibration_load(&machine.env, dir, NULL, &loaded, &source), 0);
    assert_near(loaded.domains[0].idle_w, 5, 0);
    machine.host.on_battery = false;
    assert_int_equal(eco_calibration_load(&machine.env, dir, NULL, &loaded, &source), 0);
    assert_near(loaded.domains[0].idle_w, 20, 0);
    machine_finish(&machine);
}

static void measure(struct machine *machine, const char *idle, struct eco_report *ret)
{
    char dir[4096];
    place(machine, "user", dir, sizeof dir);
    machine_start(machine, ECO_BY_ACTIVE, idle, dir);
    for (int i = 0; i < 3; i++) {
        machine_step(machine, 1, 1, 1);
        assert_int_equal(eco_meter_tick(machine->meter), 0);
    }
    machine_step(machine, 1, 0, 1); /* the job sleeps: nothing is added */
    assert_int_equal(eco_meter_end(machine->meter), 0);
    assert_int_equal(eco_meter_report(machine->meter, ret), 0);
}

/* 20 W idle, 30 W a busy CPU; the curve says that the second one costs a quarter of the first. */
static void a_measurement_uses_it(void **state)
{
    struct machine machine;
    struct eco_calibration calibration;
    struct eco_report report;
    char dir[4096];

    (void)state;
    machine_init(&machine, 1);
    place(&machine, "user", dir, sizeof dir);
    example(&calibration, "unknown", NOW_S - 100);
    assert_int_equal(eco_calibration_save(&machine.env, dir, false, &calibration), 0);
    measure(&machine, NULL, &report);
    assert_string_equal(report.idle.method, "calibrated");
    assert_near(report.idle.power_w[0], 20, 1e-9);
    assert_near(report.idle.half_width_w[0], 0.2, 1e-9);
    assert_int_equal(report.idle.at_real_ns, (NOW_S - 100) * (int64_t)ECO_NS_PER_S);
    assert_int_equal(report.headline, ECO_SLOT_ACTIVE);
    /* own: 3 s of 30 W and 3 W of memory; 60 J a second of dynamic energy, 20 : 25 of it alone */
    assert_near(report.sums[ECO_SLOT_ACTIVE].job_j, 99, 0.5);
    assert_true(report.has_curve);
    assert_near(report.job_marginal_j, 3 * 60 * 5 / 25.0 + 9, 0.5);
    assert_near(report.job_alone_j, 3 * 60 * 20 / 25.0 + 9, 0.7);
    assert_true(report.uncertainty[ECO_SLOT_ACTIVE].idle_j > 0);
    assert_int_equal(report.warning_count, 0);
    eco_report_finish(&report);
    machine.meter = eco_meter_free(machine.meter);
    /* what is given is taken before it */
    measure(&machine, "package-0=19W,dram-0=2W", &report);
    assert_string_equal(report.idle.method, "given");
    assert_true(report.has_curve);
    eco_report_finish(&report);
    machine_finish(&machine);
}

static void without_a_curve_nothing_is_said(void **state)
{
    struct machine machine;
    struct eco_calibration calibration;
    struct eco_report report;
    char dir[4096];

    (void)state;
    machine_init(&machine, 1);
    place(&machine, "user", dir, sizeof dir);
    example(&calibration, "unknown", NOW_S - 100);
    calibration.domains[0].curve.count = 0;
    assert_int_equal(eco_calibration_save(&machine.env, dir, false, &calibration), 0);
    measure(&machine, NULL, &report);
    assert_string_equal(report.idle.method, "calibrated");
    assert_false(report.has_curve);
    eco_report_finish(&report);
    machine_finish(&machine);
}

static void what_is_not_believed_is_said(void **state)
{
    struct machine machine;
    struct eco_report report;

    (void)state;
    machine_init(&machine, 1);
    eco_temp_write(&machine.temp, "user/calibration-scripted.txt", HEAD);
    measure(&machine, NULL, &report);
    assert_false(report.has_curve);
    assert_string_not_equal(report.idle.method, "calibrated");
    assert_int_equal(report.warning_count, 1);
    assert_non_null(strstr(report.warnings[0], "another CPU (A CPU)"));
    eco_report_finish(&report);
    machine_finish(&machine);
}

/* Ten quiet seconds at 12 W after a calibration that says 20 W. */
static void doubt_is_said(void **state)
{
    struct machine machine;
    struct eco_calibration calibration;
    struct eco_report report;
    char dir[4096];

    (void)state;
    machine_init(&machine, 1);
    place(&machine, "user", dir, sizeof dir);
    machine_start(&machine, ECO_BY_ACTIVE, NULL, dir);
    for (int i = 0; i < 20; i++) {
        machine_step(&machine, 0.5, 0, 0);
        assert_int_equal(eco_meter_tick(machine.meter), 0);
    }
    assert_int_equal(eco_meter_end(machine.meter), 0);
    assert_int_equal(eco_meter_save_state(machine.meter), 0);
    machine.meter = eco_meter_free(machine.meter);
    example(&calibration, "unknown", NOW_S - 100);
    calibration.domains[0].idle_w = 30;
    assert_int_equal(eco_calibration_save(&machine.env, dir, false, &calibration), 0);
    measure(&machine, NULL, &report);
    assert_string_equal(report.idle.method, "calibrated");
    assert_int_equal(report.warning_count, 1);
    assert_non_null(strstr(report.warnings[0], "calibrate again"));
    eco_report_finish(&report);
    machine_finish(&machine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(nonsense_is_refused_whole),
        cmocka_unit_test(other_machines_and_regimes),
        cmocka_unit_test(the_newer_of_two_places),
        cmocka_unit_test(other_regimes_are_kept),
        cmocka_unit_test(a_measurement_uses_it),
        cmocka_unit_test(without_a_curve_nothing_is_said),
        cmocka_unit_test(what_is_not_believed_is_said),
        cmocka_unit_test(doubt_is_said),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
