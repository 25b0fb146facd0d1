"""Random policies in the kernel: what nftables enforces is what the simulator says."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from compiled import compile_network
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from oracles import require, require_root

from compiler.compile import compile_policy
from compiler.policy.ir import (
    L4,
    Action,
    Cidr,
    Direction,
    Everyone,
    InVrf,
    Matcher,
    Named,
    Origin,
    OwnNode,
    Policy,
    Rule,
    Selection,
    Stage,
)
from compiler.policy.stages import STAGES, TIERED
from fabric.building.build import build
from fabric.building.load import load_fabric
from sim.lab import kernel, state, trial, up
from sim.lab.layout import Layout
from sim.packets.headers import Packets
from sim.worlds.world import World

pytestmark = [pytest.mark.root, pytest.mark.oracle("kernel")]
SMALL = Path(__file__).parents[3] / "topologies" / "small.yaml"
EXAMPLES = 12
WANTED = EXAMPLES // 2 if os.environ.get("CLOISON_SLICE") else EXAMPLES
"""How many are asked: laws get half of theirs where slices are drawn."""
PREFIXES = ["10.0.0.0/27", "10.0.0.2/32", "100.64.0.0/24", "fd00:a::/64", "fd64:1::2/128"]
PORTS = [(6, 80), (6, 81), (6, 8080), (17, 80), (132, 80)]


matchers: Any = st.sampled_from(
    [
        Everyone(),
        OwnNode(),
        *(Cidr(ip_network(text)) for text in PREFIXES),
        *(Named((pattern,)) for pattern in ("acme/*", "globex/*", "*/@node/*", "*/*/api-0")),
        InVrf(frozenset({"globex/main"})),
        InVrf(frozenset({"acme/main"}), (ip_network("10.0.0.16/28"),)),
    ]
)
l4 = st.sampled_from(
    [L4(), L4(6, 80, 80), L4(6, 81, 9000), L4(17), L4(132), L4(6, 0, 65535, None, 0, 1023)]
)


@st.composite
def policies(draw: Any) -> Policy:
    """Rules of every stage; defaults that deny often enough for rules to matter."""

    def some(least: int) -> tuple[Matcher, ...]:
        return tuple(draw(st.lists(matchers, min_size=least, max_size=2)))

    rules, table = [], draw(st.sampled_from([STAGES, TIERED]))
    for number in range(draw(st.integers(1, 8))):
        stage = draw(st.sampled_from(table))
        actions = [does.action for does in stage.does]
        direction, action = draw(st.sampled_from(Direction)), draw(st.sampled_from(list(actions)))
        ports = tuple(draw(st.lists(l4, max_size=2)))
        rules.append(
            Rule(stage, direction, number, some(1), some(1), ports, action,
                 Origin("zone rule", f"rule{number}"))
        )  # fmt: skip
    origin = Origin("default", "d")
    selections = tuple(
        Selection(stage, draw(st.sampled_from(Direction)), some(1), Action.DENY, origin)
        for stage in draw(st.lists(st.sampled_from([Stage.ISOLATION, Stage.WORKLOAD]), max_size=2))
    )
    return Policy(tuple(rules), selections, stages=table)


@pytest.fixture(scope="module")
def layout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Layout]:
    require_root()
    require("nft")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_RUNTIME_DIR", str(tmp_path_factory.mktemp("run")))
        network = build(load_fabric(SMALL), lock=False)
        devices, _ = kernel.abilities("cln-facade01-probe")
        made = Layout(network, "facade01", devices)
        about = state.About(str(SMALL), (), devices, rules=True)
        up.up(compile_network(network), made, about, lambda *_: None)
        yield made
        up.remove(made.id)


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(policy=policies())
def test_the_kernel_enforces_any_policy(
    layout: Layout, policy: Policy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A new source port each time: to connection tracking a known flow is permitted."""
    program = compile_policy(layout.network, policy)
    for space, text in up.rules(program, layout):
        kernel.nft(space, text)
    PORT.append(PORT[-1] + 1)
    real = trial.flows

    def shifted(*arguments: Any) -> Packets:
        found = real(*arguments)
        low = np.arange(len(found)) % 2 == 0
        return replace(found, sport=np.where(low, PORT[-1], 40000 + PORT[-1]).astype(np.uint16))

    with monkeypatch.context() as patch:
        patch.setattr(trial, "flows", shifted)
        found = trial.trial(World.compiled(program), layout, ports=PORTS, tell=lambda *_: None)
    assert found.differences == []
    SEEN.append((sum(found.arrived.values()), sum(found.sent.values())))


PORT = [100]
SEEN: list[tuple[int, int]] = []


def test_policies_permitted_and_denied(layout: Layout) -> None:
    arrived, sent = (sum(column) for column in zip(*SEEN, strict=True))
    assert len(SEEN) >= WANTED
    assert 0.2 < arrived / sent < 0.8
