"""The kinds of objects that are evaluated in clusters in which Cilium enforces policies."""

from __future__ import annotations

from compiler.sources.cilium_selectors import DIALECT
from compiler.sources.cilium_things import GROUPS
from fabric.kubernetes.claimed_kinds import ClaimedKind

KINDS = (
    ClaimedKind(
        "cilium.io", "CiliumNetworkPolicy", ("v2",), once=True, namespaced=True, dialect=DIALECT
    ),
    ClaimedKind(
        "cilium.io", "CiliumClusterwideNetworkPolicy", ("v2",), once=True, namespaced=False,
        dialect=DIALECT,
    ),
)  # fmt: skip
CLAIMS = (*KINDS, *GROUPS)
