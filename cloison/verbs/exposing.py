"""Exposure: what a pod that is not there could reach, or be reached by.

Pods that stand for everything which policies tell apart (`sim.reach.future_peers`) are added to the
manifests, and who reaches whom is asked as always. So an answer is about a pod with exactly these
labels: add it, and ask again.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from cloison.loading.how import How
from cloison.loading.keeping import keeping
from cloison.views.world import World
from fabric.building.cluster import CLUSTER
from fabric.diagnostics import Diagnostic, InputError, UndecidedError
from sim.reach.connectivity import Peer, connectivity
from sim.reach.exposure import Exposure
from sim.reach.future_peers import future_pods, namespace_of, objects


def exposure(paths: Sequence[Path], how: How, here: World) -> Exposure:
    """What future pods could reach, and who could reach them, of the manifests of a world."""
    if how.dialect not in (None, "kubernetes"):
        message = "exposure is not asked of Cilium's policies, whose peers are identities"
        raise UndecidedError(Diagnostic("C719", message, None, "leave --dialect out", "unknown"))
    if any(str(path) == "-" for path in paths):
        hint = "write the manifests to a file"
        message = "exposure reads manifests twice, and stdin can be read once"
        raise InputError(Diagnostic("C101", message, None, hint))
    namespaces = here.network.manifests[CLUSTER].namespaces
    pods = future_pods(here.policy_read, namespaces)
    with TemporaryDirectory(prefix="cloison-") as folder, keeping(False):
        texts = map(json.dumps, objects(pods, namespaces))
        (Path(folder) / "future.yaml").write_text("\n---\n".join(texts), "utf-8")
        there = World.read([*paths, Path(folder)], how)
    found = connectivity(there)
    places = {
        Peer("Pod", namespace_of(number, pod, namespaces), f"future-{number}"): pod
        for number, pod in enumerate(pods)
    }
    return Exposure(found, places)
