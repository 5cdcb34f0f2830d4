/* SPDX-License-Identifier: MIT */
/*
 * gpu-watch SECONDS INTERVAL_MS READ_MS [--ask]: starts ecocode-sensord as programs do and prints what the
 * client knows, one line of JSON per read; the last one has "end". Times are CLOCK_MONOTONIC.
 */
#include "platform/clock.h"
#include "run/helper.h"
#include "run/sensord.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static uint64_t now_ns(void)
{
    return eco_clock_system.mono_ns(&eco_clock_system);
}

static void show_sources(const struct eco_gpu_client *client)
{
    (void)printf("\"sources\":[");
    for (size_t i = 0; i < eco_gpu_client_sources(client); i++) {
        const struct eco_gpu_seen_source *s = eco_gpu_client_source(client, i);
        (void)printf("%s{\"name\":\"%s\",\"open\":%d,\"error\":%d,\"why\":\"%s\",\"cpu_ns\":%" PRIu64
                     ",\"opened\":%" PRIu32 ",\"looks\":%" PRIu32 "}",
                     i ? "," : "", s->name, s->is_open, s->error, s->why.text, s->cpu_ns, s->opened_count,
                     s->look_count);
    }
    (void)printf("]");
}

static void show_device(const struct eco_gpu_seen_device *d)
{
    const struct eco_gpu_state *s = &d->state;
    (void)printf("{\"index\":%d,\"parent\":%d,\"there\":%d,\"name\":\"%s\",\"uuid\":\"%s\",\"pci\":\"%s\","
                 "\"driver\":\"%s\","
                 "\"module\":%d,\"slices\":%" PRIu32 ",\"memory\":%" PRIu64
                 ",\"alpha\":%g,\"blind\":%g,\"period_ns\":%" PRIu64,
                 d->device.index, d->parent, d->is_there, d->device.name, d->device.uuid, d->device.pci,
                 d->device.driver, d->device.is_module, d->device.slices, d->device.memory_bytes,
                 d->device.alpha, d->device.blind_ratio, d->device.period_ns);
    (void)printf(",\"fields\":%" PRIu32 ",\"error\":%d,\"quality\":%d,\"from_ns\":%" PRIu64
                 ",\"to_ns\":%" PRIu64 ",\"end_ns\":%" PRIu64 ",\"energy_uj\":%" PRIu64
                 ",\"power_uw\":%" PRIu64 ",\"busy_ns\":%" PRIu64,
                 s->fields, s->error, (int)s->quality, s->valid_from_ns, s->valid_to_ns, s->end_ns,
                 d->energy_uj, s->power_uw, d->busy_ns);
    (void)printf(",\"throttled_ns\":%" PRIu64 ",\"used\":%" PRIu64 ",\"limit_uw\":%" PRIu64
                 ",\"clock\":%" PRIu32 ",\"mc\":%d,\"breaks\":%" PRIu32 ",\"looks\":%" PRIu32
                 ",\"power_max_uw\":%" PRIu64 "}",
                 d->throttled_ns, s->memory_used_bytes, s->limit_uw, s->clock_mhz, s->temperature_mc,
                 d->breaks, d->look_count, d->power_max_uw);
}

static void show(const struct eco_gpu_client *client, bool has_ended)
{
    (void)printf("{\"at_ns\":%" PRIu64 ",", now_ns());
    show_sources(client);
    (void)printf(",\"devices\":[");
    for (size_t i = 0; i < eco_gpu_client_devices(client); i++) {
        (void)printf("%s", i ? "," : "");
        show_device(eco_gpu_client_device(client, i));
    }
    (void)printf("],\"uses\":[");
    for (size_t i = 0; i < eco_gpu_client_uses(client); i++) {
        const struct eco_gpu_seen_use *u = eco_gpu_client_use(client, i);
        (void)printf("%s{\"device\":%" PRIu32 ",\"pid\":%d,\"flags\":%" PRIu32 ",\"busy_ns\":%" PRIu64
                     ",\"weight_ns\":%" PRIu64 ",\"memory\":%" PRIu64 "}",
                     i ? "," : "", u->device, u->pid, u->flags, u->busy_ns, u->weight_ns, u->memory_bytes);
    }
    (void)printf("],\"refused\":%" PRIu64 ",\"end\":%d}\n", eco_gpu_client_refused(client), has_ended);
    (void)fflush(stdout);
}

static void sleep_until(uint64_t until_ns)
{
    const struct timespec at = {.tv_sec = (time_t)(until_ns / ECO_NS_PER_S),
                                .tv_nsec = (long)(until_ns % ECO_NS_PER_S)};
    (void)clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
}

int main(int argc, char **argv)
{
    if (argc < 4)
        return 2;
    double seconds = strtod(argv[1], NULL), interval_ms = strtod(argv[2], NULL),
           read_ms = strtod(argv[3], NULL);
    bool asks = argc > 4 && strcmp(argv[4], "--ask") == 0;
    struct eco_root root;
    struct eco_why why = {0};
    struct eco_gpu_client *client = NULL;
    pid_t pid = 0;
    if (eco_root_init(&root, NULL, NULL) < 0)
        return 1;
    uint64_t began = now_ns();
    int r = eco_sensord_start(&root, (uint64_t)(interval_ms * 1e6), &client, &pid, &why);
    (void)fprintf(stderr, "start %d %.3f ms %s\n", r, (double)(now_ns() - began) / 1e6, why.text);
    if (r < 0)
        return 1;
    uint64_t end = began + (uint64_t)(seconds * 1e9);
    for (uint64_t next = began; next < end && r != -EPIPE;) {
        next += (uint64_t)(read_ms * 1e6);
        if (asks) {
            sleep_until(next - 10 * ECO_NS_PER_MS);
            eco_gpu_client_ask(client);
        }
        sleep_until(next);
        r = eco_gpu_client_read(client, now_ns());
        show(client, r == -EPIPE);
    }
    eco_sensord_end(&client, &pid);
    eco_helper_await_all(300);
    return 0;
}
