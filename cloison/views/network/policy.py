"""Rules as rows and as lines, before any name is resolved."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from fabric.building.cluster import CLUSTER

if TYPE_CHECKING:
    from compiler.policy.ir import L4, Origin, Policy, Within


def rows(policy: Policy) -> Iterator[dict[str, Any]]:
    """Rules by stage, direction and order; selections follow as the stage's default."""
    place = {stage: number for number, stage in enumerate(policy.stages)}
    for rule in sorted(policy.rules, key=lambda r: (place[r.stage], r.direction, r.order)):
        yield {
            "stage": rule.stage.label,
            "direction": rule.direction.name.lower(),
            "order": rule.order,
            "local": " | ".join(m.text() for m in rule.local),
            "remote": " | ".join(m.text() for m in rule.remote) or "nobody",
            "ports": " | ".join(ports(rule.l4)) or "any",
            "action": rule.stage.doing(rule.action).label,
            "origin": str(rule.origin),
            **({"conditions": list(rule.conditions)} if rule.conditions else {}),
            **rule.stage.at.beside,
        }
    for selection in sorted(policy.selections, key=lambda s: (place[s.stage], s.direction)):
        yield {
            "stage": selection.stage.label,
            "direction": selection.direction.name.lower(),
            "order": "default",
            "local": " | ".join(m.text() for m in selection.local),
            "remote": "everyone",
            "ports": "any",
            "action": selection.stage.doing(selection.default).label,
            "origin": str(selection.origin),
            **selection.stage.at.beside,
        }


def listed(row: dict[str, Any]) -> Iterator[Any]:
    """A rule on a few lines: a table has no room for selectors and paths."""
    from rich.padding import Padding
    from rich.text import Text

    from cloison.render.formats import visible

    there = "->" if row["direction"] == "out" else "<-"
    said = f"{row['stage']} {row['direction']} {row['order']}"
    ports_ = "" if row["ports"] == "any" else f"  {row['ports']}"
    asks = f"  if {' and '.join(row['conditions'])}" if "conditions" in row else ""
    yield f"{said}: {row['action']}{ports_}{visible(asks)}"
    for line in (f"{row['local']} {there} {row['remote']}", row["origin"]):
        yield Padding(Text(visible(line)), (0, 0, 0, 4))


def ports(ranges: Iterable[L4]) -> list[str]:
    """Ranges as in fabric files, and ports by name; each with the limits of its further fields."""
    from fabric.values.ports import NAMES, PortRange, texts

    out: list[str] = []
    limited: dict[tuple[Within, ...], list[L4]] = {}
    for r in ranges:
        limited.setdefault(r.fields, []).append(r)
    for fields, found in limited.items():
        numbers = (
            PortRange(r.protocol, r.first, r.last, r.source_first, r.source_last)
            for r in found
            if r.name is None
        )
        named = (f"{r.name}/{NAMES.get(r.protocol, 'any')}" for r in found if r.name is not None)
        limits = f" with {' and '.join(map(str, fields))}" if fields else ""
        out += [text + limits for text in (*texts(numbers), *named)]
    return out


def policy_object(origin: Origin) -> dict[str, Any]:
    """A policy of a cluster as data; one about all namespaces is in none."""
    place, _, name = origin.name.removeprefix(f"{CLUSTER}/").rpartition("/")
    return {"kind": origin.kind, "namespace": place or None, "name": name}
