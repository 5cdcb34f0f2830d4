/* SPDX-License-Identifier: MIT */
/* Style and script of the page (src/history/page/), put into C by tools/gen_page.py, and their hashes for its
 * policy. */
#pragma once

extern const char eco_page_css[], eco_page_css_hash[], eco_page_js[], eco_page_js_hash[];
