"""How a certificate differs from the one that a network deserves, field by field."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from certificate_cases import two_ways
from routed import at, endpoint, routed

from compiler.policy.ir import Policy
from sim.checker.document.packets import otherwise
from sim.checker.document.regions import Regions
from sim.checker.validity import differences
from sim.checker.walking.paths import Paths


@pytest.fixture(scope="module")
def both() -> tuple[Any, Any]:
    return two_ways()


def test_an_honest_one_does_not_differ(both: tuple[Any, Any]) -> None:
    certificate, wanted = both
    assert differences(certificate, wanted) == []
    assert wanted["findings"] == certificate["findings"]
    assert {finding["kind"] for finding in wanted["findings"]} == {"isolation"}


def test_other_routes_are_told(both: tuple[Any, Any]) -> None:
    (told,) = differences(both[0] | {"routing": "0" * 64}, both[1])
    assert told.startswith("routing, down: with nothing down there are other routes")


def test_a_packet_that_fares_otherwise_is_told(both: tuple[Any, Any]) -> None:
    certificate = copy.deepcopy(both[0])
    reasons = [outcome["reasons"] for outcome in certificate["outcomes"]]
    passes, spoofed = reasons.index(["delivered"]), reasons.index(["spoof_drop"])
    (tcp,) = [
        box
        for boxes in certificate["profiles"]
        for box in boxes
        if (box[0], box[-1]) == (6, passes)
    ]
    tcp[-1] = spoofed
    told = differences(certificate, both[1])
    assert any("is delivered" in p and "says spoof_drop" in p for p in told), told


def regions(border: int) -> Regions:
    """Of a network whose only route out leads to this border, of which the first knows the way."""
    ends = [
        at(0, endpoint(0, "acme/web/a", 0, "10.0.0.1/32")),
        at(1, endpoint(1, "zone2/inet", 1, "0.0.0.0/0", host=None)),
    ]
    tables = {
        (0, 0): [("10.0.0.1/32", [(0, 0)]), ("0.0.0.0/0", [(border, 1)])],
        (1, 1): [("10.0.0.1/32", [(0, 0)]), ("0.0.0.0/0", [(1, 1)])],
    }
    names = ["dpu1", "border1", "border2"], ["acme/main", "zone2/main"]
    return Paths(routed(*names, ends, tables), Policy()).regions()


def test_one_choice_differs_from_another_one() -> None:
    assert [*otherwise(regions(1), regions(1))] == []
    (told, *_) = otherwise(regions(1), regions(2))
    assert "acme/web/a" in told and "the certificate says delivered (zone2/inet)" in told


def test_every_item_of_a_list_is_compared(both: tuple[Any, Any]) -> None:
    for place in range(len(both[1]["endpoints"])):
        certificate = copy.deepcopy(both[0])
        certificate["endpoints"][place]["name"] += "x"
        told = differences(certificate, both[1])
        assert told[0].partition(":")[0] == f"endpoints[{place}].name"


def test_inputs_that_are_others_or_say_otherwise_are_told(both: tuple[Any, Any]) -> None:
    def told(said: dict[str, str], found: dict[str, str]) -> list[str]:
        files = [[{"path": p, "sha256": s} for p, s in of.items()] for of in (said, found)]
        return differences(both[0] | {"inputs": files[0]}, both[1] | {"inputs": files[1]})

    assert told({"a": "1", "b": "2"}, {"a": "1", "b": "2"}) == []
    assert told({"a": "1"}, {"a": "2"}) == ["inputs: a has changed since"]
    assert told({"a": "1", "b": "2"}, {"a": "1"}) == ["inputs: b is not read"]
    assert told({"a": "1"}, {"a": "1", "b": "2"}) == ["inputs: b is read and not listed"]
    assert told({"b": "2", "a": "1"}, {"a": "1", "b": "2"}) == [
        "inputs: not in the order in which files are read, each once"
    ]
