"""Exposure: what a pod that is not there could reach, or be reached by.

Pods that stand for all that policies tell apart by labels (`sim.reach.future_peers`) are added to
the manifests, and who reaches whom is asked as always: what is said of such a pod is what `reach`
says once it is there.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from cloison.loading.how import How
from cloison.loading.keeping import keeping
from cloison.views.world import World
from fabric.building.cluster import CLUSTER
from fabric.diagnostics import Diagnostic, InputError, UndecidedError
from fabric.values.dialects import KUBERNETES
from sim.reach.connectivity import Peer, connectivity
from sim.reach.exposure import Exposure
from sim.reach.future_peers import FuturePlaces


def exposure(paths: Sequence[Path], how: How, here: World) -> Exposure:
    """What future pods could reach, and who could reach them, of the manifests of a world."""
    if how.dialect not in (None, KUBERNETES):
        message = "exposure is not asked of Cilium's policies, whose peers are identities"
        raise UndecidedError(Diagnostic("C719", message, None, "leave --dialect out", "unknown"))
    if any(str(path) == "-" for path in paths):
        hint = "write the manifests to a file"
        message = "exposure reads manifests twice, and stdin can be read once"
        raise InputError(Diagnostic("C101", message, None, hint))
    namespaces = here.network.manifests[CLUSTER].namespaces
    new = FuturePlaces.of(here.policy_read, namespaces)
    with TemporaryDirectory(prefix="cloison-") as folder, keeping(False):
        texts = map(json.dumps, new.objects())
        (Path(folder) / "future.yaml").write_text("\n---\n".join(texts), "utf-8")
        there = World.read([*paths, Path(folder)], how)
    moved = new.moved(there.network)
    there = replace(there, network=moved, given=there.policy_read, base=None)
    pods = {Peer("Pod", at, name): pod for at, name, pod in new}
    return Exposure(connectivity(there, unasked=pods), pods)
