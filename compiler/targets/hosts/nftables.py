"""nftables: the policy of one enforcement point as a ruleset for the Linux kernel's forward path.

Endpoint number k sits behind interface `ep<k>`, the tunnel of VRF number v is `vx<v>`. What comes
from an endpoint passes `out<k>`, what leaves to one passes `in<k>`, and between two endpoints of
one VTEP a packet passes both. What came out of a tunnel goes to an endpoint here or nowhere: a
kernel would route it on (`hairpin_drop`). Where a VRF permits that, a rule lets it. In each chain:

1. the source address must be the endpoint's own (out), or lie behind the VTEP that the packet came
   from, known by the inner source MAC (in); what is somebody else's inside an endpoint's prefix
   does not go in either, though a kernel has no longer route when that one is out of reach;
2. the packet mark says behind which VRF the remote lies, by maps made of this VTEP's routes:
   `MARK | VRF number`; tunnels with a mark also spread over all uplinks;
3. what connection tracking knows passes: it comes after 1, since where tenants overlap another's
   packet may look like one of a known flow;
4. one chain per group, first match first: permit returns, deny drops; what skips stages marks the
   packet: `FINAL` skips all groups that remain, `SKIP` those before a stage.

Routes are not part of the ruleset. Every rule counts packets and bytes and carries its origin as a
comment (nftables allows 128 bytes).
Source: nft(8). Concatenated interval maps need Linux 5.6, `sdifname` below VRFs 5.17.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from compiler.policy.ir import Direction, Origin, Point
from compiler.policy.stages import DROPPED, leads
from compiler.program.at_home import at_home, held, others
from compiler.program.dpu import elsewhere, enforcement_points
from compiler.program.program import (
    ALL_V4,
    ALL_V6,
    ANY_VRF,
    Entry,
    Group,
    Intervals,
    L4Range,
    Program,
    asked_for,
    refuse_conditions,
    refuse_fields,
)
from compiler.targets.hosts.nft_maps import FAMILIES, MARK, Span, maps, span_text
from fabric.building.network import Network
from fabric.diagnostics import Diagnostic, UndecidedError
from fabric.values.inventory import Endpoint
from fabric.values.ports import ANY, MAX_PORT

FINAL, SKIP = 0x20000, 0x7F00000
SKIPPED = 20
"""Where the place of a stage stands in a mark."""
COMMENT = 120
KNOWN = "ct state established,related counter"
MISS = 'counter drop comment "eni_miss_drop"'
PROTOCOL = {1: "icmp", 6: "tcp", 17: "udp", 58: "ipv6-icmp", 132: "sctp"}


def nodes(program: Program) -> tuple[int, ...]:
    """Who gets a file: every enforcement point."""
    return enforcement_points(program)


def remarks(program: Program) -> tuple[Diagnostic, ...]:
    """None: what reads these files does what they say."""
    return ()


def render(program: Program, node: int) -> str:
    """The ruleset of one VTEP, all its VRFs; interfaces are in network namespaces."""
    return ruleset(program, node)


def ruleset(
    program: Program, node: int, *, vrf: int | None = None, incoming: str = "iifname"
) -> str:
    """The ruleset of one VTEP, or of one of its VRFs. `incoming` is how nft names the interface
    that a forwarded packet came in by: `meta sdifname` below a VRF device."""
    refuse_fields(program, "nftables")
    refuse_conditions(program, "nftables")
    network = program.network
    if elsewhere(program) and asked_for(program, node):
        name = network.fabric.nodes[node].name
        message = f"{name} enforces for endpoints elsewhere, which nftables rulesets do not"
        raise UndecidedError(Diagnostic("C853", message, None, "other formats do", "unknown"))
    here = [e for e in program.ends_at(node) if vrf in (None, e.vrf)]
    vrfs = [network.vrfs[number] for number in sorted({e.vrf for e in here})]
    has = held(network, here)
    home = at_home(network, here, has, node)
    known = program.once(Chains)
    lines = [
        _clean(f"# {network.fabric.nodes[node].name}  fabric {network.spec and network.spec.name}"),
        *(_clean(f"# ep{e.index} is {e.name} in {network.vrfs[e.vrf].name}") for e in here),
        "table inet cloison",
        "delete table inet cloison",
        "table inet cloison {",
        *(line for v in vrfs for line in maps(network, node, v)),
        *(known[group.id] for group in _groups(program, here)),
        *(
            line
            for e in here
            for line in _endpoint(program, e, has[e.index], home[e.index], incoming)
        ),
        *_forward(here, _hairpins(network, node, vrf), incoming),
        "}",
    ]
    return "\n".join(lines) + "\n"


def _hairpins(network: Network, node: int, only: int | None) -> list[int]:
    """The VRFs of a node that permit hairpins, or whether one does."""
    mine = (vrf for vrf in network.fib.vrfs_at(node) if only in (None, vrf))
    return [vrf for vrf in mine if network.vrfs[vrf].hairpin]


def _forward(here: Sequence[Endpoint], hairpins: Sequence[int], incoming: str) -> Iterator[str]:
    leaves = (f'oifname "ep{e.index}" goto in{e.index}' for e in here)
    onward = [f'{incoming} "vx{v}" counter accept comment "hairpin: permit"' for v in hairpins]
    onward.append(f'{incoming} "vx*" counter drop comment "hairpin_drop"')
    yield from _chain("enter", [*leaves, *onward], "counter accept")
    yield from _chain(
        "forward",
        [
            "type filter hook forward priority filter; policy accept;",
            *(f'{incoming} "ep{e.index}" goto out{e.index}' for e in here),
        ],
        "goto enter",
    )


def _endpoint(
    program: Program,
    endpoint: Endpoint,
    has: Mapping[int, Intervals],
    home: Mapping[int, Intervals],
    incoming: str,
) -> Iterator[str]:
    """Chains of one endpoint. It sends from what is at `home` as the routes stand. What it is
    reached at does not follow them: the kernel's own routes lead on what leads on, and by the time
    they no longer do, it is the endpoint's."""
    k, v = endpoint.index, endpoint.vrf
    out = list(program.own(Direction.OUT, k))
    into = list(program.own(Direction.IN, k))
    yield from _policy(program, f"policy-out{k}", out)
    yield from _policy(program, f"policy-in{k}", into)
    spoof = 'counter drop comment "spoof_drop"'
    senders = {version: _set(endpoint, home, version) for version in (4, 6)}
    missed = [
        f"{word} daddr != {{ {_set(endpoint, has, version)} }} {MISS}"
        if has[version]
        else f"meta nfproto {kind} {MISS}"
        for version, word, kind in FAMILIES
        if others(endpoint, has, version)
    ]
    yield from _chain(
        f"out{k}",
        [
            f"{word} saddr != {{ {senders[version]} }} {spoof}"
            if senders[version]
            else f"meta nfproto {kind} {spoof}"
            for version, word, kind in FAMILIES
        ]
        + [
            "meta mark set 0",
            *(f"meta mark set {word} daddr map @there{n}_{v}" for n, word, _ in FAMILIES),
            'meta mark 0 counter drop comment "no_route_drop"',
            f"{KNOWN} goto enter",
            f"jump policy-out{k}",
        ],
        "goto enter",
    )
    yield from _chain(
        f"in{k}",
        [
            *missed,
            "meta mark set 0",
            *(
                f'{incoming} "vx{v}" meta mark set ether saddr . {word} saddr map @tunnel{n}_{v}'
                for n, word, _ in FAMILIES
            ),
            *(
                f'{incoming} != "vx{v}" meta mark set {word} saddr map @own{n}_{v}'
                for n, word, _ in FAMILIES
            ),
            'meta mark 0 counter drop comment "pa_validation_drop"',
            f"{KNOWN} accept",
            f"jump policy-in{k}",
        ],
        "counter accept",
    )


