"""What directories of unmodified Kubernetes manifests hold, as far as the network is concerned.

Namespaces, pods and Services; every object is kept as it is, with its place, and policies are read
by the source of policy that claims their kind (`compiler.policy.source`). Every namespace has the
label that the API server gives it, `kubernetes.io/metadata.name`, declared or not. Of other kinds
those that cannot matter are counted, and those that may decide who reaches whom are listed
(`fabric.kubernetes.unmodelled.unevaluated`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from fabric.diagnostics import Diagnostic, Diagnostics
from fabric.file.extend import PatchEdit, ReadableDocument
from fabric.kubernetes.files.claimed_kinds import ClaimedKind
from fabric.kubernetes.files.cursor import Cursor
from fabric.kubernetes.files.kinds import IRRELEVANT, meaning
from fabric.kubernetes.files.metadata import NAME_LABEL, NAMESPACES, metadata
from fabric.kubernetes.files.objects import claimed_once, read_objects
from fabric.kubernetes.networking.endpoint_slices import resolved
from fabric.kubernetes.networking.services import Service, service
from fabric.kubernetes.networking.ways_in import WayIn, ways_in
from fabric.kubernetes.pods.nodes import ClusterNode, cluster_node
from fabric.kubernetes.pods.workloads import Pod, pods
from fabric.kubernetes.unmodelled.mentions import elsewhere
from fabric.kubernetes.unmodelled.service_fields import of_services
from fabric.kubernetes.unmodelled.unevaluated import (
    Unevaluated,
    left_to_sources,
    unevaluated,
    unrendered,
)
from fabric.kubernetes.unmodelled.unread_fields import unread
from fabric.kubernetes.unmodelled.untold_labels import untold
from fabric.kubernetes.unmodelled.untold_namespaces import untold_namespaces


@dataclass(frozen=True, slots=True, eq=False)
class Manifests:
    """Everything that was read. `namespaces` maps names to labels, for every namespace that is
    declared or used; `objects` are all of them as they stand, for the sources of policy to pick
    from; `ignored` counts objects of kinds that do not matter here; `not_evaluated` has
    what may matter and is not modelled, without a tenant; `ways_in` say where Ingresses and
    routes of gateways lead."""

    namespaces: Mapping[str, Mapping[str, str]]
    pods: tuple[Pod, ...]
    services: tuple[Service, ...]
    objects: tuple[ReadableDocument, ...]
    ignored: Mapping[str, int]
    warnings: tuple[Diagnostic, ...] = ()
    not_evaluated: tuple[Unevaluated, ...] = ()
    nodes: tuple[ClusterNode, ...] = ()
    ways_in: tuple[WayIn, ...] = ()

    def claimed(
        self, claims: Sequence[ClaimedKind], problems: Diagnostics | None = None
    ) -> tuple[ReadableDocument, ...]:
        """The objects that these claims cover, each once, in the order of the files. Where several
        of one name say different things, `problems` hears of it."""
        found = self.covered(claims)
        return tuple(claimed_once(found, claims, Diagnostics() if problems is None else problems))

    def covered(self, claims: Iterable[ClaimedKind]) -> tuple[ReadableDocument, ...]:
        """The objects that these claims cover as they stand, in the order of the files."""
        wanted = tuple(claims)
        kinds = {claim.kind for claim in wanted}
        return tuple(
            source
            for source in self.objects
            if source.value["kind"] in kinds
            and any(c.covers(source.value["apiVersion"], source.value["kind"]) for c in wanted)
        )


def load_manifests(
    paths: Sequence[Path | str],
    *,
    tenant: str = "",
    edits: Sequence[PatchEdit] = (),
    told: Sequence[Diagnostic] = (),
) -> Manifests:
    """Read files and directories; raises one `InputError` with every mistake.

    `edits` are changes that a fabric file makes to the manifests of `tenant`; `told` is what is
    doubtful about the paths themselves.
    """
    problems = Diagnostics()
    problems.items += told
    found = interpret(read_objects(paths, problems, tenant, edits), problems)
    problems.check()
    return found


def interpret(objects: Sequence[ReadableDocument], problems: Diagnostics) -> Manifests:
    """Objects by what they mean for the network; mistakes go to `problems`."""
    declared: dict[str, Mapping[str, str]] = {}
    services = []
    ignored: Counter[str] = Counter()
    left_out: list[Unevaluated] = []
    leading: list[tuple[Unevaluated, ReadableDocument, tuple[WayIn, ...]]] = []
    entries: list[WayIn] = []
    nodes: list[ClusterNode] = []
    known = resolved(objects)
    for source in objects:
        root, kind = Cursor.of(source, problems), source.value["kind"]
        group = source.value["apiVersion"].rpartition("/")[0]
        if (group, kind) in NAMESPACES:
            about = metadata(root)
            declared[about.name] = {**declared.get(about.name, {}), **about.labels}
        elif (kind, group) == ("Node", ""):
            nodes.append(cluster_node(root))
        elif (kind, group) == ("Service", ""):
            services.append(service(root))
        elif left_to_sources(source):
            metadata(root)
        if record := unevaluated(source, known):
            left_out.append(record)
            leading.append((record, source, tuple(ways_in(source))))
        elif meaning(group, "", kind).way == IRRELEVANT:
            ignored[kind] += 1
    for record, source, ways in leading:
        entries += ways
        left_out += elsewhere(record, source.value, ways, services)
    found = pods(objects, problems)
    left_out += unread(objects, found, problems)
    left_out += of_services(objects)
    left_out += untold(objects, found)
    left_out += untold_namespaces(objects, found, declared)
    names = {*declared, *(p.namespace for p in found), *(s.namespace for s in services)}
    namespaces = {name: {**declared.get(name, {}), NAME_LABEL: name} for name in sorted(names)}
    services.sort(key=lambda s: (s.namespace, s.name))
    return Manifests(
        namespaces, found, tuple(services), tuple(objects), dict(sorted(ignored.items())),
        problems.warnings, (*left_out, *unrendered(problems.warnings)),
        tuple(sorted(nodes, key=lambda n: n.name)), tuple(entries),
    )  # fmt: skip
