/* SPDX-License-Identifier: MIT */
/*
 * The file of learnt idle power, and the text of --idle-power. '@' in the file stands for the regime of this
 * machine. What was learnt is bounded and believable; saved and loaded
 * again nothing is added or changed.
 */
#include "base/buf.h"
#include "base/text.h"
#include "fuzz/machine.h"
#include "meter/meter_internal.h"

#include <math.h>

#define NOW_S 1763820000

static int64_t now_ns(const struct eco_clock *clock)
{
    (void)clock;
    return (int64_t)NOW_S * (int64_t)ECO_NS_PER_S;
}

static const struct eco_clock clock_now = {.real_ns = now_ns};
static struct eco_domain domains[2] = {
    {.name = "package-0", .counted = true, .source_count = 1, .sources = {{.source = "powercap"}}},
    {.name = "dram-0", .counted = true, .source_count = 1, .sources = {{.source = "powercap"}}}};

/* As much of a meter as the file is about. */
static void make_meter(struct eco_meter *meter, struct eco_meter_domain *own, const char *directory)
{
    struct fuzz_machine *machine = fuzz_machine_get();

    memset(own, 0, 2 * sizeof(*own));
    eco_idle_init(&own[0].learner, 0.001);
    eco_idle_init(&own[1].learner, 0.001);
    machine->env.clock = &clock_now;
    *meter = (struct eco_meter){
        .env = &machine->env, .domains = domains, .domain_count = 2, .d = own, .extra.state_dir = directory};
    eco_text_copy(machine->host.hostname, sizeof(machine->host.hostname), "node");
    eco_meter_load_state(meter, 0);
}

static void check_learner(const struct eco_idle *idle)
{
    struct eco_idle_estimate estimate;

    require(idle->count <= ECO_IDLE_RING);
    for (size_t i = 0; i < idle->count; i++) {
        const struct eco_idle_chunk *chunk = &idle->ring[i];
        require(chunk->length_s > 0 && chunk->length_s < 86400 && chunk->busy_cpus >= 0);
        require(chunk->power_w >= 0 && chunk->power_w < 1e6 && chunk->heat_w >= 0);
        require(chunk->at_real_s <= NOW_S + 86400 && chunk->at_real_s >= NOW_S - 31 * 86400);
    }
    eco_idle_estimate(idle, &estimate);
    require(estimate.trust == ECO_IDLE_UNKNOWN || (estimate.power_w >= 0 && estimate.power_w < 1e6));
    require(estimate.chunks <= idle->count);
}

/* The same chunks in the same order; a step of the power that shows once the old ones are gone takes more. */
static void check_kept(const struct eco_idle *saved, const struct eco_idle *loaded)
{
    size_t at = 0;

    for (size_t i = 0; i < saved->count && at < loaded->count; i++)
        at += memcmp(&saved->ring[i], &loaded->ring[at], sizeof(saved->ring[0])) == 0;
    require(at == loaded->count);
}

/* '@' becomes the regime. */
static void write_file(const struct fuzz_machine *machine, const char *regime, const uint8_t *data,
                       size_t size)
{
    struct eco_buf out;

    eco_buf_init(&out, 1u << 22);
    for (size_t i = 0; i < size; i++) {
        if (data[i] == '@')
            eco_buf_text(&out, regime);
        else
            eco_buf_char(&out, (char)data[i]);
    }
    if (eco_buf_error(&out) == 0)
        eco_temp_write_bytes(&machine->temp, "idle-node.txt", out.data ? out.data : "", out.length);
    eco_buf_finish(&out);
}

static void try_file(const uint8_t *data, size_t size)
{
    static struct eco_meter meter, again;
    static struct eco_meter_domain own[2], own_again[2];
    const struct fuzz_machine *machine = fuzz_machine_get();
    const char *directory = machine->temp.path;

    eco_temp_remove(&machine->temp, "idle-node.txt");
    make_meter(&meter, own, directory);
    require(own[0].learner.count == 0 && own[1].learner.count == 0);
    write_file(machine, meter.regime, data, size);
    make_meter(&meter, own, directory);
    check_learner(&own[0].learner);
    check_learner(&own[1].learner);
    require(eco_meter_save_state(&meter) == 0);
    make_meter(&again, own_again, directory);
    for (unsigned d = 0; d < 2; d++)
        check_kept(&own[d].learner, &own_again[d].learner);
}

static void try_option(const uint8_t *data, size_t size)
{
    static struct eco_meter meter;
    char *text = fuzz_copy(data, size);
    struct eco_why why = {{0}, {0}};

    meter.given_count = 0;
    int r = eco_meter_parse_idle(&meter, text, &why);
    if (r == 0) {
        require(isnan(meter.given_total_uw) ? meter.given_count > 0 : meter.given_total_uw >= 0);
        for (unsigned i = 0; i < meter.given_count; i++)
            require(meter.given_uw[i] >= 0 && isfinite(meter.given_uw[i]) && meter.given_names[i][0]);
    } else {
        require(r < 0 && memchr(why.text, '\0', sizeof(why.text)) != NULL);
    }
    require(meter.given_count <= ECO_DOMAINS_MAX);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    try_file(data, size);
    try_option(data, size);
    return 0;
}
