"""`World`: a built network with its compiled policy, and views of both as tables and pictures.

The tables are those of `cloison show`, with every column. Compiling happens on first use and once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from cloison.cli import show_addresses, show_policy, show_routes, show_sessions, show_topology
from cloison.sources import network
from cloison.table import Table
from compiler.blocks import Blocks, build_blocks
from compiler.compile import compile_network
from compiler.tables import Program
from fabric.build import build, rebuild
from fabric.network import Network
from fabric.spec import FabricSpec
from fabric.topology import Role

if TYPE_CHECKING:
    from cloison.plot import Drawing


class World:
    """What exists (`network`) and what is allowed in it (`program`)."""

    def __init__(self, network: Network) -> None:
        self.network = network

    @staticmethod
    def of(source: str | Path | FabricSpec | World, down: Iterable[str] = ()) -> World:
        """The world of a fabric file or of manifests, of a spec, or of a world (with exactly `down`
        failed)."""
        if isinstance(source, World):
            return World(rebuild(source.network, down=tuple(down))) if down else source
        if isinstance(source, FabricSpec):
            return World(build(source, down=tuple(down)))
        return World(network([Path(source)], down=down))

    @cached_property
    def program(self) -> Program:
        """The compiled policy."""
        return compile_network(self.network)

    @cached_property
    def blocks(self) -> Blocks:
        """The compiled policy as arrays."""
        return build_blocks(self.program)

    @property
    def summary(self) -> Table:
        """How large it is."""
        network = self.network
        counts = {r.value: sum(n.role is r for n in network.fabric.nodes) for r in Role} | {
            "link": len(network.fabric.links),
            "tenant": len({v.tenant for v in network.vrfs if v.zone == 1}),
            "VRF": len(network.vrfs),
            "endpoint": len(network.endpoints),
        }
        rows = tuple({"what": what, "count": count} for what, count in counts.items() if count)
        return Table(rows, network.spec.name)

    @property
    def nodes(self) -> Table:
        """Devices, from the top tier down."""
        return Table(tuple(show_topology.node_rows(self.network.fabric)), "Nodes")

    @property
    def links(self) -> Table:
        """Cables with their ports."""
        return Table(tuple(show_topology.link_rows(self.network.fabric)), "Links")

    @property
    def sessions(self) -> Table:
        """BGP sessions, both ends of each."""
        return Table(tuple(show_sessions.rows(self.network)), "Sessions")

    @property
    def vrfs(self) -> Table:
        """Routing instances with their VNIs, route targets and prefixes."""
        return Table(tuple(show_addresses.vrfs(self.network)), "VRFs")

    @property
    def endpoints(self) -> Table:
        """Whatever sends and receives; `assumed` says what was derived by rule and not read."""
        return Table(tuple(show_addresses.endpoints(self.network)), "Endpoints")

    @property
    def routes(self) -> Table:
        """What the control plane left in every (VTEP, VRF), and why."""
        return Table(
            tuple(show_routes.fib_rows(self.network, None, None)), "Routes", show_routes.COLUMNS
        )

    @property
    def policy(self) -> Table:
        """Rules as read, in evaluation order."""
        return Table(tuple(show_policy.rows(self.program.policy)), "Policy")

    @property
    def isolation(self) -> Table:
        """Pairs of VRFs between which packets may pass, proven for all packets and any number of
        endpoints: what is not listed cannot. `declared`: everything that may pass was asked for."""
        from cloison.regions import crossing_rows
        from sim.crossings import isolation

        return Table(tuple(crossing_rows(isolation(self.blocks))), "Isolation")

    def changes(self, new: World) -> Table:
        """What enforcement points of `new` decide otherwise than those of this world, as disjoint
        regions of all packets."""
        from cloison.regions import change_rows
        from sim.changes import changes

        found = changes(self.blocks, new.blocks)
        return Table(tuple(change_rows(new.network, found)), "Changed decisions")

    def plot(
        self, *, tenant: str | None = None, path: Sequence[str] = (), title: str = ""
    ) -> Drawing:
        """The Clos by tier; the nodes of a tenant coloured, a path of node names in red."""
        from cloison.plot import draw_fabric

        network = self.network
        at = {e.vtep for e in network.endpoints if e.tenant == tenant}
        title = title or network.spec.name + (f" · {tenant}" if tenant else "")
        marked = [network.fabric.nodes[i].name for i in at]
        return draw_fabric(network.fabric, title=title, marked=marked, path=path)

    def __repr__(self) -> str:
        return f"{self.network.spec.name}: {len(self.network.endpoints)} endpoints"

    def _repr_html_(self) -> str:
        return self.summary._repr_html_()
