/* SPDX-License-Identifier: MIT */
/* Who ran since the last look, and where: clocks are read only of these, and the meter learns the place. */
#include "procs/scan.h"

#include "base/mem.h"

#include <errno.h>

static int ensure_places(const struct eco_scan *scan, struct eco_row *row)
{
    if (row->proc.place_ns == NULL)
        row->proc.place_ns = eco_calloc(2 * (size_t)scan->fed.places.count, sizeof(uint64_t));
    return row->proc.place_ns != NULL ? 0 : -ENOMEM;
}

static int told(void *context, const struct eco_feed_stint *stint)
{
    struct eco_scan *scan = context;
    const struct eco_places *places = &scan->fed.places;
    uint32_t slot = eco_table_find(&scan->table, stint->pid);

    if (slot == ECO_SLOT_NONE)
        return 0;
    struct eco_row *row = eco_table_row(&scan->table, slot);
    struct eco_hot *hot = &scan->table.hot[slot];
    if ((hot->marks & ECO_ROW_RAN) == 0) {
        hot->marks |= ECO_ROW_RAN;
        scan->fed.ran[scan->fed.ran_count++] = slot;
    }
    if (places->count > 0 && stint->cpu < places->cpu_count && ensure_places(scan, row) == 0) {
        uint8_t place = places->of_cpu[stint->cpu];
        uint64_t shared_ns = stint->shared_ns < stint->on_ns ? stint->shared_ns : stint->on_ns;
        uint64_t *place_ns = eco_row_places(row);
        place_ns[place] += stint->on_ns;
        place_ns[places->count + place] += shared_ns;
    }
    return 0;
}

void eco_fed_take_stints(struct eco_scan *scan)
{
    struct eco_fed *fed = &scan->fed;

    if (fed->feed->ops->stints == NULL)
        return;
    /* Who could not be noted may be anybody: then all clocks are read. */
    if (fed->feed->ops->stints(fed->feed, told, scan) < 0 || fed->has_lost_stints)
        fed->knows_who_ran = false;
}
