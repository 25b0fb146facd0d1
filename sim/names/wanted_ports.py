"""The port behind a name that people type: `api:8080`, `[fd00::5]:53/udp`, `nfs-0:nfs`, `db:icmp`.

Rules that hold here:

1. A number alone is TCP. Everything that `fabric.values.ports` reads is a port.
2. What is no port by itself is the name of a container port, maybe with its protocol
   (`metrics/tcp`): of each destination the number that it calls so.
3. The name of a Service is given with its kind in brackets, however it was written.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from fabric.diagnostics import Diagnostic, InputError, did_you_mean
from fabric.values.address_sets import address_in, set_in
from fabric.values.door_names import in_brackets
from fabric.values.inventory import Endpoint
from fabric.values.ports import NAMES, WITH_PORTS, PortRange, parse_ports, sent

Ports = tuple[PortRange, ...]
CALLED = re.compile(r"([a-z0-9-]{1,15})(?:/(tcp|udp|sctp|any))?")
WRITE = "write DST:443, DST:53/udp or DST:icmp"


def split_port(text: str) -> tuple[str, str]:
    """Name or address, and port; brackets keep IPv6 addresses whole.

    >>> split_port("[fd00::5]:53/udp"), split_port("web/a:80"), split_port("fd00::5")
    (('fd00::5', '53/udp'), ('web/a', '80/tcp'), ('fd00::5', ''))
    >>> split_port("Service shop/web:80/tcp")
    ('shop/web[Service]', '80/tcp')
    """
    text = text.strip()
    if address_in(text) is not None or set_in(text) is not None:
        return text, ""
    if text.startswith("["):
        name, _, port = text[1:].partition("]")
        port = port.removeprefix(":")
    else:
        name, _, port = text.rpartition(":") if ":" in text else (text, "", "")
    return in_brackets(name), f"{port}/tcp" if port.isdigit() else port


def split_source(text: str) -> tuple[str, int | None]:
    """A source and the port that it sends from, if it says one.

    >>> split_source("[::1]:40000"), split_source("web/a")
    (('::1', 40000), ('web/a', None))
    """
    name, port = split_port(text)
    number = port.removesuffix("/tcp")
    if number.isdigit() and int(number) < 65536:
        return name, int(number)
    return in_brackets(text.strip()), None


def ports_by(text: str, endpoints: Iterable[Endpoint]) -> list[tuple[Ports, tuple[Endpoint, ...]]]:
    """What a port means to each of these endpoints, those that agree together; whoever has no port
    of that name is left out. `InputError` when nobody has."""
    some = tuple(endpoints)
    try:
        return [(parse_ports(text), some)]
    except ValueError as error:
        match = CALLED.fullmatch(text)
        if match is None or not any(c.isalpha() for c in match[1]):
            raise InputError(Diagnostic("C713", str(error), None, WRITE)) from None
    name, protocol = match.groups()
    found: dict[Ports, list[Endpoint]] = {}
    for endpoint in some:
        mine = sorted(
            {
                PortRange(p.protocol, p.number, p.number)
                for p in endpoint.ports
                if p.name == name and protocol in (None, "any", NAMES.get(p.protocol))
            }
        )
        if mine:
            found.setdefault(tuple(mine), []).append(endpoint)
    if not found:
        raise _nobody(text, some)
    return [(ports, tuple(members)) for ports, members in found.items()]


def _nobody(text: str, endpoints: Sequence[Endpoint]) -> InputError:
    if not endpoints:
        message = f'"{text}" is a port of a container: an address needs a number'
        return InputError(Diagnostic("C713", message, None, WRITE))
    known = sorted({p.name for e in endpoints for p in e.ports if p.name})
    who = endpoints[0].name if len(endpoints) == 1 else f"none of {len(endpoints)} endpoints"
    has = "has no port" if len(endpoints) == 1 else "has a port"
    hint = did_you_mean(text, known) or (f"there is {', '.join(known)}" if known else WRITE)
    return InputError(Diagnostic("C705", f'{who} {has} called "{text}"', None, hint))


def packet_port(ports: Iterable[PortRange], version: int) -> tuple[int, int, int | None] | None:
    """Protocol, destination port and, where they say one, source port of one packet inside a
    version; None when no host sends any of these there."""
    for r in ports:
        protocol = 6 if r.protocol < 0 else r.protocol
        if sent(protocol, version):
            limited = (r.source_first, r.source_last) != (0, 65535)
            opener = r.source_first if limited else None
            return (protocol, r.first, opener) if protocol in WITH_PORTS else (protocol, 0, 0)
    return None
