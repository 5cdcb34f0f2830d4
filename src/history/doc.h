/* SPDX-License-Identifier: MIT */
/*
 * A document that is written once and comes out as HTML or as Markdown. Every text that passes here may come
 * from anywhere (names of processes, command lines, files of others): it is cleaned, cut and escaped.
 */
#pragma once

#include "base/buf.h"

#include <stdbool.h>

#define ECO_DOC_TEXT_MAX 160 /* bytes of a name or command line that are shown */

struct eco_doc {
    struct eco_buf *out;
    bool is_html;
    const struct eco_doc_column *columns; /* of the table that is open */
    unsigned column_count, column;
};

struct eco_doc_column {
    const char *title;
    bool is_number; /* to the right */
};

void eco_doc_section(struct eco_doc *doc, const char *title);
void eco_doc_section_end(struct eco_doc *doc);
void eco_doc_heading(struct eco_doc *doc, const char *title);
void eco_doc_paragraph(struct eco_doc *doc, const char *format, ...) ECO_PRINTF(2, 3);
/** A paragraph that stands out. */
void eco_doc_notice(struct eco_doc *doc, const char *format, ...) ECO_PRINTF(2, 3);
void eco_doc_list_begin(struct eco_doc *doc);
void eco_doc_item(struct eco_doc *doc, const char *format, ...) ECO_PRINTF(2, 3);
void eco_doc_list_end(struct eco_doc *doc);

void eco_doc_table(struct eco_doc *doc, const struct eco_doc_column *columns, unsigned count);
/** The next cell; rows begin and end by themselves. */
void eco_doc_cell(struct eco_doc *doc, const char *format, ...) ECO_PRINTF(2, 3);
/** The same with `depth` steps of indentation before the text. */
void eco_doc_cell_indented(struct eco_doc *doc, unsigned depth, const char *text);
void eco_doc_table_end(struct eco_doc *doc);

/** Text for HTML: between tags and in quoted attributes. At most `max` bytes of it. */
void eco_html_text(struct eco_buf *out, const char *text, size_t max);
/** Text for Markdown, in which nothing of it is markup. */
void eco_markdown_text(struct eco_buf *out, const char *text, size_t max);
/** JSON for a <script> of data: nothing in it ends that, or a line of JavaScript. */
void eco_html_json(struct eco_buf *out, const char *json, size_t length);
