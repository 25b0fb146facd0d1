"""The kinds of objects that are evaluated in clusters in which Cilium enforces policies."""

from __future__ import annotations

from compiler.sources.cilium.cilium_things import GROUPS
from fabric.kubernetes.files.claimed_kinds import ClaimedKind
from fabric.values.dialects import CILIUM

KINDS = (
    ClaimedKind(
        "cilium.io", "CiliumNetworkPolicy", ("v2",), once=True, namespaced=True, dialect=CILIUM
    ),
    ClaimedKind(
        "cilium.io", "CiliumClusterwideNetworkPolicy", ("v2",), once=True, namespaced=False,
        dialect=CILIUM,
    ),
)  # fmt: skip
CLAIMS = (*KINDS, *GROUPS)
