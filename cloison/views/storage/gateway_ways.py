"""The way of a request to a gateway, and what the gateway learns from it.

Rules that hold here:

1. A request is a connection from an end of the fabric to the gateway of the bucket's region. Each
   IP version is a way of its own: the gateway sees another address, so conditions may differ.
2. The address that a gateway sees is that of the sender, which enforcement points do not let
   anybody forge. Who sends from several (a prefix, a workload of some pods) has none that is known.
3. To port 443 a request comes with TLS. Whether one to another port does is not known; what a
   gateway says of `aws:SecureTransport` then differs, too.
"""

from __future__ import annotations

from dataclasses import dataclass

from cloison.views.way_ruling import ruled
from compiler.decisions.decision import Ruling
from fabric.diagnostics import InputError
from fabric.values.address_sets import address_in
from sim.names.ends import endpoints
from sim.names.wanted_ports import split_source
from sim.why.one_answer import explain
from sim.worlds.world import World

TLS = ":443/tcp"


@dataclass(frozen=True, slots=True)
class GatewayWay:
    """A way, what the network says of it, and the condition keys that it gives a request."""

    version: int
    ruling: Ruling
    context: dict[str, tuple[str, ...]]


def ways_to(world: World, source: str, gateway: str) -> list[GatewayWay]:
    """The ways that there are, one for each IP version; raises `InputError`."""
    out = []
    for version in (4, 6):
        try:
            found = explain(world, source, gateway, version)
        except InputError as error:
            if error.diagnostics[0].code != "C712":
                raise
            continue
        if found.flow.version == version:  # else there is none, and the other one was explained
            out.append(GatewayWay(version, ruled(found), seen(world, source, version, gateway)))
    return out


def seen(world: World, source: str, version: int, gateway: str) -> dict[str, tuple[str, ...]]:
    """Rules 2 and 3."""
    secure: dict[str, tuple[str, ...]] = {}
    if gateway.endswith(TLS):
        secure["aws:SecureTransport"] = ("true",)
    name = split_source(source)[0]
    if (written := address_in(name)) is not None:
        return {**secure, "aws:SourceIp": (str(written),)}
    owned = [one for end in endpoints(world.network, name) for one in end.prefixes]
    mine = [one for one in owned if one.version == version]
    if len(mine) == 1 and mine[0].num_addresses == 1:
        return {**secure, "aws:SourceIp": (str(mine[0].network_address),)}
    return secure
