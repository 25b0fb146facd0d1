"""`World`: `sim.worlds.world.World`, with what people see of it as tables and pictures.

The tables are those of `cloison show`, with every column. Compiling happens on first use and once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

import sim.worlds.world
from cloison.loading.how import AS_USUAL, How
from cloison.loading.loader import Read, accept, read, read_fabric, read_spec, with_detours
from cloison.render.table import Table
from cloison.views.caveats.diagnosed import doubtful, warnings_table
from cloison.views.caveats.unknowns import COLUMNS, as_rows, brief, computed, notes
from cloison.views.network import drawn_numbers, policy, routes, sessions, topology
from fabric.control.rewrites import refuse_rewrites
from fabric.diagnostics import Diagnostic, InputError
from fabric.file.spec import FabricSpec
from fabric.wiring.clos import refuse_idle
from fabric.wiring.topology import Role
from sim.worlds.axes import AXES, axes, axis_of, moved
from sim.worlds.world import NOWHERE

if TYPE_CHECKING:
    from cloison.render.plot import Drawing, Stop
    from cloison.views.packets.every_explained import AllExplained
    from sim.proof.isolation.live import Live
    from sim.proof.isolation.vrf_pairs import Isolation


ELSEWHERE = "C829"
Names = str | Iterable[str] | None
"""One name, or several; None leaves an axis as it is."""


class World(sim.worlds.world.World):
    """What exists (`network`) and what is allowed in it (`policy`, compiled: `program`)."""

    @staticmethod
    def of(
        source: Source,
        down: Names = None,
        *,
        locked: bool = False,
        accept_unevaluated: Iterable[str] = (),
        at: Mapping[str, str | Iterable[str]] = NOWHERE,
        **axes: Names,
    ) -> World:
        """What `cloison.world` makes."""
        drawn: Literal["refused", "kept"] = "refused" if locked else "kept"
        how = How(drawn=drawn, accept=tuple(accept_unevaluated))
        return World.read(source, how, _places({"down": down, **axes}, at))

    @staticmethod
    def read(
        source: Source | Sequence[Path],
        how: How = AS_USUAL,
        at: Mapping[str, tuple[str, ...]] = NOWHERE,
        *,
        only_fabric: bool = False,
    ) -> World:
        """The world of a source: the one way in, for commands and for Python. `at` has the values
        on axes (`sim.worlds.axes`); of a world, those of axes that it does not name stay. Raises
        `InputError` with everything that is wrong."""
        there = dict(at)
        for name, values in how.on.items():
            if values:
                there[name] = (*values, *there.get(name, ()))
        if isinstance(source, World) and any(axis_of(n).file for n, v in there.items() if v):
            return _read_again(source, how, there)
        if isinstance(source, World):
            return _elsewhere(source, there, how.accept)
        how = replace(how, on=_taken(there))
        if isinstance(source, FabricSpec):
            made = World.found(read_spec(source, how))
        else:
            paths = [Path(source)] if isinstance(source, str | Path) else source
            made = World.found(read_fabric(paths[0], how) if only_fabric else read(paths, how))
        return _elsewhere(made, there, how.accept) if there else made

    @staticmethod
    def of_fabric(path: Path, how: How = AS_USUAL) -> World:
        """The world of a fabric file; manifests alone will not do."""
        return World.read(path, how, only_fabric=True)

    @staticmethod
    def found(source: Read) -> World:
        """The world that came of reading."""
        made = World(*source.whole(), source.asked)
        vars(made)["parts"] = source.shelf
        if source.program is not None:
            vars(made)["program"] = source.program
        return made

    @property
    def findings(self) -> tuple[Diagnostic, ...]:
        """What deserves a finding although no packet was looked at: exit 1 in every verb that
        judges (check, verify, simulate, diff, compile)."""
        return self.network.findings

    @property
    def warnings(self) -> tuple[Diagnostic, ...]:
        """What is doubtful about the files, the manifests and what was built."""
        return self.network.warnings

    @property
    def not_evaluated(self) -> Table:
        """What was read and may decide who reaches whom, but is not modelled; `accepted` marks what
        the user lets pass. Answers that the rest touches are unknown."""
        rows = tuple(as_rows(self.network.not_evaluated))
        return Table(rows, "Not evaluated", COLUMNS)

    @cached_property
    def proof(self) -> Isolation:
        """Which pairs of VRFs meet, for all packets."""
        from sim.proof.isolation.vrf_pairs import isolation

        return isolation(self.blocks)

    @cached_property
    def live(self) -> Live:
        """The newest of the worlds that came of this one by `edit`: program, blocks, tables and
        proof, while readers read them."""
        from sim.proof.isolation.live import Live

        return Live(self.network, self.policy_read)

    def edit(self, source: Source) -> World:
        """The world of a source, made from this one: where only policies differ, rules that came
        or went are compiled and proven, and the rest is shared. It says what the source read by
        itself would say."""
        from sim.blocks.equal_worlds import alike
        from sim.blocks.field_classes import FieldClasses
        from sim.pipeline.tables import tables_of

        new, now = World.of(source), self.live.now
        before, after = now.program.policy, new.policy_read
        same = (before.stages, before.enforced) == (after.stages, after.enforced)
        if FieldClasses.of_policy(after) != now.blocks.l4.fields:
            return new
        network = now.program.network
        here = (network.vrfs, network.endpoints) == (new.network.vrfs, new.network.endpoints)
        if not (same and here and alike(network, new.network)):
            return new
        version = self.live.become(new.policy_read)
        program = replace(version.program, domain=new.network, policy=new.policy_read)
        blocks = replace(version.blocks, program=program)
        proof = replace(version.proof, blocks=blocks)
        made = replace(new, given=new.policy_read, base=None)
        vars(made).update(program=program, blocks=blocks, proof=proof, live=self.live)
        made.keep(tables_of, version.tables)
        return made

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
        return Table(tuple(topology.node_rows(self.network.fabric)), "Nodes")

    @property
    def links(self) -> Table:
        """Cables with their ports."""
        return Table(tuple(topology.link_rows(self.network.fabric)), "Links")

    @property
    def sessions(self) -> Table:
        """BGP sessions, both ends of each."""
        return Table(tuple(sessions.rows(self.network)), "Sessions")

    @property
    def vrfs(self) -> Table:
        """Routing instances with their VNIs, route targets and prefixes."""
        return Table(tuple(drawn_numbers.vrfs(self.network)), "VRFs")

    @property
    def endpoints(self) -> Table:
        """Whatever sends and receives; `assumed` says what was derived by rule and not read."""
        return Table(tuple(drawn_numbers.endpoints(self.network)), "Endpoints")

    @property
    def routes(self) -> Table:
        """What the control plane left in every (VTEP, VRF), and why."""
        return Table(tuple(routes.fib_rows(self.network, None, None)), "Routes", routes.COLUMNS)

    @property
    def policy(self) -> Table:
        """Rules as read, in evaluation order."""
        return Table(tuple(policy.rows(self.program.policy)), "Policy")

    @property
    def isolation(self) -> Table:
        """Pairs of VRFs between which packets may pass, proven for all packets and any number of
        endpoints: what is not listed cannot. `declared`: everything that may pass was asked for."""
        from cloison.views.isolation.vrf_pairs import crossing_rows

        rows = tuple(crossing_rows(self.proof))
        records = self.network.not_evaluated
        return Table(rows, "Isolation", notes=notes(records), verdict=computed(records))

    @property
    def spof(self) -> Table:
        """Who loses what without a single node or cable, tenants' endpoints on it aside."""
        from cloison.views.network.spof import SinglePoints
        from sim.proof.availability.spof import spof

        return SinglePoints(spof(self, lambda what: None)).lost

    def changes(self, new: World) -> Table:
        """What enforcement points of `new` decide otherwise than those of this world, as disjoint
        regions of all packets."""
        from cloison.views.isolation.vrf_pairs import change_rows
        from sim.diff.changes import changes

        for world in (self, new):
            refuse_rewrites(world.network.rewrites, "a comparison")
        found = changes(self.blocks, new.blocks)
        left_out = (*self.network.not_evaluated, *new.network.not_evaluated)
        rows = tuple(change_rows(new.network, found))
        told = notes(left_out)
        return Table(rows, "Changed decisions", notes=told, verdict=computed(left_out))

    def explain_all(
        self,
        src: str,
        dst: str,
        *,
        ipv6: bool = False,
        http: str | None = None,
        headers: Mapping[str, str] = MappingProxyType({}),
    ) -> AllExplained:
        """Why each flow is allowed or denied from all that `src` names to all that `dst` names,
        where `cloison.explain` is about one: patterns pair by pair, workloads once for each class
        of their pods that fares differently, prefixes once for each part. `http` and
        `headers` are those of `cloison.explain`."""
        from cloison.views.packets.every_explained import all_explained
        from sim.names.wanted_requests import asked_request

        request, to = (None, dst) if http is None else asked_request(http, headers, dst)
        return all_explained(self, src, to, version=6 if ipv6 else None, request=request)

    def plot(
        self,
        *,
        tenant: str | None = None,
        path: Sequence[str] = (),
        title: str = "",
        stop: Stop | None = None,
    ) -> Drawing:
        """The Clos by tier; nodes coloured by the tenants whose endpoints they serve, or by one of
        them, and a path of node names up to where its packet stops."""
        from cloison.views.network.drawn import drawn

        return drawn(self.network, tenant=tenant, path=path, title=title, stop=stop)

    def __repr__(self) -> str:
        left_out = brief(self.network.not_evaluated)
        said = f"{self.network.spec.name}: {len(self.network.endpoints)} endpoints{left_out}"
        return said + doubtful(self.network)

    def _repr_html_(self) -> str:
        doubts = warnings_table(self.network)
        parts = (self.summary, *(part for part in (self.not_evaluated, doubts) if len(part)))
        return "".join(part._repr_html_() for part in parts)


