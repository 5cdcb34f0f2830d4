/* SPDX-License-Identifier: MIT */
/* Graphics cards in the meter, by messages to the client: who used them, idle levels, gaps, held intervals.
 */
#include "gpu/client.h"
#include "machine.h"
#include "support/alloc.h"

#include <errno.h>

#define CARD    2u /* behind package-0 and dram-0 */
#define IDLE_W  50.0
#define FOREIGN 4000

struct told {
    struct eco_gpu_header header;
    union {
        struct eco_gpu_device devices[2];
        struct eco_gpu_state states[2];
        struct eco_gpu_use uses[8];
    } records;
};

/* A card that draws what the test says, and who used it so far. */
struct card {
    struct eco_gpu_client *client;
    double energy_uj;
    uint64_t busy_ns, divided_ns;
    double divided_uj; /* with divided_ns: the driver's samples go up to there */
    uint32_t seq, use_count;
    struct eco_gpu_use uses[8];
};

static struct machine machine;
static struct card card;

static void assert_near(double got, double want, double tolerance)
{
    if (!(fabs(got - want) <= tolerance))
        fail_msg("%.12g is not within %g of %.12g", got, tolerance, want);
}

static void tell(struct told *told, uint32_t kind, uint32_t count, size_t size)
{
    told->header.magic = ECO_GPU_MAGIC;
    told->header.version = ECO_GPU_VERSION;
    told->header.kind = kind;
    told->header.count = count;
    assert_int_equal(
        eco_gpu_client_take(card.client, told, sizeof told->header + count * size, machine.clock.mono_ns), 0);
}

static void open_card(void)
{
    struct told told = {.header = {.text = "nvml"}};
    told.records.devices[0] = (struct eco_gpu_device){.parent = ECO_GPU_NO_PARENT,
                                                      .vendor = ECO_GPU_NVIDIA,
                                                      .memory_bytes = 1000,
                                                      .alpha = 0.025,
                                                      .name = "H100",
                                                      .uuid = "GPU-1"};
    tell(&told, ECO_GPU_OPENED, 1, sizeof(struct eco_gpu_device));
}

static void tell_state(uint32_t more_fields)
{
    struct told told = {0};
    uint64_t now = machine.clock.mono_ns;
    told.records.states[0] =
        (struct eco_gpu_state){.fields = ECO_GPU_HAS_ENERGY | ECO_GPU_HAS_BUSY | more_fields,
                               .quality = ECO_MEASURED,
                               .energy_uj = (uint64_t)llround(card.energy_uj),
                               .busy_ns = card.busy_ns,
                               .divided_ns = card.divided_ns,
                               .divided_uj = (uint64_t)llround(card.divided_uj),
                               .valid_from_ns = now,
                               .valid_to_ns = now,
                               .begin_ns = now,
                               .end_ns = now};
    if (card.divided_ns > 0)
        told.records.states[0].fields |= ECO_GPU_HAS_DIVIDED;
    tell(&told, ECO_GPU_STATES, 1, sizeof(struct eco_gpu_state));
}

static void tell_uses(void)
{
    struct told told = {.header = {.seq = ++card.seq}};
    memcpy(told.records.uses, card.uses, sizeof told.records.uses);
    tell(&told, ECO_GPU_USES, card.use_count, sizeof(struct eco_gpu_use));
}

/* Who ran for so much of the next second. */
static void use(uint32_t at, int32_t pid, double busy_s, uint32_t flags)
{
    struct eco_gpu_use *one = &card.uses[at];
    one->pid = pid;
    one->busy_ns += (uint64_t)llround(busy_s * 1e9);
    one->weight_ns = one->busy_ns;
    one->flags = flags;
    one->memory_bytes = 100;
    card.busy_ns += (uint64_t)llround(busy_s * 1e9);
    card.use_count = at >= card.use_count ? at + 1 : card.use_count;
}

static void step(double seconds, double watts)
{
    machine_step(&machine, seconds, 0.1, 0.1);
    card.energy_uj += watts * seconds * 1e6;
    tell_uses();
    tell_state(0);
}

