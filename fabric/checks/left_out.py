"""What the file asks for and what comes to nothing once every VRF is known.

VRFs that a tenant has per namespace are known when its manifests are read. Then these hold:

1. The sides of a peering are two VRFs, the owner of a leak is one.
2. Every listed prefix has a part in a VRF that it is listed for.
3. Every pattern under `to` of a leak leads to a client. Beside others a VRF may be left out
   (`fabric.intent.intents`, rule 4); all that a pattern names may not.
4. Every pattern under `serves` leads to somebody who is served. `*` is whoever can be.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from fabric.checks import offers
from fabric.checks.sharing import listed
from fabric.diagnostics import Diagnostic, Diagnostics, Span
from fabric.file.spec import FabricSpec, Leak
from fabric.intent.intents import Intent, one_vrf, select_vrfs, serves
from fabric.plan.per_namespace import dynamic
from fabric.values.inventory import Vrf
from fabric.values.wildcard import GLOB


def left_out(
    spec: FabricSpec, vrfs: Sequence[Vrf], declared: Iterable[Intent], problems: Diagnostics
) -> None:
    """Tell all of it; what was told when the file was read comes up only for such tenants."""
    if any(dynamic(spec, tenant) for tenant in spec.tenants):
        again = Diagnostics()
        offers.check(spec, vrfs, again)
        problems.items += again.errors
    problems.items += several(spec, vrfs)
    told = {item.span for item in problems.errors if item.span is not None}
    for i, leak in enumerate(spec.leaks):
        clients = {it.a for it in declared if (it.kind, it.name) == ("leak", leak.name)}
        if told.isdisjoint(spec.at("leaks", i, "clients", n) for n in range(len(leak.clients))):
            problems.items += unreached(spec, i, leak, vrfs, clients)
    problems.items += unserved(spec, vrfs, declared)


def several(spec: FabricSpec, vrfs: Sequence[Vrf]) -> Iterator[Diagnostic]:
    """Rule 1."""
    names = [vrf.name for vrf in vrfs]
    sides: list[tuple[str, Span | None]] = [
        (name, spec.at("peerings", i, "between", side))
        for i, peering in enumerate(spec.peerings)
        for side, name in enumerate(peering.between)
    ]
    sides += [(leak.from_, spec.at("leaks", i, "from")) for i, leak in enumerate(spec.leaks)]
    for pattern, span in sides:
        found = select_vrfs([pattern], names)
        if one_vrf(pattern, names) is None and found:
            what = f'"{pattern}" stands for {len(found)} VRFs, and one is wanted'
            yield Diagnostic("C302", what, span, f"one of {listed(found)}")
    for i, peering in enumerate(spec.peerings):
        a, b = (one_vrf(name, names) for name in peering.between)
        if a is not None and a == b:
            span = spec.at("peerings", i, "between")
            yield Diagnostic("C316", f"{a} cannot peer with itself", span, "name two VRFs")


def unreached(
    spec: FabricSpec, i: int, leak: Leak, vrfs: Sequence[Vrf], clients: set[str]
) -> Iterator[Diagnostic]:
    """Rule 3; a leak without an owner, and a name that no VRF has, are told elsewhere."""
    names = [vrf.name for vrf in vrfs]
    owner = one_vrf(leak.from_, names)
    for k, pattern in enumerate(leak.to):
        found = [name for name in select_vrfs([pattern], names) if name != owner]
        if owner is None or not clients.isdisjoint(found) or (not found and "/" in pattern):
            continue
        have = "has" if len(found) == 1 else "have"
        why = f"{listed(found, 3)} {have} none of the clients' prefixes"
        if not found:
            why = "no VRF is called that now"
        what = f'"{pattern}" gets nothing of leak {leak.name}: {why}'
        hint = "add its prefixes to clients, or leave it out of to"
        yield Diagnostic("C430", what, spec.at("leaks", i, "to", k), hint)


def unserved(
    spec: FabricSpec, vrfs: Sequence[Vrf], declared: Iterable[Intent]
) -> Iterator[Diagnostic]:
    """Rule 4, for patterns that `fabric.checks.offers` could not judge."""
    served = {it.a for it in declared if (it.kind, it.name) == ("zone", "zone0")}
    for i, pattern in enumerate(spec.zones.zone0.serves):
        found = [vrf for vrf in vrfs if vrf.zone == 1 and serves(pattern, vrf)]
        late = GLOB & set(pattern) or any(dynamic(spec, vrf.tenant) for vrf in found)
        if pattern != "*" and found and late and served.isdisjoint(vrf.name for vrf in found):
            who = listed((vrf.name for vrf in found), 3)
            what = f'zone 0 serves nobody by "{pattern}": no node prefixes in {who}'
            hint = "mark one: { cidr: 100.64.0.0/24, use: nodes }"
            span = spec.at("zones", "zone0", "serves", i)
            yield Diagnostic("C526", what, span, hint, "finding")
