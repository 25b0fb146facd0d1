"""Pods: those that run (`kubectl get pods`), and those that controllers would create.

Rules that hold here:

1. A controller whose pods are in the input is not expanded (`fabric.kubernetes.pods.standing`).
2. A pod's workload is its controller, or what is above that (`fabric.kubernetes.pods.owners`).
3. Pods that are finished (phase Succeeded or Failed) have no network and are left out.
4. A DaemonSet has one pod per node, known only when nodes are: its pod is marked `per_host`.
5. Ports are those of containers that keep running: containers, and init containers with
   `restartPolicy: Always`.
6. Any object with a pod template is a workload (`fabric.kubernetes.pods.templates`). One that makes
   no pods now has a pod that is *idle*: what it may do once it runs is asked before.
7. Labels that controllers add are there: a StatefulSet's pods know their name and index, a Job's
   its name.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from ipaddress import ip_address
from itertools import count

from fabric.diagnostics import Diagnostics, Span
from fabric.file.extend import ReadableDocument
from fabric.kubernetes.files.cursor import Cursor
from fabric.kubernetes.files.kinds import IRRELEVANT, meaning
from fabric.kubernetes.files.metadata import Metadata, labels, metadata, valid_node_name
from fabric.kubernetes.pods.gpus import gpus
from fabric.kubernetes.pods.owners import WorkloadOwner, owner_of, top
from fabric.kubernetes.pods.standing import FINISHED, RUNS, ended, is_over, stood_for
from fabric.kubernetes.pods.templates import added, templates
from fabric.values.address_sets import mapped
from fabric.values.inventory import NamedPort
from fabric.values.ports import MAX_PORT, PROTOCOLS
from fabric.wiring.budget import afford_pods

MAX_REPLICAS = 10_000
BUILT_IN = ("", "apps", "batch", "extensions")
PORTED = {"TCP": PROTOCOLS["tcp"], "UDP": PROTOCOLS["udp"], "SCTP": PROTOCOLS["sctp"]}


@dataclass(frozen=True, slots=True)
class Pod:
    """One pod. `node` and the addresses are what its spec and status say; `workload` is its
    controller, or itself. With `per_host`, `name` is a prefix: one such pod runs on every host.
    `gpus` are the resources of that kind that its containers ask for.
    `idle`: there is no such pod now, its workload has none; `made`: it stands for one that a
    controller makes, and is no object of the input."""

    name: str
    namespace: str
    workload: str
    workload_kind: str
    labels: Mapping[str, str]
    ports: tuple[NamedPort, ...]
    host_network: bool
    node: str | None
    addresses: tuple[str, ...]
    host_addresses: tuple[str, ...]
    per_host: bool
    span: Span
    idle: bool = False
    made: bool = False
    service_account: str = "default"
    gpus: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Controller:
    """A workload with its pod template; `count` is None when there is one pod per host. `whole` is
    the object, which may have several templates; `added` are labels that its controller adds;
    `first` is the number of a StatefulSet's first pod."""

    key: WorkloadOwner
    owner: WorkloadOwner | None
    template: Cursor
    count: int | None
    span: Span
    whole: WorkloadOwner
    added: Mapping[str, str] = field(default_factory=dict)
    first: int = 0

    @property
    def part(self) -> str:
        """The name of the template among several, as labels have it."""
        return self.key.name.removeprefix(f"{self.whole.name}-").removesuffix("spec")


def pods(objects: Iterable[ReadableDocument], problems: Diagnostics) -> tuple[Pod, ...]:
    """Every pod of the objects, sorted by namespace and name."""
    controllers: dict[WorkloadOwner, Controller] = {}
    live: list[tuple[Cursor, Metadata]] = []
    others: list[tuple[Cursor, str, str]] = []
    names: set[WorkloadOwner] = set()
    over: dict[WorkloadOwner, bool | None] = {}
    for source in objects:
        root = Cursor.of(source, problems)
        kind = source.value["kind"]
        group, _, version = source.value["apiVersion"].rpartition("/")
        if kind == "Pod" and group == "":
            about = metadata(root)
            key = unique(WorkloadOwner("Pod", about.namespace, about.name), names)
            generated = not root["metadata"]["name"]
            live.append((root, replace(about, name=key.name) if generated else about))
            names.add(key)
        elif kind in KINDS and group in BUILT_IN:
            found = controller(root, kind)
            key = unique(found.key, controllers)
            controllers[key] = replace(found, key=key)
            over[found.key] = ended(root)
        elif makes_pods(group, version, kind):
            others.append((root, group, kind))
    for root, group, kind in others:
        for found in from_templates(root, group, kind):
            over[found.whole] = ended(root)
            key = unique(found.key, controllers, group)
            controllers[key] = replace(found, key=key)
    running: list[Pod] = []
    owners: dict[WorkloadOwner | None, list[Pod]] = {}
    done: set[WorkloadOwner | None] = set()
    for root, about in live:
        direct, phase = owner_of(root, about), root["status"]["phase"].value
        owner = top(direct, about, controllers)
        if phase not in FINISHED:
            running.append(live_pod(root, about, owner))
            owners.setdefault(owner, []).append(running[-1])
        elif direct and direct.kind.endswith(RUNS) and is_over(over.get(direct), phase):
            if over.get(direct):
                done.add(direct)
            else:
                owners.setdefault(direct, []).append(live_pod(root, about, direct))
    wanted = [c for c in unmade(controllers, owners) if not {c.key, c.whole, c.owner} & done]
    afford_pods(len(running) + sum(c.count or 1 for c in wanted))
    planned = expand(wanted, {(p.namespace, p.name) for p in running})
    return tuple(sorted((*running, *planned), key=lambda p: (p.namespace, p.name, p.span)))


