"""Which workload a pod belongs to: its controller, or what is above that.

Rules that hold here:

1. ReplicaSets of a Deployment (or Rollout) and Jobs of a CronJob stand for their owner, found by
   owner reference, by `pod-template-hash`, or by the prefix of their name.
2. What nothing controls is its own workload; so is a pod of a node (a static one).

Source: kubernetes/api `meta/v1` (OwnerReference); the names that the built-in controllers make.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple, Protocol

from fabric.kubernetes.files.cursor import Cursor
from fabric.kubernetes.files.metadata import Metadata


class WorkloadOwner(NamedTuple):
    """A workload's kind, namespace and name."""

    kind: str
    namespace: str
    name: str


class Owned(Protocol):
    """Something that may have an owner."""

    @property
    def owner(self) -> WorkloadOwner | None: ...


def owner_of(root: Cursor, about: Metadata) -> WorkloadOwner | None:
    """The controller that an object's metadata names."""
    references = root["metadata"]["ownerReferences"].items()
    chosen = next((r for r in references if r["controller"].flag()), None)
    chosen = chosen or next(iter(references), None)
    if chosen is None or chosen["kind"].text() in ("", "Node"):
        return None
    return WorkloadOwner(chosen["kind"].text(), about.namespace, chosen["name"].text())


def top(
    owner: WorkloadOwner | None, about: Metadata, known: Mapping[WorkloadOwner, Owned]
) -> WorkloadOwner:
    """The workload that a live pod belongs to (rule 2); itself when nothing controls it."""
    if owner is None:
        return WorkloadOwner("Pod", about.namespace, about.name)
    if owner in known:
        return known[owner].owner or owner
    if owner.kind == "ReplicaSet":
        hashed = about.labels.get("rollouts-pod-template-hash")
        if hashed and owner.name.endswith(f"-{hashed}"):
            return owner._replace(kind="Rollout", name=owner.name.removesuffix(f"-{hashed}"))
        suffix = "-" + about.labels.get("pod-template-hash", "")
        named = owner.name.removesuffix(suffix) if len(suffix) > 1 else owner.name
        if named != owner.name:
            return owner._replace(kind="Deployment", name=named)
        return prefixed(owner, "Deployment", r"-[a-z0-9]{5,10}", known)
    if owner.kind == "Job":
        return prefixed(owner, "CronJob", r"-\d+", known)
    return owner


def prefixed(
    owner: WorkloadOwner, kind: str, suffix: str, known: Mapping[WorkloadOwner, Owned]
) -> WorkloadOwner:
    """The known workload of `kind` whose name, with a generated suffix, is the owner's."""
    for candidate in known:
        if candidate[:2] == (kind, owner.namespace) and re.fullmatch(
            re.escape(candidate.name) + suffix, owner.name
        ):
            return candidate
    return owner
