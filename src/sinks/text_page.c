/* SPDX-License-Identifier: MIT */
#include "base/text.h"
#include "sinks/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define INDENT     3
#define WRAP_BYTES 2048

void eco_line_add(struct eco_line *line, const char *text)
{
    size_t length = strlen(line->text);
    (void)eco_text_copy(line->text + length, sizeof(line->text) - length, text);
}

void eco_line_printf(struct eco_line *line, const char *format, ...)
{
    size_t length = strlen(line->text);
    va_list args;
    va_start(args, format);
    (void)vsnprintf(line->text + length, sizeof(line->text) - length, format, args);
    va_end(args);
}

void eco_line_pad(struct eco_line *line, size_t column)
{
    size_t width = eco_text_width(line->text), length = strlen(line->text);
    if (width >= column && (length == 0 || line->text[length - 1] == ' '))
        return;
    do
        eco_line_add(line, " ");
    while (++width < column);
}

void eco_line_right(struct eco_line *line, size_t column, const char *text)
{
    size_t own = eco_text_width(text);
    eco_line_pad(line, column > own ? column - own : 0);
    eco_line_add(line, text);
}

static const char *style_begin(enum eco_style style)
{
    switch (style) {
    case ECO_STYLE_BOLD:
        return "\033[1m";
    case ECO_STYLE_DIM:
        return "\033[2m";
    case ECO_STYLE_WARN:
        return "\033[33m";
    case ECO_STYLE_PLAIN:
        break;
    }
    return "";
}

void eco_page_blank(struct eco_page *page)
{
    eco_buf_char(page->out, '\n');
}

void eco_page_text(struct eco_page *page, const char *text, enum eco_style style)
{
    char cut[ECO_LINE_MAX];
    (void)eco_text_copy(cut, sizeof(cut), text);
    eco_text_cut(cut, page->width, !page->utf8);
    size_t length = strlen(cut);
    while (length > 0 && cut[length - 1] == ' ')
        cut[--length] = '\0';
    bool styled = page->color && style != ECO_STYLE_PLAIN;
    eco_buf_text(page->out, styled ? style_begin(style) : "");
    eco_buf_text(page->out, cut);
    eco_buf_text(page->out, styled ? "\033[0m\n" : "\n");
}

void eco_page_line(struct eco_page *page, const struct eco_line *line, enum eco_style style)
{
    eco_page_text(page, line->text, style);
}

void eco_page_clean(const struct eco_page *page, const char *text, size_t columns, char *ret, size_t size)
{
    (void)eco_text_clean(ret, size, text, strlen(text), !page->utf8);
    eco_text_cut(ret, columns, !page->utf8);
}

/* Bytes of the part of `text` that fits into `columns`, broken at a blank where there is one. */
static size_t fitting(const char *text, size_t columns)
{
    size_t length = strlen(text), at = 0, width = 0, blank = 0;
    char one[8];
    while (at < length) {
        uint32_t code;
        size_t used = eco_utf8_decode(text + at, length - at, &code);
        memcpy(one, text + at, used);
        one[used] = '\0';
        width += eco_text_width(one);
        if (width > columns)
            return blank > 0 ? blank : at > 0 ? at : used;
        if (text[at] == ' ')
            blank = at;
        at += used;
    }
    return length;
}

void eco_page_wrap(struct eco_page *page, const char *text, enum eco_style style)
{
    char clean[WRAP_BYTES];
    size_t length = eco_text_clean(clean, sizeof(clean) - 1, text, strlen(text), !page->utf8);
    if (length > 0 && !strchr(".:!?", clean[length - 1]))
        (void)eco_text_copy(clean + length, 2, ".");
    if (clean[0] >= 'a' && clean[0] <= 'z')
        clean[0] = (char)(clean[0] - 'a' + 'A');
    for (const char *rest = clean; *rest;) {
        struct eco_line line = {"   "};
        size_t part = fitting(rest, page->width - INDENT);
        eco_line_printf(&line, "%.*s", (int)part, rest);
        eco_page_line(page, &line, style);
        rest += part;
        while (*rest == ' ')
            rest++;
    }
}
