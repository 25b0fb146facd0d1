"""Names of doors: `Service shop/web` as `reach` prints it, or `shop/web[Service]`; a tenant may
stand in front of the namespace. A door leads to pods and opens no connections, so it is a
destination and never a source.

A Service has the ports that it offers. An Ingress, a route of a gateway and a host port have none
that a name could speak of: each stands for all that it leads to.
"""

from __future__ import annotations

import re
from typing import NamedTuple

SERVICE, HOST_PORT, INGRESS = "Service", "hostPort", "Ingress"
ROUTES = ("HTTPRoute", "GRPCRoute", "TLSRoute", "TCPRoute", "UDPRoute")
KINDS = (SERVICE, INGRESS, *ROUTES, "Route", HOST_PORT)
SPELT = re.compile(rf"({'|'.join(KINDS)})\s+(\S.*)", re.IGNORECASE)
BEHIND = re.compile(rf"(.*)\[({'|'.join(KINDS)})\]", re.DOTALL)
PLAIN = {kind.lower(): kind for kind in KINDS}


class DoorName(NamedTuple):
    """What a door is called: `shop/web` of kind `Service`."""

    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.name}[{self.kind}]"

    @property
    def one(self) -> str:
        """Its kind in a sentence."""
        return f"{'an' if self.kind in (INGRESS, 'HTTPRoute') else 'a'} {self.kind}"

    @property
    def has_ports(self) -> bool:
        """Whether ports behind the name are ports of its own."""
        return self.kind == SERVICE


def door_in(text: str) -> DoorName | None:
    """The door that a text names; None when it is the name of none.

    >>> [str(door_in(t)) for t in ("service shop/web", "acme/shop/web[Service]", "shop/web")]
    ['shop/web[Service]', 'acme/shop/web[Service]', 'None']
    >>> str(door_in("HTTPRoute shop/front")), str(door_in("ingress shop/front[Ingress]"))
    ('shop/front[HTTPRoute]', 'shop/front[Ingress]')
    """
    text = text.strip()
    if found := SPELT.fullmatch(text):
        kind = PLAIN[found[1].lower()]
        return DoorName(kind, found[2].removesuffix(f"[{kind}]"))
    found = BEHIND.fullmatch(text)
    return DoorName(found[2], found[1]) if found else None


def in_brackets(text: str) -> str:
    """A door's name with its kind behind it, any other text as it is.

    >>> in_brackets("Service shop/web"), in_brackets("shop/web")
    ('shop/web[Service]', 'shop/web')
    """
    found = door_in(text)
    return text if found is None else str(found)