def unmade(
    known: Mapping[WorkloadOwner, Controller],
    owners: Mapping[WorkloadOwner | None, Sequence[Pod]],
) -> list[Controller]:
    """The controllers that no pod stands for; `owners` have these."""
    parts = Counter(found.whole for found in known.values())
    there = {k: f for k, f in known.items() if {k, f.whole, f.owner} & owners.keys()}
    made = {key: example(found, one=parts[found.whole] == 1) for key, found in there.items()}
    alike = Counter(
        (there[key].whole, str(sorted(pod.labels.items()))) for key, pod in made.items()
    )
    out = [f for k, f in known.items() if k not in there and f.owner not in known]
    for key, pod in made.items():
        found = there[key]
        twins = alike[found.whole, str(sorted(pod.labels.items()))] > 1
        pods = [p for k in {key, found.whole, found.owner} for p in owners.get(k, ())]
        if found.owner not in known and not stood_for(pod, found.part if twins else "", pods):
            out.append(found)
    return out


def example(found: Controller, *, one: bool) -> Pod:
    """A pod as a template makes it; what controllers add tells apart several templates of `one`."""
    given = found.template
    quiet = Cursor(given.source, Diagnostics(), given.path, given.value)
    added = {} if one else found.added
    own = {**labels(quiet["metadata"]["labels"]), **added}
    about = Metadata(found.key.name, found.key.namespace, own, found.span)
    return described(quiet["spec"], about, found.key, about.name, found.span)


def makes_pods(group: str, version: str, kind: str) -> bool:
    """Whether templates in an object of this kind, which is not built in, are those of pods."""
    return meaning(group, version, kind).way not in (IRRELEVANT, "policy", "mesh", "change")


def controller(root: Cursor, kind: str) -> Controller:
    """A workload as its object describes it."""
    about = metadata(root)
    template, count = KINDS[kind](root["spec"])
    if not template["spec"]:
        root.error("C604", f"{kind} {about.name} has no pod template")
    key = WorkloadOwner(kind, about.namespace, about.name)
    named = {"job-name": about.name, "batch.kubernetes.io/job-name": about.name}
    added = named if kind == "Job" else {}
    return Controller(
        key, owner_of(root, about), template, count, about.span, key, added, first(root)
    )


def from_templates(root: Cursor, group: str, kind: str) -> Iterator[Controller]:
    """The workloads of an object of another kind, one per pod template (rule 6)."""
    found = templates(root)
    if not found:
        return
    about = metadata(root)
    whole = WorkloadOwner(
        kind if kind != "Service" else f"{kind}.{group}", about.namespace, about.name
    )
    for item in found:
        if (item.count or 0) > MAX_REPLICAS:
            item.cursor.error("C605", f"{item.count:,} pods; at most {MAX_REPLICAS:,} are read")
            continue
        key = whole._replace(name=item.workload(about.name))
        extra = added(group, kind, about.name, item.part)
        yield Controller(
            key, owner_of(root, about), item.cursor, item.count, about.span, whole, extra,
            first(root),
        )  # fmt: skip


def first(root: Cursor) -> int:
    """The number of the first pod of a StatefulSet; 0 unless given."""
    start = root["spec"]["ordinals"]["start"]
    return max(start.integer(0) or 0, 0) if root["kind"].value == "StatefulSet" else 0


def unique(key: WorkloadOwner, taken: Container[WorkloadOwner], group: str = "") -> WorkloadOwner:
    """A key that no other workload has: two kinds of one name, or names that a server generates."""
    if key not in taken:
        return key
    if group and (qualified := key._replace(kind=f"{key.kind}.{group}")) not in taken:
        return qualified
    numbered = (key._replace(name=f"{key.name}-{n}") for n in count(2))
    return next(candidate for candidate in numbered if candidate not in taken)


def replicas(spec: Cursor) -> tuple[Cursor, int | None]:
    """Deployment, StatefulSet, ReplicaSet, ReplicationController."""
    return spec["template"], amount(spec["replicas"])


def daemon(spec: Cursor) -> tuple[Cursor, int | None]:
    """DaemonSet (rule 4)."""
    return spec["template"], None


def job(spec: Cursor) -> tuple[Cursor, int | None]:
    """Job: as many pods as may run at once."""
    parallel, completions = amount(spec["parallelism"]), spec["completions"]
    return spec["template"], min(parallel, amount(completions)) if completions else parallel


