"""What is not evaluated beside a list of who reaches whom.

Rules that hold here:

1. A row is unknown when a pending record touches either end; so is a row that is missing.
2. Who names one side only asks about everybody on the other, and so about every record.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from fabric.door_names import door_in
from fabric.kubernetes.unevaluated import Unevaluated, pending
from fabric.network import Network
from sim.names.chosen import patterns
from sim.names.services import may_be_behind
from sim.names.wanted_ports import split_port, split_source
from sim.reach.access import receivers, senders
from sim.verdicts import touching
from sim.why.pod_classes import workload


@dataclass(frozen=True, slots=True)
class Doubts:
    """`records` that touch the question, and `names` of the workloads whose rows are unknown;
    `pairs` (source, target) of those whose rows about each other are."""

    records: tuple[Unevaluated, ...]
    names: frozenset[str]
    pairs: frozenset[tuple[str, str]] = frozenset()

    @property
    def verdict(self) -> str:
        """computed, or unknown as a whole."""
        return "unknown" if pending(self.records) else "computed"

    @property
    def columns(self) -> tuple[str, ...]:
        """The column that says so, where there is anything to say."""
        return ("verdict",) if pending(self.records) else ()

    def of(self, source: str, target: str) -> str:
        """computed or unknown, of one row."""
        among = {source, target} & self.names or (source, target) in self.pairs
        return "unknown" if among else "computed"

    def marked(self, source: str, target: str, row: Mapping[str, Any]) -> dict[str, Any]:
        """A row with its verdict."""
        return {**row, "verdict": self.of(source, target)}


def doubts(network: Network, source: str | None, target: str | None) -> Doubts:
    """What touches the rows between two texts as `reach` takes them."""
    found = touching(network)
    if not found:
        return Doubts((), frozenset())
    names = frozenset(workload(e) for e in network.endpoints if pending(found.of(e.index)))
    if source is None or target is None:
        return Doubts(network.not_evaluated, names)
    ends = [senders(network, source), *(chosen for chosen, _ in receivers(network, target))]
    chosen = np.flatnonzero(np.any(ends, axis=0)).tolist()
    texts = split_source(source)[0], split_port(target)[0]
    asked = [
        name
        for text in (name for given in texts for name in pods_of(network, given))
        for name in (*patterns(network, text), f"*/{text}")
    ]
    return Doubts(found.asked(chosen, asked), names)


def pods_of(network: Network, text: str) -> tuple[str, ...]:
    """A name; of a door, patterns of all that may come to be behind it."""
    door = door_in(text)
    return (text,) if door is None else may_be_behind(network, door)
