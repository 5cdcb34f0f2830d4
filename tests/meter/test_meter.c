/* SPDX-License-Identifier: MIT */
/* The meter on a scripted machine whose truth is known. */
#include "machine.h"
#include "support/alloc.h"

#include <errno.h>
#include <sys/wait.h>
#include <unistd.h>

static void assert_near(double got, double want, double tolerance)
{
    if (!(fabs(got - want) <= tolerance))
        fail_msg("%.12g is not within %g of %.12g", got, tolerance, want);
}

static void assert_split_adds_up(const struct eco_split *split, double machine_uj)
{
    double sum = split->job_uj + split->others_uj + split->idle_uj + split->unattributed_uj;
    assert_near(sum, machine_uj, 1e-9 * machine_uj + 1e-9);
}

static void assert_frame_adds_up(const struct eco_frame *frame)
{
    for (unsigned s = 0; s < frame->slots; s++) {
        if (isnan(frame->total.split[s].job_uj))
            continue;
        assert_split_adds_up(&frame->total.split[s], frame->total.machine_uj);
        for (unsigned d = 0; d < frame->domain_count; d++) {
            double rows = 0;
            assert_split_adds_up(&frame->domains[d].split[s], frame->domains[d].machine_uj);
            for (uint32_t i = 0; i < frame->row_count; i++)
                rows += eco_frame_row_energy(frame, i, (enum eco_slot)s)[d];
            assert_near(rows, frame->domains[d].split[s].job_uj, 1e-9 * frame->domains[d].machine_uj + 1e-9);
        }
    }
}

static void assert_report_adds_up(const struct eco_report *report)
{
    for (unsigned s = 0; s < report->slots; s++) {
        const struct eco_sums *sums = &report->sums[s];
        if (isnan(sums->job_j))
            continue;
        double rows = 0;
        for (size_t i = 0; i < report->process_count; i++)
            rows += report->processes[i].energy_j[s];
        assert_near(rows, sums->job_j, 1e-9 * report->machine_j);
        assert_near(sums->job_j + sums->others_j + sums->idle_j + sums->unattributed_j, report->machine_j,
                    1e-9 * report->machine_j);
    }
}

static struct eco_frame *tick(struct machine *machine)
{
    assert_int_equal(eco_meter_tick(machine->meter), 0);
    struct eco_frame *frame = eco_meter_latest(machine->meter);
    assert_non_null(frame);
    assert_frame_adds_up(frame);
    return frame;
}

static void tick_and_drop(struct machine *machine)
{
    eco_frame_unref(tick(machine));
}

/* Given idle power: the job pays 30 J per CPU second of package and 3 of memory, whoever else runs. */
static void price_is_independent_of_neighbours(void **state)
{
    (void)state;
    for (int neighbour = 0; neighbour < 2; neighbour++) {
        struct machine machine;
        machine_init(&machine, 1);
        machine_start(&machine, ECO_BY_ACTIVE, "package-0=20W,dram-0=2W", NULL);
        for (int i = 0; i < 10; i++) {
            machine_step(&machine, 1, 0.5, neighbour * 0.9);
            tick_and_drop(&machine);
        }
        machine_step(&machine, 0.3, 0.1, 0);
        assert_int_equal(eco_meter_end(machine.meter), 0);
        struct eco_report report;
        assert_int_equal(eco_meter_report(machine.meter, &report), 0);
        assert_report_adds_up(&report);
        assert_int_equal(report.headline, ECO_SLOT_ACTIVE);
        assert_near(report.cpu_s, 5.1, 1e-6);
        assert_near(report.domains[0].slot[ECO_SLOT_ACTIVE].job_j, 30 * 5.1, 0.01 * 30 * 5.1);
        assert_near(report.domains[1].slot[ECO_SLOT_ACTIVE].job_j, 3 * 5.1, 0.01 * 3 * 5.1);
        assert_true(report.uncertainty[ECO_SLOT_ACTIVE].job_low_j < 33 * 5.1);
        assert_true(report.uncertainty[ECO_SLOT_ACTIVE].job_high_j > 33 * 5.1);
        eco_report_finish(&report);
        machine_finish(&machine);
    }
}

