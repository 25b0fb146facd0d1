"""Pages about the benchmark are what their script makes of what was measured."""

from __future__ import annotations

import json

import benchmark_page
import pytest
from rule_sets.catalogue import SETS

FOUND = json.loads((benchmark_page.RESULTS / "classifier.json").read_text())


def test_pages_are_what_the_results_say() -> None:
    assert benchmark_page.PAGE.read_text() == benchmark_page.first_page(FOUND)
    cells = (benchmark_page.RESULTS / "classifier.md").read_text()
    assert cells == benchmark_page.cells_page(FOUND)


def test_results_are_of_every_set_and_without_a_wrong_answer() -> None:
    assert [row["set"] for row in FOUND["builds"]] == list(SETS)
    assert {row["mismatches"] for row in FOUND["speeds"]} == {0}
    assert (benchmark_page.RESULTS / "growth.svg").stat().st_size > 1000


def test_ratios_on_the_page_are_those_of_the_seconds() -> None:
    """Of every algorithm that ran, of both tables; the claim is the lower of least and median."""
    seconds = {
        (one["name"], heat["trace"]): heat["timings"]
        for one in FOUND["sets"]
        for heat in one["traces"]
    }
    for cell in FOUND["speeds"]:
        timings = seconds[cell["set"], cell["trace"]]
        ours = timings["cloison"]
        others = {n: t for n, t in timings.items() if n not in ("cloison", "stream", "gather12")}
        if not others:
            assert benchmark_page.least(cell) is None
            continue
        ratios = {
            kind: min(min(t[by] for t in them.values()) / ours[by] for by in ("least", "median"))
            for kind, them in (
                ("all", others),
                ("narrow", {n: t for n, t in others.items() if "avx512" not in n}),
            )
        }
        assert benchmark_page.least(cell) == pytest.approx(ratios["all"], abs=0.006)
        assert cell["narrow"] == pytest.approx(ratios["narrow"], abs=0.006)


def test_cells_where_we_lose_are_on_the_page() -> None:
    page = benchmark_page.PAGE.read_text()
    lost = [cell for cell in FOUND["speeds"] if (benchmark_page.least(cell) or 9.0) < 1]
    assert len(lost) == sum(row["below"] for row in benchmark_page.kinds(FOUND))
    for cell in lost:
        assert any(
            cell["set"] in line and f" {cell['trace']} " in line for line in page.splitlines()
        )


def test_a_host_without_wide_vectors_says_so() -> None:
    told = {"machine": {"vectors": ["avx2"]}}
    assert "no AVX-512" in benchmark_page.vectors(told)
    assert "no AVX-512" not in benchmark_page.vectors({"machine": {"vectors": ["avx512bw"]}})
