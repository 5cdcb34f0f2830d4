/* SPDX-License-Identifier: MIT */
/* A feed whose every word is written here, over machines made of files: what it tells comes out once. */
#include "procs/procs.h"

#include "support/alloc.h"
#include "support/clock.h"
#include "support/test.h"
#include "support/tree.h"

#include <errno.h>
#include <string.h>

#define MS         ECO_NS_PER_MS
#define EVENTS_MAX 20000u
#define STINTS_MAX 64u

struct script {
    struct eco_feed feed;
    struct eco_feed_event events[EVENTS_MAX];
    unsigned count, next;
    struct eco_feed_stint stints[STINTS_MAX];
    unsigned stint_count;
    struct eco_feed_health health;
    unsigned closed;
};

struct machine {
    struct eco_temp temp;
    struct eco_root root;
    struct eco_fake_clock clock;
    struct eco_env env;
    struct eco_procs *procs;
    struct eco_usage usage;
    struct script script;
};

/* ---- the feed ---- */

static int script_events(struct eco_feed *self, int (*told)(void *, const struct eco_feed_event *),
                         void *context)
{
    struct script *script = (struct script *)self;
    while (script->next < script->count) {
        int rc = told(context, &script->events[script->next++]);
        if (rc < 0)
            return rc;
    }
    script->count = script->next = 0;
    return 0;
}

static int script_stints(struct eco_feed *self, int (*told)(void *, const struct eco_feed_stint *),
                         void *context)
{
    struct script *script = (struct script *)self;
    for (unsigned i = 0; i < script->stint_count; i++) {
        int rc = told(context, &script->stints[i]);
        if (rc < 0)
            return rc;
    }
    script->stint_count = 0;
    return 0;
}

static int script_idle(const struct eco_feed *self, uint32_t cpu, uint64_t *ret)
{
    (void)self;
    *ret = (cpu + 1) * MS;
    return 0;
}

static void script_health(const struct eco_feed *self, struct eco_feed_health *ret)
{
    *ret = ((const struct script *)self)->health;
}

static void script_close(struct eco_feed *self)
{
    ((struct script *)self)->closed++;
}

static const struct eco_feed_ops life = {
    .events = script_events, .idle_ns = script_idle, .health = script_health, .close = script_close};
static const struct eco_feed_ops full = {.events = script_events,
                                         .stints = script_stints,
                                         .idle_ns = script_idle,
                                         .health = script_health,
                                         .close = script_close};

static struct eco_feed_event *tell(struct machine *machine, enum eco_feed_kind kind, int pid,
                                   uint64_t start_ns)
{
    struct script *script = &machine->script;
    assert_true(script->count < EVENTS_MAX);
    struct eco_feed_event *event = &script->events[script->count++];
    *event = (struct eco_feed_event){
        .kind = kind, .pid = pid, .start_ns = start_ns, .time_ns = machine->clock.mono_ns + MS};
    return event;
}

static void tell_fork(struct machine *machine, int pid, int ppid, const char *name, uint64_t start_ns)
{
    struct eco_feed_event *event = tell(machine, ECO_FEED_FORK, pid, start_ns);
    event->ppid = ppid;
    event->uid = 7;
    (void)strncpy(event->name, name, sizeof(event->name) - 1);
}

static void tell_exec(struct machine *machine, int pid, const char *name, uint64_t start_ns)
{
    (void)strncpy(tell(machine, ECO_FEED_EXEC, pid, start_ns)->name, name, ECO_FEED_COMM_MAX - 1);
}

static void tell_exit(struct machine *machine, int pid, uint64_t start_ns, uint64_t cpu_ns)
{
    tell(machine, ECO_FEED_EXIT, pid, start_ns)->cpu_ns = cpu_ns;
}

static void tell_end(struct machine *machine, int pid, uint64_t start_ns, uint64_t cpu_ns)
{
    tell(machine, ECO_FEED_END, pid, start_ns)->cpu_ns = cpu_ns;
}

static void tell_stint(struct machine *machine, int pid, uint32_t cpu, uint64_t on_ns, uint64_t shared_ns)
{
    assert_true(machine->script.stint_count < STINTS_MAX);
    machine->script.stints[machine->script.stint_count++] =
        (struct eco_feed_stint){.pid = pid, .cpu = cpu, .on_ns = on_ns, .shared_ns = shared_ns};
}

