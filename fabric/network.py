"""`Network`: everything that exists, after the control plane has converged.

This is what `fabric.build.build` returns and what the compiler and the simulator read. Nodes, VRFs
and endpoints are referred to by index; `Network` maps names to them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fabric.diagnostics import Diagnostic
from fabric.intent.offers import Intent
from fabric.inventory import Endpoint, Vrf
from fabric.kubernetes.unevaluated import Unevaluated
from fabric.topology import Fabric

if TYPE_CHECKING:
    from fabric.control.evpn import Type5
    from fabric.control.fib import Fib
    from fabric.control.underlay import Underlay
    from fabric.file.spec import FabricSpec
    from fabric.kubernetes.manifests import Manifests
    from fabric.plan.addressing import Plan


@dataclass(frozen=True, slots=True)
class Network:
    """A built world. `manifests` maps a tenant to what its Kubernetes directories hold.

    `findings` are facts that deserve a finding (exit 1) although the input is legal, such as a
    route imported without a declared intent; each is a `Diagnostic` of severity "finding" with the
    line to blame. Every verb that judges (check, verify, simulate, diff, compile) counts the same.
    `warnings` are doubts about the world as it was built. `not_evaluated` is everything that was
    read and is not modelled, of all tenants. `intents` say which VRFs may exchange what.
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

    def vrf(self, name: str) -> Vrf:
        """The VRF of that name; KeyError when there is none."""
        return next(v for v in self.vrfs if v.name == name)