static void every_policy_adds_up(void **state)
{
    (void)state;
    for (int policy = ECO_BY_ACTIVE; policy <= ECO_BY_RESERVED; policy++)
        for (int known = 0; known < 2; known++) {
            struct machine machine;
            machine_init(&machine, 2);
            machine.has_child = true;
            machine_write_procs(&machine);
            machine_start(&machine, policy, known ? "90W" : NULL, NULL);
            for (int i = 0; i < 6; i++) {
                machine.child_s += 0.1;
                machine.cpu_s[1] += 0.1;
                machine_step(&machine, 0.5 + 0.3 * i, i % 3 * 0.2, i % 2 * 0.3);
                tick_and_drop(&machine);
            }
            assert_int_equal(eco_meter_end(machine.meter), 0);
            struct eco_report report;
            assert_int_equal(eco_meter_report(machine.meter, &report), 0);
            assert_report_adds_up(&report);
            eco_report_finish(&report);
            machine_finish(&machine);
        }
}

/* Two packages, the job on one: its joules come from there, and the sum is right whatever the prior. */
static void sockets_are_told_apart(void **state)
{
    (void)state;
    struct machine machine;
    machine_init(&machine, 2);
    machine_start(&machine, ECO_BY_ACTIVE, "package-0=20W,dram-0=2W,package-1=20W,dram-1=2W", NULL);
    for (int i = 0; i < 8; i++) {
        machine_step(&machine, 1, 0.8, 0.4);
        tick_and_drop(&machine);
    }
    struct eco_report report;
    assert_int_equal(eco_meter_end(machine.meter), 0);
    assert_int_equal(eco_meter_report(machine.meter, &report), 0);
    assert_report_adds_up(&report);
    assert_near(report.sums[ECO_SLOT_ACTIVE].job_j, 33 * 6.4, 0.01 * 33 * 6.4);
    eco_report_finish(&report);
    machine_finish(&machine);
}

/* A counter that cannot be read is a gap only as far as it must be: nothing is invented, nothing lost that
 * a counter still knows. */
static void unreadable_counter_invents_nothing(void **state)
{
    (void)state;
    struct machine machine;
    machine_init(&machine, 1);
    machine_start(&machine, ECO_BY_ACTIVE, "package-0=20W,dram-0=2W", NULL);
    double truth_uj = machine.zone_uj[0];
    machine_step(&machine, 1, 0.5, 0);
    tick_and_drop(&machine);
    machine.fault = -EIO;
    machine_step(&machine, 1, 0.5, 0);
    tick_and_drop(&machine);
    machine.fault = 0;
    machine_step(&machine, 1, 0.5, 0);
    tick_and_drop(&machine);
    machine_step(&machine, 1, 0.5, 0);
    assert_int_equal(eco_meter_end(machine.meter), 0);
    struct eco_report report;
    assert_int_equal(eco_meter_report(machine.meter, &report), 0);
    assert_report_adds_up(&report);
    truth_uj = machine.zone_uj[0] - truth_uj;
    const struct eco_report_domain *package = &report.domains[0];
    assert_true(package->machine_j <= truth_uj * 1e-6 + 1e-6);
    assert_true(package->machine_j >= truth_uj * 1e-6 * 0.49 || package->gap_s > 0);
    assert_near(package->machine_j + 35 * package->gap_s, truth_uj * 1e-6, 0.5);
    eco_report_finish(&report);
    machine_finish(&machine);
}

/* A counter that steps seldom: the interval stays open, and who ran meanwhile pays. */
static void resting_counter_keeps_its_interval_open(void **state)
{
    (void)state;
    struct machine machine;
    machine_init(&machine, 1);
    machine_start(&machine, ECO_BY_FULL, NULL, NULL);
    eco_fake_clock_advance(&machine.clock, 100000000); /* zones rest, the job runs */
    machine.job_s += 0.1;
    machine.cpu_s[0] += 0.1;
    machine_write_procs(&machine);
    struct eco_frame *frame = tick(&machine);
    assert_int_equal(frame->domains[0].state, ECO_ENERGY_WAITING);
    assert_true(frame->total.machine_uj <= 0);
    eco_frame_unref(frame);
    machine_step(&machine, 0.9, 0, 0);
    frame = tick(&machine);
    assert_int_equal(frame->domains[0].state, ECO_ENERGY_OK);
    assert_near(frame->domains[0].split[ECO_SLOT_FULL].job_uj, frame->domains[0].machine_uj, 1);
    assert_near((double)frame->domains[0].span_ns, 1e9, 1e6);
    eco_frame_unref(frame);
    machine_finish(&machine);
}

