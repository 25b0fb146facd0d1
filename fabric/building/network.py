"""`Network`: everything that exists, after the control plane has converged.

This is what `fabric.building.build.build` returns and what the compiler and the simulator read.
Nodes, VRFs and endpoints are referred to by index; `Network` maps names to them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from fabric.control.rewrites import Rewrite, moves
from fabric.diagnostics import Diagnostic, UndecidedError
from fabric.intent.offers import Intent
from fabric.kubernetes.unmodelled.unevaluated import Unevaluated
from fabric.values.inventory import Endpoint, Vrf
from fabric.values.memo import Memo
from fabric.values.one_line import OneLine
from fabric.wiring.multigraph import Multigraph
from fabric.wiring.topology import Fabric, Node

if TYPE_CHECKING:
    from fabric.control.evpn import Type5
    from fabric.control.fib import Fib
    from fabric.control.underlay import Underlay
    from fabric.file.spec import FabricSpec
    from fabric.kubernetes.manifests import Manifests
    from fabric.plan.addressing import Plan

T = TypeVar("T")


@dataclass(frozen=True, slots=True, repr=False)
class Network(OneLine):
    """A built world. `manifests` maps a tenant to what its Kubernetes directories hold.

    `findings` are facts that deserve a finding (exit 1) although the input is legal, such as a
    route imported without a declared intent; each is a `Diagnostic` of severity "finding" with the
    line to blame. Every verb that judges (check, verify, simulate, diff, compile) counts the same.
    `warnings` are doubts about the world as it was built. `not_evaluated` is everything that was
    read and is not modelled, of all tenants; `accepts` are the kinds of it that the user lets pass.
    `intents` say which VRFs may exchange what, `rewrites` what becomes of destinations
    (`fabric.control.rewrites`; no file says any). `of_devices`: it was read from configurations of
    devices, so nobody said what is wanted, and numbers that they do not say are made up.
    `if_failing` is what is not evaluated beside that as soon as a node or link is down or drained.
    """

    spec: FabricSpec
    fabric: Fabric
    plan: Plan
    vrfs: tuple[Vrf, ...]
    endpoints: tuple[Endpoint, ...]
    manifests: Mapping[str, Manifests]
    underlay: Underlay
    routes: Type5
    fib: Fib
    findings: tuple[Diagnostic, ...] = ()
    not_evaluated: tuple[Unevaluated, ...] = ()
    warnings: tuple[Diagnostic, ...] = ()
    intents: tuple[Intent, ...] = ()
    accepts: tuple[str, ...] = ()
    rewrites: tuple[Rewrite, ...] = ()
    of_devices: bool = False
    if_failing: tuple[Unevaluated, ...] = ()
    _memo: Memo = field(default_factory=Memo, init=False, repr=False, compare=False)

    def _said(self) -> str:
        many = {"nodes": self.fabric.nodes, "VRFs": self.vrfs, "endpoints": self.endpoints}
        return ", ".join(f"{len(things)} {name}" for name, things in many.items())

    def once(self, make: Callable[[Network], T], /) -> T:
        """What some module makes of this network, made when it is first asked for."""
        return self._memo.of(self, make)

    @property
    def name(self) -> str:
        """What the fabric is called."""
        return self.spec.name

    @property
    def nodes(self) -> tuple[Node, ...]:
        """Those of its fabric."""
        return self.fabric.nodes

    @property
    def moves(self) -> tuple[Rewrite, ...]:
        """The rewrites as disjoint ones. Raises `UndecidedError`."""
        return self.once(_moves)

    @staticmethod
    def bare(
        name: str,
        *,
        fabric: Fabric | None = None,
        vrfs: tuple[Vrf, ...] = (),
        endpoints: tuple[Endpoint, ...] = (),
        underlay: Underlay | None = None,
        fib: Fib | None = None,
        plan: Plan | None = None,
    ) -> Network:
        """A network that no fabric file, tenant or manifest describes, such as one that was read
        from devices: what is not known is empty. Who asks for a number of a plan that is not known
        hears that (`UndecidedError`)."""
        import numpy as np

        from fabric.control.evpn import Type5
        from fabric.control.fib import Fib, no_routes
        from fabric.control.underlay import converge_sessions
        from fabric.file.spec import FabricSpec
        from fabric.plan.unread import unread_plan

        spec = FabricSpec.model_construct(cloison=1, name=name, sites={})
        plan = plan or unread_plan()
        routes = Type5(plan, (), (), (), *(np.zeros(0, np.int32),) * 5)
        return Network(
            spec,
            fabric or Fabric((), (), Multigraph()),
            plan,
            vrfs,
            endpoints,
            {},
            underlay or converge_sessions(Fabric((), (), Multigraph()), (), ()),
            routes,
            fib or Fib((), (), tuple(no_routes() for _ in vrfs), (), routes, (), {}),
        )

    def entries(self, endpoint: Endpoint, /) -> tuple[int, ...]:
        """The VTEPs at which what an endpoint sends may come in: its own; of several borders those
        that are up, the second choice only without the others. With none up, all."""
        if not endpoint.also_at:
            return (endpoint.vtep,)
        up = [vtep for vtep in endpoint.vteps if vtep not in self.fabric.down_nodes]
        first = [vtep for vtep in up if vtep not in endpoint.backups]
        return tuple(first or up or endpoint.vteps)

    def vrf(self, name: str) -> Vrf:
        """The VRF of that name; KeyError when there is none."""
        return next(v for v in self.vrfs if v.name == name)


def refuse_devices(network: Network, who: str) -> None:
    """Nothing, unless a network was read from configurations of devices: `who` would tell numbers
    that are made up, or takes for granted what only cloison's own dumps promise."""
    if network.of_devices:
        message = f"{who} is not for what was read from configurations of devices"
        hint = "explain, reach, diff, verify and show routes are; import tells what they say"
        raise UndecidedError(Diagnostic("C842", message, None, hint, "unknown"))


def refuse_anycast(network: Network, who: str) -> None:
    """Nothing, unless an address has several owners: `who` knows one of each."""
    if any(endpoint.anycast for endpoint in network.endpoints):
        message = f"{who} does not follow addresses that several endpoints own"
        raise UndecidedError(Diagnostic("C858", message, None, "replay and proofs do", "unknown"))


def _moves(network: Network) -> tuple[Rewrite, ...]:
    return moves(network.rewrites)
