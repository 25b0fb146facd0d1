"""Certificates: an independent reader accepts ours, and notices every change to one."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from naive import Header, outcomes
from random_worlds import policies, worlds
from routed_demo import DEMO, DEMO_POLICY

from compiler.compile import compile_policy
from compiler.ir import Policy
from fabric.network import Network
from sim import checker
from sim.certificate import certificate, digest
from sim.prove import prove


def made(network: Network, policy: Policy) -> Any:
    return json.loads(json.dumps(certificate(prove(network, compile_policy(network, policy)))))


@settings(max_examples=10, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(worlds(), policies())
def test_checker_accepts_and_packets_agree(network: Network, policy: Policy) -> None:
    written = made(network, policy)
    assert checker.check(written) == []
    index = {e.name: e.index for e in network.endpoints}
    for s in checker.sample(written, Random(1), 200):
        header = Header(s.version, s.src, s.dst, s.protocol, s.sport, s.dport)
        found = {o.reason.label for o in outcomes(policy, network, index[s.endpoint], header)}
        if s.reasons != ("self",):
            assert set(s.reasons) <= found


def resealed(change: Callable[[Any], None]) -> Any:
    """A certificate that was changed by somebody who knows how to make the digest fit."""
    written = copy.deepcopy(WRITTEN)
    change(written)
    del written["digest"]
    return written | {"digest": digest(written)}


WRITTEN = made(DEMO, DEMO_POLICY)


def first_open(written: Any) -> Any:
    allow = next(i for i, o in enumerate(written["outcomes"]) if o["verdict"] == "allow")
    return next(box for boxes in written["profiles"] for box in boxes if box[6] == allow)


CHANGES: dict[str, Callable[[Any], Any]] = {
    "a box is gone": lambda w: w["profiles"][0].pop(),
    "a box is there twice": lambda w: w["profiles"][0].append(w["profiles"][0][0]),
    "a box has grown": lambda w: w["profiles"][0][0].__setitem__(3, 7),
    "a protocol is missing": lambda w: [
        b.__setitem__(1, 254) for p in w["profiles"] for b in p if b[1] == 255
    ],
    "a range is gone": lambda w: w["maps"][0].pop(1),
    "a range is shifted": lambda w: w["maps"][0][0].__setitem__(1, w["maps"][0][0][1] + 1),
    "a source is gone": lambda w: w["sources"].pop(),
    "a source is there twice": lambda w: w["sources"].append(w["sources"][0]),
    "a source has another map": lambda w: w["sources"][0].__setitem__(3, w["sources"][-1][3]),
    "an endpoint lost an address": lambda w: w["endpoints"][0]["v4"].pop(),
    "an endpoint has a neighbour's address": lambda w: w["endpoints"][0].__setitem__(
        "v4", w["endpoints"][1]["v4"]
    ),
    "an open cell is called closed": lambda w: next(
        c for c in w["cells"] if c[2] == "open"
    ).__setitem__(2, "closed"),
    "a cell is gone": lambda w: w["cells"].remove(next(c for c in w["cells"] if c[2] == "open")),
    "nothing is delivered any more": lambda w: [
        o.__setitem__("verdict", "deny") for o in w["outcomes"]
    ],
    "an unknown outcome": lambda w: first_open(w).__setitem__(6, 99),
    "an unknown profile": lambda w: w["maps"][0][0].__setitem__(2, 10**6),
    "another schema": lambda w: w.__setitem__("schema", "cloison/certificate/2"),
    "a section is gone": lambda w: w.pop("assumptions"),
    "not even a list": lambda w: w.__setitem__("maps", 3),
}


def test_ours_is_accepted() -> None:
    assert checker.check(WRITTEN) == []
    assert {o["verdict"] for o in WRITTEN["outcomes"]} >= {"allow", "deny", "exempt"}


@pytest.mark.parametrize("what", CHANGES)
def test_tampering_is_noticed_though_the_digest_fits(what: str) -> None:
    assert checker.check(resealed(CHANGES[what])), what


def test_any_change_breaks_the_digest() -> None:
    written = copy.deepcopy(WRITTEN)
    written["inputs"].append({"path": "x", "sha256": "0"})
    assert checker.check(written) == ["the digest does not fit the content"]
