#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Turn the tables of places (data/carbon_*.csv, cloud_regions.csv, water_countries.csv, pue_providers.csv), of
what machines take to make (embodied.csv) and of one thing to compare with (equivalents.csv)
into one C file of constants.

A place without a figure of its own for water, or a cloud region without one for carbon, takes that of its
country; who took what is told by the source that goes with each figure. Names become ASCII, texts lie in
the structs themselves: nothing has to be relocated when the program starts.

Usage: gen_impact.py DATA_DIR OUTPUT.c
"""
import csv
import pathlib
import sys
import unicodedata

# What a source is called where there is little room.
BRIEF = {"Ember": "Ember", "EPA eGRID2022": "EPA eGRID", "GreenAlgorithms": "EPA eGRID", "Electricity Maps": "Electricity Maps",
         "Google": "Google"}
WATER_WRI = "WRI guidance for water in purchased electricity, by ecologits; range with Macknick 2012"
WATER_MIX = "generation mix (Our World in Data) x Macknick 2012, hydropower's evaporation included; low: without"
PUE_REGION = "operator's figure for the region, by Green Software Foundation real-time-cloud"
WUE_REGION = "operator's figure, by Green Software Foundation real-time-cloud"


def read(folder, name):
    with open(folder / name, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def plain(text):
    return unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()


def scope_of(method):
    word = method.split()[0].strip(",(") if method else ""
    return {"lifecycle": "ECO_SCOPE_LIFECYCLE", "direct": "ECO_SCOPE_DIRECT"}[word]


class Sources:
    def __init__(self):
        self.texts = [""]

    def index(self, text):
        if text not in self.texts:
            self.texts.append(text)
        return self.texts.index(text)

    def brief(self, text):
        return next((short for head, short in BRIEF.items() if text.startswith(head)), "")


def water(row):
    """(central, low, high, source) in litres per kWh, or None."""
    if not row:
        return None
    known = [float(row[key]) for key in ("wri_l_per_kwh", "with_hydro_l_per_kwh", "without_hydro_l_per_kwh") if row[key]]
    if row["wri_l_per_kwh"]:
        return float(row["wri_l_per_kwh"]), min(known), max(known), WATER_WRI
    return (float(row["with_hydro_l_per_kwh"]), min(known), max(known), WATER_MIX) if known else None


def place(row, country, waters, pues, sources):
    """The fields of one struct eco_place, in its order."""
    own = row["gco2e_per_kwh"]
    carbon = row if own else country
    provider = row["code"].split(":")[0]
    wet = water(waters.get(row["country"])) or (0, 0, 0, "")
    pue = (row["pue"], row["year"], PUE_REGION) if row.get("pue") else ("0", "0", "")
    if not row.get("pue") and provider in pues:
        pue = (pues[provider]["pue"], pues[provider]["year"], pues[provider]["source"])
    known = carbon and carbon["gco2e_per_kwh"]
    zone = row.get("em_zone") or (row["code"] if row.get("alias") else "")
    text = [row["code"], row.get("alias", ""), plain(row["name"]), zone, row.get("watttime_region", "")]
    figures = [float(carbon["gco2e_per_kwh"]) if known else 0.0, float(pue[0]), float(row.get("wue_l_per_kwh") or -1.0),
               *map(float, wet[:3])]
    small = [carbon["year"] if known else "0", pue[1], row["year"],
             scope_of(carbon["method"]) if known else "ECO_SCOPE_UNKNOWN",
             sources.index(carbon["source"]) if known else 0, sources.index(pue[2]),
             sources.index(WUE_REGION if row.get("wue_l_per_kwh") else ""), sources.index(wet[3])]
    return text, figures, small


def write_small(out, folder):
    rows = read(folder, "embodied.csv")
    out.write("const struct eco_embodied_row eco_embodied_rows[] = {\n")
    for row in rows:
        out.write('    {"%s", %r, %r, "%s"},\n' % (row["item"], float(row["kg"]), float(row["lifetime_y"]), row["source"]))
    out.write("};\n\nconst unsigned eco_embodied_row_count = %d;\n\n" % len(rows))
    row = read(folder, "equivalents.csv")[0]
    out.write('const struct eco_equivalent eco_equivalent = {"%s", %r, "%s", "%s", "%s"};\n' %
              (row["what"], float(row["g_per_unit"]), row["unit"], row["brief"], row["source"]))


def main():
    folder = pathlib.Path(sys.argv[1])
    sources = Sources()
    countries = read(folder, "carbon_countries.csv")
    by_code = {row["code"]: row for row in countries}
    waters = {row["code"]: row for row in read(folder, "water_countries.csv")}
    pues = {row["provider"]: row for row in read(folder, "pue_providers.csv")}
    rows, first = [], []
    for name, country in (("carbon_countries.csv", None), ("carbon_us_states.csv", "US"),
                          ("carbon_us_subregions.csv", "US"), ("cloud_regions.csv", None)):
        for row in read(folder, name):
            row["country"] = row.get("country") or country or row["code"]
            cloud = name == "cloud_regions.csv"
            target = rows if row["code"] != "WORLD" else first
            target.append(place(row, by_code.get(row["country"]) if cloud else None, waters, pues, sources))
    rows = first + rows  # what is looked for where nobody said where we are
    with open(sys.argv[2], "w", encoding="ascii", newline="\n") as out:
        out.write("/* SPDX-License-Identifier: MIT */\n/* Made by tools/gen_impact.py from data/. */\n")
        out.write('#include "impact/places.h"\n\nconst struct eco_place eco_places[] = {\n')
        for text, figures, small in rows:
            quoted = ", ".join('"%s"' % t.replace('"', "'") for t in text)
            out.write("    {%s, %s, %s},\n" % (quoted, ", ".join(map(repr, figures)), ", ".join(map(str, small))))
        out.write("};\n\nconst unsigned eco_place_count = %d;\n\n" % len(rows))
        out.write("const struct eco_place_source eco_place_sources[] = {\n")
        for text in sources.texts:
            out.write('    {"%s", "%s"},\n' % (sources.brief(text), plain(text)))
        out.write("};\n\n")
        write_small(out, folder)


if __name__ == "__main__":
    main()