def _set(endpoint: Endpoint, mine: Mapping[int, Intervals], version: int) -> str:
    """Addresses of one family, as prefixes where they are all of the endpoint's."""
    if others(endpoint, mine, version):
        return ", ".join(span_text(version, *span) for span in mine[version])
    return ", ".join(str(p) for p in endpoint.prefixes if p.version == version)


def _policy(program: Program, name: str, groups: Sequence[Group]) -> Iterator[str]:
    """Groups one after the other, until one says that the rest does not matter; a chain of its own
    for those from each stage on with which some entry says to go on."""
    skips = program.once(Skips)
    targets = sorted({at for group in groups for at in skips[group.id]})
    last = _last(program)
    for at in [*reversed([at for at in targets if at < last]), 0]:
        rest = [group for group in groups if program.stages.index(group.stage) >= at]
        again = [f"meta mark set meta mark & {0xFFFFFFFF ^ SKIP:#x}"] if at else []
        named = f"{name}-{program.stages[at].label}" if at else name
        yield from _chain(named, (*again, *_in_order(program, name, rest)), "return")


def _in_order(program: Program, name: str, groups: Iterable[Group]) -> Iterator[str]:
    for group in groups:
        yield f"jump g{group.id}"
        for at in program.once(Skips)[group.id]:
            if at == _last(program):
                yield f"meta mark & {FINAL:#x} == {FINAL:#x} return"
            else:
                mark = f"meta mark & {SKIP:#x} == {at << SKIPPED:#x}"
                yield f"{mark} goto {name}-{program.stages[at].label}"


class Skips(dict[int, list[int]]):
    """By the id of a group, the stages with which its entries say to go on, the next one aside."""

    def __init__(self, program: Program) -> None:
        self._program = program

    def __missing__(self, number: int) -> list[int]:
        return self.setdefault(number, _skips(self._program, self._program.groups[number]))


