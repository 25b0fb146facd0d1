"""Exposure of a cluster, as people and programs want to read it: who could reach a workload of the
pods that are not there, and whom of them it could reach."""

from __future__ import annotations

from typing import Any

from cloison.render.formats import FORMATS
from cloison.views.access.asked_peers import title
from cloison.views.access.connectivity import because, doubts, peer_key, structured
from cloison.views.access.doubts import Doubts
from cloison.views.access.focus import EVERYTHING, Focus
from cloison.views.caveats.unknowns import with_records
from compiler.program.program import goes_by_address
from fabric.kubernetes.unmodelled.unevaluated import pending
from sim.reach.connectivity import Connection
from sim.reach.exposure import Exposure

SCHEMA = "cloison/exposure/1"
COLUMNS = ("workload", "direction", "peer", "ports", "because")
"""What people see of a row."""
ALIKE = (
    "Each row is about a pod with exactly these labels, on a network of its own. It stands for all "
    "of its namespace that no policy tells from it by labels, and one of each such kind was asked "
    "about: what has no row does not pass."
)
BY_NAME = (
    "They declare no ports, so no rule that calls a port by its name matches one: a pod that does "
    "may be reached on other ports."
)
BY_ADDRESS = (
    "Their addresses are assumed, and rules with an ipBlock are matched against them: a pod with "
    "another address may have other access."
)


def answer(found: Exposure, output: str, focus: Focus = EVERYTHING) -> tuple[str, bool]:
    """The exposure in focus as text, and whether something that touches it is not evaluated."""
    doubt = doubts(found.found)
    data = FORMATS[output].cells == "data"
    chosen = focus.chosen(found.found, found.connections, found.pods)
    rows = [_marked(found, doubt, c, data) for c in chosen]
    columns = {name: name for name in (*COLUMNS, *doubt.columns)}
    text = with_records(
        doubt.records, rows, network=found.found.reach.network, schema=SCHEMA, output=output,
        columns=columns, beside={"assumed": assumed(found)},
    )  # fmt: skip
    if FORMATS[output].beside == "below":
        text += f"{FORMATS[output].sentence(assumed(found))}\n"
    return text, bool(pending(doubt.records))


def assumed(found: Exposure) -> str:
    """What the pods are taken for, and which others may fare otherwise."""
    program = found.found.reach.program
    out = [ALIKE]
    if any(port.name for rule in program.policy.rules for port in rule.l4):
        out.append(BY_NAME)
    if any(goes_by_address(e) for group in program.groups for e in group.entries):
        out.append(BY_ADDRESS)
    return " ".join(out)


def _marked(found: Exposure, doubt: Doubts, of: Connection, data: bool) -> dict[str, Any]:
    row = as_data(found, of) if data else as_text(found, of)
    return doubt.marked(peer_key(of.source), peer_key(of.target), row)


def as_text(found: Exposure, of: Connection) -> dict[str, str]:
    """A row for people."""
    direction, pod = found.future_end(of)
    mine = of.target if direction == "ingress" else of.source
    ports = found.found.reach.space.text(of.ports)
    ports += f" ({of.only})" if of.only else ""
    ports += " (not all pods)" if of.partial else ""
    return {
        "workload": title(found.found, mine),
        "direction": direction,
        "peer": str(pod),
        "ports": f"{ports} (assumed)" if of.assumed else ports,
        "because": because(of),
    }


def as_data(found: Exposure, of: Connection) -> dict[str, Any]:
    """A row for programs: as `reach` has it, and what the pod is that is not there."""
    direction, pod = found.future_end(of)
    row = structured(found.found, of)
    end = "source" if direction == "ingress" else "destination"
    return {"direction": direction, **row, end: {"kind": "future pod", **pod.row()}}
