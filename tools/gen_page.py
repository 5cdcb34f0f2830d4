#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Put style and script of the report's page into a C file, with the hashes that the page's policy allows.

Usage: gen_page.py page.css page.js OUTPUT.c
"""
import base64
import hashlib
import sys


def constant(out, name, text):
    """As numbers: a compiler need not take long strings."""
    codes = [f"{code}," for code in text.encode()] + ["0"]
    out.write(f"const char {name}[] = {{\n")
    for i in range(0, len(codes), 24):
        out.write("    " + " ".join(codes[i:i + 24]) + "\n")
    out.write("};\n\n")


def digest(text):
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def main():
    css_path, js_path, out_path = sys.argv[1:4]
    with open(out_path, "w", encoding="utf-8", newline="\n") as out:
        out.write('/* Made by tools/gen_page.py. */\n#include "history/page_assets.h"\n\n')
        for path, name in ((css_path, "eco_page_css"), (js_path, "eco_page_js")):
            with open(path, encoding="utf-8", newline="") as file:
                text = file.read()
            if "</" in text or not text.isascii():
                sys.exit(f"{path}: must be ASCII without '</', which would end it")
            constant(out, name, text)
            constant(out, name + "_hash", digest(text))


if __name__ == "__main__":
    main()
