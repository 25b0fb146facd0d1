"""`expect:` lines: what must hold, checked for every pair and every packet.

    A -> B[:PORTS]      connections that A's endpoints open to B's
    A <-> B[:PORTS]     both ways, PORTS are those of whoever is the destination

A and B are names, patterns or addresses (`sim.names.chosen`), PORTS are ranges
(`fabric.values.ports`) with commas between. B may be a door (`fabric.values.door_names`).

Rules that hold here:

1. `deny`: no packet of PORTS (default: any packet) may get from any A to any B.
2. `allow`: for every A, every B and every family that both have, all of PORTS (default: all
   protocols and ports) get through whatever ECMP chooses, from and to every address that counts
   (`sim.proof.pairs.counted_addresses`): of one that owns a whole prefix, all that is nobody
   else's.
3. `only`: `allow` of PORTS and `deny` of everything else. Where PORTS are those of one IP version
   (`icmp6`), nothing is allowed in the other.
4. A line with `http` is about these requests alone, on ports of TCP that it names, for all
   requests (`sim.proof.expectations.request_paths`); it may be undecided.
5. An endpoint is not compared with itself. A line that compares nothing is an error (C702, C703).
6. A line about a Service is about each pod behind it, at the ports where the pod gets what is sent
   to PORTS of the Service (default: all that it has; names will do), which may differ from pod to
   pod; one about an Ingress, a route or a host port at those where it leads. It holds
   where that holds of all of them. One whose pods are not known is an error (C705, C710).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import repeat
from operator import attrgetter

import numpy as np

from compiler.program.ownership import owned_addresses
from compiler.requests.request_text import KIND
from fabric.building.network import Network
from fabric.diagnostics import Diagnostics, InputError, Span, did_you_mean
from fabric.file.expect.claims import ANYTHING, GRAMMAR, parse_claim, port_names
from fabric.file.expect.expectation_spec import Expectation
from fabric.file.spec import FabricSpec
from fabric.io.visible import visible
from fabric.values.address_sets import addresses_in
from fabric.values.door_names import door_in
from fabric.values.interval_sets import touch
from fabric.values.names import host_of, others
from fabric.values.ports import PortRange, sent
from fabric.values.wildcard import beyond
from sim.names.chosen import also_meant, chosen, pattern_names
from sim.names.services import led_to
from sim.proof.expectations.judged_claims import Breach as Breach
from sim.proof.expectations.judged_claims import Claim as Claim
from sim.proof.expectations.judged_claims import Outcome as Outcome
from sim.proof.expectations.request_paths import request_breaches, requests_of
from sim.proof.expectations.sorted_keys import distinct_keys, held, places
from sim.proof.pairs.narrow import breaches as narrow_breaches
from sim.proof.pairs.narrow import limits_of
from sim.proof.pairs.reachability import Bits, Reach
from sim.proof.routes.paths import Column
from sim.proof.routes.stand_ins import StandIns

_from, _to = attrgetter("src"), attrgetter("dst")
End = str | tuple[int, ...]
"""What a claim says about an end, or which endpoints are behind a Service."""


def read_claims(spec: FabricSpec, network: Network) -> tuple[Claim, ...]:
    """Every expectation of a fabric file; `InputError` lists all that say nothing."""
    problems = Diagnostics()
    claims = [
        claim
        for number, line in enumerate(spec.expect)
        if (claim := read_line(number, line, spec.at("expect", number), network,
                           Diagnostics() if line._kept else problems))
    ]  # fmt: skip
    problems.check()
    return tuple(claims)


def read_line(
    number: int, line: Expectation, span: Span | None, network: Network, problems: Diagnostics
) -> Claim | None:
    """One line; None where it says nothing, which is told."""
    given = [(k, v) for k in ("allow", "deny", "only") if (v := getattr(line, k)) is not None]
    if len(given) != 1:
        problems.error("C704", "an expectation is exactly one of allow, deny, only", span)
        return None
    kind, text = given[0]
    try:
        source, target, both, ports = parse_claim(text)
    except ValueError as error:
        problems.error("C701", f'cannot read "{text}": {error}', span, GRAMMAR)
        return None
    claim = Claim(number, kind, source, target, both, ports, tuple(line.hold_under), span, text)
    if line.http is not None:
        try:
            claim = replace(claim, http=requests_of(line.http, ports))
        except ValueError as error:
            what = f'cannot read http "{visible(line.http[:80])}": {error}'
            problems.error("C901", what, span, KIND)
            return None
    if (door := door_in(target)) is not None:
        try:
            groups = led_to(network, door, ports, port_names(text))
        except InputError as error:
            problems.items += [replace(found, span=span) for found in error.diagnostics]
            return None
        parts = tuple(replace(claim, ports=at, pods=pods) for at, pods in groups)
        every = claim.ports or tuple(sorted({at for part in parts for at in part.ports}))
        claim = replace(claim, parts=parts, ports=every)
    return claim if _selects_pairs(claim, network, problems) else None


def _selects_pairs(claim: Claim, network: Network, problems: Diagnostics) -> bool:
    source, target, span, text = claim.source, claim.target, claim.span, claim.text
    ends = dict.fromkeys((source,) if claim.parts else (source, target))
    empty = [part for end in ends for part in _parts(end) if not selected(part, network).any()]
    for pattern in empty:
        hint = did_you_mean(pattern, pattern_names(network.endpoints))
        problems.error("C702", f'"{pattern}" selects no endpoint', span, hint)
    for pattern in ends:
        if others := also_meant(network, pattern):
            what = f'"{pattern}" is ambiguous: it may mean {others[0].name} as well'
            hint = "write TENANT/* for a tenant, */@node/HOST for a host, ZONE/* for a zone"
            problems.error("C711", what, span, hint)
            empty.append(pattern)
        unknown = beyond(pattern.rpartition("/")[2], _last_parts(network, pattern))
        if unknown and pattern not in empty and addresses_in(pattern) is None:
            more = " and more" if len(unknown) > 1 else ""
            what = f'"{pattern}" selects no "{unknown[0]}"{more}, which its range has'
            problems.error("C702", what, span, "write the range that exists, or *")
            empty.append(pattern)
    if limits_of(source, target) is None:
        problems.error("C703", f'"{text}" compares addresses of two IP versions', span)
        return False
    if not empty and not any(_compares(part, network, part.ports) for part in claim.each):
        message = f'"{text}" compares nothing: {_why_nothing(claim, network)}'
        problems.error("C703", message, span)
        return False
    return not empty


def _why_nothing(claim: Claim, network: Network) -> str:
    """Why a claim has no pair: ends of other IP versions, or one endpoint at both."""
    if any(_compares(part, network, ANYTHING) for part in claim.each):
        return "no two endpoints share an IP version in which such packets are sent"
    source = speaking(network, claim.source)
    targets = [claim.target if part.pods is None else part.pods for part in claim.each]
    alone = [source & speaking(network, target) for target in targets]
    both = np.flatnonzero(np.any(alone, axis=(0, 2)))
    if len(both) != 1:
        return "no two endpoints share an IP version"
    one = network.endpoints[both[0]]
    if one.aliases:
        return f"both ends are {one.name}, whose host-network pods always reach each other"
    return f"both ends are {one.name}, and what it says to itself passes no enforcement point"


def _parts(end: str) -> list[str]:
    """What stands between commas in a set of addresses, or the whole name."""
    return [end] if addresses_in(end) is None else [part.strip() for part in end.split(",")]


def _last_parts(network: Network, pattern: str) -> Iterator[str]:
    """The last parts of all names by which a pattern selects endpoints."""
    for number in np.flatnonzero(selected(pattern, network)) if "[" in pattern else ():
        e = network.endpoints[number]
        for name in (e.name, *others(e), e.workload or ""):
            last = name.rpartition("/")[2]
            yield from (last, host_of(last))


def selected(pattern: str, network: Network) -> Bits:
    """Which endpoints an end of an expectation stands for (`sim.names.chosen`), bool[endpoints]."""
    found = np.zeros(len(network.endpoints), np.bool_)
    found[[e.index for e in chosen(network, pattern)]] = True
    return found


def pairs_of(claim: Claim, network: Network, stand_ins: StandIns | None = None) -> Column:
    """What a claim compares, as sorted keys: (source, destination, family) in one integer; of those
    alone that are asked about for all that fare alike, if given."""
    found = [np.zeros(0, np.int64)]
    for part in claim.each:
        ports = ANYTHING if part.kind == "only" else part.ports
        found.append(_there(part, network, ports, stand_ins))
        if part.both_ways:
            found.append(_pairs(network, part.target, part.source, ports, stand_ins))
    return distinct_keys(np.concatenate(found))


def told_apart(claims: Iterable[Claim], network: Network) -> Iterator[Bits]:
    """Whom claims are about and whom not, bool[endpoints]: a row for each end and IP version."""
    ends: dict[End, None] = {}
    for claim in claims:
        for part in claim.each:
            ends |= dict.fromkeys((part.source, part.target if part.pods is None else part.pods))
    for end in ends:
        yield from speaking(network, end).T


def without(wanted: Column, network: Network, exempt: Iterable[int]) -> Column:
    """The pairs that have no endpoint in `exempt`."""
    src, dst = np.divmod(wanted // 2, len(network.endpoints))
    left_out = list(exempt)
    kept: Column = wanted[~(np.isin(src, left_out) | np.isin(dst, left_out))]
    return kept


def check_claim(
    reach: Reach,
    claim: Claim,
    wanted: Column | None = None,
    under: str | None = None,
    keys: Column | None = None,
) -> Outcome:
    """One claim against one world, for all that it compares or `wanted`; `keys` are the world's."""
    network = reach.network
    if wanted is None:
        wanted = pairs_of(claim, network, reach.stand_ins)
    if claim.parts:
        parts = (pairs_of(part, network, reach.stand_ins) for part in claim.parts)
        mine = (np.intersect1d(wanted, pairs) for pairs in parts)
        found = [*map(check_claim, repeat(reach), claim.parts, mine)]
        why = next((o.undecided for o in found if o.undecided), "")
        made = _outcome(reach, claim, wanted, (b for o in found for b in o.breaches), under)
        return replace(made, undecided=why)
    keys = keys_of(reach) if keys is None else keys
    bad: list[tuple[int, bool]] = []
    limits = claim.limits
    if claim.http is not None:
        broken, why = request_breaches(reach, claim, claim.http, wanted, under)
        return replace(_outcome(reach, claim, wanted, broken, under), undecided=why)
    for version in limits.versions:
        mine = wanted[wanted % 2 == (version == 6)]
        if limits:
            asked_of = claim.kind, claim.ports, limits, version
            bad += narrow_breaches(reach, *asked_of, mine.tolist())
            continue
        asked = places(keys, mine)
        if claim.kind in ("deny", "only"):
            mask = reach.space.touching(claim.ports, claim.kind == "only", version)
            leaking = np.asarray((reach.sets & mask).any(axis=1))
            bad += [(int(k), True) for k in keys[asked[leaking[reach.pairs.some[asked]]]]]
        if claim.kind in ("allow", "only") and any(sent(r.protocol, version) for r in claim.ports):
            mask = reach.space.touching(claim.ports, version=version)
            passing = ~np.asarray((mask & ~reach.sets).any(axis=1))
            good = keys[asked[passing[reach.pairs.sure[asked]]]]
            bad += [(int(k), False) for k in mine[~held(good, mine)]]
    n = len(network.endpoints)
    breaches = (Breach(k // 2 // n, k // 2 % n, 6 if k % 2 else 4, reached) for k, reached in bad)
    return _outcome(reach, claim, wanted, breaches, under)


def _outcome(
    reach: Reach, claim: Claim, wanted: Column, bad: Iterable[Breach], under: str | None
) -> Outcome:
    breaches = tuple(sorted(bad, key=attrgetter("rank")))
    ends = np.divmod(wanted // 2, len(reach.network.endpoints))
    pairs, failing = len(wanted), len(breaches)
    if reach.stand_ins is not None:
        pairs = int(reach.counts(*ends).sum())
        failing = int(counts_of(reach, breaches).sum())
    return Outcome(claim, pairs, breaches, under, failing=failing)


def counts_of(reach: Reach, breaches: Sequence[Breach]) -> Column:
    """How many pairs of endpoints each breach is true of."""
    src, dst = (np.array([end(b) for b in breaches], np.int64) for end in (_from, _to))
    return reach.counts(src, dst)


def keys_of(reach: Reach) -> Column:
    """The pairs of a world as single integers, sorted as the pairs are."""
    pairs = reach.pairs
    n = len(reach.network.endpoints)
    keys: Column = (pairs.src * n + pairs.dst) * 2 + (pairs.version == 6)
    return keys


def _there(
    claim: Claim,
    network: Network,
    ports: Sequence[PortRange],
    stand_ins: StandIns | None = None,
) -> Column:
    """The pairs of a claim with one set of ports, from its source to its target."""
    target = claim.target if claim.pods is None else claim.pods
    return _pairs(network, claim.source, target, ports, stand_ins)


def _pairs(
    network: Network,
    source: str,
    target: End,
    ports: Sequence[PortRange],
    stand_ins: StandIns | None = None,
) -> Column:
    """Keys of every ordered pair that two ends of an expectation have in an IP version, in which
    hosts send packets of these ports; of those that stand for others, if given."""
    n = len(network.endpoints)
    has = speaking(network, source), speaking(network, target)
    out = []
    for family in (0, 1):
        if not any(sent(r.protocol, 6 if family else 4) for r in ports):
            continue
        src, dst = (np.flatnonzero(end[:, family]) for end in has)
        if stand_ins is None:
            src, dst = (grid.ravel() for grid in np.meshgrid(src, dst, indexing="ij"))
            src, dst = src[src != dst], dst[src != dst]
        else:
            src, dst = stand_ins.asked(src, dst)
        out.append((src * n + dst) * 2 + family)
    return np.sort(np.concatenate([np.zeros(0, np.int64), *out]))


def _compares(claim: Claim, network: Network, ports: Sequence[PortRange]) -> bool:
    """Whether a claim with one set of ports has any pair from its source to its target."""
    target = claim.target if claim.pods is None else claim.pods
    has = zip(speaking(network, claim.source).T, speaking(network, target).T, strict=True)
    return any(
        src.any() and dst.any() and ((src | dst).sum() > 1)
        for (src, dst), version in zip(has, (4, 6), strict=True)
        if any(sent(r.protocol, version) for r in ports)
    )


def speaking(network: Network, end: End) -> Bits:
    """Whom an end stands for in each IP version, bool[endpoints, 2]: who has addresses of it, of
    those that are meant."""
    block = addresses_in(end) if isinstance(end, str) else None
    out = np.zeros((len(network.endpoints), 2), np.bool_)
    if block is not None:
        owned = owned_addresses(network)
        for e in network.endpoints:
            out[e.index] = [touch(owned[e.index][i], block.of(v)) for i, v in enumerate((4, 6))]
        return out
    members = chosen(network, end) if isinstance(end, str) else [network.endpoints[i] for i in end]
    for e in members:
        out[e.index] = [any(p.version == v for p in e.prefixes) for v in (4, 6)]
    return out
