"""Host ports that came, went or lead elsewhere: who asks a node there gets to other ports of pods,
or to none, though no packet between workloads fares differently.

A host port is called as the workload whose pods open it. It opens on whatever node such a pod is
on, or at the address that it says; a pod that moves takes it along, which is no change.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator

from fabric.building.network import Network
from fabric.kubernetes.pods.workloads import Pod
from fabric.values.inventory import NamedPort
from fabric.values.ports import PortRange
from sim.diff.service_leads import DoorChange

Key = tuple[str, str, str]


def host_port_changes(old: Network, new: Network) -> Iterator[DoorChange]:
    """Every workload whose host ports differ, sorted by name."""
    here, there = _workloads(old), _workloads(new)
    for key in sorted(here.keys() | there.keys()):
        sides = [world.get(key, []) for world in (here, there)]
        was, now = map(_leads, sides)
        if was != now:
            kind = "edited" if was and now else "removed" if was else "new"
            span = max(pod.span for pod in (sides[1] or sides[0]))
            lost, found = (tuple(sorted(a - b)) for a, b in ((was, now), (now, was)))
            yield DoorChange(kind, "/".join(key), lost, found, span)


def _workloads(network: Network) -> dict[Key, list[Pod]]:
    """Pods by tenant, namespace and workload."""
    found: defaultdict[Key, list[Pod]] = defaultdict(list)
    for tenant, manifests in network.manifests.items():
        for pod in manifests.pods:
            found[tenant, pod.namespace, pod.workload].append(pod)
    return found


def _leads(pods: list[Pod]) -> set[str]:
    """Where the host ports of a workload lead, a text for each."""
    count = Counter(text for pod in pods for text in {_lead(p) for p in pod.ports if p.host})
    return {f"{text}{'' if n == len(pods) else ' of some pods'}" for text, n in count.items()}


def _lead(port: NamedPort) -> str:
    opened, own = (PortRange(port.protocol, number, number) for number in (port.host, port.number))
    where = f"at {port.host_ip}" if port.host_ip else "of its node"
    return f"{opened} {where} to {own}"