/* ---- the machine ---- */

static void put(struct machine *machine, int pid, int ppid, const char *name, unsigned ticks,
                unsigned children, unsigned start)
{
    char path[64];
    (void)snprintf(path, sizeof(path), "proc/%d/stat", pid);
    eco_temp_printf(
        &machine->temp, path,
        "%d (%s) S %d 1 1 0 -1 4194304 0 0 0 0 %u 0 %u 0 20 0 1 0 %u 1000 256 0 1 1 0 0 0 0 0 0 0 0 0 0 "
        "17 1 0 0 0 0 0 0 0 0 0 0 0 0 0\n",
        pid, name, ppid, ticks, children, start);
    eco_fake_clock_set(&machine->clock, pid, ticks * 10 * MS);
}

static void drop(struct machine *machine, int pid)
{
    char path[64];
    (void)snprintf(path, sizeof(path), "proc/%d", pid);
    eco_temp_remove(&machine->temp, path);
    eco_fake_clock_drop(&machine->clock, pid);
}

/* init 1, shell 20 (start 0.5 s) */
static void machine_init(struct machine *machine)
{
    *machine = (struct machine){0};
    eco_temp_init(&machine->temp);
    eco_temp_roots(&machine->temp, &machine->root);
    machine->root.is_own[ECO_PROCFS] = true;
    eco_fake_clock_init(&machine->clock);
    machine->env = (struct eco_env){.root = &machine->root, .clock = &machine->clock.clock};
    put(machine, 1, 0, "init", 100, 500, 1);
    put(machine, 20, 1, "shell", 10, 0, 50);
}

static void machine_finish(struct machine *machine)
{
    bool had_feed = machine->script.feed.ops != NULL;
    machine->procs = eco_procs_free(machine->procs);
    assert_int_equal(machine->script.closed, had_feed);
    eco_root_finish(&machine->root);
    eco_temp_finish(&machine->temp);
}

static void open_scope(struct machine *machine, enum eco_scope scope)
{
    struct eco_procs_options options = {.scope = scope, .cgroup_dir_fd = -1};
    assert_int_equal(eco_procs_open(&eco_procs_scan, &machine->env, &options, &machine->procs, NULL), 0);
    if (scope == ECO_SCOPE_TREE)
        assert_int_equal(eco_procs_add_root(machine->procs, 20), 0);
}

static void use(struct machine *machine, const struct eco_feed_ops *ops, const struct eco_places *places)
{
    machine->script.feed.ops = ops;
    assert_int_equal(eco_procs_use_feed(machine->procs, &machine->script.feed, places), 0);
}

static int look_as(struct machine *machine, bool final)
{
    eco_fake_clock_advance(&machine->clock, ECO_NS_PER_S);
    return eco_procs_look(machine->procs, final, &machine->usage);
}

static int look(struct machine *machine)
{
    return look_as(machine, false);
}

static const struct eco_proc *find(const struct machine *machine, int pid, uint32_t flags)
{
    for (uint32_t i = 0; i < machine->usage.changed_count; i++)
        if (machine->usage.changed[i]->pid == pid && (machine->usage.changed[i]->flags & flags) == flags)
            return machine->usage.changed[i];
    return NULL;
}

static const struct eco_proc *changed(const struct machine *machine, int pid, uint32_t flags)
{
    const struct eco_proc *proc = find(machine, pid, flags);
    if (proc == NULL) {
        fail_msg("no row of pid %d with flags %x", pid, flags);
        abort();
    }
    return proc;
}

static uint64_t rows_ns(const struct machine *machine)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < machine->usage.changed_count; i++)
        sum += machine->usage.changed[i]->cpu_ns - machine->usage.changed[i]->base_cpu_ns;
    return sum;
}

/* ---- what is told ---- */