Source = str | Path | FabricSpec | World
"""What a world may be made of: files, a spec that was loaded, or a world."""


def _places(
    said: Mapping[str, Names], at: Mapping[str, str | Iterable[str]]
) -> dict[str, tuple[str, ...]]:
    """Values by name of the axis, of keywords and of `at` together. Raises `InputError`."""
    found: dict[str, tuple[str, ...]] = {}
    for name, values in (*said.items(), *at.items()):
        if values is not None:
            known = found.get(axis_of(name).name, ())
            found[name] = (*known, *([values] if isinstance(values, str) else values))
    return found


def _taken(at: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """The values that whoever reads a file takes, taken out: those of axes that files or networks
    have, as they are written out."""
    read = (axis for axis in axes() if axis.file is not None or axis.of_network)
    return {
        axis.name: tuple(map(axis.option.spoken, values))
        for axis in read
        if (values := at.pop(axis.name, ()))
    }


def _read_again(world: World, how: How, at: Mapping[str, tuple[str, ...]]) -> World:
    """The world of the same file as it is at other places, with what has failed there."""
    network = world.network
    if world.at or network.rewrites:
        what = "a world that was moved along its axes cannot be read at another moment"
        raise InputError(Diagnostic("C855", what, None, "name the moment first"))
    drawn: Literal["refused", "forgotten"] = "refused" if how.drawn == "refused" else "forgotten"
    accept = (*network.accepts, *how.accept)
    others, spec = dict(at), network.spec
    for axis in axes():
        if axis.file is not None:
            spec = axis.file.whole(spec)
        others.setdefault(axis.name, axis.values(world))
    how = replace(how, on=_taken(others), drawn=drawn, accept=accept)
    made = World.found(read_spec(spec, how))
    others = {name: values for name, values in others.items() if values}
    return _elsewhere(made, others, how.accept) if others else made


def _elsewhere(world: World, at: Mapping[str, Sequence[str]], accepted: Iterable[str]) -> World:
    """The world with these values on its axes, refused where a file read so would be: who gets
    around policies there is asked again, and what is accepted stays so."""
    there = moved(world, at)
    if any(axis_of(name).of_network for name in at):
        refuse_idle(there.network.fabric, at.get("down", ()))
    network = there.network if there is world else with_detours(there)
    network = accept(network, accepted)
    told = tuple(w for w in network.warnings if w.code != ELSEWHERE) + tuple(_said(there))
    network = network if told == network.warnings else replace(network, warnings=told)
    seen = [(n.not_evaluated, n.accepts, n.warnings) for n in (network, there.network)]
    return there if seen[0] == seen[1] else replace(there, network=network)


def _said(world: World) -> Iterator[Diagnostic]:
    """What goes with every answer about a world that is elsewhere on an axis which has no words of
    its own in answers."""
    for name, values in world.at.items():
        if name in AXES and (say := AXES[name].said) is not None:
            yield Diagnostic(ELSEWHERE, say(values), None, None, "warning")
