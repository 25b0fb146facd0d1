"""A network from several sources in the making: what its parts hand on to each other."""

from __future__ import annotations

from dataclasses import dataclass, field

from compiler.imports.device_facts import Device
from compiler.imports.joined.cluster_ends import BehindDpu
from compiler.imports.joined.device_places import DevicePlaces
from compiler.imports.joined.known_ways import KnownWays
from compiler.imports.joined.peer_sessions import PeerSessions
from compiler.imports.joined.same_tables import SameTable
from compiler.imports.sites.host_ends import HostEnd
from fabric.diagnostics import Diagnostics
from fabric.file.spec import FabricSpec
from fabric.kubernetes.unmodelled.unevaluated import Unevaluated


@dataclass(slots=True)
class Joining:
    """A network in the making. `tables` are its VRFs, `at` who is behind each device and where."""

    spec: FabricSpec
    places: DevicePlaces
    sessions: PeerSessions
    ways: KnownWays
    tables: list[SameTable]
    at: list[list[tuple[int, HostEnd]]]
    found: Diagnostics
    behind: list[BehindDpu] = field(default_factory=list)
    records: list[Unevaluated] = field(default_factory=list)

    @property
    def devices(self) -> tuple[Device, ...]:
        """The devices that are given."""
        return self.places.devices

    @property
    def unseen(self) -> int:
        """The node of what nobody knows, which is there where something leads to it."""
        return len(self.places.fabric.nodes)