/* Born, renamed and ended between two looks: a row of its own, and a total that nobody's books show. */
static void test_unseen(void **state)
{
    for (int scope = 0; scope < 2; scope++) {
        struct machine machine;
        (void)state;
        machine_init(&machine);
        open_scope(&machine, scope ? ECO_SCOPE_TREE : ECO_SCOPE_MACHINE);
        use(&machine, &life, NULL);
        assert_int_equal(look(&machine), 0);
        tell_fork(&machine, 30, 20, "shell", 1000 * MS);
        tell_exec(&machine, 30, "true", 1000 * MS);
        tell_fork(&machine, 31, 30, "true", 1001 * MS);
        tell_exit(&machine, 31, 1001 * MS, 1 * MS);
        tell_end(&machine, 31, 1001 * MS, 3 * MS);
        tell_exit(&machine, 30, 1000 * MS, 0);
        tell_end(&machine, 30, 1000 * MS, 5 * MS);
        assert_int_equal(look(&machine), 0);
        const struct eco_proc *first = changed(&machine, 30, ECO_PROC_NEW | ECO_PROC_ENDED | ECO_PROC_JOB),
                              *second = changed(&machine, 31, ECO_PROC_NEW | ECO_PROC_ENDED);
        assert_string_equal(first->name, "true");
        assert_int_equal(first->cpu_ns, 5 * MS);
        assert_int_equal(first->start_ns, 1000 * MS);
        assert_int_equal(first->ppid, 20);
        assert_int_equal(first->uid, 7);
        assert_int_equal(second->parent_id, first->id);
        assert_int_equal(second->cpu_ns, 3 * MS);
        assert_int_equal(machine.usage.job_cpu_ns, 8 * MS);
        assert_int_equal(machine.usage.job_count, scope ? 3 : 4);
        assert_int_equal(machine.usage.job_alive, scope ? 1 : 2);
        /* the parent's books show them too, and change nothing */
        put(&machine, 20, 1, "shell", 11, 1, 50);
        assert_int_equal(look(&machine), 0);
        assert_int_equal(machine.usage.job_cpu_ns, 18 * MS);
        assert_null(find(&machine, 0, ECO_PROC_GROUP));
        assert_null(find(&machine, 30, 0));
        machine_finish(&machine);
    }
}

/* The end is told late: the row waits for it, and nothing is told twice. */
static void test_late_end(void **state)
{
    struct machine machine;
    (void)state;
    machine_init(&machine);
    open_scope(&machine, ECO_SCOPE_TREE);
    use(&machine, &life, NULL);
    assert_int_equal(look(&machine), 0);
    tell_fork(&machine, 30, 20, "work", 1000 * MS);
    tell_exit(&machine, 30, 1000 * MS, 2 * MS);
    assert_int_equal(look(&machine), 0);
    const struct eco_proc *proc = changed(&machine, 30, ECO_PROC_NEW);
    assert_int_equal(proc->flags & ECO_PROC_ENDED, 0);
    assert_int_equal(proc->cpu_ns, 2 * MS);
    assert_int_equal(machine.usage.job_alive, 1);
    assert_int_equal(machine.usage.awaited, 1);
    put(&machine, 20, 1, "shell", 10, 1, 50);
    tell_end(&machine, 30, 1000 * MS, 9 * MS);
    tell_end(&machine, 30, 1000 * MS, 9 * MS);
    assert_int_equal(look(&machine), 0);
    proc = changed(&machine, 30, ECO_PROC_ENDED);
    assert_int_equal(proc->cpu_ns, 9 * MS);
    assert_int_equal(proc->flags & ECO_PROC_CUT, 0);
    assert_int_equal(machine.usage.job_cpu_ns, 9 * MS);
    assert_int_equal(machine.usage.awaited, 0);
    /* one whose end never comes leaves at the last look with what is known */
    tell_fork(&machine, 40, 20, "lost", 1500 * MS);
    tell_exit(&machine, 40, 1500 * MS, 4 * MS);
    assert_int_equal(look_as(&machine, true), 0);
    assert_int_equal(changed(&machine, 40, ECO_PROC_ENDED | ECO_PROC_CUT)->cpu_ns, 4 * MS);
    assert_int_equal(machine.usage.job_cpu_ns, 13 * MS);
    machine_finish(&machine);
}

