"""What was measured, as pages: `bench/results/classifier.md` has every cell, `docs/benchmark.md`
what a reader wants first.

`python bench/benchmark_page.py` writes both from `bench/results/classifier.json`, and nothing that
is not in there; the text around it stands in `bench/benchmark_page.md`. A test holds that the pages
are what this writes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from peers import results as report
from rule_sets.catalogue import SETS
from rule_sets.gates import VERDICTS

from cloison.render.files import write_text
from cloison.render.formats import markdown

HERE = Path(__file__).parent
RESULTS, TEXT = HERE / "results", HERE / "benchmark_page.md"
PAGE = HERE.parent / "docs" / "benchmark.md"
ENOUGH = 1.2
"""What is beaten by less is listed."""
KINDS = {
    "kind": "kind",
    "sets": "sets",
    "cells": "cells",
    "all": "least, all algorithms",
    "where": "worst cell",
    "narrow": "least, without AVX-512",
    "below": "cells below 1",
}
SLOW = {
    "set": "set",
    "trace": "trace",
    "engine": "engine",
    "mpps": "Mpps",
    "rival_mpps": "rte_acl",
    "rival_algorithm": "by",
    "least": "times",
    "narrow": "without AVX-512",
}
Row = dict[str, Any]


def main() -> None:
    """Write both pages."""
    found = json.loads((RESULTS / "classifier.json").read_text())
    write_text(RESULTS / "classifier.md", cells_page(found))
    write_text(PAGE, first_page(found))


def first_page(found: Row) -> str:
    """`docs/benchmark.md`."""
    text = TEXT.read_text()
    for name, value in {
        "gates": markdown(found["gates"], VERDICTS),
        "vectors": vectors(found),
        "kinds": markdown(list(kinds(found)), KINDS),
        "slow": markdown(slow(found), SLOW),
        "facts": "\n".join(facts(found)),
    }.items():
        text = text.replace("{" + name + "}", value)
    return text


def cells_page(found: Row) -> str:
    """`bench/results/classifier.md`: gates first, then every cell."""
    parts = ["# Results of the classifier", "\n".join(facts(found))]
    for title, cells, columns in (
        ("Gates", found["gates"], VERDICTS),
        ("Speed", found["speeds"], report.SPEEDS),
        ("Build and memory", found["builds"], report.BUILDS),
    ):
        parts += [f"## {title}", markdown(cells, columns)]
    parts += ["## Growth", "![cost from 1,000 to 1,000,000 rows](growth.svg)"]
    return "\n\n".join(parts) + "\n"


def facts(found: Row) -> list[str]:
    """On what, how much, how busy the machine was, and who took no part."""
    told = [f"* {name.replace('_', ' ')}: {value}" for name, value in found["machine"].items()]
    sets = f"* {len(found['sets'])} of {len(SETS)} sets, {len(found['speeds'])} cells"
    return [sets, *told, *(f"* {note}" for note in found["notes"])]


def vectors(found: Row) -> str:
    """Whether the host could run what AVX-512 is about."""
    wide = any(name.startswith("avx512") for name in found["machine"]["vectors"])
    return "The host has AVX-512." if wide else "The host has no AVX-512: both are the same."


def least(cell: Row) -> float | None:
    """What may be claimed of a cell."""
    return None if cell["ratio"] is None else float(min(cell["ratio"], cell["ratio_median"]))


def kinds(found: Row) -> Iterator[Row]:
    """A row per kind of sets that rte_acl took part in."""
    cells = [cell for cell in found["speeds"] if cell["ratio"] is not None]
    for kind in dict.fromkeys(kind_of(cell["set"]) for cell in cells):
        mine = [cell for cell in cells if kind_of(cell["set"]) == kind]
        worst = min(mine, key=lambda cell: least(cell) or 0.0)
        yield {
            "kind": kind,
            "sets": len({cell["set"] for cell in mine}),
            "cells": len(mine),
            "all": least(worst),
            "where": f"{worst['set']} {worst['trace']}",
            "narrow": min(cell["narrow"] for cell in mine),
            "below": sum((least(cell) or 0.0) < 1 for cell in mine),
        }


def kind_of(name: str) -> str:
    """A set's name without its size."""
    parts = name.split("-")
    return "-".join(parts[:-1]) if parts[-1][0].isdigit() else name


def slow(found: Row) -> list[Row]:
    """Cells in which rte_acl is not beaten by enough."""
    cells = [cell | {"least": least(cell)} for cell in found["speeds"]]
    return [cell for cell in cells if cell["least"] is not None and cell["least"] < ENOUGH]


if __name__ == "__main__":
    main()
