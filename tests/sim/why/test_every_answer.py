"""All answers to a question about names, beside those about one flow each."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

import cloison
from cloison.cli import main
from fabric.diagnostics import InputError
from sim.names.ends import endpoints
from sim.why.every_answer import every_answer
from sim.why.one_answer import explain

SMALL = Path(__file__).parents[3] / "topologies" / "small.yaml"
WORLD = cloison.world(SMALL)
FRONT, API = "acme/web/front", "acme/catalog/api:8080"


def test_a_pattern_is_asked_about_pair_by_pair() -> None:
    answers = every_answer(WORLD, "acme/*", API)
    each = [
        explain(WORLD, source.name, f"{target.name}:8080").document()
        for source in endpoints(WORLD.network, "acme/*")
        for target in endpoints(WORLD.network, "acme/catalog/api")
        if source is not target
    ]
    assert [one.document() for one in answers.found] == each
    assert answers.one is None and not answers.named and answers.pods > len(each) > 4
    assert {one.verdict for one in answers.found} == {"allow", "deny"}


def test_one_speaks_for_all_where_pods_fare_alike() -> None:
    answers = every_answer(WORLD, FRONT, API)
    assert answers.one is not None and answers.pods == 4
    assert answers.one.document() == explain(WORLD, FRONT, API).document()
    back = every_answer(WORLD, "acme/catalog/api", "acme/web/front:443")
    for both in (answers, back):
        assert [both.pairs(one) for one in both.found] == [2, 2]
    assert every_answer(WORLD, FRONT, API, 6).one is not answers.one


def test_what_nobody_can_say_to_anybody_is_told() -> None:
    with pytest.raises(InputError, match="are too many to list"):
        every_answer(cloison.world(SMALL.with_name("demo.yaml")), "*", "*:443")


def test_python_has_what_the_command_lists() -> None:
    listed = CliRunner().invoke(main, ["explain", str(SMALL), "acme/web/*", API, "-o", "json"])
    rows = json.loads(listed.stdout)["rows"]
    answers = WORLD.explain_all("acme/web/*", API)
    assert [(a.explanation.source, a.verdict) for a in answers] == [
        (row["source"], row["verdict"]) for row in rows
    ]
