"""Blocks and engines cut layer 4 alike: packets share a class of the one exactly when they share
one of the other, which is when no set tells them apart; and every set holds the same of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from types import SimpleNamespace
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from compiler.policy.fields import FIELDS, Within
from compiler.program.program import L4Range
from fabric.values.ports import ANY, MAX_PORT
from sim.blocks.atoms import l4_atoms
from sim.blocks.axis import Axis
from sim.classify.axes.l4_classes import L4Classes, held_by, l4_classes
from sim.classify.ruleset import ALL_STATES, Rule, RuleSet

Span = tuple[int, int]
Packet = tuple[int, int, int, int, int]
"""Protocol, source port, destination port, state, DSCP."""
PORTS = st.sampled_from([0, 1, 80, 81, 443, 1024, 65534, MAX_PORT])
PROTOCOLS = (0, 1, 2, 6, 17, 58, 132, 255)
WHOLE = (0, MAX_PORT)
EVERY_DSCP = (0, FIELDS["dscp"].last)


@dataclass(frozen=True)
class PortSet:
    """A product of lists, as rules of either side can say it."""

    protocols: tuple[int, ...] | None
    sport: tuple[Span, ...]
    dport: tuple[Span, ...]
    state: int | None
    dscp: Span

    def holds(self, packet: Packet) -> bool:
        protocol, sport, dport, state, dscp = packet
        return (
            (self.protocols is None or protocol in self.protocols)
            and any(a <= sport <= b for a, b in self.sport)
            and any(a <= dport <= b for a, b in self.dport)
            and self.state in (None, state)
            and self.dscp[0] <= dscp <= self.dscp[1]
        )

    def ranges(self) -> tuple[L4Range, ...]:
        """As an entry of a program has it."""
        fields = [] if self.state is None else [Within("state", self.state, self.state)]
        if self.dscp != EVERY_DSCP:
            fields.insert(0, Within("dscp", *self.dscp))
        protocols = (ANY,) if self.protocols is None else self.protocols
        lists = product(protocols, self.sport, self.dport)
        return tuple(L4Range(*one, fields=tuple(fields)) for one in lists)

    def rule(self) -> Rule:
        """As a rule of a rule set has it."""
        return Rule(
            sport=self.sport,
            dport=self.dport,
            protocols=self.protocols,
            state=ALL_STATES if self.state is None else 1 << self.state,
            dscp=sum(1 << value for value in range(self.dscp[0], self.dscp[1] + 1)),
        )


def spans(values: Any) -> Any:
    return st.tuples(values, values).map(lambda pair: (min(pair), max(pair)))


def lists(whole: Span) -> Any:
    return st.one_of(st.just((whole,)), st.lists(spans(PORTS), min_size=1, max_size=3).map(tuple))


SETS = st.lists(
    st.builds(
        PortSet,
        st.one_of(
            st.none(),
            st.lists(st.sampled_from(PROTOCOLS), min_size=1, max_size=3, unique=True).map(tuple),
        ),
        lists(WHOLE),
        lists(WHOLE),
        st.one_of(st.none(), st.none(), st.integers(0, FIELDS["state"].last)),
        st.one_of(st.just(EVERY_DSCP), spans(st.sampled_from([0, 8, 46, EVERY_DSCP[1]]))),
    ),
    min_size=1,
    max_size=4,
)


def packets(sets: Sequence[PortSet], chance: np.random.Generator) -> list[Packet]:
    """On and beside every bound."""
    columns = [chance.choice(sorted(values), 80).tolist() for values in near(sets)]
    return list(zip(*columns, strict=True))


def near(sets: Sequence[PortSet]) -> Iterator[set[int]]:
    yield {*PROTOCOLS, 3, 254}
    for side in ("sport", "dport"):
        bounds = {bound for one in sets for span in getattr(one, side) for bound in span}
        yield {p for b in bounds for p in (b - 1, b, b + 1) if 0 <= p <= MAX_PORT}
    yield set(range(FIELDS["state"].last + 1))
    yield {v for one in sets for b in one.dscp for v in (b - 1, b, b + 1) if 0 <= v <= 63}


def engine_class(l4: L4Classes, packet: Packet) -> int:
    """As kernels find it."""
    protocol, sport, dport, state, dscp = packet
    a = int(l4.sport[sport if l4.uses_sport else 0])
    meta = protocol << 8 | state << 6 | dscp if l4.uses_meta else protocol
    z = (a * l4.n_dport + int(l4.dport[dport])) * l4.n_meta + int(l4.meta[meta])
    return int(l4.y[z])


@settings(max_examples=80, deadline=None)
@given(SETS, st.integers(0, 2**32 - 1))
def test_the_same_packets_are_told_apart(sets: list[PortSet], seed: int) -> None:
    asked = packets(sets, np.random.default_rng(seed))
    held = np.array([[one.holds(packet) for packet in asked] for one in sets])

    entries = [SimpleNamespace(l4=one.ranges()) for one in sets]
    program: Any = SimpleNamespace(
        groups=[SimpleNamespace(entries=entries)], policy=SimpleNamespace(rules=())
    )
    atoms = l4_atoms(program, [0])
    keys = [entry.l4 for entry in entries]
    axis = Axis.plain(atoms.size).add((key, atoms.mask(key)) for key in dict.fromkeys(keys))
    carried = [(("dscp", dscp), ("state", state)) for *_, state, dscp in asked]
    at = [atoms.atom(*p[:3], fields) for p, fields in zip(asked, carried, strict=True)]
    of_blocks = axis.of[at]
    rows = np.stack([axis.rows[axis.keys[key]] for key in keys])
    assert rows[:, of_blocks].tolist() == held.tolist()

    l4 = l4_classes(RuleSet.of([one.rule() for one in sets]))
    assert l4 is not None
    of_engine = np.array([engine_class(l4, packet) for packet in asked])
    assert held_by(l4, l4.set_of)[:, of_engine].tolist() == held.tolist()

    columns = dict[bytes, int]()
    alike = [columns.setdefault(held[:, i].tobytes(), len(columns)) for i in range(len(asked))]
    for classes in (of_blocks, of_engine):
        number = dict[int, int]()
        assert [number.setdefault(int(c), len(number)) for c in classes] == alike