/* One that lives is read from /proc once, its exec as soon as it is told. */
static void test_alive(void **state)
{
    struct machine machine;
    (void)state;
    machine_init(&machine);
    open_scope(&machine, ECO_SCOPE_MACHINE);
    use(&machine, &life, NULL);
    assert_int_equal(look(&machine), 0);
    put(&machine, 30, 20, "child", 2, 0, 100);
    eco_temp_write_bytes(&machine.temp, "proc/30/cmdline", "sh\0-c", 5);
    tell_fork(&machine, 30, 20, "shell", 1003 * MS);
    assert_int_equal(look(&machine), 0);
    const struct eco_proc *child = changed(&machine, 30, ECO_PROC_NEW | ECO_PROC_JOB);
    uint32_t id = child->id;
    assert_string_equal(child->cmdline, "sh -c");
    assert_int_equal(child->cpu_ns, 20 * MS);
    assert_int_equal(child->start_ns, 1003 * MS);
    assert_true(child->rss_bytes > 0);
    put(&machine, 30, 20, "python3", 5, 0, 100);
    eco_temp_write_bytes(&machine.temp, "proc/30/cmdline", "python3\0x", 9);
    tell_exec(&machine, 30, "python3", 1003 * MS);
    assert_int_equal(look(&machine), 0);
    child = changed(&machine, 30, ECO_PROC_RENAMED);
    assert_int_equal(child->id, id);
    assert_string_equal(child->cmdline, "python3 x");
    drop(&machine, 30);
    tell_exit(&machine, 30, 1003 * MS, 55 * MS);
    tell_end(&machine, 30, 1003 * MS, 56 * MS);
    assert_int_equal(look(&machine), 0);
    assert_int_equal(changed(&machine, 30, ECO_PROC_ENDED)->cpu_ns, 56 * MS);
    assert_int_equal(machine.usage.job_cpu_ns, 56 * MS);
    machine_finish(&machine);
}

/* The same pid three times between two looks, the last one alive, and the first one's end told last. */
static void test_pid_is_used_again(void **state)
{
    struct machine machine;
    (void)state;
    machine_init(&machine);
    open_scope(&machine, ECO_SCOPE_TREE);
    use(&machine, &life, NULL);
    assert_int_equal(look(&machine), 0);
    put(&machine, 30, 20, "third", 1, 0, 300);
    tell_fork(&machine, 30, 20, "first", 1000 * MS);
    tell_exit(&machine, 30, 1000 * MS, 1 * MS);
    tell_fork(&machine, 30, 20, "second", 2000 * MS);
    tell_end(&machine, 30, 2000 * MS, 4 * MS);
    tell_fork(&machine, 30, 20, "third", 3000 * MS);
    assert_int_equal(look(&machine), 0);
    assert_int_equal(machine.usage.job_cpu_ns, (1 + 4 + 10) * MS);
    assert_int_equal(machine.usage.job_alive, 2);
    assert_int_equal(machine.usage.awaited, 1);
    tell_end(&machine, 30, 1000 * MS, 3 * MS);
    put(&machine, 30, 20, "third", 2, 0, 300);
    assert_int_equal(look(&machine), 0);
    assert_int_equal(machine.usage.job_cpu_ns, (3 + 4 + 20) * MS);
    const struct eco_proc *first = changed(&machine, 30, ECO_PROC_ENDED);
    assert_string_equal(first->name, "first");
    assert_int_equal(first->cpu_ns, 3 * MS);
    assert_int_equal(machine.usage.job_count, 4);
    machine_finish(&machine);
}

