"""The one loader: what people point at becomes a network, the same for every verb and for Python.

A source is a fabric file, a folder of configurations of devices, or Kubernetes manifests alone.
Reading stops at the first stage that leaves nothing to go on with: the file on its own; manifests,
allocations and the converged control plane; then policies and expectations. What is wrong is told
once, all of a stage together.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from cloison.loading.brief import read_for_good
from cloison.loading.how import AS_USUAL, How
from cloison.loading.imported_site import is_site, read_site
from cloison.loading.kept_worlds import Made, Request, Shelf, begun, found
from fabric.building.cluster import cluster_network
from fabric.building.network import Network
from fabric.diagnostics import FINDING, Diagnostic, Diagnostics, InputError, Span
from fabric.file.yaml.reader import read_yaml
from fabric.io.decoded_text import read_text
from fabric.io.dependencies import recording, spoil
from fabric.io.uncollected import uncollected
from fabric.kubernetes.files.folders import is_directory
from fabric.kubernetes.unmodelled.unevaluated import accepting
from fabric.rendering.render_command import rendering_asked
from fabric.values.dialects import KUBERNETES

Vet = Callable[[Network], None]
if TYPE_CHECKING:
    from compiler.policy.ir import Policy
    from compiler.policy.source import Source
    from compiler.program.program import Program
    from fabric.file.spec import FabricSpec
    from sim.worlds.world import World


@dataclass(frozen=True, slots=True)
class Read:
    """What came of a source: `network` and `policy` unless there are `errors`; `warnings` are
    doubts about the file and its manifests. Findings are the network's. `asked` is the world that
    was asked for detours: what it has compiled is not compiled again. `program` is what the policy
    compiles to, where that is known; `shelf` where more of the world is kept."""

    network: Network | None = None
    policy: Policy | None = None
    errors: tuple[Diagnostic, ...] = ()
    warnings: tuple[Diagnostic, ...] = ()
    asked: World | None = None
    program: Program | None = None
    shelf: Shelf | None = None

    def whole(self) -> tuple[Network, Policy]:
        """The network and its policy; raises `InputError` with every error."""
        if self.network is None or self.policy is None or self.errors:
            raise InputError(*self.errors)
        return self.network, self.policy


def is_fabric(path: Path) -> bool:
    """Whether a file is a fabric file, by its first keys: they name the format or what it extends.

    One that cannot be read is left to whoever reads it for real.
    """
    if str(path) == "-" or is_directory(path):
        return False
    try:
        values = [document.value for document in read_yaml(path)]
    except InputError:
        return _looks_like_one(path)
    return any(isinstance(v, Mapping) and "apiVersion" not in v for v in values)


def _looks_like_one(path: Path) -> bool:
    try:
        return re.search(r"^(cloison|extends):", read_text(path)[0], re.M) is not None
    except InputError:
        return False


@uncollected()
def read(paths: Sequence[Path], how: How = AS_USUAL) -> Read:
    """What one fabric file holds, the devices whose configurations lie in a folder, or the cluster
    that manifests describe."""
    rendered = rendering_asked() is not None and any(map(is_directory, paths))
    if len(paths) == 1 and not rendered and is_site(paths[0]):
        return _site(paths[0], how)
    if len(paths) == 1 and is_fabric(paths[0]):
        return read_fabric(paths[0], how)
    from sim.worlds.axes import axes

    if any(axis.of_network and how.on.get(axis.name) for axis in axes()):
        message = "what has failed must be part of a fabric file; these are manifests"
        return Read(errors=(Diagnostic("C716", message),))

    def make(vet: Vet) -> Network:
        network = cluster_network(
            paths, ipblock=how.ipblock, host_network=how.host_network, dual=how.dual,
            dialect=how.dialect or KUBERNETES, names=how.names,
        )  # fmt: skip
        vet(network)
        return network

    return _kept_or(lambda: _built(make, how), Request("manifests", tuple(map(str, paths)), how))


@uncollected()
def read_fabric(path: Path | str, how: How = AS_USUAL, text: str | None = None) -> Read:
    """What a fabric file holds, or configurations of devices; `text` is what stands in it, if
    known already."""
    if text is None and is_site(Path(path)):
        return _site(Path(path), how)
    request = Request("fabric", (str(path),), how, text)
    return _kept_or(lambda: _examined(path, how, text), request)


def _site(path: Path, how: How) -> Read:
    """The devices whose configurations lie there."""
    spoil()
    try:
        network, policy = read_site(path, how)
    except InputError as error:
        return Read(errors=error.diagnostics)
    network = accept(network, how.accept)
    return Read(network, policy, (), network.warnings)


def _kept_or(make: Callable[[], Read], request: Request) -> Read:
    """What is kept of what somebody read before, or what `make` reads now, which is kept."""
    read = _known_or(make, request) if request.wanted() else make()
    read_for_good()
    return read


def _known_or(make: Callable[[], Read], request: Request) -> Read:
    shelf = found(request)
    if shelf is not None and (known := shelf.world()) is not None:
        network, policy, program = known
        return Read(network, policy, (), network.warnings, None, program, shelf)
    start = time.process_time()
    with recording() as record:
        if not request.stands():
            spoil()
        read = make()
    if read.network is None or read.policy is None or read.asked is None or read.errors:
        return read
    program = replace(read.asked.program, domain=read.network)
    shelf = begun(request, record)
    if shelf is not None:
        shelf.take(Made(read.network, read.policy, program), time.process_time() - start)
    return replace(read, program=program, shelf=shelf)


def _examined(path: Path | str, how: How, text: str | None) -> Read:
    from fabric.building.load import examine

    spec, found = examine(path, text)
    if spec is not None and how.dialect is not None:
        spec = in_dialect(spec, how.dialect)
    if spec is None or found.errors:
        found.items += manifest_errors(spec, how) if spec else ()
        return Read(errors=tuple(dict.fromkeys(found.errors)), warnings=found.warnings)
    return read_spec(spec, how, found.warnings)


def in_dialect(spec: FabricSpec, dialect: str) -> FabricSpec:
    """The file as if every tenant's cluster read policies in this dialect."""
    tenants = {
        name: tenant.model_copy(update={"dialect": dialect})
        for name, tenant in spec.tenants.items()
    }
    return spec.model_copy(update={"tenants": tenants})


