"""Which VRF a pod, a node, or an endpoint of some name belongs to (rules 1 and 2 of
`fabric.plan.endpoints`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fabric.file.spec import Tenant
from fabric.plan.per_namespace import NODES, dynamic

if TYPE_CHECKING:
    from fabric.plan.endpoints import PlanInputs
    from fabric.plan.placement import Placed


def main_vrf(tenant: Tenant) -> str:
    """The VRF whose nodes have the short name (rule 2)."""
    return "main" if "main" in tenant.vrfs else next(iter(tenant.vrfs))


class VrfOf:
    """Of one fabric. Namespaces without a VRF are errors, once each."""

    def __init__(self, site: PlanInputs) -> None:
        self.site = site
        self.index = {vrf.name: vrf.index for vrf in site.vrfs}
        self.known: dict[tuple[str, str], int | None] = {}

    def pod(self, pod: Placed) -> int | None:
        """The VRF of a pod; None, with an error, when its namespace has none."""
        key = pod.tenant, pod.namespace
        if key not in self.known:
            self.known[key] = self.index.get(f"{pod.tenant}/{self.name(*key)}")
            if self.known[key] is None:
                self.site.problems.error(
                    "C410",
                    f'namespace "{pod.namespace}" of {pod.tenant} belongs to no VRF',
                    pod.span,
                    "leave out `namespaces` at one VRF: it takes all others",
                )
            elif dynamic(self.site.spec, pod.tenant) and pod.namespace == NODES:
                what = f'namespace "{NODES}" of {pod.tenant} would share the VRF of the hosts'
                hint = (
                    "with vrf_per: namespace that name is taken: rename it, or use vrf_per: tenant"
                )
                self.site.problems.error("C455", what, pod.span, hint)
        return self.known[key]

    def name(self, tenant: str, namespace: str) -> str | None:
        """The VRF of a namespace, without the tenant."""
        settings = self.site.spec.tenants[tenant]
        if settings.vrf_per == "namespace":
            return namespace
        named = [name for name, vrf in settings.vrfs.items() if namespace in vrf.namespaces]
        rest = [name for name, vrf in settings.vrfs.items() if not vrf.namespaces]
        return next(iter(named + rest), None)

    def named(self, endpoint: str) -> int | None:
        """The VRF in which an endpoint of this name is, or would be; None when there is none."""
        tenant, _, rest = endpoint.partition("/")
        settings = self.site.spec.tenants.get(tenant)
        if settings is None or not settings.vrfs:
            return None
        if not rest.startswith("@node/"):
            return self.index.get(f"{tenant}/{self.name(tenant, rest.partition('/')[0])}")
        if settings.vrf_per == "namespace":
            return self.index.get(f"{tenant}/{NODES}")
        return self.index.get(
            f"{tenant}/{rest.partition('@node/')[2].partition('@')[2] or main_vrf(settings)}"
        )

    def node(self, tenant: str, vrf: int) -> int:
        """The VRF of the node endpoint that serves pods of this VRF."""
        if self.site.spec.tenants[tenant].vrf_per == "namespace":
            return self.index[f"{tenant}/{NODES}"]
        return vrf

    def nodes(self, tenant: str) -> list[int]:
        """The VRFs in which every host of a tenant is (rule 2)."""
        settings = self.site.spec.tenants[tenant]
        if settings.vrf_per == "namespace":
            names = [NODES]
        else:
            names = [
                name
                for name in settings.vrfs
                if (number := self.index.get(f"{tenant}/{name}")) is not None
                and any(slot.use == "nodes" for slot in self.site.slots[number])
            ] or [main_vrf(settings)]
        return [self.index[full] for name in names if (full := f"{tenant}/{name}") in self.index]
