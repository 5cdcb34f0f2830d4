/* SPDX-License-Identifier: MIT */
#include "history/report_page.h"

#include "base/text.h"
#include "history/page_assets.h"
#include "history/report_facts.h"
#include "history/report_sections.h"

#include <stdio.h>
#include <string.h>

/* Runs of which everything is told; the table of all of them comes first. */
#define WHOLE_MAX 8

/*
 * The page takes nothing from anywhere and runs nothing but the script that it was built with: text that got
 * through every escape would still not be run.
 */
static void put_head(struct eco_buf *out, const char *title)
{
    eco_buf_text(out, "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
    eco_buf_printf(out,
                   "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
                   "'%s'; script-src "
                   "'%s'; base-uri 'none'; form-action 'none'\">\n",
                   eco_page_css_hash, eco_page_js_hash);
    eco_buf_text(out, "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                      "<meta name=\"color-scheme\" content=\"light dark\">\n<meta name=\"referrer\" "
                      "content=\"no-referrer\">\n"
                      "<meta name=\"generator\" content=\"EcoCode " ECO_VERSION "\">\n<title>");
    eco_html_text(out, title, 120);
    eco_buf_printf(out, " - EcoCode</title>\n<style>%s</style>\n</head>\n<body>\n<main>\n", eco_page_css);
}

static void put_title(struct eco_doc *doc, const char *title, bool is_first)
{
    const char *html = is_first ? "<h1><bdi>" : "<h1 class=\"next\"><bdi>";
    eco_buf_text(doc->out, doc->is_html ? html : "# ");
    if (doc->is_html)
        eco_html_text(doc->out, title, ECO_DOC_TEXT_MAX);
    else
        eco_markdown_text(doc->out, title, ECO_DOC_TEXT_MAX);
    eco_buf_text(doc->out, doc->is_html ? "</bdi></h1>\n" : "\n\n");
}

static void put_run(struct eco_doc *doc, const struct eco_report_run *run, bool is_first)
{
    char command[ECO_FACT_MAX];
    const json_t *report = run->run->root;
    eco_fact_command(report, command, sizeof command);
    if (doc->is_html)
        eco_buf_text(doc->out, "<article>\n");
    put_title(doc, command, is_first);
    eco_report_answer(doc, run);
    eco_report_ranks(doc, report);
    eco_report_findings(doc, report);
    eco_report_chart(doc, run);
    eco_report_phases(doc, report);
    eco_report_prediction(doc, report);
    eco_report_processes(doc, run);
    eco_report_domains(doc, report);
    eco_report_cards(doc, run);
    eco_report_impact(doc, report);
    eco_report_budgets(doc, report);
    eco_report_basis(doc, report);
    if (doc->is_html)
        eco_buf_text(doc->out, "</article>\n");
}

static int put_end(struct eco_buf *out, const struct eco_report_run *runs, size_t count)
{
    eco_buf_text(out, "<footer>Written by EcoCode " ECO_VERSION
                      ". This file is whole in itself and calls nobody.</footer>\n</main>\n"
                      "<script type=\"application/json\" id=\"data\">");
    int r = eco_html_data(out, runs, count);
    eco_buf_printf(out, "</script>\n<script>%s</script>\n</body>\n</html>\n", eco_page_js);
    return r;
}

/* The figures behind the page alone. */
static int put_json(struct eco_buf *out, const struct eco_report_run *runs, size_t count)
{
    int r = eco_html_data(out, runs, count);
    eco_buf_char(out, '\n');
    return r < 0 ? r : eco_buf_error(out);
}

int eco_report_page(struct eco_buf *out, const struct eco_report_run *runs, size_t count,
                    enum eco_page_format format)
{
    bool is_html = format == ECO_PAGE_HTML;
    struct eco_doc doc = {.out = out, .is_html = is_html};
    size_t whole = count < WHOLE_MAX ? count : WHOLE_MAX;
    char title[ECO_FACT_MAX];
    if (format == ECO_PAGE_JSON)
        return put_json(out, runs, whole);
    eco_fact_command(runs[0].run->root, title, sizeof title);
    if (count > 1)
        (void)snprintf(title, sizeof title, "%zu runs", count);
    if (is_html)
        put_head(out, title);
    if (count > 1) {
        put_title(&doc, title, true);
        eco_report_comparison(&doc, runs, count);
    }
    if (whole < count)
        eco_doc_notice(&doc, "The first %d of these %zu runs follow.", WHOLE_MAX, count);
    for (size_t i = 0; i < whole; i++)
        put_run(&doc, &runs[i], count == 1);
    int r = is_html ? put_end(out, runs, whole) : 0;
    return r < 0 ? r : eco_buf_error(out);
}

size_t eco_report_whole_runs(size_t count)
{
    return count < WHOLE_MAX ? count : WHOLE_MAX;
}
