"""Kinds of objects that sources of policy evaluate, and not the reader of manifests.

Which are claimed is said by each source (`compiler.policy.source`).
"""

from __future__ import annotations

from typing import NamedTuple


class ClaimedKind(NamedTuple):
    """A kind of objects that a source of policy evaluates, in these versions of its group. `once`:
    two objects of one name that say different things are a mistake; `namespaced`: objects of one
    name in two namespaces are two. `dialect`: it is evaluated in clusters of this dialect alone.
    `aid`: it is no policy, but what policies refer to.

    >>> job = ClaimedKind("batch", "Job", ("v1",), once=True, namespaced=True)
    >>> job.covers("batch/v1beta1", "Job")
    False
    """

    group: str
    kind: str
    versions: tuple[str, ...]
    once: bool
    namespaced: bool
    dialect: str = ""
    aid: bool = False

    def spoken(self, dialect: str) -> bool:
        """Whether it is evaluated in clusters of a dialect."""
        return self.dialect in ("", dialect)

    def covers(self, api_version: str, kind: str) -> bool:
        """Whether an object of that version and kind is claimed."""
        group, _, version = api_version.rpartition("/")
        return (group, kind) == (self.group, self.kind) and version in self.versions


NETWORK_POLICY = ClaimedKind(
    "networking.k8s.io", "NetworkPolicy", ("v1",), once=True, namespaced=True
)
LEFT_TO_SOURCES = (NETWORK_POLICY,)
"""What is read because a source of policy claims it: without the claim nobody evaluates it."""