@uncollected()
def read_spec(spec: FabricSpec, how: How = AS_USUAL, warnings: tuple[Diagnostic, ...] = ()) -> Read:
    """What a checked file amounts to."""
    from fabric.file.kept_lines import taken_back

    try:
        spec = with_base(spec, how)
        spec, told = judged(spec, how)
    except InputError as error:
        return Read(errors=error.diagnostics, warnings=warnings)
    warnings = (*warnings, *told, *(taken_back(spec) if how.base else ()))
    if spec.devices is not None:
        return _joined(spec, how, warnings)
    from fabric.building.build import build
    from fabric.wiring.clos import refuse_idle

    def make(vet: Vet) -> Network:
        def heard(network: Network) -> None:
            refuse_idle(network.fabric, how.down)
            vet(network)

        return build(spec, down=how.down, drained=how.drained, drawn=how.drawn, vet=heard)

    read = _built(make, how, warnings)
    if read.network is None:
        errors = dict.fromkeys((*read.errors, *manifest_errors(spec, how)))
        return replace(read, errors=tuple(errors))
    return read


def with_base(spec: FabricSpec, how: How) -> FabricSpec:
    """The file with what it expected before a change. Raises `InputError`."""
    from fabric.building.load import load
    from fabric.file.kept_lines import with_kept_lines
    from fabric.wiring.clos import build_fabric
    from fabric.wiring.risk_groups import with_kept_groups

    if how.base is None:
        return spec
    before = load(how.base)[0]
    spec = with_kept_lines(spec, before)
    if not any("any-1-risk-group" in line.hold_under for line in before.expect):
        return spec
    return with_kept_groups(spec, build_fabric(before))


def judged(spec: FabricSpec, how: How) -> tuple[FabricSpec, tuple[Diagnostic, ...]]:
    """The file at the places that are asked for, on axes that decide what a file says, and what
    goes with every answer about it. Raises `InputError`, also for what is wrong with what is
    left."""
    from sim.worlds.axes import axes

    told: tuple[Diagnostic, ...] = ()
    for axis in axes():
        if axis.file is not None:
            spec, more = axis.file.at(spec, how.on.get(axis.name, ()))
            told = (*told, *more)
    return spec, told


def _joined(spec: FabricSpec, how: How, warnings: tuple[Diagnostic, ...]) -> Read:
    """What a checked file about devices that already run amounts to."""
    from cloison.loading.joined_world import conflicts_among, joined_world
    from sim.proof.expectations.emptied_lines import emptied
    from sim.proof.expectations.expect import read_claims

    conflicts, doubts = conflicts_among(warnings)
    try:
        network, policy = joined_world(spec, how, sources_of(how))
        read_claims(spec, network)
    except InputError as error:
        return Read(errors=error.diagnostics, warnings=doubts)
    found = (*conflicts, *spec._conflicts, *network.findings, *emptied(spec, network))
    network = replace(network, findings=found)
    network, asked = made_known(with_warnings(network, doubts), policy, how)
    return Read(network, policy, (), network.warnings, asked)


