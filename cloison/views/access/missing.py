"""Who lacks something in a cluster because an address is assumed (`sim.reach.assumed`)."""

from __future__ import annotations

from collections.abc import Mapping

from cloison.views.access.asked_peers import sought, title
from sim.names.wanted_ports import split_port
from sim.proof.routes.stand_ins import StandIns
from sim.reach.assumed import Assumed
from sim.reach.connectivity import Connectivity, Peer


def missing(found: Connectivity, source: str | None, to: str | None) -> list[tuple[str, str]]:
    """Pairs of workloads that do, between two patterns."""
    pairs, name = found.reach.pairs, split_port(to)[0] if to else None
    stand_ins = found.reach.path_space.stand_ins
    assert isinstance(stand_ins, StandIns)
    froms, into = (
        by_class(
            stand_ins,
            {i: p for p, own in found.members.items() for i in own if sought(found, p, text)},
        )
        for text in (source, name)
    )
    ends = ((pairs.src[row], pairs.dst[row]) for row in Assumed(found.reach).misses)
    rows = dict.fromkeys((int(stand_ins.of[a]), int(stand_ins.of[b])) for a, b in ends)
    lacking = {
        (here, there)
        for a, b in rows
        for here, mine in froms.get(a, {}).items()
        for there, theirs in into.get(b, {}).items()
        if len(mine | theirs) > 1
    }
    return sorted((title(found, here), title(found, there)) for here, there in lacking)


def by_class(stand_ins: StandIns, named: Mapping[int, Peer]) -> dict[int, dict[Peer, set[int]]]:
    """Endpoints by class and peer."""
    out: dict[int, dict[Peer, set[int]]] = {}
    for index, peer in named.items():
        out.setdefault(int(stand_ins.of[index]), {}).setdefault(peer, set()).add(index)
    return out
