"""What docs/benchmark.md says of results is what the last whole run found."""

from __future__ import annotations

import json
from pathlib import Path

from rule_sets.catalogue import SETS

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "bench" / "results"


def quoted() -> str:
    page = (ROOT / "docs" / "benchmark.md").read_text()
    return page.partition("<!-- gates -->")[2].partition("<!-- end of gates -->")[0].strip()


def test_the_page_quotes_the_gates_of_the_results() -> None:
    assert quoted().startswith("| gate |")
    assert quoted() in (RESULTS / "classifier.md").read_text()


def test_results_are_of_every_set_and_without_a_wrong_answer() -> None:
    found = json.loads((RESULTS / "classifier.json").read_text())
    assert [row["set"] for row in found["builds"]] == list(SETS)
    assert {row["mismatches"] for row in found["speeds"]} == {0}
    assert len(quoted().splitlines()) == len(found["gates"]) + 2
    assert (RESULTS / "growth.svg").stat().st_size > 1000
