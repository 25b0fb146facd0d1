"""Readers of a live policy see whole versions, and a refused edit changes nothing."""

from __future__ import annotations

from dataclasses import replace
from threading import Thread
from typing import Any

import pytest
from any_flows import own
from small_tenants import inside, tenants
from wired import wired

from compiler.compile import compile_policy
from fabric.diagnostics import InputError
from sim.blocks.blocks import build_blocks
from sim.packets.headers import Packets
from sim.pipeline.datapath import Datapath
from sim.pipeline.tables import tables
from sim.proof.isolation.live import Live
from sim.proof.isolation.vrf_pairs import isolation

UPDATES = 60
CHOICES = [(80, None), (443, None), (80, "10.0.0.0/30"), (443, "10.0.0.2/31"), (80, "fd00::2/127")]


def test_readers_see_one_version_or_another() -> None:
    network, policy = tenants(12)
    network = wired(network)
    packets = Packets.of(own(network))
    rules = [inside(2, *choice) for choice in CHOICES]
    others = policy.rules[:2] + policy.rules[3:]
    expected: dict[str, Any] = {}
    for rule in rules:
        blocks = build_blocks(compile_policy(network, replace(policy, rules=(*others, rule))))
        found = Datapath(tables(blocks), threads=1).decide(packets)
        expected[str(rule)] = found.reason
    live = Live(network, replace(policy, rules=(*others, rules[0])))
    wrong: list[str] = []
    seen: set[str] = set()
    done: list[bool] = []

    def read() -> None:
        while not done:
            version = live.now
            rule = str(version.program.policy.rules[-1])
            verdicts = Datapath(version.tables, threads=1).decide(packets)
            seen.add(rule)
            if (verdicts.reason != expected[rule]).any() or not version.proof.holds:
                wrong.append(rule)

    readers = [Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    for number in range(UPDATES):
        live.become(replace(policy, rules=(*others, rules[number % len(rules)])))
    done.append(True)
    for reader in readers:
        reader.join()
    assert not wrong
    assert seen


def test_the_proof_is_that_of_the_version() -> None:
    network, policy = tenants(4)
    live = Live(wired(network), policy)
    before = live.now.proof
    after = live.become(replace(policy, rules=(*policy.rules, inside(3, 81, "0.0.0.0/0"))))
    anew = isolation(after.blocks)
    assert (after.proof.into == anew.into).all()
    assert (before.into != anew.into).any()


def test_a_refused_edit_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    network, policy = tenants(3)
    live = Live(wired(network), policy)
    before = live.now
    more = replace(policy, rules=(*policy.rules, inside(1, 443, "10.0.0.0/9")))
    with monkeypatch.context() as patch:
        patch.setattr("sim.blocks.grid.MAX_GRID", 1)
        with pytest.raises(InputError, match="C718"):
            live.become(more)
    assert live.now is before
    after = live.become(more)
    assert after.program.policy.rules == more.rules