static struct eco_frame *tick(void)
{
    assert_int_equal(eco_meter_tick(machine.meter), 0);
    struct eco_frame *frame = eco_meter_latest(machine.meter);
    assert_non_null(frame);
    for (unsigned s = 0; s < frame->slots; s++)
        for (unsigned d = 0; d < frame->domain_count; d++) {
            const struct eco_split *split = &frame->domains[d].split[s];
            double machine_uj = frame->domains[d].machine_uj, rows = 0;
            if (isnan(split->job_uj))
                continue;
            assert_near(split->job_uj + split->others_uj + split->idle_uj + split->unattributed_uj,
                        machine_uj, 1e-9 * machine_uj + 1e-9);
            for (uint32_t i = 0; i < frame->row_count; i++)
                rows += eco_frame_row_energy(frame, i, (enum eco_slot)s)[d];
            assert_near(rows, split->job_uj, 1e-9 * machine_uj + 1e-9);
        }
    return frame;
}

static void tick_and_drop(void)
{
    eco_frame_unref(tick());
}

static void begin(bool is_late)
{
    machine_init(&machine, 1);
    machine.has_child = true;
    machine_write_procs(&machine);
    card = (struct card){.client = NULL};
    assert_int_equal(eco_gpu_client_new(-1, &card.client), 0);
    machine.env.gpus = card.client;
    if (!is_late) {
        open_card();
        tell_state(0);
    }
    machine_start(&machine, ECO_BY_ACTIVE, "package-0=20W,dram-0=2W,gpu-0=50W", NULL);
}

static void finish(void)
{
    machine_finish(&machine);
    card.client = eco_gpu_client_free(card.client);
}

static void report(struct eco_report *ret)
{
    assert_int_equal(eco_meter_end(machine.meter), 0);
    assert_int_equal(eco_meter_report(machine.meter, ret), 0);
    const struct eco_sums *sums = &ret->sums[ret->headline];
    assert_near(sums->job_j + sums->others_j + sums->idle_j + sums->unattributed_j, ret->machine_j,
                1e-9 * ret->machine_j);
}

static double row_j(const struct eco_report *made, int32_t pid)
{
    for (size_t i = 0; i < made->process_count; i++)
        if (made->processes[i].pid == pid)
            return made->processes[i].by_domain_j[made->headline * made->domain_count + CARD];
    return ECO_NAN;
}

/* 30:60 in the job and as much again outside of it. */
static void by_time_on_the_card(void **state)
{
    struct eco_report made;
    (void)state;
    begin(false);
    for (int i = 0; i < 5; i++) {
        use(0, MACHINE_JOB, 0.1, ECO_GPU_USE_CONTEXT);
        use(1, 101, 0.2, ECO_GPU_USE_CONTEXT);
        use(2, FOREIGN, 0.3, ECO_GPU_USE_CONTEXT);
        step(1, IDLE_W + 120);
        tick_and_drop();
    }
    report(&made);
    assert_near(row_j(&made, MACHINE_JOB), 100, 1e-6);
    assert_near(row_j(&made, 101), 200, 1e-6);
    assert_near(made.domains[CARD].slot[ECO_SLOT_ACTIVE].others_j, 300, 1e-6);
    assert_near(made.domains[CARD].slot[ECO_SLOT_ACTIVE].idle_j, 250, 1e-6);
    assert_near(made.domains[CARD].device.utilization_mean_ratio, 0.6, 1e-6);
    assert_true(made.domains[CARD].uncertainty.attribution_j > 0);
    /* the sensor's own 2.5 %, twice of it for 95 % */
    assert_near(made.domains[CARD].uncertainty.sensor_j, 2 * 0.025 * 300, 1e-6);
    /* idle power under `full` by memory: 100 of 1000 bytes each */
    assert_near(made.domains[CARD].slot[ECO_SLOT_FULL].job_j, 300 + 0.2 * 250, 1e-6);
    assert_near(made.domains[CARD].slot[ECO_SLOT_FULL].others_j, 300 + 0.1 * 250, 1e-6);
    assert_near(made.domains[CARD].slot[ECO_SLOT_FULL].idle_j, 0.7 * 250, 1e-6);
    eco_report_finish(&made);
    finish();
}

/*
 * The driver's first samples are of a longer time than the first energy: one at constant load seems busier
 * then than it is, and would be told apart from another one by that. So after a break (state not NULL).
 */
