"""What `cloison suggest --from-flows` says: policies that permit what was observed, what they would
newly deny, with a packet each, and what is not taken."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cloison.views.caveats.diagnosed import diagnosed
from cloison.views.caveats.unknowns import as_rows
from cloison.views.changes.changed import sentences
from cloison.views.changes.differences import rows as changed_rows
from cloison.views.world import World
from fabric.file.yaml.written_yaml import written_yaml
from sim.diff.permitted.least import LeastPrivilege
from sim.diff.permitted.policies import LISTS, Width, WrittenPolicy
from sim.diff.suggested.file_edits import extending

SCHEMA = "cloison/permitted/1"
FEW = 5
WORDS = {
    "holds": "proven: what was observed passes; between these pods nothing else does than between "
    "those seen, on these ports, over both IP versions; and nothing is newly permitted",
    "nothing": "no flow was taken that policies can permit, and nothing is suggested",
    "fails": "not proven, and written to no file: see above",
    "unknown": "unknown: something that is not evaluated may decide otherwise",
}


def document(
    fabric: Path, world: World, found: LeastPrivilege, width: Width, notes: tuple[str, ...]
) -> dict[str, Any]:
    """`cloison/permitted/1`."""
    changed = changed_rows(found.compared)
    return {
        "schema": SCHEMA,
        "name": world.network.spec.name,
        "verdict": found.verdict,
        "namespaces": ["/".join(room) for room in found.rooms],
        "flows": found.flows,
        "outside": {"v4": width[0], "v6": width[1]},
        "policies": [
            {"tenant": one.tenant, "was": one.was, "what": one.edit.words, "object": one.document}
            for one in found.policies
        ],
        "patch": overlay(fabric, found),
        "newly_denied": [row for row in changed if row["change"] in ("lost", "unsteady")],
        "newly_permitted": {
            "by_policies": list(found.gained),
            "end_to_end": [row for row in changed if row["change"] in ("gained", "steady")],
        },
        "stopped": list(found.stopped),
        "unsayable": list(found.unsayable),
        "beyond": list(found.beyond),
        "not_looked_at": found.unasked or None,
        "alike": list(found.merged),
        "both_versions": [
            {"source": one.source, "target": one.target, "port": one.port, "seen": one.seen}
            for one in found.one_version
        ],
        "in_hosts": list(found.in_hosts),
        "left": [
            {"why": why, "packets": count, "such_as": example}
            for why, (count, example) in sorted(found.observed.left.items())
        ],
        "notes": list(notes),
        "not_evaluated": as_rows(world.network.not_evaluated),
        "diagnostics": diagnosed(world.network),
    }


def overlay(fabric: Path, found: LeastPrivilege) -> str:
    """A fabric file beside another one, which it extends with the policies."""
    return extending(fabric, [one.edit for one in found.policies])


def texts(found: LeastPrivilege) -> Iterator[tuple[str, str]]:
    """A file of manifests for each namespace, by its name below the folder, for kubectl."""
    for tenant, namespace in found.rooms:
        mine = [
            one
            for one in found.policies
            if (one.tenant, one.document["metadata"]["namespace"]) == (tenant, namespace)
        ]
        parts = [f"# {one.edit.words}\n{written_yaml(one.document)}" for one in mine]
        yield f"{tenant}/{namespace}.yaml", "---\n".join(parts)


def report(world: World, found: LeastPrivilege, width: Width) -> Iterator[str]:
    """The same for people."""
    rooms = ", ".join("/".join(room) for room in found.rooms)
    for one in found.policies:
        if _permits(one) or not one.was:
            yield from ("---", f"# {one.tenant}", *written_yaml(one.document).splitlines())
    emptied = [one for one in found.policies if one.was and not _permits(one)]
    if found.policies:
        yield ""
    if emptied:
        names = (
            f"{one.document['metadata']['namespace']}/{one.document['metadata']['name']}"
            for one in emptied
        )
        yield f"Permits nothing any more: {', '.join(names)}."
    if found.policies:
        flows = f"{found.flows:,} observed flow" + ("s" if found.flows != 1 else "")
        yield f"Written for {rooms}, from {flows} that pass today."
        yield f"Whoever has no labels is named by /{width[0]} and /{width[1]} (--width)."
    yield from _listed("Alike by their labels, and permitted alike", found.merged)
    yield from _listed(
        "Seen over one IP version, and permitted over both, since labels tell of none",
        tuple(
            f"{one.source} to {one.target} on {one.port}: seen over IPv{one.seen} only"
            for one in found.one_version
        ),
    )
    yield from _listed("In the network of their host, where no policy reaches", found.in_hosts)
    for kind, head in (("lost", "Newly denied"), ("unsteady", "Newly denied on some paths")):
        alike = [c for c in found.compared.changes if c.kind == kind]
        if alike:
            yield f"{head}:"
        for change in alike:
            ((_, words),) = sentences(found.compared, [change])
            yield f"  {words}"
            yield f"    packet {change.packet()}"
    yield from _listed("Newly permitted by these policies", found.gained)
    gains = [c for c in found.compared.changes if c.kind in ("gained", "steady")]
    yield from _listed("Newly permitted", tuple(c.packet() for c in gains))
    yield from _listed("Observed, and stopped by these policies", found.stopped)
    denied = "; newly denied" if found.policies else ""
    yield from _listed(f"Observed, and no NetworkPolicy can say it{denied}", found.unsayable)
    yield from _listed("Permitted between these pods, and not observed", found.beyond)
    if found.unasked:
        yield f"Whether more is permitted between these pods was not looked at: {found.unasked}."
    yield from _listed("Not evaluated", found.undecided)
    if found.observed.left:
        yield "Not taken:"
        for why, (count, example) in sorted(found.observed.left.items()):
            yield f"  {count:,} {why}, such as {example}"
    yield f"{world.network.spec.name}: {WORDS[found.verdict]}."


def _permits(policy: WrittenPolicy) -> bool:
    return any(policy.document["spec"][key] for key, _ in LISTS)


def _listed(head: str, listed: tuple[str, ...]) -> Iterator[str]:
    if listed:
        yield f"{head}:"
        yield from (f"  {line}" for line in listed[:FEW])
        if len(listed) > FEW:
            yield f"  {len(listed) - FEW:,} more (-o json)"
