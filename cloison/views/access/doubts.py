"""What is not evaluated beside a list of who reaches whom.

Rules that hold here:

1. A row is unknown when a pending record touches either end; so is a row that is missing.
2. Who names one side only asks about everybody on the other, and so about every record.
3. What a tenant's nodes get to by way of its other nodes (`sim.reach.led_nodes`) makes unknown who
   names a side, and the rows of such a node and such a workload; beside a list of everybody a
   sentence says that it is not there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from fabric.building.network import Network
from fabric.kubernetes.unmodelled.unevaluated import Unevaluated, pending
from fabric.values.door_names import door_in
from sim.names.chosen import patterns
from sim.names.services import may_be_behind
from sim.names.wanted_ports import split_port, split_source
from sim.proof.pairs.reachability import Reach
from sim.reach.access import receivers, senders
from sim.reach.led_nodes import Led, led_nodes
from sim.why.pod_classes import workload
from sim.wording.verdicts import touching


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


def doubts(
    network: Network, made: Callable[[], Reach], source: str | None, target: str | None
) -> Doubts:
    """What touches the rows between two texts as `reach` takes them."""
    froms = senders(network, source)
    into = np.any([chosen for chosen, _ in receivers(network, target)], axis=0)
    led = led_nodes(network, made, froms, into)
    if source is None and target is None:
        led = Led(tuple(record for record in led.records if record.accepted))
    found = touching(network)
    names = frozenset(workload(e) for e in network.endpoints if pending(found.of(e.index)))
    apart = led.pairs | between(network)
    if source is None or target is None:
        return Doubts((*network.not_evaluated, *led.records), names, apart)
    chosen = np.flatnonzero(froms | into).tolist()
    texts = split_source(source)[0], split_port(target)[0]
    asked = [
        name
        for text in (name for given in texts for name in pods_of(network, given))
        for name in (*patterns(network, text), f"*/{text}")
    ]
    return Doubts((*found.asked(chosen, asked), *led.records), names, apart)


def between(network: Network) -> frozenset[tuple[str, str]]:
    """The pairs of workloads about each other of which something is not evaluated that touches
    neither of them otherwise."""
    apart = [r for r in pending(network.not_evaluated) if r.senders and r.scope == "workload"]
    if not apart:
        return frozenset()
    by_name: dict[str, set[str]] = {}
    for end in network.endpoints:
        by_name.setdefault(f"{end.namespace}/{end.workload}", set()).add(workload(end))
    out = set()
    for record in apart:
        mine = f"{record.tenant}/{record.touches or record.namespace}/{record.workload}"
        for other in (name for key in record.senders for name in by_name.get(key, ())):
            out |= {(mine, other), (other, mine)}
    return frozenset(out)


def handed_on(network: Network, made: Callable[[], Reach]) -> str:
    """What a list of everybody does not say (rule 3); empty where there is nothing of the kind."""
    everybody = senders(network, None)
    led = led_nodes(network, made, everybody, everybody)
    if not led.pairs:
        return ""
    doors = ", ".join(
        dict.fromkeys(f"Service {r.tenant}/{r.namespace}/{r.name}" for r in led.records)
    )
    return f"Not listed: what nodes get to by way of other nodes, at {doors}; --from or --to asks."


def pods_of(network: Network, text: str) -> tuple[str, ...]:
    """A name; of a door, patterns of all that may come to be behind it."""
    door = door_in(text)
    return (text,) if door is None else may_be_behind(network, door)