/* Beyond what has rows of its own they are merged by parent and name; sums stay exact. */
static void test_storm(void **state)
{
    static struct machine machine;
    unsigned groups = 0, count = 0;
    (void)state;
    machine_init(&machine);
    open_scope(&machine, ECO_SCOPE_TREE);
    use(&machine, &life, NULL);
    assert_int_equal(look(&machine), 0);
    for (int i = 0; i < 4000; i++) {
        uint64_t start_ns = (1000 + i) * MS;
        tell_fork(&machine, 100 + i, 20, i % 2 ? "odd" : "even", start_ns);
        tell_end(&machine, 100 + i, start_ns, MS);
    }
    assert_int_equal(look(&machine), 0);
    assert_int_equal(machine.usage.job_cpu_ns, 4000 * MS);
    assert_int_equal(rows_ns(&machine), 4000 * MS);
    assert_int_equal(machine.usage.job_count, 4001);
    assert_int_equal(machine.usage.job_alive, 1);
    assert_int_equal(machine.usage.alive_count, 1);
    assert_true(machine.usage.changed_count < 600);
    for (uint32_t i = 0; i < machine.usage.changed_count; i++) {
        const struct eco_proc *proc = machine.usage.changed[i];
        groups += (proc->flags & ECO_PROC_GROUP) != 0;
        count += proc->count;
        assert_true(proc->parent_id != 0);
        assert_true(strcmp(proc->name, "odd") == 0 || strcmp(proc->name, "even") == 0);
    }
    assert_int_equal(groups, 2);
    assert_int_equal(count, 4000);
    /* they stay as long as their parent does */
    for (int i = 0; i < 1000; i++) {
        tell_fork(&machine, 100 + i, 20, "odd", (9000 + i) * MS);
        tell_end(&machine, 100 + i, (9000 + i) * MS, MS);
    }
    assert_int_equal(look(&machine), 0);
    assert_int_equal(machine.usage.job_cpu_ns, 5000 * MS);
    drop(&machine, 20);
    tell_end(&machine, 20, 500 * MS, 101 * MS);
    assert_int_equal(look(&machine), -ESRCH);
    assert_int_equal(machine.usage.job_cpu_ns, 5001 * MS);
    assert_int_equal(machine.usage.changed_count, 3);
    machine_finish(&machine);
}

/* A chain of children below one that is merged comes out whole. */
static void test_storm_of_chains(void **state)
{
    static struct machine machine;
    (void)state;
    machine_init(&machine);
    open_scope(&machine, ECO_SCOPE_MACHINE);
    use(&machine, &life, NULL);
    assert_int_equal(look(&machine), 0);
    for (int i = 0; i < 1500; i++) {
        int pid = 100 + 3 * i;
        uint64_t start_ns = (1000 + i) * MS;
        tell_fork(&machine, pid, 20, "a", start_ns);
        tell_fork(&machine, pid + 1, pid, "b", start_ns);
        tell_fork(&machine, pid + 2, pid + 1, "c", start_ns);
        for (int k = 0; k < 3; k++)
            tell_end(&machine, i % 2 ? pid + k : pid + 2 - k, start_ns, MS);
    }
    assert_int_equal(look(&machine), 0);
    assert_int_equal(machine.usage.job_cpu_ns, 4500 * MS);
    assert_int_equal(rows_ns(&machine), 4500 * MS);
    assert_int_equal(machine.usage.alive_count, 2);
    assert_int_equal(look(&machine), 0);
    assert_int_equal(machine.usage.job_cpu_ns, 4500 * MS);
    machine_finish(&machine);
}

/* It comes in the middle: what was known stays, nothing is counted twice, nothing is missed from there on. */
static void test_arrives(void **state)
{
    struct machine machine;
    (void)state;
    machine_init(&machine);
    open_scope(&machine, ECO_SCOPE_TREE);
    put(&machine, 30, 20, "known", 1, 0, 100);
    assert_int_equal(look(&machine), 0);
    assert_int_equal(machine.usage.job_cpu_ns, 10 * MS);
    /* one ended before, in the shell's books; one was forked since the hooks, and is listed as well */
    put(&machine, 20, 1, "shell", 10, 4, 50);
    put(&machine, 30, 20, "known", 3, 0, 100);
    put(&machine, 31, 20, "new", 2, 0, 150);
    tell_fork(&machine, 31, 20, "new", 1500 * MS);
    eco_fake_clock_advance(&machine.clock, ECO_NS_PER_S);
    use(&machine, &life, NULL);
    assert_int_equal(look(&machine), 0);
    assert_int_equal(machine.usage.job_cpu_ns, (40 + 30 + 20) * MS);
    assert_non_null(find(&machine, 31, ECO_PROC_NEW));
    /* they end: the shell's books grow by what is known already */
    drop(&machine, 30);
    drop(&machine, 31);
    tell_end(&machine, 30, 1005 * MS, 33 * MS);
    tell_end(&machine, 31, 1500 * MS, 21 * MS);
    put(&machine, 20, 1, "shell", 11, 9, 50);
    assert_int_equal(look(&machine), 0);
    assert_int_equal(machine.usage.job_cpu_ns, (40 + 33 + 21 + 10) * MS);
    /* it is taken away: books and clocks go on from there */
    assert_int_equal(eco_procs_use_feed(machine.procs, NULL, NULL), 0);
    assert_int_equal(machine.script.closed, 1);
    assert_int_equal(look(&machine), 0);
    assert_int_equal(machine.usage.job_cpu_ns, 104 * MS);
    put(&machine, 20, 1, "shell", 12, 13, 50);
    assert_int_equal(look(&machine), 0);
    assert_int_equal(machine.usage.job_cpu_ns, (104 + 10 + 40) * MS);
    struct eco_feed_state told;
    eco_procs_feed_state(machine.procs, &told);
    assert_false(told.is_in_place);
    assert_true(told.was_refused);
    machine_finish(&machine);
}

