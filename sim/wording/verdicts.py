"""The three verdicts, and what keeps a proof from being one.

Rules that hold here:

1. *holds*: everything asked was decided, and is as it should be. *fails*: something is not.
   *unknown*: nothing fails, but something that touches what was asked is not evaluated
   (`fabric.kubernetes.unmodelled.unevaluated`), or there was nothing to decide. What fails is told
   before the unknown.
2. A proof needs somebody to speak of and something to hold: without a pod or node, or without an
   `expect:` line, nothing was at stake, and its verdict is unknown.
3. The proof is about every tenant, so every record that nobody accepted touches it; an expectation
   is touched by the records of the endpoints that it selects, or may select (`Touching.asked`).
   A way that only adds access (`DETOUR`) says nothing against an `allow`, and a Service that takes
   what is meant for others (`TAKEN`) nothing against a `deny`.
   Addresses there select whoever has them, and may be anybody's that is not modelled; a Service
   selects the pods behind it, and whatever its namespace may hold may be behind it as well.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal

from compiler.sources.taken import TAKEN
from fabric.building.network import Network
from fabric.kubernetes.unmodelled.unevaluated import NEIGHBOUR, Scope, Touching, Unevaluated
from fabric.values.door_names import door_in
from sim.names.chosen import chosen, patterns
from sim.names.service_ways import ServiceWay
from sim.names.services import pods_behind

DETOUR = "detour"

Verdict = Literal["holds", "fails", "unknown"]


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """What fails before what is unknown before what holds.

    >>> worst(["holds", "unknown"]), worst(["unknown", "fails"]), worst([])
    ('unknown', 'fails', 'holds')
    """
    found = set(verdicts)
    return "fails" if "fails" in found else "unknown" if "unknown" in found else "holds"


def touching(network: Network) -> Touching:
    """What is not evaluated in a network, by whom it touches."""
    return Touching(network.not_evaluated, network.endpoints)


def touched_by(found: Touching, network: Network, *names: str) -> tuple[Unevaluated, ...]:
    """What touches packets between all that these names stand for and anybody."""
    if not found:
        return ()
    ends: set[int] = set()
    might: list[str] = []
    for name in names:
        if (door := door_in(name)) is not None:
            pods, behind = pods_behind(network, door)
            ends.update(pods)
            might += behind
        else:
            ends.update(e.index for e in chosen(network, name))
            might += patterns(network, name)
    return found.asked(ends, might)


def speaking(records: tuple[Unevaluated, ...], kind: str) -> tuple[Unevaluated, ...]:
    """Those that may break an expectation of a kind."""
    silent = {"allow": DETOUR, "deny": TAKEN}.get(kind)
    return tuple(r for r in records if r.category != silent)


def without_ways(records: tuple[Unevaluated, ...]) -> tuple[Unevaluated, ...]:
    """Those that may matter to a packet that policy denies at one of its ends: wherever others may
    send it, that end denies it."""
    return tuple(r for r in records if r.category != NEIGHBOUR)


def detour(way: ServiceWay, what: str) -> Unevaluated:
    """A record of a way that only adds access: it touches the pods of the workload, or where it
    ends on a node's own network, everything in the namespace."""
    service = way.service
    scope: Scope = "namespace" if way.workload is None else "workload"
    return Unevaluated(
        "v1", "Service", service.namespace, service.name, service.span, DETOUR, what,
        scope, way.tenant, way.workload or "",
    )  # fmt: skip


def empty(network: Network, expectations: int) -> Iterator[str]:
    """Rule 2, in words."""
    if not any(e.kind in ("pod", "node") for e in network.endpoints):
        yield "there is no pod and no node, so no packet was looked at"
    if not expectations:
        yield "no `expect:` line says what must hold"