static void the_first_samples_teach_no_watts(void **state)
{
    struct eco_report made;
    bool has_break = *state != NULL;
    begin(false);
    if (has_break) {
        use(0, FOREIGN, 0.6, ECO_GPU_USE_CONTEXT);
        step(1, IDLE_W + 180);
        tick_and_drop();
        card.energy_uj = 7;
        machine_step(&machine, 1, 0.1, 0.1);
        tell_uses();
        tell_state(ECO_GPU_REBASED);
        tick_and_drop();
    }
    for (int i = 0; i < 12; i++) {
        bool has_job = i >= 3;
        use(0, FOREIGN, i == 0 ? 0.9 : 0.6, ECO_GPU_USE_CONTEXT);
        if (has_job)
            use(1, MACHINE_JOB, 0.3, ECO_GPU_USE_CONTEXT);
        step(1, IDLE_W + (has_job ? 270 : 180));
        tick_and_drop();
    }
    report(&made);
    assert_near(row_j(&made, MACHINE_JOB), 9 * 90, 1e-3 * 9 * 90);
    eco_report_finish(&made);
    finish();
}

/* When nobody but the job used it, who used it is no question. */
static void alone_on_the_card(void **state)
{
    struct eco_report made;
    (void)state;
    begin(false);
    for (int i = 0; i < 3; i++) {
        use(0, MACHINE_JOB, 0.5, ECO_GPU_USE_CONTEXT);
        step(1, IDLE_W + 100);
        tick_and_drop();
    }
    report(&made);
    assert_near(made.domains[CARD].slot[ECO_SLOT_ACTIVE].job_j, 300, 1e-6);
    assert_near(made.domains[CARD].uncertainty.attribution_j, 0, 1e-9);
    eco_report_finish(&made);
    finish();
}

static void a_card_that_comes_late(void **state)
{
    struct eco_report made;
    bool told = false;
    (void)state;
    begin(true);
    machine_step(&machine, 1, 0.1, 0.1);
    tick_and_drop();
    open_card();
    tell_state(0);
    step(1, IDLE_W);
    tick_and_drop();
    for (int i = 0; i < 3; i++) {
        use(0, MACHINE_JOB, 0.5, ECO_GPU_USE_CONTEXT);
        step(1, IDLE_W + 100);
        tick_and_drop();
    }
    report(&made);
    assert_int_equal(made.domain_count, CARD + 1);
    assert_true(made.domains[CARD].device.late_s > 0.9);
    assert_near(made.domains[CARD].gap_s, made.domains[CARD].device.late_s, 1e-6);
    for (unsigned i = 0; i < made.warning_count; i++)
        told |= strstr(made.warnings[i], "the driver of gpu-0 answered only") != NULL;
    assert_true(told);
    assert_near(made.domains[CARD].slot[ECO_SLOT_ACTIVE].job_j, 300, 1e-6);
    eco_report_finish(&made);
    finish();
}

/* What happened over a break is nobody's figure, and what was used in it is not charged later. */
static void a_break_charges_nobody(void **state)
{
    struct eco_report made;
    (void)state;
    begin(false);
    use(0, MACHINE_JOB, 0.5, ECO_GPU_USE_CONTEXT);
    step(1, IDLE_W + 100);
    tick_and_drop();
    use(0, MACHINE_JOB, 0.5, ECO_GPU_USE_CONTEXT);
    machine_step(&machine, 1, 0.1, 0.1);
    card.energy_uj = 7;
    tell_uses();
    tell_state(ECO_GPU_REBASED);
    tick_and_drop();
    use(1, FOREIGN, 0.5, ECO_GPU_USE_CONTEXT);
    step(1, IDLE_W + 100);
    tick_and_drop();
    report(&made);
    assert_near(made.domains[CARD].machine_j, 2 * (IDLE_W + 100), 1e-6);
    assert_near(made.domains[CARD].gap_s, 1, 1e-6);
    assert_near(made.domains[CARD].slot[ECO_SLOT_ACTIVE].job_j, 100, 1e-6);
    assert_near(made.domains[CARD].slot[ECO_SLOT_ACTIVE].others_j, 100, 1e-6);
    eco_report_finish(&made);
    finish();
}