/* What ended just before it came, and is told whole just after, is in its parent's books already. */
static void test_arrives_late_end(void **state)
{
    struct machine machine;
    (void)state;
    machine_init(&machine);
    put(&machine, 30, 20, "known", 1, 0, 100);
    open_scope(&machine, ECO_SCOPE_TREE);
    assert_int_equal(look(&machine), 0);
    drop(&machine, 30);
    put(&machine, 20, 1, "shell", 10, 5, 50);
    tell_exit(&machine, 30, 1002 * MS, 40 * MS);
    use(&machine, &life, NULL);
    assert_int_equal(look(&machine), 0);
    assert_int_equal(machine.usage.job_cpu_ns, 50 * MS);
    tell_end(&machine, 30, 1002 * MS, 60 * MS);
    assert_int_equal(look(&machine), 0);
    assert_int_equal(machine.usage.job_cpu_ns, 50 * MS);
    assert_int_equal(changed(&machine, 30, ECO_PROC_ENDED)->cpu_ns, 60 * MS);
    machine_finish(&machine);
}

/* Events were lost: everything is listed once, which brings the births, and ends who is gone. */
static void test_lost(void **state)
{
    struct machine machine;
    struct eco_feed_state told;
    (void)state;
    machine_init(&machine);
    put(&machine, 30, 20, "known", 1, 0, 100);
    open_scope(&machine, ECO_SCOPE_MACHINE);
    use(&machine, &full, NULL);
    assert_int_equal(look(&machine), 0);
    eco_procs_feed_state(machine.procs, &told);
    assert_true(told.is_in_place && told.is_whole && told.has_stints);
    put(&machine, 31, 20, "unborn", 2, 0, 150);
    drop(&machine, 30);
    machine.script.health.lost_events = 5;
    /* its birth was among them, its end is told */
    struct eco_feed_event *end = tell(&machine, ECO_FEED_END, 40, machine.clock.boot_ns + MS);
    end->ppid = 20;
    end->cpu_ns = 6 * MS;
    (void)strncpy(end->name, "late", sizeof(end->name) - 1);
    assert_int_equal(look(&machine), 0);
    assert_non_null(find(&machine, 31, ECO_PROC_NEW));
    assert_int_equal(changed(&machine, 40, ECO_PROC_ENDED)->cpu_ns, 6 * MS);
    assert_int_equal(machine.usage.job_cpu_ns, 26 * MS);
    eco_procs_feed_state(machine.procs, &told);
    assert_false(told.is_whole);
    assert_int_equal(told.relists, 1);
    assert_int_equal(told.lost_events, 5);
    /* nothing more was lost: such an end is of somebody who is known to have ended */
    tell_end(&machine, 41, machine.clock.boot_ns + MS, 6 * MS);
    assert_int_equal(look(&machine), 0);
    assert_int_equal(machine.usage.job_cpu_ns, 26 * MS);
    /* the end of 30 is not to be had: after a while it leaves */
    for (int i = 0; i < 31 && find(&machine, 30, 0) == NULL; i++)
        assert_int_equal(look(&machine), 0);
    assert_int_equal(changed(&machine, 30, ECO_PROC_ENDED)->cpu_ns, 10 * MS);
    machine_finish(&machine);
}