def cron(spec: Cursor) -> tuple[Cursor, int | None]:
    """CronJob: one run."""
    return job(spec["jobTemplate"]["spec"])


KINDS: dict[str, Callable[[Cursor], tuple[Cursor, int | None]]] = {
    "Deployment": replicas,
    "StatefulSet": replicas,
    "ReplicaSet": replicas,
    "ReplicationController": replicas,
    "DaemonSet": daemon,
    "Job": job,
    "CronJob": cron,
}


def amount(field: Cursor) -> int:
    """A number of pods, 1 unless given."""
    found = field.integer(1)
    if found is None or not 0 <= found <= MAX_REPLICAS:
        field.error("C605", f"must be 0 to {MAX_REPLICAS}")
        return 1
    return found


def live_pod(root: Cursor, about: Metadata, owner: WorkloadOwner) -> Pod:
    """A pod with what its status says."""
    status = root["status"]
    return replace(
        described(root["spec"], about, owner, about.name, about.span),
        addresses=reported(status, "podIP"),
        host_addresses=reported(status, "hostIP"),
    )


def reported(status: Cursor, key: str) -> tuple[str, ...]:
    """Addresses of a status: the list (`podIPs`) and the single one, each once."""
    fields = [item["ip"] for item in status[f"{key}s"].items()]
    texts = dict.fromkeys(f.check(is_address, "C612", "an address") for f in (*fields, status[key]))
    return tuple(text for text in texts if text and is_address(text))


def is_address(text: str) -> bool:
    """Whether the text is an IPv4 or IPv6 address, and not the one written as the other."""
    try:
        return "%" not in text and mapped(ip_address(text)) is None
    except ValueError:
        return False


def expand(controllers: Iterable[Controller], taken: set[tuple[str, str]]) -> Iterator[Pod]:
    """The pods that controllers would create; names stay unique when two workloads share one."""
    for found in sorted(controllers, key=lambda c: c.key):
        own = labels(found.template["metadata"]["labels"])
        about = Metadata(found.key.name, found.key.namespace, {**own, **found.added}, found.span)
        pod = described(found.template["spec"], about, found.key, about.name, found.span)
        pod = replace(pod, made=True)
        if found.count is None:
            yield replace(pod, per_host=True)
            continue
        for number in range(found.first, found.first + max(found.count, 1)):
            name = called = f"{about.name}-{number}"
            if (about.namespace, name) in taken:
                name = f"{about.name}-{found.key.kind.lower()}-{number}"
            taken.add((about.namespace, name))
            extra = numbered(called, number) if found.key.kind == "StatefulSet" else {}
            own = {**pod.labels, **extra}
            yield replace(pod, name=name, labels=own, idle=not found.count)


def numbered(name: str, number: int) -> dict[str, str]:
    """What a StatefulSet's pods know of themselves."""
    return {
        "statefulset.kubernetes.io/pod-name": name,
        "apps.kubernetes.io/pod-index": str(number),
    }


def described(spec: Cursor, about: Metadata, owner: WorkloadOwner, name: str, span: Span) -> Pod:
    """A pod as its spec and labels describe it."""
    node = spec["nodeName"].check(valid_node_name, "C609", "a node name")
    return Pod(
        name, about.namespace, owner.name, owner.kind, about.labels, tuple(ports(spec)),
        spec["hostNetwork"].flag(), node or None, (), (), False, span,
        service_account=account(spec), gpus=gpus(spec),
    )  # fmt: skip


def account(spec: Cursor) -> str:
    """The name of the service account; the second key is the old one."""
    found = (spec[key].value for key in ("serviceAccountName", "serviceAccount"))
    return next((name for name in found if isinstance(name, str) and name), "default")


def ports(spec: Cursor) -> Iterator[NamedPort]:
    """Container ports (rule 5); those without a name are called ""."""
    init = [c for c in spec["initContainers"].items() if c["restartPolicy"].value == "Always"]
    for container in (*spec["containers"].items(), *init):
        for port in container["ports"].items():
            number = port["containerPort"].integer(0 if not port["containerPort"] else None)
            protocol = port["protocol"].text("TCP")
            if number is None:
                continue
            if not 1 <= number <= MAX_PORT:
                port["containerPort"].error("C613", f"must be a port, 1 to {MAX_PORT}")
            elif protocol not in PORTED:
                port["protocol"].error("C613", f'"{protocol}" is not one of {", ".join(PORTED)}')
            else:
                yield NamedPort(
                    port["name"].text(), PORTED[protocol], number, *host_port(spec, port)
                )


def host_port(spec: Cursor, port: Cursor) -> tuple[int, str]:
    """The node's port that leads to a container port, and the address where it is open; a pod on
    its host's network opens nothing that it does not have anyway."""
    number, address = port["hostPort"].value, port["hostIP"].value
    if spec["hostNetwork"].value is True or type(number) is not int:
        return 0, ""
    everywhere = address in ("0.0.0.0", "::") or not isinstance(address, str)
    return number, "" if everywhere else address
