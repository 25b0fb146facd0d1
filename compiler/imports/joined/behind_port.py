"""Who is behind an interface of a device, as one side of rules: by name, and by nothing else."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from compiler.policy.domain import Domain
from compiler.policy.matcher import Inside
from compiler.policy.matcher_sorts import EndpointMatcher
from fabric.values.inventory import Endpoint


@dataclass(frozen=True, slots=True)
class BehindPort(EndpointMatcher):
    """The endpoints of these names in a VRF, which are behind `port` of a device. A pattern of
    names would also select the pods of a workload that is called as a pod is."""

    port: str
    vrf: str
    names: frozenset[str]

    def selects(self, endpoint: Endpoint, network: Domain) -> bool:
        return endpoint.name in self.names

    def text(self) -> str:
        return f"behind {self.port}"

    def looks(self) -> frozenset[str]:
        return frozenset(("name",))

    def label_keys(self) -> Iterable[str]:
        return ()

    def inside(self) -> Inside:
        return "vrf", frozenset((self.vrf,))
