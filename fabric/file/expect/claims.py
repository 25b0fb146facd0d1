"""The grammar of `expect:` lines.

    A -> B[:PORTS]      connections that A's endpoints open to B's
    A <-> B[:PORTS]     both ways, PORTS are those of whoever is the destination

A and B are name patterns (`fabric.values.names`), PORTS are ranges (`fabric.values.ports`) with
commas between. In `A -> B` each may also be addresses (`fabric.values.address_sets`); before ports
IPv6 stands in brackets. B may be a door (`fabric.values.door_names`): a Service, with ports of its
own that may be called by name, or an Ingress.
"""

from __future__ import annotations

import re

from fabric.values.address_sets import addresses_in
from fabric.values.door_names import door_in
from fabric.values.ports import PortRange, parse_ports

ANYTHING = (PortRange(),)
CALLED = re.compile(r"([a-z0-9-]{1,63})(?:/(tcp|udp|sctp))?")
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
    doors = [door_in(end) for end in (source, target)]
    if doors[0] or (doors[1] and arrow == " <-> "):
        what = next(door.one for door in doors if door)
        raise ValueError(f"{what} opens no connections: it stands behind ->, before it a workload")
    of_service = doors[1] is not None and doors[1].has_ports
    found = ANYTHING if not colon else _ranges(listed)[0] if of_service else parse_ports(listed)
    ports = tuple(sorted(found))
    return source, target, arrow == " <-> ", ports


def port_names(text: str) -> tuple[str, ...]:
    """The ports that a line about a Service calls by name, `http` or `http/tcp`.

    >>> port_names("a -> service b/c:http, 53/udp, dns/udp"), port_names("a -> service b/c:53/udp")
    (('http', 'dns/udp'), ())
    """
    target, _, listed = destination(re.split(" <?-> ", text)[-1].strip())
    door = door_in(target)
    return _ranges(listed)[1] if listed and door is not None and door.has_ports else ()


def _ranges(listed: str) -> tuple[tuple[PortRange, ...], tuple[str, ...]]:
    """Ports in words, and names of ports: all that can be no words."""
    try:
        return parse_ports(listed), ()
    except ValueError as error:
        items = [item.strip() for item in listed.split(",")]
        names = tuple(dict.fromkeys(item for item in items if _is_name(item)))
        rest = [item for item in items if item not in names]
        if not names:
            raise error
        return parse_ports(", ".join(rest)) if rest else (), names


def _is_name(item: str) -> bool:
    match = CALLED.fullmatch(item)
    try:
        return not parse_ports(item)
    except ValueError:
        return match is not None and any(c.isalpha() for c in match[1])


def destination(text: str) -> tuple[str, str, str]:
    """A destination, a colon if ports follow, and the ports."""
    if text.startswith("["):
        name, _, rest = text[1:].partition("]")
        return name.strip(), rest[:1], rest[1:]
    if addresses_in(text) is not None:
        return text, "", ""
    name, colon, listed = text.partition(":")
    return name.strip(), colon, listed
