"""One answer to a question about names, each of which may stand for several endpoints.

Rules that hold here:

1. A workload stands for its pods, a host without a VRF for its tenant's nodes there. Every pair of
   classes (`sim.why.pod_classes`) is looked at, and two members of one class as a pair of their
   own.
2. They fare alike when verdict, reason and the line behind it are the same, in every IP version,
   and for every address of an end that has many (`sim.why.address_parts`).
   Then the first pair answers for all; else C460 says who fares how. No answer is for some alone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterator, Sequence

from compiler.policy.fields import Values
from fabric.building.network import Network
from fabric.diagnostics import Diagnostic, InputError
from fabric.values.address_sets import address_in, set_in
from fabric.values.inventory import Endpoint
from sim.names.ends import Destination, both, endpoint, endpoints, is_pattern, target, targets
from sim.names.wanted_ports import split_port, split_source
from sim.why.address_parts import Ends, each, fate
from sim.why.explain import Explanation
from sim.why.pod_classes import classes
from sim.worlds.world import World

MOST = 1000
SHOWN = 4
Pair = tuple[Endpoint, Destination]


def explain(
    world: World, src: str, dst: str, version: int | None = None, fields: Values = ()
) -> Explanation:
    """Why a flow is allowed or denied. `src` and `dst` are names or addresses (`sim.names.ends`),
    the latter with its port. Without `version` IPv4 is explained where both ends have it; `fields`
    are what else the packet carries."""
    network = world.network
    name, sport = split_source(src)
    sources, wanted = both(lambda: _sources(network, name), lambda: _targets(network, dst))
    block, rest = set_in(name), (version, address_in(name), sport, fields)
    if len(sources) == len(wanted) == 1:
        known = each(Ends(world, sources[0], wanted[0], block), *rest)
        if len(known) == 1:
            return known[0]
        raise _no_one(src, dst, [_one_of_all(one) for one in known])
    pairs = [*_pairs(world, sources, wanted)]
    if len(pairs) > MOST:
        message = f"{len(pairs)} pairs of these fare differently, which are too many to look at"
        raise InputError(Diagnostic("C714", message, None, "name one pod"))
    found: dict[Hashable, tuple[Pair, Explanation | None]] = {}
    for pair in pairs:
        answers: list[Explanation | None] = [None]
        try:
            answers = [*each(Ends(world, *pair, block), *rest)]
        except InputError as error:
            if error.diagnostics[0].code != "C712":
                raise
        for answer in answers:
            found.setdefault(_fate(answer), (pair, answer))
    several = [answer for _, answer in found.values() if answer is not None]
    if not several:
        raise InputError(Diagnostic("C712", f"there is no flow from {src} to {dst}"))
    if len(found) > 1:
        raise _no_one(src, dst, [_told(*one) for one in found.values()])
    return several[0]


def _no_one(src: str, dst: str, told: Sequence[str]) -> InputError:
    """The error for a question whose parts have answers of their own."""
    more = f", and {len(told) - SHOWN} more" if len(told) > SHOWN else ""
    message = f'"{src}" to "{dst}" has no one answer: {", ".join(told[:SHOWN])}{more}'
    hint = "ask about one of them; the command cloison explain lists all"
    return InputError(Diagnostic("C460", message, None, hint))


def _sources(network: Network, name: str) -> list[Endpoint]:
    return [endpoint(network, name)] if is_pattern(name) else endpoints(network, name)


def _targets(network: Network, text: str) -> list[Destination]:
    pattern = is_pattern(split_port(text)[0])
    return [target(network, text)] if pattern else targets(network, text)


def _pairs(
    world: World, sources: Sequence[Endpoint], wanted: Sequence[Destination]
) -> Iterator[Pair]:
    """A pair of every two classes (rule 1), nobody with itself."""
    by_index: dict[int, list[Destination]] = defaultdict(list)
    for one in wanted:
        if one.endpoint is not None:
            by_index[one.endpoint.index].append(one)
    ends = {one.endpoint.index: one.endpoint for one in wanted if one.endpoint is not None}
    groups: dict[Hashable, list[Destination]] = defaultdict(list)
    for number, alike in enumerate(classes(world, ends.values())):
        for one in (one for member in alike for one in by_index[member.index]):
            groups[number, one.ports].append(one)
    groups |= {(-1, n): [one] for n, one in enumerate(wanted) if one.endpoint is None}
    for senders in classes(world, sources):
        for group in groups.values():
            meet = ((s, t) for s in senders[:2] for t in group[:2] if t.endpoint is not s)
            yield from (pair for pair in [next(meet, None)] if pair)


def _fate(found: Explanation | None) -> Hashable:
    """What must be the same for two flows to fare alike (rule 2)."""
    return None if found is None else (fate(found), found.others)


def _told(pair: Pair, found: Explanation | None) -> str:
    """One class in words."""
    if found is None:
        return f"no flow from {pair[0].name} to {pair[1].called}"
    return _one_of_all(found)


def _one_of_all(found: Explanation) -> str:
    """An answer with the addresses that it is about."""
    return ", ".join(filter(None, (found.headline, found.about)))