/* Somebody works there whom the driver names only later: he is charged for all of it. */
static void an_interval_waits_for_a_name(void **state)
{
    struct eco_report made;
    (void)state;
    begin(false);
    step(1, IDLE_W + 100);
    struct eco_frame *frame = tick();
    assert_int_equal(frame->domains[CARD].state, ECO_ENERGY_WAITING);
    eco_frame_unref(frame);
    use(0, MACHINE_JOB, 0, ECO_GPU_USE_CONTEXT);
    tell_uses();
    use(0, MACHINE_JOB, 1, ECO_GPU_USE_CONTEXT);
    step(0.4, IDLE_W + 100);
    report(&made);
    assert_near(made.domains[CARD].machine_j, 1.4 * (IDLE_W + 100), 1e-6);
    assert_near(made.domains[CARD].slot[ECO_SLOT_ACTIVE].job_j, 140, 1e-6);
    eco_report_finish(&made);
    finish();
}

/* A slice of the driver's samples: the card drew that much, and it was this one's. */
static void slice(uint32_t at, int32_t pid, double seconds, double watts, uint32_t flags)
{
    use(at, pid, seconds, flags);
    card.uses[at].energy_uj += (uint64_t)llround(watts * seconds * 1e6);
    card.uses[at].span_ns += (uint64_t)llround(seconds * 1e9);
    card.divided_uj += watts * seconds * 1e6;
    card.divided_ns += (uint64_t)llround(seconds * 1e9);
}

/* Of the time for which nobody is named yet nothing is told; all is in what is told at last. */
static void by_slices(void **state)
{
    struct eco_report made;
    struct eco_frame *frame;
    (void)state;
    begin(false);
    card.divided_ns = machine.clock.mono_ns;
    slice(0, MACHINE_JOB, 0.7, IDLE_W + 300, ECO_GPU_USE_CONTEXT);
    step(1, IDLE_W + 300);
    frame = tick();
    assert_near(frame->domains[CARD].machine_uj, 0.7e6 * (IDLE_W + 300), 1);
    assert_near((double)frame->domains[CARD].span_ns, 0.7e9, 1);
    eco_frame_unref(frame);
    /* In the same second the job ends its work and another, of a third of the power, goes on: each has its
     * own. */
    slice(0, MACHINE_JOB, 0.5, IDLE_W + 300, ECO_GPU_USE_CONTEXT);
    slice(1, FOREIGN, 0.4, IDLE_W + 100, ECO_GPU_USE_CONTEXT);
    card.energy_uj += 0.2e6 * 200;
    step(1, IDLE_W + 100);
    frame = tick();
    assert_near(frame->domains[CARD].machine_uj, 0.9e6 * IDLE_W + 0.5e6 * 300 + 0.4e6 * 100, 1);
    eco_frame_unref(frame);
    step(0.3, IDLE_W + 100); /* nobody tells any more: as before */
    report(&made);
    assert_near(made.domains[CARD].machine_j, 2.3 * IDLE_W + 1.2 * 300 + 1.1 * 100, 1e-5);
    double rest_j = 0.7 * 100;
    assert_near(made.domains[CARD].slot[ECO_SLOT_ACTIVE].idle_j, 2.3 * IDLE_W, 1e-5);
    assert_near(row_j(&made, MACHINE_JOB), 1.2 * 300 + rest_j * 5 / 9, 1e-5);
    assert_near(made.domains[CARD].slot[ECO_SLOT_ACTIVE].others_j, 0.4 * 100 + rest_j * 4 / 9, 1e-5);
    assert_near(made.domains[CARD].slot[ECO_SLOT_ACTIVE].unattributed_j, 0, 1e-5);
    eco_report_finish(&made);
    finish();
}

/* Knowledge that has stood still for long is not waited for. */
static void slices_that_stopped(void **state)
{
    struct eco_report made;
    (void)state;
    begin(false);
    card.divided_ns = machine.clock.mono_ns;
    slice(0, MACHINE_JOB, 0.9, IDLE_W + 100, ECO_GPU_USE_CONTEXT);
    step(1, IDLE_W + 100);
    tick_and_drop();
    step(2, IDLE_W + 100);
    struct eco_frame *frame = tick();
    assert_int_equal(frame->domains[CARD].state, ECO_ENERGY_OK);
    assert_near(frame->domains[CARD].machine_uj, 2.1e6 * (IDLE_W + 100), 1);
    eco_frame_unref(frame);
    report(&made);
    assert_near(made.domains[CARD].machine_j, 3 * (IDLE_W + 100), 1e-5);
    eco_report_finish(&made);
    finish();
}

