/* SPDX-License-Identifier: MIT */
#include "cli/guard.h"

#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE_NS (2 * ECO_NS_PER_S) /* for one call; a slow BMC answers within a second */
#define LOOK_NS     ECO_NS_PER_S
#define STEP_NS     (100 * ECO_NS_PER_MS)
#define STACK_BYTES (256u << 10)

enum state { IDLE, BUSY, TAKEN };

void eco_guard_enter(struct eco_guard *guard)
{
    atomic_store(&guard->since_ns, eco_now_ns());
    atomic_store(&guard->state, BUSY);
}

/* Wait with the lock held; absolute time would jump with the wall clock, so the condition uses MONOTONIC. */
static void wait_ns(struct eco_guard *guard, uint64_t ns)
{
    uint64_t until = eco_now_ns() + ns;
    const struct timespec end = {.tv_sec = (time_t)(until / ECO_NS_PER_S),
                                 .tv_nsec = (long)(until % ECO_NS_PER_S)};
    (void)pthread_cond_timedwait(&guard->changed, &guard->lock, &end);
}

bool eco_guard_leave(struct eco_guard *guard)
{
    int busy = BUSY;
    if (atomic_compare_exchange_strong(&guard->state, &busy, IDLE))
        return false;
    (void)pthread_mutex_lock(&guard->lock);
    guard->is_back = true;
    while (atomic_load(&guard->state) == TAKEN)
        (void)pthread_cond_wait(&guard->changed, &guard->lock);
    guard->is_back = false;
    (void)pthread_mutex_unlock(&guard->lock);
    return true;
}

void eco_guard_begun(struct eco_guard *guard)
{
    (void)pthread_mutex_lock(&guard->lock);
    guard->has_begun = true;
    (void)pthread_mutex_unlock(&guard->lock);
}

void eco_guard_ended(struct eco_guard *guard, int status, bool is_over)
{
    (void)pthread_mutex_lock(&guard->lock);
    guard->has_ended = true;
    guard->status = status;
    guard->is_over |= is_over;
    (void)pthread_mutex_unlock(&guard->lock);
}

/* The other thread never came back: what was written so far stays, the command's end becomes ours. */
static _Noreturn void end_program(struct eco_guard *guard, int status)
{
    (void)pthread_mutex_unlock(&guard->lock);
    if (guard->has_begun)
        guard->last_words(guard->context);
    eco_outputs_close(&guard->session->outputs);
    eco_run_reap_rest(guard->run);
    guard->run = eco_run_finish(guard->run);
    if (guard->has_ended)
        eco_run_die_like(guard->status);
    _exit(status);
}

static void let_begin(struct eco_guard *guard)
{
    uint64_t started_ns;
    struct eco_why why = {0};
    const struct eco_session *session = guard->session;
    eco_notice("a sensor does not answer; the command runs without being measured");
    int r = eco_run_release(guard->run, &started_ns, &why);
    if (r == 0)
        return;
    int status = r == -ENOENT ? ECO_EXIT_MISSING : ECO_EXIT_NOEXEC;
    end_program(guard, eco_failf(session->call->command, status, "%.200s: %s", session->command[0],
                                 *why.text ? why.text : strerror(-r)));
}

static void note(struct eco_guard *guard, const struct eco_run_event *event)
{
    if (event->kind == ECO_RUN_EXITED) {
        guard->has_ended = true;
        guard->status = event->status;
    }
    bool last = event->kind == ECO_RUN_EMPTY || event->kind == ECO_RUN_INTERRUPT ||
                (event->kind == ECO_RUN_EXITED && !guard->wait_all);
    guard->is_over |= last;
    bool wanted = last || event->kind == ECO_RUN_REAPED || event->kind == ECO_RUN_EXITED;
    /* One place is kept for each of the events that end the run. */
    size_t room = event->kind == ECO_RUN_REAPED ? ECO_GUARD_EVENTS_MAX - 4 : ECO_GUARD_EVENTS_MAX;
    if (wanted && guard->event_count < room)
        guard->events[guard->event_count++] = *event;
}

/* With the lock held. Returns when the call has come back. */
static void look_after(struct eco_guard *guard)
{
    bool is_lost = !guard->has_begun;
    guard->event_count = 0;
    if (is_lost)
        let_begin(guard);
    uint64_t over_ns = eco_now_ns();
    while (is_lost || !guard->is_back) {
        if (guard->is_over && (is_lost || eco_now_ns() >= over_ns + PATIENCE_NS)) {
            end_program(guard, ECO_EXIT_RUN);
        }
        if (guard->is_over) {
            wait_ns(guard, STEP_NS);
            continue;
        }
        struct eco_run_event event;
        (void)pthread_mutex_unlock(&guard->lock);
        int r = eco_run_wait(guard->run, eco_now_ns() + STEP_NS, &event);
        (void)pthread_mutex_lock(&guard->lock);
        if (r == 0)
            note(guard, &event);
        over_ns = guard->is_over ? eco_now_ns() : over_ns;
    }
}

static void *watch(void *context)
{
    struct eco_guard *guard = context;
    (void)pthread_mutex_lock(&guard->lock);
    while (!guard->stop) {
        wait_ns(guard, LOOK_NS);
        int busy = BUSY;
        bool late =
            atomic_load(&guard->state) == BUSY && eco_now_ns() - atomic_load(&guard->since_ns) > PATIENCE_NS;
        if (guard->stop || !late || !atomic_compare_exchange_strong(&guard->state, &busy, TAKEN))
            continue;
        look_after(guard);
        atomic_store(&guard->state, IDLE);
        (void)pthread_cond_broadcast(&guard->changed);
    }
    (void)pthread_mutex_unlock(&guard->lock);
    return NULL;
}

void eco_guard_init(struct eco_guard *guard)
{
    pthread_condattr_t clock;
    pthread_attr_t attr;
    (void)pthread_condattr_init(&clock);
    (void)pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    (void)pthread_mutex_init(&guard->lock, NULL);
    (void)pthread_cond_init(&guard->changed, &clock);
    (void)pthread_condattr_destroy(&clock);
    (void)pthread_attr_init(&attr);
    (void)pthread_attr_setstacksize(&attr, STACK_BYTES);
    guard->has_thread = pthread_create(&guard->thread, &attr, watch, guard) == 0;
    (void)pthread_attr_destroy(&attr);
}

void eco_guard_finish(struct eco_guard *guard)
{
    (void)pthread_mutex_lock(&guard->lock);
    guard->stop = true;
    (void)pthread_cond_broadcast(&guard->changed);
    (void)pthread_mutex_unlock(&guard->lock);
    if (guard->has_thread)
        (void)pthread_join(guard->thread, NULL);
    guard->has_thread = false;
    (void)pthread_cond_destroy(&guard->changed);
    (void)pthread_mutex_destroy(&guard->lock);
}
