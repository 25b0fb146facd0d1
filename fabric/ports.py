"""Layer-4 ranges as people write them: `443/tcp`, `8000-8999/udp`, `tcp`, `icmp`, `any`.

Protocols are IANA numbers. Protocols without ports carry port 0 everywhere in cloison. A range on
protocol `ANY` covers every protocol (and so every port).
"""

from __future__ import annotations

from dataclasses import dataclass

ANY = -1
PROTOCOLS = {"icmp": 1, "tcp": 6, "udp": 17, "icmp6": 58, "sctp": 132}
NAMES = {number: name for name, number in PROTOCOLS.items()}
WITH_PORTS = frozenset({6, 17, 132})
MAX_PORT = 65535


@dataclass(frozen=True, slots=True, order=True)
class PortRange:
    """Destination ports `first..last` (inclusive) of one protocol number, or of `ANY`."""

    protocol: int = ANY
    first: int = 0
    last: int = MAX_PORT

    def __str__(self) -> str:
        if self.protocol == ANY:
            return "any"
        name = NAMES.get(self.protocol, str(self.protocol))
        if (self.first, self.last) == (0, MAX_PORT) or self.protocol not in WITH_PORTS:
            return name
        ports = str(self.first) if self.first == self.last else f"{self.first}-{self.last}"
        return f"{ports}/{name}"


def parse_port(text: str) -> PortRange:
    """Read one range; `ValueError` says what is wrong with it.

    >>> parse_port("443/tcp")
    PortRange(protocol=6, first=443, last=443)
    >>> [str(parse_port(text)) for text in ("53-54/udp", "icmp", "any")]
    ['53-54/udp', 'icmp', 'any']
    """
    ports, slash, name = text.strip().rpartition("/")
    if not slash:
        if name == "any":
            return PortRange()
        if name in PROTOCOLS:
            return PortRange(PROTOCOLS[name])
        raise ValueError(f'"{text}" is not a port: write 443/tcp, 8000-8999/udp, tcp, icmp or any')
    if name not in PROTOCOLS:
        raise ValueError(f'unknown protocol "{name}" in "{text}"; known: {", ".join(PROTOCOLS)}')
    protocol = PROTOCOLS[name]
    if protocol not in WITH_PORTS:
        raise ValueError(f'{name} has no ports: write "{name}"')
    low, _, high = ports.partition("-")
    if not (low.isascii() and low.isdigit() and (not high or (high.isascii() and high.isdigit()))):
        raise ValueError(f'"{ports}" in "{text}" is not a port number or range')
    first, last = int(low), int(high or low)
    if not first <= last <= MAX_PORT:
        raise ValueError(f'port range in "{text}" must lie in 0-65535, lower end first')
    return PortRange(protocol, first, last)
