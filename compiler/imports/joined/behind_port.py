"""Who is behind an interface of a device, as one side of rules: by name, and by nothing else."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from compiler.policy.matcher import Around, Inside, Matcher, Members, PodTerms
from fabric.building.network import Network
from fabric.values.inventory import Endpoint, Prefix

if TYPE_CHECKING:
    from compiler.policy.ir import Packet


@dataclass(frozen=True, slots=True)
class BehindPort(Matcher):
    """The endpoints of these names in a VRF, which are behind `port` of a device. A pattern of
    names would also select the pods of a workload that is called as a pod is."""

    near: ClassVar[bool] = False

    port: str
    vrf: str
    names: frozenset[str]

    def selects(self, endpoint: Endpoint, network: Network) -> bool:
        return endpoint.name in self.names

    def means(
        self, packet: Packet, local: Endpoint, remote: Endpoint | None, network: Network
    ) -> bool:
        return remote is not None and self.selects(remote, network)

    def covers(self, around: Around, local: Endpoint | None) -> Members:
        return Members(around.endpoints(self))

    def text(self) -> str:
        return f"behind {self.port}"

    def looks(self) -> frozenset[str]:
        return frozenset(("name",))

    def label_keys(self) -> Iterable[str]:
        return ()

    def cuts(self) -> Iterable[Prefix]:
        return ()

    def addresses(self) -> None:
        return None

    def inside(self) -> Inside:
        return "vrf", frozenset((self.vrf,))

    def by_labels(self) -> PodTerms | None:
        return None

    def in_namespace(self) -> str | None:
        return None
