/* SPDX-License-Identifier: MIT */
/* Where processes ran, told by a scripted feed: sockets of different price, siblings of one core. */
#include "machine.h"

#include <errno.h>

#define MS     1000000ull
#define SIGMA  0.2
#define EVENTS 8

struct script {
    struct eco_feed feed;
    struct eco_feed_stint stints[EVENTS];
    unsigned count;
    const struct eco_fake_clock *clock;
    double busy_s[2]; /* of the CPUs, since then */
    uint64_t since_ns;
};

static int script_events(struct eco_feed *self, int (*told)(void *, const struct eco_feed_event *),
                         void *context)
{
    (void)self;
    (void)told;
    (void)context;
    return 0;
}

static int script_stints(struct eco_feed *self, int (*told)(void *, const struct eco_feed_stint *),
                         void *context)
{
    struct script *script = (struct script *)self;
    for (unsigned i = 0; i < script->count; i++)
        (void)told(context, &script->stints[i]);
    script->count = 0;
    return 0;
}

static void script_health(const struct eco_feed *self, struct eco_feed_health *ret)
{
    (void)self;
    *ret = (struct eco_feed_health){.self_ns = 5 * MS};
}

static int script_idle(const struct eco_feed *self, uint32_t cpu, uint64_t *ret)
{
    const struct script *script = (const struct script *)self;
    if (!script->clock)
        return -ENOTSUP;
    *ret = script->clock->mono_ns - script->since_ns - (uint64_t)(script->busy_s[cpu] * 1e9);
    return 0;
}

static void script_close(struct eco_feed *self)
{
    (void)self;
}

static const struct eco_feed_ops ops = {.events = script_events,
                                        .stints = script_stints,
                                        .idle_ns = script_idle,
                                        .health = script_health,
                                        .close = script_close};

static void on(struct script *script, int pid, uint32_t cpu, double on_s, double shared_s)
{
    script->stints[script->count++] = (struct eco_feed_stint){
        .pid = pid, .cpu = cpu, .on_ns = (uint64_t)(on_s * 1e9), .shared_ns = (uint64_t)(shared_s * 1e9)};
}

static void assert_near(double got, double want, double ratio)
{
    if (!(fabs(got - want) <= ratio * fabs(want)))
        fail_msg("%.12g is not within %g of %.12g", got, ratio, want);
}

static void begin(struct machine *machine, struct script *script, const char *idle)
{
    machine->root.is_own[ECO_PROCFS] = true;
    eco_fake_clock_set(&machine->clock, MACHINE_JOB, 0);
    eco_fake_clock_set(&machine->clock, 101, 0);
    machine_start(machine, ECO_BY_ACTIVE, idle, NULL);
    script->feed.ops = &ops;
    assert_int_equal(eco_meter_use_feed(machine->meter, &script->feed), 0);
}

/* The clocks of the job and its child, in all. */
static void set_clocks(struct machine *machine, double job_s, double child_s)
{
    machine->job_s = job_s;
    machine->child_s = child_s;
    eco_fake_clock_set(&machine->clock, MACHINE_JOB, (uint64_t)(job_s * 1e9));
    eco_fake_clock_set(&machine->clock, 101, (uint64_t)(child_s * 1e9));
    machine_write_procs(machine);
}

static const struct eco_report_process *row_of(const struct eco_report *report, int pid)
{
    for (size_t i = 0; i < report->process_count; i++)
        if (report->processes[i].pid == pid)
            return &report->processes[i];
    fail_msg("no row of %d", pid);
    abort();
}

