"""A matcher by service account: one file (this), and the class is its row."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from any_policies import WORLD, packets, policies, seeds
from hypothesis import given, settings
from hypothesis import strategies as st
from matcher_laws import reads_no_more_than_it_says

from compiler.compile import compile_policy
from compiler.policy.ir import (
    Action,
    Direction,
    Origin,
    Packet,
    Point,
    Policy,
    Rule,
    Selection,
    Stage,
)
from compiler.policy.kinds import Kind, Listed
from compiler.policy.matcher import Around, Matcher, Members
from compiler.policy.semantics import decide
from compiler.program.walk import verdict
from fabric.inventory import Endpoint, Prefix
from fabric.network import Network
from sim.blocks.blocks import build_blocks

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Account(Matcher):
    """Pods of a cluster that run as one of these service accounts, `namespace/name`."""

    cluster: str
    accounts: frozenset[str]

    def selects(self, endpoint: Endpoint, network: Network) -> bool:
        called = f"{endpoint.namespace}/{endpoint.service_account}"
        return endpoint.tenant == self.cluster and called in self.accounts

    def means(
        self, packet: Packet, local: Endpoint, remote: Endpoint | None, network: Network
    ) -> bool:
        return remote is not None and self.selects(remote, network)

    def covers(self, around: Around, local: Endpoint | None) -> Members:
        return Members(around.endpoints(self))

    def text(self) -> str:
        return f"accounts {self.cluster}/{', '.join(sorted(self.accounts))}"

    def looks(self) -> frozenset[str]:
        return frozenset(("tenant", "namespace", "service_account"))

    def label_keys(self) -> Iterable[str]:
        return ()

    def cuts(self) -> Iterable[Prefix]:
        return ()

    def outside(self) -> bool:
        return False


ALLOWANCE = Kind(
    "allowance", declared=False, silent=False, own=False, closing=False, bare=False,
    policy=False, suspicion=(1, 3), listed=Listed.NAMED,
)  # fmt: skip
NAMES = ("web", "db", "default")


def peopled() -> Network:
    """The world of the laws, its pods with service accounts."""
    ends = tuple(
        replace(e, service_account=NAMES[e.index % len(NAMES)]) if e.kind == "pod" else e
        for e in WORLD.endpoints
    )
    return replace(WORLD, endpoints=ends)


HERE = peopled()
CLUSTERS = sorted({e.tenant for e in HERE.endpoints if e.kind == "pod"})
SPACES = sorted({e.namespace or "" for e in HERE.endpoints if e.kind == "pod"})
MATCHERS = st.builds(
    Account,
    st.sampled_from(CLUSTERS),
    st.frozensets(st.sampled_from([f"{s}/{n}" for s in SPACES for n in NAMES]), max_size=3),
)


@settings(max_examples=60, deadline=None)
@given(policies(), st.lists(st.tuples(MATCHERS, MATCHERS), min_size=1, max_size=3), seeds)
def test_definition_entries_and_arrays_agree(
    policy: Policy, pairs: list[tuple[Account, Account]], seed: int
) -> None:
    """The laws of the compiler, with rules by account among those of all other kinds."""
    place = Stage.WORKLOAD, Direction.IN
    mine = tuple(
        Rule(*place, -n - 1, (a,), (b,), (), Action.PERMIT, Origin(ALLOWANCE, str(n)))
        for n, (a, b) in enumerate(pairs)
    )
    closed = Selection(*place, (pairs[0][0],), Action.DENY, Origin(ALLOWANCE, "closed"))
    policy = Policy((*mine, *policy.rules), (closed, *policy.selections))
    program = compile_policy(HERE, policy)
    blocks = build_blocks(program)
    for packet in packets(seed):
        expected = decide(policy, HERE, packet)
        walked = verdict(program, packet)
        assert (walked.permit, walked.stage) == (expected.permit, expected.stage), packet
        cell = blocks.cell(
            HERE.endpoints[packet.local].vrf, packet.version, packet.remote_ip, packet.remote_vrf
        )
        atom = blocks.l4_atom(packet.protocol, packet.sport, packet.dport)
        decision = blocks.decision(packet.direction, packet.local, cell, atom)
        assert bool(np.asarray(blocks.dec_permit)[decision]) == expected.permit, packet


@given(MATCHERS)
def test_it_reads_what_it_says(matcher: Account) -> None:
    reads_no_more_than_it_says(matcher, HERE)


def test_the_point_of_a_rule_is_that_of_its_entry() -> None:
    pods = [e for e in HERE.endpoints if e.kind == "pod"]
    who = (Account(pods[0].tenant, frozenset({f"{pods[0].namespace}/{pods[0].service_account}"})),)
    rule = Rule(
        Stage.WORKLOAD, Direction.IN, 0, who, who, (), Action.DENY, Origin(ALLOWANCE, "a"),
        Point.HOST,
    )  # fmt: skip
    entries = [e for g in compile_policy(HERE, Policy((rule,), ())).groups for e in g.entries]
    assert {e.at for e in entries} == {Point.HOST}


@pytest.mark.parametrize("left_out", ["means", "covers", "text", "looks", "cuts", "outside"])
def test_half_done_it_cannot_be_made(left_out: str) -> None:
    body: dict[str, Any] = {
        name: value
        for name, value in vars(Account).items()
        if name != left_out and callable(value) and not name.startswith("__")
    }
    half = type("Half", (Matcher,), body)
    with pytest.raises(TypeError, match=left_out):
        half()


def test_half_done_it_fails_the_type_checker(tmp_path: Path) -> None:
    """A kind of origin without a property, and a matcher that does not say how it prints."""
    (tmp_path / "half.py").write_text(
        "from compiler.policy.kinds import Kind\n"
        "from compiler.policy.matchers import Everyone\n"
        "from compiler.policy.matcher import Matcher\n"
        "class Half(Matcher):\n"
        "    selects, means, covers = Everyone.selects, Everyone.means, Everyone.covers\n"
        "Half()\n"
        'Kind("half", declared=True)\n'
    )
    mypy = [sys.executable, "-m", "mypy", "--config-file", ROOT / "pyproject.toml"]
    done = subprocess.run([*mypy, tmp_path / "half.py"], cwd=ROOT, capture_output=True, text=True)
    assert 'Cannot instantiate abstract class "Half"' in done.stdout, done.stdout
    assert 'Missing named argument "silent"' in done.stdout