/* The driver tells of a process when a look has found it gone already. */
static void one_that_is_told_of_too_late(void **state)
{
    struct eco_report made;
    (void)state;
    machine_init(&machine, 1);
    machine.has_child = true;
    machine_write_procs(&machine);
    card = (struct card){.client = NULL};
    assert_int_equal(eco_gpu_client_new(-1, &card.client), 0);
    machine.env.gpus = card.client;
    open_card();
    tell_state(0);
    machine_start(&machine, ECO_BY_ACTIVE, "package-0=20W,dram-0=2W,gpu-0=50W", NULL);
    card.divided_ns = machine.clock.mono_ns;
    slice(0, MACHINE_JOB, 0.5, IDLE_W + 10, ECO_GPU_USE_CONTEXT);
    step(1, IDLE_W + 10);
    tick_and_drop();
    eco_temp_remove(&machine.temp, "proc/101");
    machine.has_child = false;
    slice(0, MACHINE_JOB, 0.5, IDLE_W + 10, ECO_GPU_USE_CONTEXT);
    step(1, IDLE_W + 100);
    tick_and_drop();
    slice(1, 101, 1, IDLE_W + 100, 0);
    step(1, IDLE_W + 10);
    tick_and_drop();
    slice(0, MACHINE_JOB, 1, IDLE_W + 10, ECO_GPU_USE_CONTEXT);
    tell_uses();
    tell_state(0);
    report(&made);
    assert_near(row_j(&made, 101), 100, 1e-5);
    assert_near(made.domains[CARD].slot[ECO_SLOT_ACTIVE].others_j, 0, 1e-5);
    eco_report_finish(&made);
    finish();
}

/* Nobody but whoever watches the card has seen these: their parents say whose they are. */
static void those_that_live_between_two_looks(void **state)
{
    struct eco_report made;
    bool found = false;
    (void)state;
    begin(false);
    card.divided_ns = machine.clock.mono_ns;
    slice(0, MACHINE_JOB, 0.25, IDLE_W + 100, ECO_GPU_USE_CONTEXT);
    slice(1, 5001, 0.25, IDLE_W + 100, 0); /* of the job's child, by one that is gone already */
    memcpy(card.uses[1].parents, (const int32_t[]){5000, 101}, 2 * sizeof(int32_t));
    slice(2, 5002, 0.25, IDLE_W + 100, 0); /* of somebody else */
    memcpy(card.uses[2].parents, (const int32_t[]){1, 0}, 2 * sizeof(int32_t));
    slice(3, 5003, 0.25, IDLE_W + 100, 0); /* it was gone before it could be looked at */
    step(1, IDLE_W + 100);
    tick_and_drop();
    report(&made);
    for (size_t i = 0; i < made.process_count; i++) {
        if (strcmp(made.processes[i].name, "short-lived") != 0)
            continue;
        found = true;
        assert_near(made.processes[i].by_domain_j[made.headline * made.domain_count + CARD], 25, 1e-5);
        assert_near(made.processes[i].gpu_busy_s, 0.25, 1e-6);
    }
    assert_true(found);
    assert_near(made.domains[CARD].slot[ECO_SLOT_ACTIVE].job_j, 50, 1e-5);
    assert_near(made.domains[CARD].slot[ECO_SLOT_ACTIVE].others_j, 50, 1e-5);
    eco_report_finish(&made);
    finish();
}

/* EcoCode does nothing on cards: its own part of others is of the rest. */
static void own_part_leaves_cards_out(void **state)
{
    struct eco_report made;
    (void)state;
    begin(false);
    for (int i = 0; i < 3; i++) {
        use(0, FOREIGN, 0.9, ECO_GPU_USE_CONTEXT);
        step(1, IDLE_W + 10000);
        tick_and_drop();
    }
    report(&made);
    const struct eco_sums *others = &made.sums[ECO_SLOT_ACTIVE];
    assert_true(others->others_j > 29000);
    assert_true(made.self_j <= others->others_j - made.domains[CARD].slot[ECO_SLOT_ACTIVE].others_j + 1e-6);
    eco_report_finish(&made);
    finish();
}