/* Of children whom nobody told of their parents have the time: it is the job's once, however deep. */
static void test_lost_but_waited_for(void **state)
{
    struct machine machine;
    (void)state;
    machine_init(&machine);
    put(&machine, 30, 20, "make", 1, 0, 100);
    open_scope(&machine, ECO_SCOPE_TREE);
    use(&machine, &life, NULL);
    assert_int_equal(look(&machine), 0);
    assert_int_equal(machine.usage.job_cpu_ns, 0);
    /* nothing lost: children's time without a row is not believed, one that is going to be told of may be it
     */
    put(&machine, 30, 20, "make", 2, 3, 100);
    assert_int_equal(look(&machine), 0);
    assert_int_equal(machine.usage.job_cpu_ns, 10 * MS);
    /* 30 ms and then 100 ms more of children of 30, of which 60 ms are told */
    machine.script.health.lost_events = 5;
    put(&machine, 30, 20, "make", 3, 13, 100);
    tell_fork(&machine, 40, 30, "told", 1500 * MS);
    tell_exit(&machine, 40, 1500 * MS, 20 * MS);
    assert_int_equal(look(&machine), 0);
    assert_int_equal(machine.usage.job_cpu_ns, (20 + 130) * MS);
    tell_end(&machine, 40, 1500 * MS, 60 * MS);
    assert_int_equal(look(&machine), 0);
    assert_int_equal(machine.usage.job_cpu_ns, (20 + 130) * MS);
    /* 30 ends, having waited for 40 ms more; who waited for it has all of that, and 10 ms of another */
    drop(&machine, 30);
    tell_exit(&machine, 30, 1000 * MS, 30 * MS);
    tell_end(&machine, 30, 1000 * MS, 30 * MS);
    put(&machine, 20, 1, "shell", 11, 3 + 13 + 4 + 1, 50);
    assert_int_equal(look(&machine), 0);
    assert_int_equal(machine.usage.job_cpu_ns, (10 + 20 + 130 + 50) * MS);
    /* the feed goes: the total goes on from here */
    assert_int_equal(eco_procs_use_feed(machine.procs, NULL, NULL), 0);
    put(&machine, 20, 1, "shell", 12, 3 + 13 + 4 + 1 + 2, 50);
    assert_int_equal(look(&machine), 0);
    assert_int_equal(machine.usage.job_cpu_ns, (20 + 20 + 130 + 50 + 20) * MS);
    machine_finish(&machine);
}

/* Clocks are read only of who ran; where they ran is summed by place. */
static void test_stints(void **state)
{
    static const uint8_t of_cpu[] = {0, 0, 1};
    const struct eco_places places = {.of_cpu = of_cpu, .cpu_count = 3, .count = 2};
    struct machine machine;
    (void)state;
    machine_init(&machine);
    for (int pid = 100; pid < 200; pid++)
        put(&machine, pid, 1, "sleeper", 1, 0, 60);
    open_scope(&machine, ECO_SCOPE_MACHINE);
    use(&machine, &full, &places);
    assert_int_equal(look(&machine), 0);
    assert_int_equal(look(&machine), 0);
    put(&machine, 20, 1, "shell", 13, 0, 50);
    tell_stint(&machine, 20, 0, 10 * MS, 4 * MS);
    tell_stint(&machine, 20, 1, 5 * MS, 9 * MS); /* not more than it was on */
    tell_stint(&machine, 20, 2, 15 * MS, 0);
    tell_stint(&machine, 20, 3, 15 * MS, 0); /* no such CPU */
    tell_stint(&machine, 9999, 0, 15 * MS, 0);
    tell_fork(&machine, 50, 20, "brief", 1000 * MS);
    tell_end(&machine, 50, 1000 * MS, 7 * MS);
    tell_stint(&machine, 50, 2, 7 * MS, 0);
    unsigned long before = machine.clock.process_reads;
    assert_int_equal(look(&machine), 0);
    assert_in_range(machine.clock.process_reads - before, 1, 3);
    const struct eco_proc *shell = changed(&machine, 20, 0);
    assert_int_equal(shell->cpu_ns, 130 * MS);
    assert_int_equal(shell->place_ns[0], 15 * MS);
    assert_int_equal(shell->place_ns[1], 15 * MS);
    assert_int_equal(shell->place_ns[2], 9 * MS);
    assert_int_equal(shell->place_ns[3], 0);
    assert_int_equal(changed(&machine, 50, ECO_PROC_ENDED)->place_ns[1], 7 * MS);
    assert_int_equal(machine.usage.job_cpu_ns, 37 * MS);
    /* room was missing: anybody may have run */
    put(&machine, 150, 1, "sleeper", 2, 0, 60);
    machine.script.health.lost_ns = 1;
    assert_int_equal(look(&machine), 0);
    assert_int_equal(machine.usage.job_cpu_ns, 47 * MS);
    uint64_t idle_ns;
    assert_int_equal(eco_procs_idle_ns(machine.procs, 1, &idle_ns), 0);
    assert_int_equal(idle_ns, 2 * MS);
    machine_finish(&machine);
}

