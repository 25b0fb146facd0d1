"""The plug for a source of policy: what turns something that people wrote into rules.

Rules that hold here:

1. A source reads a network and says a `Policy`; it knows no other source. Sources are asked in the
   order of a table (`compiler.sources.SOURCES`) that whoever compiles may pass another of.
2. Manifests keep every object. A source claims the kinds of objects that it evaluates; what may
   decide who reaches whom and nobody claims is not evaluated, and so told (`with_unclaimed`). A
   claim is about objects as wholes: what was found in one that nobody can evaluate, such as a
   field of its pod template or a selector by a label with an unknown value, stays told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from compiler.policy.ir import Policy
from fabric.building.network import Network
from fabric.diagnostics import Diagnostic, Diagnostics, Span
from fabric.kubernetes.files.claimed_kinds import ClaimedKind
from fabric.kubernetes.manifests import Manifests
from fabric.kubernetes.unmodelled.unevaluated import Unevaluated, as_wholes, owned_by, unclaimed
from fabric.values.dialects import KUBERNETES, Dialect


class Otherwise(NamedTuple):
    """A whole policy that would be in force if what has no order stood in another one; `what` says
    what that is, as the beginning of a sentence."""

    what: str
    span: Span
    policy: Policy


def ordered(network: Network, policy: Policy) -> Iterable[Otherwise]:
    """Of a source in which everything has an order, or needs none."""
    return ()


def all_read(network: Network) -> Iterable[Unevaluated]:
    """Of a source that evaluates all that it claims."""
    return ()


@dataclass(frozen=True, slots=True)
class Source:
    """`policy` is everything that the source says about a network; it raises one `InputError` with
    every mistake. `lints` are doubts (without a policy: where there were mistakes), `mistakes`
    what is wrong with manifests by themselves. `claims` are the kinds that it evaluates, `unread`
    what of their objects it cannot, such as labels that controllers give; `otherwise` are the
    policies that it might have said too."""

    name: str
    policy: Callable[[Network], Policy]
    lints: Callable[[Network, Policy | None], Iterable[Diagnostic]]
    mistakes: Callable[[Manifests, Diagnostics], None]
    claims: tuple[ClaimedKind, ...]
    unread: Callable[[Network], Iterable[Unevaluated]]
    otherwise: Callable[[Network, Policy], Iterable[Otherwise]]


def no_lints(network: Network, policy: Policy | None) -> Iterable[Diagnostic]:
    """Of a source whose doubts are those about all policies (`compiler.lints`)."""
    return ()


def no_mistakes(manifests: Manifests, problems: Diagnostics) -> None:
    """Of a source that reads no manifests."""


def twice(
    manifests: Manifests, sources: Iterable[Source], problems: Diagnostics, dialect: str
) -> None:
    """Tell of claimed objects of one name that say different things."""
    for source in sources:
        manifests.claimed(spoken(source.claims, dialect), problems)


def spoken(claims: Iterable[ClaimedKind], dialect: str) -> tuple[ClaimedKind, ...]:
    """Those claims that are about clusters of a dialect."""
    return tuple(claim for claim in claims if claim.spoken(dialect))


def dialect_of(network: Network, tenant: str) -> Dialect:
    """Whose reading of policies a tenant's cluster enforces."""
    settings = None if network.spec is None else network.spec.tenants.get(tenant)
    return KUBERNETES if settings is None else settings.dialect


def together(network: Network, sources: Sequence[Source]) -> Policy:
    """Everything that these sources say, in their order. Raises `InputError` where objects that
    they claim stand twice and say different things."""
    problems = Diagnostics()
    for tenant, manifests in network.manifests.items():
        twice(manifests, sources, problems, dialect_of(network, tenant))
    problems.check()
    out = Policy()
    for source in sources:
        out += source.policy(network)
    return out


def with_unclaimed(network: Network, sources: Sequence[Source]) -> Network:
    """The network, with what these sources leave unread among what is not evaluated (rule 2)."""
    claims = [claim for source in sources for claim in source.claims]
    evaluated = {
        record
        for tenant, manifests in network.manifests.items()
        for record in owned_by(
            tenant, as_wholes(manifests.covered(spoken(claims, dialect_of(network, tenant))))
        )
    }
    told = [r for r in network.not_evaluated if replace(r, touches="") not in evaluated]
    for tenant, manifests in network.manifests.items():
        told += owned_by(tenant, unclaimed(manifests.objects, claims))
    told += (record for source in sources for record in source.unread(network))
    same = tuple(told) == network.not_evaluated
    return network if same else replace(network, not_evaluated=tuple(told))
