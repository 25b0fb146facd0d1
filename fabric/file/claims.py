"""The grammar of `expect:` lines.

    A -> B[:PORTS]      connections that A's endpoints open to B's
    A <-> B[:PORTS]     both ways, PORTS are those of whoever is the destination

A and B are name patterns (`fabric.names`), PORTS are ranges (`fabric.ports`) with commas between.
In `A -> B` each may also be addresses (`fabric.address_sets`); before ports IPv6 stands in
brackets. B may be a Service (`fabric.service_names`), with ports of its own.
"""

from __future__ import annotations

from fabric.address_sets import addresses_in
from fabric.ports import PortRange, parse_ports
from fabric.service_names import service_in

ANYTHING = (PortRange(),)
GRAMMAR = 'write "A -> B", "A -> B:443/tcp,53/udp" or "A <-> B"'


def parse_claim(text: str) -> tuple[str, str, bool, tuple[PortRange, ...]]:
    """Source, destination, whether both ways, and ports of one line; `ValueError` if it is none.

    >>> source, target, both, ports = parse_claim("acme/* <-> globex/*")
    >>> source, target, both, list(map(str, ports))
    ('acme/*', 'globex/*', True, ['any'])
    >>> [str(p) for p in parse_claim("a -> zone2/inet: 443/tcp, 53/udp")[3]]
    ['443/tcp', '53/udp']
    >>> parse_claim("fd00::/8 -> [2001:db8::1]:443/tcp")[:2]
    ('fd00::/8', '2001:db8::1')
    >>> [parse_claim(f"a -> {b}")[1] for b in ("10.0.0.1-10.0.0.9:80/tcp", "::/0, 10.0.0.0/8")]
    ['10.0.0.1-10.0.0.9', '::/0, 10.0.0.0/8']
    >>> parse_claim("acme/web -> service acme/shop/api:80/tcp")[:2]
    ('acme/web', 'service acme/shop/api')
    """
    arrow = next((a for a in (" <-> ", " -> ") if a in text), None)
    if arrow is None or text.count("->") != 1:
        raise ValueError("it needs one arrow with spaces around it")
    source, _, rest = text.partition(arrow)
    target, colon, listed = destination(rest.strip())
    source = source.strip()
    if source.startswith("[") and addresses_in(source[1:-1]) is not None:
        source = source[1:-1]
    if not source or not target or (":" in source and addresses_in(source) is None):
        raise ValueError("ports stand after the destination, and both sides need a name")
    if arrow == " <-> " and any(addresses_in(end) is not None for end in (source, target)):
        raise ValueError("addresses stand on one side of -> only: write a line for each way")
    services = [service_in(end) is not None for end in (source, target)]
    if services[0] or (services[1] and arrow == " <-> "):
        raise ValueError(
            "a Service opens no connections: it stands behind ->, before it a workload"
        )
    ports = tuple(sorted(parse_ports(listed))) if colon else ANYTHING
    return source, target, arrow == " <-> ", ports


def destination(text: str) -> tuple[str, str, str]:
    """A destination, a colon if ports follow, and the ports."""
    if text.startswith("["):
        name, _, rest = text[1:].partition("]")
        return name.strip(), rest[:1], rest[1:]
    if addresses_in(text) is not None:
        return text, "", ""
    name, colon, listed = text.partition(":")
    return name.strip(), colon, listed