/* An idle power learnt only after the command has ended gives this run its `active` figure. */
static void tail_gives_active(void **state)
{
    (void)state;
    struct machine machine;
    machine_init(&machine, 1);
    machine_start(&machine, ECO_BY_ACTIVE, NULL, NULL);
    for (int i = 0; i < 20; i++) {
        machine_step(&machine, 1, 0.9, 0);
        struct eco_frame *frame = tick(&machine);
        assert_true(isnan(frame->total.split[ECO_SLOT_ACTIVE].job_uj));
        eco_frame_unref(frame);
    }
    assert_int_equal(eco_meter_end(machine.meter), 0);
    assert_true(eco_meter_wants_tail(machine.meter));
    for (int i = 0; i < 6; i++) {
        machine_step(&machine, 0.25, 0, 0);
        assert_int_equal(eco_meter_tail_tick(machine.meter), 0);
    }
    struct eco_report report;
    assert_int_equal(eco_meter_report(machine.meter, &report), 0);
    assert_report_adds_up(&report);
    assert_int_equal(report.headline, ECO_SLOT_ACTIVE);
    assert_string_equal(report.idle.method, "learnt");
    /* 2 % of the heat is taken for leakage, which this machine does not have: within the stated interval */
    assert_near(report.sums[ECO_SLOT_ACTIVE].job_j, 33 * 18, 0.03 * 33 * 18);
    assert_true(report.uncertainty[ECO_SLOT_ACTIVE].job_low_j < 33 * 18);
    assert_near(report.duration_s, 20, 1e-6);
    eco_report_finish(&report);
    machine_finish(&machine);
}

/* What is learnt is kept, for its own regime only; a file that is not ours teaches nothing. */
static void learnt_idle_is_kept(void **state)
{
    (void)state;
    struct machine machine;
    machine_init(&machine, 1);
    char dir[ECO_PATH_MAX];
    eco_temp_path(&machine.temp, "state/deep", dir);
    machine_start(&machine, ECO_BY_ACTIVE, NULL, dir);
    for (int i = 0; i < 5; i++) {
        machine_step(&machine, 1, 0, 0);
        tick_and_drop(&machine);
    }
    assert_int_equal(eco_meter_end(machine.meter), 0);
    assert_int_equal(eco_meter_save_state(machine.meter), 0);
    machine.meter = eco_meter_free(machine.meter);

    machine_start(&machine, ECO_BY_ACTIVE, NULL, dir);
    machine_step(&machine, 1, 0.5, 0);
    assert_int_equal(eco_meter_end(machine.meter), 0);
    struct eco_report report;
    assert_int_equal(eco_meter_report(machine.meter, &report), 0);
    assert_string_equal(report.idle.method, "learnt");
    assert_near(report.idle.power_w[0], 20, 0.2);
    eco_report_finish(&report);
    machine.meter = eco_meter_free(machine.meter);

    machine.host.microcode = 7; /* another regime */
    machine_start(&machine, ECO_BY_ACTIVE, NULL, dir);
    assert_int_equal(eco_meter_report(machine.meter, &report), 0);
    assert_string_equal(report.idle.method, "none");
    eco_report_finish(&report);
    machine.meter = eco_meter_free(machine.meter);

    static const char *const bad[] = {"",
                                      "ecocode.idle/1",
                                      "ecocode.idle/1\ndomain\n",
                                      "ecocode.idle/2\n",
                                      "ecocode.idle/1\nchunk 1 2 3 4 5\nchunk nan 1 1 1 1\n",
                                      "\xff\xfe\n",
                                      "ecocode.idle/1\ndomain package-0 powercap x y\nchunk 1e999 0 1 1 1\n"};
    machine.host.microcode = 0;
    for (size_t i = 0; i < ECO_COUNT(bad); i++) {
        eco_temp_write(&machine.temp, "state/deep/idle-scripted.txt", bad[i]);
        machine_start(&machine, ECO_BY_ACTIVE, NULL, dir);
        assert_int_equal(eco_meter_report(machine.meter, &report), 0);
        assert_string_equal(report.idle.method, "none");
        eco_report_finish(&report);
        machine.meter = eco_meter_free(machine.meter);
    }
    machine_finish(&machine);
}

