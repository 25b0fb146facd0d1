"""Namespaces that hold GPU pods which accept every connection (C683).

A pod is *open* where no policy of its cluster denies anything on its way in. What the fabric keeps
apart stays apart: this is about the cluster that the pod is in. Where some of its policies are not
evaluated, nothing is told.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from compiler.lints.asked import AskedPolicies, warning
from compiler.policy.ir import Direction
from compiler.policy.stages import Owner
from fabric.diagnostics import Diagnostic
from fabric.kubernetes.pods.workloads import Pod

MOST = 3


def lint(asked: AskedPolicies) -> Iterator[Diagnostic]:
    """One warning per namespace, at the first such pod."""
    here: dict[tuple[str, str | None, str | None], list[int]] = {}
    for e in asked.network.endpoints:
        if e.kind == "pod" and not e.host_network:
            here.setdefault((e.tenant, e.namespace, e.workload), []).append(e.index)
    for tenant in sorted(asked.tenants):
        manifests = asked.network.manifests[tenant]
        found: defaultdict[str, dict[str, Pod]] = defaultdict(dict)
        for pod in manifests.pods:
            wanted = pod.gpus and tenant not in asked.unread
            ends = here.get((tenant, pod.namespace, pod.workload), ()) if wanted else ()
            if any(_open(asked, end) for end in ends):
                found[pod.namespace].setdefault(pod.workload, pod)
        for namespace, pods in sorted(found.items()):
            first = next(iter(pods.values()))
            names = ", ".join(list(pods)[:MOST]) + (
                f" and {more} more" if (more := len(pods) - MOST) > 0 else ""
            )
            what = f"namespace {namespace} holds GPU pods ({first.gpus[0]}) to which its whole"
            hint = "a NetworkPolicy that selects them limits who may connect"
            yield warning("C683", f"{what} cluster may connect: {names}", first.span, hint)


def _open(asked: AskedPolicies, end: int) -> bool:
    """Whether no policy of a cluster denies anything on its way into an endpoint."""
    return all(
        table.plain and table.permitted.all()
        for table in asked.of_end.get((Direction.IN, end), ())
        if table.layers[0].stage.owner is Owner.CLUSTER
    )