/* Our own child: its own time is known from wait4, whatever it had waited for; nothing is waited for. */
static void test_reaped(void **state)
{
    struct machine machine;
    const struct rusage usage = {.ru_utime = {.tv_usec = 150000}, .ru_stime = {.tv_usec = 30000}};
    (void)state;
    machine_init(&machine);
    open_scope(&machine, ECO_SCOPE_TREE);
    use(&machine, &life, NULL);
    assert_int_equal(look(&machine), 0);
    tell_fork(&machine, 30, 20, "child", 1000 * MS);
    tell_end(&machine, 30, 1000 * MS, 60 * MS);
    drop(&machine, 20);
    eco_procs_own_cpu(machine.procs, 20, 120 * MS);
    eco_procs_child_ended(machine.procs, 20, &usage);
    assert_int_equal(look_as(&machine, true), -ESRCH);
    assert_int_equal(machine.usage.job_cpu_ns, (20 + 60) * MS);
    assert_int_equal(changed(&machine, 20, ECO_PROC_ENDED)->cpu_ns, 120 * MS);
    assert_int_equal(machine.usage.awaited, 0);
    machine_finish(&machine);
}

/* Pids of another /proc are not the kernel's. */
static void test_refused(void **state)
{
    struct machine machine;
    (void)state;
    machine_init(&machine);
    machine.root.is_own[ECO_PROCFS] = false;
    open_scope(&machine, ECO_SCOPE_MACHINE);
    machine.script.feed.ops = &life;
    assert_int_equal(eco_procs_use_feed(machine.procs, &machine.script.feed, NULL), -ENOTSUP);
    assert_int_equal(machine.script.closed, 1);
    assert_int_equal(look(&machine), 0);
    machine_finish(&machine);
}

static int try_storm(void *context)
{
    struct machine *machine = context;
    const struct eco_procs_options options = {.scope = ECO_SCOPE_MACHINE, .cgroup_dir_fd = -1};
    int rc = eco_procs_open(&eco_procs_scan, &machine->env, &options, &machine->procs, NULL);
    if (rc < 0)
        return rc;
    machine->script = (struct script){.feed.ops = &life};
    for (int i = 0; i < 700; i++) {
        tell_fork(machine, 100 + i, i % 3 ? 99 + i : 20, "x", (1000 + i) * MS);
        if (i % 2)
            tell_end(machine, 100 + i, (1000 + i) * MS, MS);
    }
    rc = eco_procs_use_feed(machine->procs, &machine->script.feed, NULL);
    for (int i = 0; i < 2; i++)
        (void)look(machine);
    machine->procs = eco_procs_free(machine->procs);
    return rc;
}

static void test_no_memory(void **state)
{
    static struct machine machine;
    (void)state;
    machine_init(&machine);
    assert_true(eco_alloc_fail_each(try_storm, &machine) > 5);
    machine.script.closed = 1;
    machine_finish(&machine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unseen),  cmocka_unit_test(test_late_end),
        cmocka_unit_test(test_alive),   cmocka_unit_test(test_pid_is_used_again),
        cmocka_unit_test(test_storm),   cmocka_unit_test(test_storm_of_chains),
        cmocka_unit_test(test_arrives), cmocka_unit_test(test_arrives_late_end),
        cmocka_unit_test(test_lost),    cmocka_unit_test(test_lost_but_waited_for),
        cmocka_unit_test(test_stints),  cmocka_unit_test(test_reaped),
        cmocka_unit_test(test_refused), cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