/* A reader that misses frames gets totals in their place, and nothing is lost. */
static void late_reader_gets_totals(void **state)
{
    (void)state;
    struct machine machine;
    machine_init(&machine, 1);
    machine_start(&machine, ECO_BY_FULL, NULL, NULL);
    struct eco_reader *prompt, *late;
    assert_int_equal(eco_meter_reader(machine.meter, &prompt), 0);
    assert_int_equal(eco_meter_reader(machine.meter, &late), 0);
    struct eco_frame *frame;
    assert_int_equal(eco_reader_next(prompt, 0, &frame), -EAGAIN);
    double sum = 0;
    for (int i = 0; i < 30; i++) {
        machine_step(&machine, 1, 0.5, 0.2);
        tick_and_drop(&machine);
        assert_int_equal(eco_reader_next(prompt, 0, &frame), 0);
        assert_false(frame->keyframe);
        assert_int_equal(frame->seq, i + 1);
        sum += frame->total.machine_uj;
        eco_frame_unref(frame);
    }
    assert_int_equal(eco_reader_next(late, 0, &frame), 0);
    assert_true(frame->keyframe);
    assert_near(frame->total.machine_uj, sum, 1);
    assert_frame_adds_up(frame);
    eco_frame_unref(frame);
    assert_int_equal(eco_reader_next(late, 1000000, &frame), -EAGAIN);
    assert_int_equal(eco_meter_end(machine.meter), 0);
    assert_int_equal(eco_reader_next(late, 0, &frame), 0);
    assert_true(frame->last);
    eco_frame_unref(frame);
    assert_int_equal(eco_reader_next(late, 0, &frame), -EPIPE);
    (void)eco_reader_free(prompt);
    (void)eco_reader_free(late);
    machine_finish(&machine);
}

static void suspend_is_told_apart(void **state)
{
    (void)state;
    struct machine machine;
    machine_init(&machine, 1);
    machine_start(&machine, ECO_BY_FULL, NULL, NULL);
    machine_step(&machine, 1, 0.5, 0);
    tick_and_drop(&machine);
    eco_fake_clock_suspend(&machine.clock, 3600 * ECO_NS_PER_S);
    machine.clock.real_ns -= 7200ll * (int64_t)ECO_NS_PER_S; /* and the wall clock jumps back */
    machine_step(&machine, 1, 0.5, 0);
    struct eco_frame *frame = tick(&machine);
    assert_near((double)frame->suspended_ns, 3600e9, 1e9);
    eco_frame_unref(frame);
    struct eco_report report;
    assert_int_equal(eco_meter_end(machine.meter), 0);
    assert_int_equal(eco_meter_report(machine.meter, &report), 0);
    assert_near(report.duration_s, 2, 1e-6);
    assert_near(report.suspended_s, 3600, 1);
    assert_true(report.machine_j < 80);
    eco_report_finish(&report);
    machine_finish(&machine);
}

static void options_are_checked(void **state)
{
    (void)state;
    static const char *const bad[] = {"x",          "20Q", "-5W",       "package-0",
                                      "package-0=", "=5W", "a=1W,a=2W", "a=1W,,"};
    struct machine machine;
    machine_init(&machine, 1);
    for (size_t i = 0; i < ECO_COUNT(bad); i++)
        assert_int_equal(machine_open(&machine, ECO_BY_ACTIVE, bad[i], NULL), -EINVAL);
    assert_int_equal(machine_open(&machine, 99, NULL, NULL), -EINVAL);
    struct eco_meter_options options = {.size = sizeof options, .interval_ns = 10};
    struct eco_meter_host_options extra = {.env = &machine.env, .cgroup_dir_fd = -1};
    assert_int_equal(eco_meter_open_full(&options, &extra, &machine.meter, NULL), -EINVAL);
    machine_finish(&machine);
}

