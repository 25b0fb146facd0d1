"""The grammar of `expect:` lines.

    A -> B[:PORTS]      connections that A's endpoints open to B's
    A <-> B[:PORTS]     both ways, PORTS are those of whoever is the destination

A and B are name patterns (`fabric.names`), PORTS are ranges (`fabric.ports`) with commas between.
"""

from __future__ import annotations

from fabric.ports import PortRange, parse_ports

ANYTHING = (PortRange(),)
GRAMMAR = 'write "A -> B", "A -> B:443/tcp,53/udp" or "A <-> B"'


def parse_claim(text: str) -> tuple[str, str, bool, tuple[PortRange, ...]]:
    """Source, destination, whether both ways, and ports of one line; `ValueError` if it is none.

    >>> source, target, both, ports = parse_claim("acme/* <-> globex/*")
    >>> source, target, both, list(map(str, ports))
    ('acme/*', 'globex/*', True, ['any'])
    >>> [str(p) for p in parse_claim("a -> zone2/inet: 443/tcp, 53/udp")[3]]
    ['443/tcp', '53/udp']
    """
    arrow = next((a for a in (" <-> ", " -> ") if a in text), None)
    if arrow is None or text.count("->") != 1:
        raise ValueError("it needs one arrow with spaces around it")
    source, _, rest = text.partition(arrow)
    target, colon, listed = rest.partition(":")
    source, target = source.strip(), target.strip()
    if not source or not target or ":" in source:
        raise ValueError("ports stand after the destination, and both sides need a name")
    ports = tuple(sorted(parse_ports(listed))) if colon else ANYTHING
    return source, target, arrow == " <-> ", ports
