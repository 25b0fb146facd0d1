"""What a shell offers when TAB is pressed behind an option that wants a name.

Rules that hold here:

1. The names are those of the FABRIC (or of the manifests) that stands on the line already; without
   one, or where it cannot be read, nothing is offered and nothing is said.
2. Nothing is written, and no kernel is loaded. Nodes and links need the wiring alone. Endpoints and
   VRFs need the whole network, and are offered where that takes a moment: up to `MOST` hosts.
3. Names beside a port: what is offered ends before the colon.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from fabric.building.network import Network
    from fabric.wiring.topology import Fabric

ANY_TIME = "0001-01-01T00:00:00Z"
"""Names are the same at all times."""
MOST = 64
Complete = Callable[[click.Context, click.Parameter, str], list[str]]


def offered(of: Callable[[list[Path]], Iterable[str]]) -> Complete:
    """Names as click asks for them: those that go on from what is typed (rule 1)."""

    def complete(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
        paths = named_inputs(context)
        try:
            names = sorted(set(of(paths))) if paths else []
        except Exception:
            return []  # a shell shows whatever is printed, in the middle of somebody's line
        return [name for name in names if name.startswith(incomplete)]

    return complete


def named_inputs(context: click.Context) -> list[Path]:
    """The inputs on the line, wherever a verb keeps them. While an option still lacks its value,
    click has not told arguments apart: the first that exists is the input."""
    for name in ("fabric", "paths", "files", "old"):
        value = context.params.get(name)
        if value:
            return [Path(v) for v in value] if isinstance(value, tuple | list) else [Path(value)]
    return [path for path in map(Path, context.args) if path.exists()][:1]


def wiring(paths: list[Path]) -> Fabric:
    """Nodes and links of a fabric file."""
    from fabric.building.load import load_fabric
    from fabric.wiring.clos import build_fabric

    return build_fabric(load_fabric(paths[0]))


def network(paths: list[Path]) -> Network:
    """The whole network, if it is small; ValueError if not (rule 2)."""
    from cloison.loading.how import How
    from cloison.loading.loader import is_fabric, read
    from fabric.wiring.topology import Role

    paths = paths[:1] if is_fabric(paths[0]) else paths
    if is_fabric(paths[0]):
        hosts = sum(node.role is Role.HOST for node in wiring(paths).nodes)
        if hosts > MOST:
            raise ValueError(f"{hosts} hosts take too long")
    return read(paths, How({"time": (ANY_TIME,)}, "forgotten")).whole()[0]


def _tenants(paths: list[Path]) -> Iterable[str]:
    from fabric.building.load import load_fabric

    spec = load_fabric(paths[0])
    zones = {"zone0": spec.zones.zone0.endpoints, "zone2": spec.zones.zone2.endpoints}
    return [*spec.tenants, *(zone for zone, endpoints in zones.items() if endpoints)]


def _endpoints(paths: list[Path]) -> Iterable[str]:
    from fabric.building.cluster import CLUSTER
    from fabric.values.names import others

    for endpoint in network(paths).endpoints:
        names = [endpoint.name, *others(endpoint)]
        if endpoint.workload:
            names.append("/".join([*endpoint.name.split("/")[:-1], endpoint.workload]))
        yield from (name.removeprefix(f"{CLUSTER}/") for name in names)


nodes = offered(lambda paths: (node.name for node in wiring(paths).nodes))
tenants = offered(_tenants)
vrfs = offered(lambda paths: (vrf.name for vrf in network(paths).vrfs))
endpoints = offered(_endpoints)
kinds = offered(lambda paths: (record.kind for record in network(paths).not_evaluated))


def targets(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """Capacity profiles."""
    from compiler.targets.catalogue import profiles

    return [name for name in profiles() if name.startswith(incomplete)]