def manifest_errors(spec: FabricSpec, how: How) -> tuple[Diagnostic, ...]:
    """What is wrong with the manifests of a file that cannot be built, policies included."""
    from compiler.policy.source import twice
    from fabric.plan.placement import readable_workloads

    problems = Diagnostics()
    found = readable_workloads(spec, problems)
    for tenant, manifests in {id(m): (t, m) for t, m in found.items()}.values():
        twice(manifests, sources_of(how), problems, spec.tenants[tenant].dialect)
        for source in sources_of(how):
            source.mistakes(manifests, problems)
    return problems.errors


def sources_of(how: How) -> tuple[Source, ...]:
    """Where policy is read from."""
    from compiler.sources import SOURCES

    return SOURCES if how.sources is None else how.sources


def _built(make: Callable[[Vet], Network], how: How, warnings: tuple[Diagnostic, ...] = ()) -> Read:
    """What `make` builds, with its policy; it hands the network to the function that it gets, which
    raises when policies or expectations cannot be read, before anything is kept."""
    from compiler.compile import read_policy
    from compiler.policy.source import with_unclaimed
    from sim.proof.expectations.emptied_lines import emptied
    from sim.proof.expectations.expect import read_claims

    network: Network | None = None
    policy: Policy | None = None
    sources = sources_of(how)

    def vet(made: Network) -> None:
        nonlocal network, policy
        network, wrong = made, list[Diagnostic]()
        try:
            policy = read_policy(made, sources)
        except InputError as error:
            wrong += error.diagnostics
        try:
            read_claims(made.spec, made)
        except InputError as error:
            wrong += error.diagnostics
        if wrong:
            raise InputError(*dict.fromkeys(wrong))

    errors: tuple[Diagnostic, ...] = ()
    asked: World | None = None
    try:
        made = make(vet)
        conflicts = made.spec._conflicts if made.spec else ()
        made = replace(made, findings=(*conflicts, *made.findings, *emptied(made.spec, made)))
        doubted = with_warnings(with_unclaimed(made, sources), warnings)
        network, asked = made_known(doubted, policy, how)
    except InputError as error:
        errors = error.diagnostics
        network = network and with_warnings(network, warnings)
    return Read(network, policy, errors, network.warnings if network else warnings, asked)


def with_warnings(network: Network, warnings: Iterable[Diagnostic]) -> Network:
    """The network with all that is doubtful about it: its file, its manifests, what was built."""
    read = (warning for m in network.manifests.values() for warning in m.warnings)
    return replace(network, warnings=tuple(dict.fromkeys((*warnings, *read, *network.warnings))))


def made_known(network: Network, policy: Policy | None, how: How) -> tuple[Network, World | None]:
    """The network with the doors past its policies among what is not evaluated, and the world that
    was asked for detours."""
    import sim.worlds.world
    from compiler.sources.doors import doors, open_anyway
    from compiler.sources.taken import taken

    if policy is None:
        return accept(network, how.accept), None
    answered = {*open_anyway(network, policy)}
    told = (record for record in network.not_evaluated if record not in answered)
    left_out = replace(network, not_evaluated=(*told, *doors(network, policy), *taken(network)))
    asked = sim.worlds.world.World(left_out, policy)
    done = accept(with_detours(asked), how.accept)
    unordered = tuple(without_order(asked, how))
    return replace(done, findings=(*done.findings, *unordered)) if unordered else done, asked


def without_order(world: World, how: How) -> Iterator[Diagnostic]:
    """Findings about policies whose order decides and is not defined, each with a packet."""
    told: set[tuple[str, Span]] = set()
    for source in sources_of(how):
        for what, span, policy in source.otherwise(world.network, world.policy_read):
            from sim.diff.changes import changes, packet_text

            if (what, span) in told:
                continue
            there = world.saying(policy)
            for region in changes(world.blocks, there.blocks)[:1]:
                told.add((what, span))
                packet = packet_text(world.network, region.after)
                text = f"{what}, which decides about {packet}"
                hint = "give each its own priority, in one version of the API"
                yield Diagnostic("C676", text, span, hint, FINDING)


def with_detours(world: World) -> Network:
    """The network of a world with the Services among what is not evaluated that lead around what
    DPUs decide, as its routes are now."""
    from compiler.sources.past_egress import past_egress
    from sim.proof.ways_around.detours import detours, is_detour

    network = world.network
    known = tuple(r for r in network.not_evaluated if not is_detour(r))
    found = (*detours(world, known), *past_egress(network, world.program.policy))
    return replace(network, not_evaluated=(*known, *found))


def accept(network: Network, kinds: Iterable[str]) -> Network:
    """The network with what is not evaluated of these kinds marked as accepted, now and wherever
    more of them is met."""
    wanted = tuple(sorted({*network.accepts, *kinds}))
    left_out, failing = (
        accepting(some, wanted) for some in (network.not_evaluated, network.if_failing)
    )
    return replace(network, not_evaluated=left_out, if_failing=failing, accepts=wanted)
