"""A header field that is made up, the ECN bits of RFC 3168: one row (`ROW`).

Rules that limit it come from a source; here they are written down.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from cloison.loading.how import How
from cloison.views.world import World
from compiler.policy.fields import Field, Within
from compiler.policy.ir import (
    L4,
    Action,
    Direction,
    Everyone,
    Named,
    Origin,
    Policy,
    Rule,
    Stage,
)
from compiler.policy.origin_kinds import Listed, OriginKind
from compiler.policy.source import Source, all_read, no_mistakes, ordered
from compiler.sources import SOURCES
from fabric.building.network import Network

ROOT = Path(__file__).parents[1]
ROW = Field("ecn", 3, False, False, {4: 14, 6: 10}, ("not-ect", "ect1", "ect0", "ce"))
SMALL = ROOT / "topologies" / "small.yaml"
STAMP = OriginKind(
    "stamp", declared=True, silent=False, own=False, closing=False, bare=False,
    policy=False, suspicion=(1, 3), listed=Listed.NAMED,
    said="", whole=False, leads=False, echo=False, lines=False, items=False,
)  # fmt: skip
WEB, API, DB = "acme/web/front-1", "acme/catalog/api-0:8080/tcp", "acme/catalog/db-0:5432/tcp"
CE = (("ecn", 3),)
MAC = "02:00:00:00:00:01"


def stamped(action: Action, first: int, last: int) -> Source:
    """A source that says one thing of everything that acme sends with some ECN values."""

    def policy(network: Network) -> Policy:
        origin = Origin(STAMP, f"ecn {first}-{last}")
        both = (Named(("acme/*",)),), (Everyone(),)
        limit = (L4(fields=(Within("ecn", first, last),)),)
        made = (Rule(Stage.OVERRIDE, way, -1, *both, limit, action, origin) for way in Direction)
        return Policy(tuple(made))

    return Source("stamps", policy, lambda network, found: (), no_mistakes, (), all_read, ordered)


def world(*sources: Source) -> World:
    return World.read([SMALL], How(drawn="forgotten", sources=(*SOURCES, *sources)))


def no_ce() -> World:
    """Nothing of acme passes that has met congestion."""
    return world(stamped(Action.DENY, 3, 3))


def captured(path: Path, here: World, values: Iterable[int]) -> list[Any]:
    """A capture of front to api with these values, by scapy; both IP versions."""
    from scapy.layers.inet import IP, TCP
    from scapy.layers.inet6 import IPv6
    from scapy.layers.l2 import Ether
    from scapy.utils import wrpcap

    front, api = (next(e for e in here.network.endpoints if e.name == n)
                  for n in (WEB, API.split(":")[0]))  # fmt: skip
    frames = []
    for number, value in enumerate(values):
        for a, b in zip(front.prefixes, api.prefixes, strict=False):
            four = a.version == b.version == 4
            octet = 0xB8 | value
            head = (
                IP(src=str(a[0]), dst=str(b[0]), tos=octet)
                if four
                else IPv6(src=str(a[0]), dst=str(b[0]), tc=octet)
            )
            frames.append(
                Ether(src=MAC, dst=MAC) / head / TCP(sport=40000 + number, dport=8080, flags="S")
            )
    wrpcap(str(path), frames)
    return frames
