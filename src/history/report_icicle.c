/* SPDX-License-Identifier: MIT */
/*
 * The processes as areas: width is energy, a process stands below the one that started it. What a parent used
 * itself is the part of its width that no child stands below.
 */
#include "base/text.h"
#include "history/report_facts.h"
#include "history/report_sections.h"

#include <stdio.h>
#include <string.h>

#define LEVELS_MAX 12
#define LEVEL_PX   24
#define LEAST      0.002 /* of the width: below, nothing is to be seen */
#define COLORS     8

/* The same program has the same colour. */
static unsigned color_of(const char *name)
{
    unsigned hash = 2166136261u;
    size_t length = strcspn(name, " ");
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ (unsigned char)name[i]) * 16777619u;
    return hash % COLORS;
}

static void put_percent(struct eco_buf *out, const char *key, double ratio)
{
    eco_buf_printf(out, " %s=\"", key);
    eco_buf_fixed(out, 100 * ratio, 2);
    eco_buf_text(out, "%\"");
}

static void put_area(struct eco_buf *out, const struct eco_family *tree, const struct eco_family_row *row)
{
    double width = row->sum / tree->total;
    char figure[ECO_FIGURE_MAX], rest[ECO_FIGURE_MAX];
    (void)snprintf(rest, sizeof rest, "%llu more", (unsigned long long)row->processes);
    const char *name = row->process ? eco_family_name(row) : rest;
    eco_fact_scaled(row->sum, tree->is_by_energy ? "J" : "s", figure);
    eco_buf_text(out, "<svg");
    put_percent(out, "x", row->offset < 1 ? row->offset : 1);
    put_percent(out, "width", width < 1 ? width : 1);
    eco_buf_printf(out, " y=\"%u\" height=\"%d\"><title>", (row->depth + 1) * LEVEL_PX, LEVEL_PX - 1);
    eco_html_text(out, name, ECO_DOC_TEXT_MAX);
    eco_buf_printf(out, ": %s, ", figure);
    eco_buf_fixed(out, 100 * width, 1);
    eco_buf_printf(out, " %%</title><rect width=\"100%%\" height=\"100%%\" class=\"%c%u\"/>",
                   row->process ? 'i' : 'r', row->process ? color_of(name) : 0);
    if (width > 0.015) {
        eco_buf_text(out, "<text x=\"4\" y=\"16\">");
        eco_html_text(out, name, 120);
        eco_buf_text(out, "</text>");
    }
    eco_buf_text(out, "</svg>\n");
}

void eco_html_icicle(struct eco_buf *out, const struct eco_family *tree)
{
    unsigned levels = 0;
    char figure[ECO_FIGURE_MAX];
    if (!(tree->total > 0))
        return;
    for (size_t i = 0; i < tree->count; i++)
        if (tree->rows[i].sum >= LEAST * tree->total && tree->rows[i].depth + 1 > levels)
            levels = tree->rows[i].depth + 1;
    levels = levels < LEVELS_MAX ? levels : LEVELS_MAX;
    eco_fact_scaled(tree->total, tree->is_by_energy ? "J" : "s", figure);
    eco_buf_printf(
        out,
        "<figure><svg class=\"icicle\" width=\"100%%\" height=\"%u\" role=\"img\" aria-label=\"%s by process "
        "and its descendants; the same as in the table below\">\n",
        (levels + 1) * LEVEL_PX, tree->is_by_energy ? "Energy" : "CPU time");
    eco_buf_printf(
        out,
        "<rect width=\"100%%\" height=\"%d\" class=\"r0\"/><text x=\"4\" y=\"16\">all of it: %s</text>\n",
        LEVEL_PX - 1, figure);
    for (size_t i = 0; i < tree->count; i++)
        if (tree->rows[i].depth < LEVELS_MAX && tree->rows[i].sum >= LEAST * tree->total)
            put_area(out, tree, &tree->rows[i]);
    eco_buf_printf(
        out,
        "</svg><figcaption>Width is %s; a process stands below the one that started it, and what that "
        "one used itself has nothing below it.</figcaption></figure>\n",
        tree->is_by_energy ? "energy" : "CPU time");
}