def _skips(program: Program, group: Group) -> list[int]:
    place = program.stages.index(group.stage)
    entries = (*group.entries, group.default_entry)
    found = {leads(program.stages)[place][entry.action] for entry in entries}
    return sorted(found - {place + 1, DROPPED})


def _verdict(program: Program, group: Group, entry: Entry) -> str:
    """What a rule does with the packet."""
    stages = program.stages
    place = stages.index(group.stage)
    at = leads(stages)[place][entry.action]
    if at in (place + 1, DROPPED):
        return "drop" if at == DROPPED else "return"
    mark = FINAL if at == _last(program) else at << SKIPPED
    return f"meta mark set meta mark or {mark:#x} return"


def _last(program: Program) -> int:
    """The place behind the last stage that a DPU asks for its own endpoints, 0 if it asks none."""
    own = (n + 1 for n, stage in enumerate(program.stages) if stage.at is Point.HERE)
    return max(own, default=0)


def _groups(program: Program, here: Iterable[Endpoint]) -> list[Group]:
    """The groups of these endpoints, by id."""
    held = {g.id: g for e in here for way in Direction for g in program.own(way, e.index)}
    return [held[number] for number in sorted(held)]


class Chains(dict[int, str]):
    """The chain of each group, by its id; VTEPs have most in common."""

    def __init__(self, program: Program) -> None:
        self._program = program

    def __missing__(self, number: int) -> str:
        lines = _group(self._program, self._program.groups[number])
        return self.setdefault(number, "\n".join(lines))


def _group(program: Program, group: Group) -> Iterator[str]:
    rules = [rule for entry in group.entries for rule in _entry(program, group, entry)]
    yield from _chain(f"g{group.id}", rules, *_entry(program, group, group.default_entry))


def _entry(program: Program, group: Group, entry: Entry) -> Iterator[str]:
    """One rule per region, family and range of protocol and source ports."""
    remote = "daddr" if group.direction is Direction.OUT else "saddr"
    verdict = _verdict(program, group, entry)
    comment = f'comment "{comment_of(program.origins[entry.origin])}"'
    for region in entry.regions:
        behind = "" if region.vrf == ANY_VRF else f"meta mark {MARK | region.vrf:#x} "
        for where in _addresses(region.v4, region.v6, remote):
            for ports in _ports(entry.l4):
                yield f"{behind}{where}{ports}counter {verdict} {comment}"


def _addresses(v4: Intervals, v6: Intervals, remote: str) -> Iterator[str]:
    if (v4, v6) == (ALL_V4, ALL_V6):
        yield ""
        return
    for (version, word, kind), spans, every in zip(
        FAMILIES, (v4, v6), (ALL_V4, ALL_V6), strict=True
    ):
        if spans == every:
            yield f"meta nfproto {kind} "
        elif spans:
            yield f"{word} {remote} {{ {', '.join(span_text(version, *s) for s in spans)} }} "


def _ports(ranges: Iterable[L4Range]) -> Iterator[str]:
    """Ranges that differ in nothing but destination ports share a rule."""
    grouped: dict[tuple[int, Span], list[Span]] = {}
    for l4 in ranges:
        grouped.setdefault((l4.protocol, l4.sport), []).append(l4.dport)
    for (protocol, sport), dports in grouped.items():
        text = "" if protocol == ANY else f"meta l4proto {PROTOCOL.get(protocol, protocol)} "
        text += "" if sport == (0, MAX_PORT) else f"th sport {_range(sport)} "
        if (0, MAX_PORT) not in dports:
            text += f"th dport {{ {', '.join(map(_range, _merged(dports)))} }} "
        yield text


def _merged(ranges: Iterable[Span]) -> list[Span]:
    """Sorted ranges without overlaps, which nft sets do not take."""
    out: list[Span] = []
    for low, high in sorted(ranges):
        if out and low <= out[-1][1] + 1:
            out[-1] = out[-1][0], max(out[-1][1], high)
        else:
            out.append((low, high))
    return out


def _range(ports: Span) -> str:
    return str(ports[0]) if ports[0] == ports[1] else f"{ports[0]}-{ports[1]}"


def _chain(name: str, rules: Iterable[str], *last: str) -> Iterator[str]:
    yield f"\tchain {name} {{"
    yield from (f"\t\t{rule}" for rule in (*rules, *last))
    yield "\t}"


def comment_of(origin: Origin) -> str:
    """The comment of a rule: whose it is."""
    return _fitting(_clean(str(origin)))


def _fitting(text: str) -> str:
    """Text that fits into a comment: the middle gives way, since the line stands at the end."""
    if len(text) <= COMMENT:
        return text
    tail = COMMENT * 2 // 3
    return f"{text[: COMMENT - tail - 2]}..{text[-tail:]}"


def _clean(text: str) -> str:
    """Text that cannot end a comment or a line."""
    return re.sub(r"[^ -~]|[\"\\]", "_", text)