/* Socket 1 is twice as dear. Who moves between them pays for where it ran, not for where it was last seen. */
static void a_socket_each(void **state)
{
    static struct script script;
    struct machine machine;
    struct eco_report report;
    (void)state;
    machine_init(&machine, 2);
    machine.has_child = true;
    machine_write_procs(&machine);
    begin(&machine, &script, "package-0=20W,package-1=20W,dram-0=2W,dram-1=2W");
    for (int i = 1; i <= 10; i++) {
        machine_step(&machine, 1, 0.8, 0.7); /* busy: 0.5 + 0.3 on socket 0, 0.7 on socket 1 */
        machine.zone_uj[2] += 30e6 * 0.7;
        machine_write_zone(&machine, 2);
        set_clocks(&machine, 0.5 * i, 1.0 * i);
        on(&script, MACHINE_JOB, 0, 0.5, 0);
        on(&script, 101, 0, 0.3, 0);
        on(&script, 101, 1, 0.7, 0);
        assert_int_equal(eco_meter_tick(machine.meter), 0);
    }
    assert_int_equal(eco_meter_end(machine.meter), 0);
    assert_int_equal(eco_meter_report(machine.meter, &report), 0);
    assert_string_equal(report.accounting, "bpf");
    assert_true(report.self_cpu_s >= 5e-3);
    /* memory costs a tenth of the first socket's price */
    assert_near(row_of(&report, MACHINE_JOB)->energy_j[ECO_SLOT_ACTIVE], 10 * 0.5 * 33, 0.01);
    assert_near(row_of(&report, 101)->energy_j[ECO_SLOT_ACTIVE], 10 * (0.3 * 33 + 0.7 * 63), 0.01);
    eco_report_finish(&report);
    machine_finish(&machine);
}

/* One core of two threads: the job runs all the time, a stranger half of it on the other thread. */
static void half_shared(void **state)
{
    for (int shared = 0; shared < 2; shared++) {
        static struct script script;
        struct machine machine;
        struct eco_report report;
        (void)state;
        machine_init(&machine, 1);
        for (int i = 0; i < 2; i++) {
            machine.places[i].core = 0;
            machine.places[i].sibling = 1 - i;
        }
        machine.host.topology.core_count = 1;
        machine.host.topology.has_smt = true;
        begin(&machine, &script, "package-0=20W,dram-0=2W");
        for (int i = 1; i <= 10; i++) {
            machine_step(&machine, 1, 0.8, 0.5);
            set_clocks(&machine, 0.8 * i, 0);
            /* The same busy times; whether they were at the same time only the kernel knows. */
            on(&script, MACHINE_JOB, 0, 0.8, shared ? 0.5 : 0.3);
            assert_int_equal(eco_meter_tick(machine.meter), 0);
        }
        assert_int_equal(eco_meter_end(machine.meter), 0);
        assert_int_equal(eco_meter_report(machine.meter, &report), 0);
        double loss = (1 - SIGMA) / 2, job = 0.8 - loss * (shared ? 0.5 : 0.3);
        double all = 0.8 * (1 - loss * 0.5) + 0.5 * (1 - loss * 0.8); /* by the busy times */
        double machine_j = 10 * 1.3 * 33;
        assert_near(row_of(&report, MACHINE_JOB)->energy_j[ECO_SLOT_ACTIVE], machine_j * job / all, 0.01);
        eco_report_finish(&report);
        machine_finish(&machine);
    }
}

/* Ticks of 10 ms see a stranger's 4 ms as none or 10: by the switches each interval has its own part. */
static void busy_below_a_tick(void **state)
{
    static struct script script;
    struct machine machine;
    (void)state;
    machine_init(&machine, 1);
    begin(&machine, &script, "package-0=20W,dram-0=2W");
    script.clock = &machine.clock;
    script.since_ns = machine.clock.mono_ns;
    machine_step(&machine, 0.05, 0, 0); /* from here on the switches count */
    assert_int_equal(eco_meter_tick(machine.meter), 0);
    for (int i = 1; i <= 20; i++) {
        machine_step(&machine, 0.05, 0.004, 0.004);
        script.busy_s[0] += 0.004;
        script.busy_s[1] += 0.004;
        set_clocks(&machine, 0.004 * i, 0);
        on(&script, MACHINE_JOB, 0, 0.004, 0);
        assert_int_equal(eco_meter_tick(machine.meter), 0);
        struct eco_frame *frame = eco_meter_latest(machine.meter);
        assert_non_null(frame);
        const struct eco_split *split = &frame->total.split[ECO_SLOT_ACTIVE];
        assert_near(split->job_uj, split->others_uj, 0.01);
        eco_frame_unref(frame);
    }
    assert_int_equal(eco_meter_end(machine.meter), 0);
    machine_finish(&machine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_socket_each), cmocka_unit_test(half_shared),
                                       cmocka_unit_test(busy_below_a_tick)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