/* Every chunk of the domain is of that power; how many there are. */
static unsigned check_chunks(const char *text, const char *domain, double want_w)
{
    unsigned chunks = 0;
    const char *found = strstr(text, domain);
    assert_non_null(found);
    for (const char *line = strchr(found, '\n'); line && strncmp(line + 1, "chunk ", 6) == 0;
         line = strchr(line + 1, '\n')) {
        double length = 0, busy = 0, watts = 0;
        assert_int_equal(sscanf(line + 1, "chunk %lf %lf %lf", &length, &busy, &watts), 3);
        assert_near(watts, want_w, 1e-6);
        chunks++;
    }
    return chunks;
}

/* Busy time must not teach idle power: the regression of CPUs once made 0 W of it. */
static void only_quiet_time_teaches(void **state)
{
    char path[ECO_PATH_MAX], text[4096] = "";
    (void)state;
    machine_init(&machine, 1);
    eco_temp_mkdir(&machine.temp, "state");
    card = (struct card){.client = NULL};
    assert_int_equal(eco_gpu_client_new(-1, &card.client), 0);
    machine.env.gpus = card.client;
    open_card();
    tell_state(0);
    machine_start(&machine, ECO_BY_ACTIVE, NULL, eco_temp_path(&machine.temp, "state", path));
    for (int i = 0; i < 4; i++) {
        step(1, IDLE_W);
        tick_and_drop();
    }
    use(0, MACHINE_JOB, 0, ECO_GPU_USE_CONTEXT);
    for (int i = 0; i < 10; i++) {
        double busy_s = i < 5 ? 0 : 0.05 * i;
        use(0, MACHINE_JOB, busy_s, ECO_GPU_USE_CONTEXT);
        step(1, IDLE_W + 20 + 200 * busy_s);
        tick_and_drop();
    }
    assert_int_equal(eco_meter_end(machine.meter), 0);
    assert_int_equal(eco_meter_save_state(machine.meter), 0);
    FILE *file = fopen(eco_temp_path(&machine.temp, "state/idle-scripted.txt", path), "r");
    assert_non_null(file);
    (void)fread(text, 1, sizeof text - 1, file);
    (void)fclose(file);
    assert_true(check_chunks(text, "domain gpu-0 ", IDLE_W) >= 2);
    assert_true(check_chunks(text, "domain gpu-0+context ", IDLE_W + 20) >= 2);
    finish();
}

static int measure_once(void *context)
{
    struct eco_meter *meter = NULL;
    const struct eco_meter_options options = {.size = sizeof options, .interval_ns = ECO_NS_PER_S};
    const struct eco_meter_host_options extra = {
        .env = &machine.env, .cgroup_dir_fd = -1, .no_estimate = true};
    (void)context;
    int r = eco_meter_open_full(&options, &extra, &meter, NULL);
    if (r == 0)
        r = eco_meter_add_root(meter, MACHINE_JOB);
    if (r == 0)
        r = eco_meter_begin(meter);
    for (int i = 0; r == 0 && i < 2; i++) {
        eco_fake_clock_advance(&machine.clock, ECO_NS_PER_S);
        r = eco_meter_tick(meter);
    }
    (void)eco_meter_free(meter);
    return r;
}

static void allocations_fail(void **state)
{
    (void)state;
    machine_init(&machine, 1);
    card = (struct card){.client = NULL};
    assert_int_equal(eco_gpu_client_new(-1, &card.client), 0);
    machine.env.gpus = card.client;
    open_card();
    use(0, MACHINE_JOB, 0.1, ECO_GPU_USE_CONTEXT);
    tell_uses();
    tell_state(0);
    assert_true(eco_alloc_fail_each(measure_once, NULL) >= 10);
    finish();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_time_on_the_card),
        cmocka_unit_test(the_first_samples_teach_no_watts),
        {"the_first_samples_after_a_break", the_first_samples_teach_no_watts, NULL, NULL, &machine},
        cmocka_unit_test(alone_on_the_card),
        cmocka_unit_test(a_card_that_comes_late),
        cmocka_unit_test(a_break_charges_nobody),
        cmocka_unit_test(an_interval_waits_for_a_name),
        cmocka_unit_test(own_part_leaves_cards_out),
        cmocka_unit_test(only_quiet_time_teaches),
        cmocka_unit_test(allocations_fail),
        cmocka_unit_test(by_slices),
        cmocka_unit_test(slices_that_stopped),
        cmocka_unit_test(one_that_is_told_of_too_late),
        cmocka_unit_test(those_that_live_between_two_looks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
