"""Layer-4 ranges as people write them: `443/tcp`, `8000-8999/udp`, `tcp`, `icmp`, `any`.

Rules that hold here:

1. Protocols are IANA numbers. Protocols without ports carry port 0 everywhere in cloison. A range
   on protocol `ANY` covers every protocol (and so every port).
2. `icmp` is ICMP on IPv4 and ICMPv6 on IPv6; `icmp4` and `icmp6` are one of them. No host sends
   either inside the other IP version (RFC 792, RFC 4443), so such packets are asked nowhere.
3. What is printed is read: a set of ports as reports write it, with `from` source ports, protocols
   by number and what is left out, is a list of ports here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from fabric.values.interval_sets import cut

ANY = -1
ICMP4, ICMP6 = 1, 58
PROTOCOLS = {"icmp4": ICMP4, "tcp": 6, "udp": 17, "icmp6": ICMP6, "sctp": 132}
NAMES = {number: name for name, number in PROTOCOLS.items()}
WITH_PORTS = frozenset({6, 17, 132})
MAX_PORT = 65535
ALL_PORTS = (0, MAX_PORT)
BOTH, ANYTHING, OTHERS, EXCEPT = "icmp", "any", "other protocols", "any except "
GROUPS = {BOTH: (ICMP4, ICMP6), OTHERS: tuple(n for n in range(256) if n not in NAMES)}
SPELT = re.compile(r"protocols? (\d{1,3})(?:-(\d{1,3}))?")
KNOWN = "tcp, udp, sctp, icmp, icmp4, icmp6"


@dataclass(frozen=True, slots=True, order=True)
class PortRange:
    """Destination ports `first..last` (inclusive) of one protocol number, or of `ANY`, from source
    ports `source_first..source_last`."""

    protocol: int = ANY
    first: int = 0
    last: int = MAX_PORT
    source_first: int = 0
    source_last: int = MAX_PORT

    def __str__(self) -> str:
        source = self.source_first, self.source_last
        suffix = "" if source == ALL_PORTS else f" from {span(source)}"
        if self.protocol == ANY:
            return ANYTHING + suffix
        ported = self.protocol in WITH_PORTS
        if (self.first, self.last) == ALL_PORTS or not ported:
            return name_of(self.protocol) + suffix
        return f"{span((self.first, self.last))}/{name_of(self.protocol)}{suffix}"


def span(ports: tuple[int, int]) -> str:
    """`80` or `80-90`."""
    return str(ports[0]) if ports[0] == ports[1] else f"{ports[0]}-{ports[1]}"


def name_of(protocol: int, version: int | None = None) -> str:
    """A protocol as it is written; inside an IP version that has one ICMP, `icmp` will do.

    >>> name_of(6), name_of(47), name_of(58), name_of(58, 6), name_of(58, 4)
    ('tcp', 'protocol 47', 'icmp6', 'icmp', 'icmp6')
    """
    if version is not None and protocol in GROUPS[BOTH] and sent(protocol, version):
        return BOTH
    return NAMES.get(protocol, f"protocol {protocol}")


def sent(protocol: int, version: int) -> bool:
    """Whether hosts send packets of a protocol inside an IP version (rule 2)."""
    return {ICMP4: 4, ICMP6: 6}.get(protocol, version) == version


def texts(ranges: Iterable[PortRange]) -> list[str]:
    """Ranges as they are written, both ICMPs as one.

    >>> texts([PortRange(1), PortRange(6, 80, 80), PortRange(58)]), texts([PortRange(58)])
    (['icmp', '80/tcp'], ['icmp6'])
    """
    found = list(dict.fromkeys(map(str, ranges)))
    if {"icmp4", "icmp6"} <= set(found):
        found[min(map(found.index, ("icmp4", "icmp6")))] = BOTH
        found = [text for text in found if text not in ("icmp4", "icmp6")]
    return found


def parse_ports(text: str) -> tuple[PortRange, ...]:
    """Read one entry or several with commas between; `ValueError` says what is wrong.

    >>> parse_ports("443/tcp")[0]
    PortRange(protocol=6, first=443, last=443, source_first=0, source_last=65535)
    >>> [texts(parse_ports(t)) for t in ("53-54/udp", "icmp", "icmp6,tcp from 53", "any")]
    [['53-54/udp'], ['icmp'], ['icmp6', 'tcp from 53'], ['any']]
    >>> texts(parse_ports("any except 80/tcp, udp"))[:3]
    ['0-79/tcp', '81-65535/tcp', 'sctp']
    """
    text = text.strip()
    if text.startswith(EXCEPT):
        return tuple(left_by(parse_ports(text.removeprefix(EXCEPT))))
    return tuple(dict.fromkeys(r for item in text.split(",") for r in entry(item.strip())))


def entry(text: str) -> Iterator[PortRange]:
    """One entry of a list."""
    what, by, source = text.partition(" from ")
    opener = ports_in(source.strip(), text) if by else ALL_PORTS
    ports, slash, name = what.strip().rpartition("/")
    if not slash:
        protocols = {**{n: (p,) for n, p in PROTOCOLS.items()}, **GROUPS, ANYTHING: (ANY,)}
        chosen = protocols.get(name) or numbered(name)
        if chosen is None:
            raise ValueError(
                f'"{text}" is not a port: write 443/tcp, 8000-8999/udp, tcp, icmp or any'
            )
        yield from (PortRange(protocol, *ALL_PORTS, *opener) for protocol in chosen)
        return
    if name not in PROTOCOLS and name not in GROUPS:
        raise ValueError(f'unknown protocol "{name}" in "{text}"; known: {KNOWN}')
    if PROTOCOLS.get(name) not in WITH_PORTS:
        raise ValueError(f'{name} has no ports: write "{name}"')
    yield PortRange(PROTOCOLS[name], *ports_in(ports, text), *opener)


def numbered(name: str) -> tuple[int, ...] | None:
    """The protocols of `protocol 47` or `protocols 2-5`; None when it is neither."""
    match = SPELT.fullmatch(name)
    if match is None:
        return None
    first, last = int(match[1]), int(match[2] or match[1])
    return tuple(range(first, last + 1)) if first <= last < 256 else None


def ports_in(ports: str, text: str) -> tuple[int, int]:
    """Both ends of `443` or `8000-8999`."""
    low, _, high = ports.partition("-")
    if not (low.isascii() and low.isdigit() and (not high or (high.isascii() and high.isdigit()))):
        raise ValueError(f'"{ports}" in "{text}" is not a port number or range')
    first, last = int(low), int(high or low)
    if not first <= last <= MAX_PORT:
        raise ValueError(f'port range in "{text}" must lie in 0-65535, lower end first')
    return first, last


def left_by(ranges: Iterable[PortRange]) -> Iterator[PortRange]:
    """Everything but these ranges, protocol by protocol."""
    holes = tuple(ranges)
    for protocol in sorted(range(256), key=lambda n: (n not in WITH_PORTS, n)):
        mine = [r for r in holes if r.protocol in (ANY, protocol)]
        if protocol not in WITH_PORTS:
            if not mine:
                yield PortRange(protocol)
            continue
        for source in port_atoms((r.source_first, r.source_last) for r in mine):
            here = [r for r in mine if r.source_first <= source[0] and source[1] <= r.source_last]
            for ports in port_atoms((r.first, r.last) for r in here):
                if not any(r.first <= ports[0] and ports[1] <= r.last for r in here):
                    yield PortRange(protocol, *ports, *source)


def port_atoms(ranges: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """All ports, cut wherever a range begins or ends.

    >>> port_atoms([(80, 80)]), port_atoms([])
    ([(0, 79), (80, 80), (81, 65535)], [(0, 65535)])
    """
    firsts = sorted({0} | cut(ranges, MAX_PORT))
    return list(zip(firsts, [*(f - 1 for f in firsts[1:]), MAX_PORT], strict=True))