static int open_once(void *context)
{
    struct machine *machine = context;
    int r = machine_open(machine, ECO_BY_EQUAL, NULL, NULL);
    if (r == 0)
        r = eco_meter_add_root(machine->meter, MACHINE_JOB);
    if (r == 0)
        r = eco_meter_begin(machine->meter);
    if (r == 0)
        r = eco_meter_tick(machine->meter);
    machine->meter = eco_meter_free(machine->meter);
    return r;
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    struct machine machine;
    machine_init(&machine, 2);
    assert_true(eco_alloc_fail_each(open_once, &machine) > 5);
    machine_finish(&machine);
}

static void forked_child_is_refused(void **state)
{
    (void)state;
    struct machine machine;
    machine_init(&machine, 1);
    machine_start(&machine, ECO_BY_FULL, NULL, NULL);
    pid_t pid = fork();
    if (pid == 0) {
        struct eco_totals totals = {.size = sizeof totals};
        bool refused = eco_meter_tick(machine.meter) == -ECANCELED &&
                       eco_meter_totals(machine.meter, &totals) == -ECANCELED;
        (void)eco_meter_free(machine.meter);
        _exit(refused ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    machine_finish(&machine);
}

/* A second socket appears: what it used before is not the run's, and the first loses nothing by it. */
static void socket_appears(void **state)
{
    (void)state;
    struct machine machine;
    machine_init(&machine, 1);
    machine_start(&machine, ECO_BY_ACTIVE, "package-0=20W,dram-0=2W,package-1=20W,dram-1=2W", NULL);
    unsigned count;
    const struct eco_domain *place = eco_meter_domains(machine.meter, &count);
    assert_int_equal(count, 2);
    machine_step(&machine, 1, 0.5, 0.2);
    tick_and_drop(&machine);
    struct eco_frame *before = tick(&machine);
    for (int i = 0; i < 7; i++) {
        machine_step(&machine, 1, 0.5, 0.2);
        tick_and_drop(&machine);
    }
    machine.packages = 2; /* 1 s before the next look at the hardware at the latest */
    for (unsigned zone = 2; zone < 4; zone++) {
        machine.zone_uj[zone] = 77e9;
        machine_make_zone(&machine, zone);
    }
    double since_j = -1;
    for (int i = 0; i < 12; i++) {
        machine_step(&machine, 1, 0.5, 0.2);
        struct eco_frame *frame = tick(&machine);
        if (frame->domain_count == 4 && since_j < 0)
            since_j = machine.zone_uj[2] * 1e-6; /* its baseline */
        eco_frame_unref(frame);
    }
    assert_int_equal(before->domain_count, 2);
    assert_ptr_equal(before->domain_info, place);
    assert_ptr_equal(eco_meter_domains(machine.meter, &count), place);
    assert_int_equal(count, 4);
    assert_string_equal(place[0].name, "package-0");
    assert_string_equal(place[2].name, "package-1");
    assert_true(place[2].counted);
    eco_frame_unref(before);
    assert_int_equal(eco_meter_end(machine.meter), 0);
    struct eco_report report;
    assert_int_equal(eco_meter_report(machine.meter, &report), 0);
    assert_report_adds_up(&report);
    assert_int_equal(report.headline, ECO_SLOT_ACTIVE);
    assert_near(report.domains[0].machine_j, machine.zone_uj[0] * 1e-6 - 1000, 1e-3);
    assert_near(report.domains[0].gap_s, 0, 0);
    assert_near(report.domains[2].machine_j, machine.zone_uj[2] * 1e-6 - since_j, 1e-3);
    assert_in_range((uint64_t)report.domains[2].gap_s, 8, 15);
    assert_non_null(strstr(report.warnings[0], "package-1 appeared"));
    eco_report_finish(&report);
    machine_finish(&machine);
}

/* It goes, and comes back as something else: a gap, and no joule of the difference. */
static void socket_goes_and_returns(void **state)
{
    (void)state;
    struct machine machine;
    machine_init(&machine, 2);
    machine_start(&machine, ECO_BY_FULL, NULL, NULL);
    double drawn_j = 0, seen_j = 0;
    for (int i = 0; i < 30; i++) {
        machine_step(&machine, 1, 0.5, 0.2);
        drawn_j += 26; /* 20 W and 30 W x 0.2 */
        if (i == 8) {
            machine.packages = 1;
            eco_temp_remove(&machine.temp, "sys/class/powercap/intel-rapl:1:0");
            eco_temp_remove(&machine.temp, "sys/class/powercap/intel-rapl:1");
        }
        if (i == 18) {
            machine.packages = 2;
            for (unsigned zone = 2; zone < 4; zone++) {
                machine.zone_uj[zone] = 900e9;
                machine_make_zone(&machine, zone);
            }
        }
        tick_and_drop(&machine);
    }
    struct eco_report report;
    assert_int_equal(eco_meter_end(machine.meter), 0);
    assert_int_equal(eco_meter_report(machine.meter, &report), 0);
    assert_report_adds_up(&report);
    assert_int_equal(report.domain_count, 4);
    for (unsigned d = 0; d < 4; d++)
        if (!strcmp(report.domains[d].info.name, "package-1"))
            seen_j = report.domains[d].machine_j + 26 * report.domains[d].gap_s;
    assert_near(seen_j, drawn_j, 27);
    eco_report_finish(&report);
    machine_finish(&machine);
}

static bool is_large(struct machine *machine, int processes, unsigned switches, uint64_t interval_ns)
{
    struct eco_meter_options options = {
        .size = sizeof options, .flags = ECO_METER_MACHINE, .interval_ns = interval_ns};
    struct eco_meter_host_options extra = {.env = &machine->env, .cgroup_dir_fd = -1, .no_estimate = true};
    for (int i = 0; i < processes; i++)
        machine_write_stat(machine, 1000 + i, 1, 0, "sleeper");
    eco_temp_printf(&machine->temp, "proc/stat", "cpu  1 0 0 1 0 0 0 0 0 0\nctxt %u\nprocesses 5\n",
                    switches);
    machine->meter = eco_meter_free(machine->meter);
    assert_int_equal(eco_meter_open_full(&options, &extra, &machine->meter, NULL), 0);
    return eco_meter_is_large(machine->meter);
}

/* Up for 100 s: 300 clocks a second cost as much as 3,000 switches a second. */
static void large_is_many_processes_that_sleep(void **state)
{
    (void)state;
    struct machine machine;
    machine_init(&machine, 1);
    assert_false(is_large(&machine, 100, 100, ECO_NS_PER_S));
    assert_true(is_large(&machine, 300, 100 * 2500, ECO_NS_PER_S));
    assert_false(is_large(&machine, 300, 100 * 3500, ECO_NS_PER_S));
    assert_true(is_large(&machine, 300, 100 * 3500, ECO_NS_PER_S / 2));
    machine_finish(&machine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(socket_appears),
        cmocka_unit_test(socket_goes_and_returns),
        cmocka_unit_test(price_is_independent_of_neighbours),
        cmocka_unit_test(every_policy_adds_up),
        cmocka_unit_test(sockets_are_told_apart),
        cmocka_unit_test(unreadable_counter_invents_nothing),
        cmocka_unit_test(resting_counter_keeps_its_interval_open),
        cmocka_unit_test(tail_gives_active),
        cmocka_unit_test(learnt_idle_is_kept),
        cmocka_unit_test(late_reader_gets_totals),
        cmocka_unit_test(suspend_is_told_apart),
        cmocka_unit_test(options_are_checked),
        cmocka_unit_test(every_allocation_may_fail),
        cmocka_unit_test(forked_child_is_refused),
        cmocka_unit_test(large_is_many_processes_that_sleep),
    };
    return cmocka_run_group_tests_name("meter", tests, NULL, NULL);
}
