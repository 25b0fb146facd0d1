"""build: from a fabric file to a converged network. Read this first; it is a list of calls.

spec → fabric → workloads → VRFs → endpoints → plan → underlay → EVPN routes → FIB
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from fabric.building.network import Network
from fabric.checks.allocations import read_lock
from fabric.checks.left_out import left_out
from fabric.checks.overlaps import ambiguous
from fabric.control.evpn import imports, instances, originate
from fabric.control.fib_filling import build_fib, refilled
from fabric.control.findings import findings
from fabric.control.narrowed import narrowed
from fabric.control.reconvergence import reconverge
from fabric.control.underlay import converge
from fabric.control.weights import uneven
from fabric.diagnostics import Diagnostics
from fabric.file.in_force import at_moment, moment_in, whole_of
from fabric.file.spec import FabricSpec
from fabric.intent.intents import intents
from fabric.io.phases import phase
from fabric.io.uncollected import uncollected
from fabric.kubernetes.manifests import Manifests
from fabric.kubernetes.unmodelled.unevaluated import owned_by, unpeopled
from fabric.plan.addressing import annotate, plan
from fabric.plan.draws import Drawn, Draws, drawing
from fabric.plan.endpoints import PlanInputs, endpoint_table, namespaces_in_use
from fabric.plan.lock import path_of
from fabric.plan.per_namespace import unknown_names
from fabric.plan.placement import load_workloads, place, sizes
from fabric.plan.unused_pins import unused_numbers
from fabric.plan.vrfs import vrf_table
from fabric.wiring.budget import afford_contents
from fabric.wiring.clos import build_fabric, drain, take_down
from fabric.wiring.topology import Fabric, Role

Vet = Callable[[Network], None]


@phase("build")
@uncollected()
def build(
    spec: FabricSpec,
    *,
    down: Iterable[str] = (),
    drained: Iterable[str] = (),
    lock: bool = True,
    drawn: Drawn = "kept",
    vet: Vet | None = None,
) -> Network:
    """The network of a fabric file, with nodes and links in `down` failed and nodes drained.

    With `lock` the lock file beside the fabric file counts; `drawn` says what becomes of
    allocations that it does not have yet. They are not kept when anything is wrong, nor when `vet`,
    which sees the network first, raises. Raises `InputError`.
    """
    if spec.judged_at is None and (moment := moment_in(spec, None)) is not None:
        spec = at_moment(spec, moment)
    down = tuple(down)
    fabric = build_fabric(spec, down, drained)
    manifests = load_workloads(spec)

    def make(draws: Draws) -> Network:
        network = assemble(spec, fabric, manifests, draws)
        if vet is not None:
            vet(network)
        return network

    path = path_of(spec.base) if lock and spec.base else None
    return drawing(path, spec.pins, make, drawn, lambda: read_lock(spec))


def assemble(
    spec: FabricSpec, fabric: Fabric, manifests: Mapping[str, Manifests], draws: Draws
) -> Network:
    """Everything that follows from the file, the wiring, the manifests and the allocations."""
    afford_contents(spec, *sizes(spec, manifests, fabric))
    problems = Diagnostics()
    placed = place(spec, manifests, fabric, draws.locked, problems)
    draws.drawn["hosts"].update({p.name: p.host for p in placed.pods if "host" in p.assumed})

    vrfs, slots = vrf_table(spec, namespaces_in_use(spec, placed), draws)
    site = PlanInputs(spec, fabric, vrfs, slots, draws, problems)
    endpoints, blocks = endpoint_table(site, placed)
    site.problems.check()

    vtep_of = {n.name: fabric.vtep_of(n.name).index for n in fabric.nodes if n.role is Role.HOST}
    declared = intents(spec, vrfs)
    unknown_names(spec, vrfs, site.problems)
    left_out(spec, vrfs, declared, site.problems)
    ambiguous(spec, vrfs, declared, site.problems)
    site.problems.check()
    places = instances(endpoints, blocks, vtep_of)
    keys = {offer.key for intent in declared for offer in intent.offers}
    ever = keys.union(o.key for i in intents(whole_of(spec), vrfs) for o in i.offers)
    numbers = plan(spec, fabric, vrfs, places, ever, blocks, draws)
    now = {key: target for key, target in numbers.intent_rt.items() if key in keys}
    numbers = replace(numbers, intent_rt=now)
    unused_numbers(spec, draws, site.problems)
    annotate(fabric, numbers)

    underlay = converge(fabric, numbers)
    routes = originate(spec, vrfs, endpoints, vtep_of, numbers, declared)
    wanted = imports(spec, vrfs, numbers, declared)
    fib = build_fib(routes, wanted, underlay)
    return Network(
        spec, fabric, numbers, vrfs, endpoints, manifests, underlay, routes, fib,
        (*site.problems.findings, *findings(spec, vrfs, routes, wanted, declared)),
        (
            *(r for tenant, m in manifests.items() for r in owned_by(tenant, m.not_evaluated)),
            *unpeopled(spec, endpoints),
        ),
        (
            *site.problems.warnings,
            *narrowed(fabric, underlay, fib, vrfs),
            *uneven(fabric, underlay),
        ),
        declared,
    )  # fmt: skip


@phase("build with failures")
@uncollected()
def rebuild(
    network: Network, *, down: Iterable[str] = (), drained: Iterable[str] | None = None
) -> Network:
    """The same network with exactly these nodes and links failed, and exactly these nodes drained
    (None: those that are); allocations and routes stay, so only the underlay and the FIB are
    computed, and that only where it may be another one: of the underlay it depends on how far
    VTEPs are from each other, and whether by a drained node, and on nothing else."""
    fabric = take_down(network.fabric, down)
    if drained is not None:
        fabric = drain(fabric, drained)
    underlay = reconverge(network.fabric, network.underlay, fabric, network.plan)
    fib = refilled(network.fib, network.underlay, underlay)
    told = network.not_evaluated
    if network.if_failing and (fabric.down_nodes or fabric.down_links or fabric.drained):
        told = tuple(dict.fromkeys((*told, *(replace(r, under="") for r in network.if_failing))))
    return replace(network, fabric=fabric, underlay=underlay, fib=fib, not_evaluated=told)
