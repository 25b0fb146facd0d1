"""One cluster: what its roles allow, and the way to its API server from an end of the fabric.

Rules that hold here:

1. Of manifests there are roles alone. A fabric file says where a tenant's API server is
   (`api_server`), and so who gets there.
2. Which cluster is meant is said, or it is the only one, or that of the tenant from whose end
   somebody asks. Nobody guesses between several (C660).
3. There is a way where there is one for either IP version. A way is a packet's own: what somebody
   in between does on another's behalf is not looked at.
4. A template that is not rendered, and files that were not opened, may hold bindings: what nothing
   allows is unknown then, unless the input is said to be complete.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cloison.loading.how import How
from cloison.loading.loader import is_fabric
from cloison.views.way_ruling import ruled
from cloison.views.world import World
from compiler.decisions.decision import Ruling
from compiler.decisions.rbac.asked_access import ClusterRoles, cluster_roles
from fabric.building.cluster import made_from_folders
from fabric.diagnostics import Diagnostic, InputError, did_you_mean
from fabric.kubernetes.manifests import Manifests, load_manifests
from sim.why.one_answer import explain

if TYPE_CHECKING:
    from fabric.values.inventory import Endpoint

PORT = "6443/tcp"
MAY_HOLD = ("template", "unread")
DIRECT = "the request goes there itself, and through nobody else"
MOST_PODS = 20


@dataclass(frozen=True, slots=True, eq=False)
class ApiCluster:
    """`name` is the tenant's, empty for manifests alone; `server` the endpoint with its port, empty
    where the file does not say it."""

    name: str
    roles: ClusterRoles
    world: World | None = None
    server: str = ""

    @staticmethod
    def read(
        paths: Sequence[Path], how: How, tenant: str | None, source: str | None, complete: bool
    ) -> ApiCluster:
        """The cluster that is meant; raises `InputError`."""
        if len(paths) == 1 and is_fabric(paths[0]):
            world = World.of_fabric(paths[0], how)
            name = _meant(world, tenant, source)
            spec = world.network.spec
            port = spec.tenants[name].api_server or ""
            server = f"{port}:{PORT}" if port and ":" not in port else port
            return ApiCluster(name, _roles(world.network.manifests[name], complete), world, server)
        if tenant is not None:
            raise InputError(Diagnostic("C660", "manifests alone are one cluster, of no tenant"))
        folders, told = made_from_folders(paths)
        return ApiCluster("", _roles(load_manifests(folders, told=told), complete))

    def path(self, source: str) -> Ruling:
        """Whether a packet from there gets to the API server; raises `InputError`."""
        if self.world is None:
            what, hint = "manifests alone have no way to an API server", "name a fabric file"
            raise InputError(Diagnostic("C660", what, None, hint))
        if not self.server:
            span = self.world.network.spec.at_key("tenants", self.name)
            what = f"the file does not say where the API server of {self.name} is"
            hint = "write api_server: zone0/kube-apiserver:6443/tcp"
            raise InputError(Diagnostic("C660", what, span, hint))
        return _way(self.world, source, self.server)

    def pods_of(self, namespace: str, account: str) -> list[str]:
        """Workloads, or pods of none, that run as a service account: the way from each."""
        if self.world is None or not self.server:
            return []
        found = (
            _workload(one)
            for one in self.world.network.endpoints
            if one.kind == "pod" and one.tenant == self.name and one.namespace == namespace
            and (one.service_account or "default") == account
        )  # fmt: skip
        return list(dict.fromkeys(found))


def _workload(one: Endpoint) -> str:
    return f"{one.tenant}/{one.namespace}/{one.workload}" if one.workload else one.name


def _roles(manifests: Manifests, complete: bool) -> ClusterRoles:
    """Rule 4."""
    hidden = (one for one in manifests.not_evaluated if one.category in MAY_HOLD)
    told = tuple(dict.fromkeys(f"{one.title}{_at(one.span)}" for one in hidden))
    return cluster_roles(manifests.objects, told, complete=complete)


def _at(span: object) -> str:
    return f" at {span}" if span else ""


def _meant(world: World, tenant: str | None, source: str | None) -> str:
    """Rule 2."""
    known = sorted(world.network.manifests)
    if tenant is not None:
        if tenant not in known:
            hint = did_you_mean(tenant, known) or f"there are {', '.join(known)}"
            raise InputError(Diagnostic("C660", f'no tenant is called "{tenant}"', None, hint))
        return tenant
    own = (source or "").partition("/")[0]
    if own in known:
        return own
    if len(known) == 1:
        return known[0]
    what = f"which cluster is meant: that of {' or '.join(known)}?"
    raise InputError(Diagnostic("C660", what, None, "say --tenant"))


def _way(world: World, source: str, server: str) -> Ruling:
    """Rule 3."""
    found = []
    for version in (4, 6):
        try:
            found.append(explain(world, source, server, version))
        except InputError as error:
            if error.diagnostics[0].code != "C712":
                raise
    if not found:
        because = f"there is no flow from {source} to {server}: no address of the same IP version"
        return Ruling("denied", "no_path", because)
    best = min(found, key=lambda one: ("allow", "unknown", "depends", "deny").index(one.verdict))
    return ruled(best)


def ways(cluster: ApiCluster, namespace: str, account: str) -> Iterator[tuple[str, Ruling]]:
    """The way from each workload that runs as a service account; those that have several say so."""
    for name in cluster.pods_of(namespace, account)[:MOST_PODS]:
        try:
            yield name, cluster.path(name)
        except InputError as error:
            if error.diagnostics[0].code not in ("C460", "C714"):
                raise
            because = error.diagnostics[0].message
            yield name, Ruling("unknown", "several_paths", because)
