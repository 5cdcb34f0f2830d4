/* SPDX-License-Identifier: MIT */
#include "history/doc.h"

#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define LINE_BYTES 2048
#define DEPTH_MAX  16
#define CELL_BYTES 110 /* of a name with its place in a tree */

/* Line breaks of a command are blanks here; what else is no plain text becomes '?'. */
static void clean(const char *text, size_t max, char *ret, size_t size)
{
    char flat[LINE_BYTES];
    size_t length = strlen(text), taken = length < sizeof flat ? length : sizeof flat;
    size_t limit = max + 1 < size - 4 ? max + 1 : size - 4;
    memcpy(flat, text, taken);
    for (size_t i = 0; i < taken; i++)
        flat[i] = flat[i] == '\n' || flat[i] == '\r' || flat[i] == '\t' ? ' ' : flat[i];
    size_t used = eco_text_clean(ret, limit, flat, taken, false);
    if (length > taken || used + 4 >= limit)
        (void)snprintf(ret + used, size - used, "%s", length > used ? "\xE2\x80\xA6" : "");
}

void eco_html_text(struct eco_buf *out, const char *text, size_t max)
{
    char line[LINE_BYTES];
    clean(text, max, line, sizeof line);
    for (const char *c = line; *c; c++) {
        if (*c == '&')
            eco_buf_text(out, "&amp;");
        else if (*c == '<')
            eco_buf_text(out, "&lt;");
        else if (*c == '>')
            eco_buf_text(out, "&gt;");
        else if (*c == '"')
            eco_buf_text(out, "&quot;");
        else if (*c == '\'')
            eco_buf_text(out, "&#39;");
        else
            eco_buf_char(out, *c);
    }
}

/* CommonMark: a backslash before any ASCII punctuation makes it plain; "<" and "&" would begin HTML. */
void eco_markdown_text(struct eco_buf *out, const char *text, size_t max)
{
    char line[LINE_BYTES];
    clean(text, max, line, sizeof line);
    for (const char *c = line; *c; c++) {
        if (*c == '<') {
            eco_buf_text(out, "&lt;");
        } else if (*c == '&') {
            eco_buf_text(out, "&amp;");
        } else {
            /* renderers make links of bare addresses too */
            if (strchr("\\`*_{}[]#|~$@", *c) || (*c == ':' && c[1] == '/'))
                eco_buf_char(out, '\\');
            eco_buf_char(out, *c);
        }
    }
}

void eco_html_json(struct eco_buf *out, const char *json, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)json[i];
        if (c == '<' || c == '>' || c == '&') {
            eco_buf_printf(out, "\\u%04x", c);
        } else if (c == 0xE2 && i + 2 < length && (unsigned char)json[i + 1] == 0x80 &&
                   ((unsigned char)json[i + 2] & 0xFEu) == 0xA8) {
            eco_buf_printf(out, "\\u20%02x", (unsigned char)json[i + 2] - 0x80u);
            i += 2;
        } else {
            eco_buf_char(out, (char)c);
        }
    }
}

static void put(struct eco_doc *doc, const char *text)
{
    if (doc->is_html)
        eco_html_text(doc->out, text, LINE_BYTES);
    else
        eco_markdown_text(doc->out, text, LINE_BYTES);
}

static void put_formatted(struct eco_doc *doc, const char *format, va_list arguments)
    __attribute__((format(printf, 2, 0)));

static void put_formatted(struct eco_doc *doc, const char *format, va_list arguments)
{
    char text[LINE_BYTES];
    int n = vsnprintf(text, sizeof text, format, arguments);
    put(doc, n < 0 ? "?" : text);
}

/* `html` and `markdown` are our own markup. */
static void raw(struct eco_doc *doc, const char *html, const char *markdown)
{
    eco_buf_text(doc->out, doc->is_html ? html : markdown);
}

void eco_doc_section(struct eco_doc *doc, const char *title)
{
    raw(doc, "<section>\n<h2>", "\n## ");
    put(doc, title);
    raw(doc, "</h2>\n", "\n\n");
}

