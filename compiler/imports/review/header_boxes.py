"""Sets of packets as disjoint boxes: a range per field. Exact, and small where lists are short.

A box has seven ranges, both ends inclusive: version, source, destination, protocol, source port,
destination port, state. `minus` parts a box into at most twelve that together are the rest of it;
what grows beyond `MOST_BOXES` is given up, and said to be.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from ipaddress import IPv4Address, IPv6Address
from itertools import product

from compiler.imports.device_facts import AccessEntry, AccessList, Networks
from compiler.policy.fields import STATES
from fabric.values.ports import ANY, MAX_PORT

Range = tuple[int, int]
Box = tuple[Range, ...]
LAST = {4: 2**32 - 1, 6: 2**128 - 1}
PORTED = (6, 17, 132)
MOST_BOXES = 300
NEW = STATES.index("new")


class TooManyBoxesError(Exception):
    """A set that is not told apart any further."""


def everything(version: int) -> Box:
    """All packets of a family."""
    whole = 0, LAST[version]
    ports = 0, MAX_PORT
    return (version, version), whole, whole, (0, 255), ports, ports, (0, len(STATES) - 1)


def boxes_of(entry: AccessEntry, version: int) -> list[Box]:
    """The packets that what is modelled of an entry matches."""
    protocol = (0, 255) if entry.protocol == ANY else (entry.protocol,) * 2
    return [
        ((version, version), source, target, protocol, sport, dport, state)
        for source, target, sport, dport, state in product(
            spans(entry.source, version),
            spans(entry.destination, version),
            entry.sports or ((0, MAX_PORT),),
            entry.dports or ((0, MAX_PORT),),
            states(entry.states),
        )
    ]


def spans(networks: Networks, version: int) -> list[Range]:
    """Addresses of networks; none is all."""
    if not networks:
        return [(0, LAST[version])]
    return [
        (int(n.network_address), int(n.broadcast_address)) for n in networks if n.version == version
    ]


def states(names: Sequence[str]) -> list[Range]:
    """States of connections as ranges."""
    if not names:
        return [(0, len(STATES) - 1)]
    return [(STATES.index(name),) * 2 for name in names]


def families(acl: AccessList) -> tuple[int, ...]:
    """The families that a list is about."""
    return (4, 6) if acl.family == 0 else (acl.family,) if acl.family > 0 else ()


def meets(one: Box, other: Box) -> Box | None:
    """What two boxes have in common."""
    out = tuple((max(a, c), min(b, d)) for (a, b), (c, d) in zip(one, other, strict=True))
    return out if all(low <= high for low, high in out) else None


def touch(one: Box, other: Box) -> bool:
    """Whether two boxes have anything in common."""
    for (a, b), (c, d) in zip(reversed(one), reversed(other), strict=True):
        if b < c or d < a:
            return False
    return True


def minus(box: Box, other: Box) -> Iterator[Box]:
    """The rest of a box without another one, in disjoint boxes."""
    if not touch(box, other):
        yield box
        return
    left = list(box)
    for field, ((low, high), (first, last)) in enumerate(zip(box, other, strict=True)):
        if low < first:
            yield (*left[:field], (low, first - 1), *left[field + 1 :])
        if last < high:
            yield (*left[:field], (last + 1, high), *left[field + 1 :])
        left[field] = max(low, first), min(high, last)


def without(boxes: Iterable[Box], others: Iterable[Box]) -> list[Box]:
    """Boxes without others. Raises `TooManyBoxesError`."""
    rest = list(boxes)
    for other in others:
        rest = [part for box in rest for part in minus(box, other)]
        if len(rest) > MOST_BOXES:
            raise TooManyBoxesError
        if not rest:
            break
    return rest


def covers(box: Box, other: Box) -> bool:
    """Whether a box holds another one."""
    return all(a <= c and d <= b for (a, b), (c, d) in zip(box, other, strict=True))


def most_usual(boxes: Iterable[Box]) -> Box:
    """The one of some boxes of which people understand a packet best: with TCP, of a new
    connection, to a usual port."""
    return min(
        boxes,
        key=lambda box: (
            not box[3][0] <= 6 <= box[3][1],
            box[6][0] != NEW,
            not box[5][0] <= 443 <= box[5][1],
            not box[4][0] <= 40000 <= box[4][1],
        ),
    )


def packet_of(box: Box) -> str:
    """A packet of a box, in words: TCP, a new connection and usual ports where they are in it."""
    version, source, target, protocol, sport, dport, state = box
    number = next((p for p in (6, 17, 1, 58) if protocol[0] <= p <= protocol[1]), protocol[0])
    if version[0] == 6 and protocol == (0, 255):
        number = 6
    name = {1: "icmp", 6: "tcp", 17: "udp", 58: "icmp6", 132: "sctp"}.get(
        number, f"protocol {number}"
    )
    ends = [address(version[0], some, end) for end, some in enumerate((source, target))]
    told = "" if state[0] == NEW else f", state {STATES[state[0]]}"
    if number not in PORTED:
        return f"{ends[0]} -> {ends[1]} {name}{told}"
    ports = [usual(some, wanted) for some, wanted in ((sport, 40000), (dport, 443))]
    return f"{bracketed(ends[0])}:{ports[0]} -> {bracketed(ends[1])}:{ports[1]}/{name}{told}"


def bracketed(text: str) -> str:
    """An address before a port."""
    return f"[{text}]" if ":" in text else text


def usual(some: Range, wanted: int) -> int:
    """The port that people expect, if it is there."""
    return wanted if some[0] <= wanted <= some[1] else some[0]


DOCUMENTS = {4: ("198.51.100.9", "203.0.113.9"), 6: ("2001:db8:ffff::9", "2001:db8:fffe::9")}
"""Addresses of either end that nobody has (RFC 5737, RFC 3849)."""


def address(version: int, some: Range, end: int) -> str:
    """An address out of a range: one of documents if it is there, else not the first if there are
    others."""
    low, high = some
    kind = IPv4Address if version == 4 else IPv6Address
    usual_one = kind(DOCUMENTS[version][end])
    if low <= int(usual_one) <= high:
        return str(usual_one)
    return str(kind(low + 1 if high - low > 1 else low))