void eco_doc_section_end(struct eco_doc *doc)
{
    raw(doc, "</section>\n", "");
}

void eco_doc_heading(struct eco_doc *doc, const char *title)
{
    raw(doc, "<h3>", "\n### ");
    put(doc, title);
    raw(doc, "</h3>\n", "\n\n");
}

void eco_doc_paragraph(struct eco_doc *doc, const char *format, ...)
{
    va_list arguments;
    raw(doc, "<p>", "");
    va_start(arguments, format);
    put_formatted(doc, format, arguments);
    va_end(arguments);
    raw(doc, "</p>\n", "\n\n");
}

void eco_doc_notice(struct eco_doc *doc, const char *format, ...)
{
    va_list arguments;
    raw(doc, "<p class=\"notice\">", "> ");
    va_start(arguments, format);
    put_formatted(doc, format, arguments);
    va_end(arguments);
    raw(doc, "</p>\n", "\n\n");
}

void eco_doc_list_begin(struct eco_doc *doc)
{
    raw(doc, "<ul>\n", "");
}

void eco_doc_item(struct eco_doc *doc, const char *format, ...)
{
    va_list arguments;
    raw(doc, "<li>", "- ");
    va_start(arguments, format);
    put_formatted(doc, format, arguments);
    va_end(arguments);
    raw(doc, "</li>\n", "\n");
}

void eco_doc_list_end(struct eco_doc *doc)
{
    raw(doc, "</ul>\n", "\n");
}

void eco_doc_table(struct eco_doc *doc, const struct eco_doc_column *columns, unsigned count)
{
    doc->columns = columns;
    doc->column_count = count;
    doc->column = 0;
    raw(doc, "<div class=\"wide\"><table>\n<thead><tr>", "|");
    for (unsigned i = 0; i < count; i++) {
        raw(doc, columns[i].is_number ? "<th class=\"n\" scope=\"col\">" : "<th scope=\"col\">", " ");
        put(doc, columns[i].title);
        raw(doc, "</th>", " |");
    }
    raw(doc, "</tr></thead>\n<tbody>\n", "\n|");
    for (unsigned i = 0; !doc->is_html && i < count; i++)
        eco_buf_text(doc->out, columns[i].is_number ? " ---: |" : " --- |");
    raw(doc, "", "\n");
}

static void cell_begin(struct eco_doc *doc)
{
    if (doc->column == 0)
        raw(doc, "<tr>", "|");
    raw(doc, doc->columns[doc->column].is_number ? "<td class=\"n\">" : "<td>", " ");
}

static void cell_end(struct eco_doc *doc)
{
    raw(doc, "</td>", " |");
    if (++doc->column < doc->column_count)
        return;
    doc->column = 0;
    raw(doc, "</tr>\n", "\n");
}

void eco_doc_cell(struct eco_doc *doc, const char *format, ...)
{
    va_list arguments;
    cell_begin(doc);
    va_start(arguments, format);
    put_formatted(doc, format, arguments);
    va_end(arguments);
    cell_end(doc);
}

void eco_doc_cell_indented(struct eco_doc *doc, unsigned depth, const char *text)
{
    unsigned steps = depth < DEPTH_MAX ? depth : DEPTH_MAX;
    if (doc->column == 0)
        raw(doc, "<tr>", "|");
    if (doc->is_html)
        eco_buf_printf(doc->out, "<td class=\"d%u\"><bdi>", steps);
    else
        eco_buf_char(doc->out, ' ');
    for (unsigned i = 0; !doc->is_html && i < steps; i++)
        eco_buf_text(doc->out, "&nbsp;&nbsp;");
    if (doc->is_html)
        eco_html_text(doc->out, text, CELL_BYTES);
    else
        eco_markdown_text(doc->out, text, CELL_BYTES);
    raw(doc, "</bdi>", "");
    cell_end(doc);
}

void eco_doc_table_end(struct eco_doc *doc)
{
    raw(doc, "</tbody>\n</table></div>\n", "\n");
    doc->columns = NULL;
}
