"""Rows of NetBox about tenants, VRFs with their route targets, and prefixes: CSV and JSON.

A table is told by what stands in it. Rules that hold here:

1. Columns are told by the words in `VRFS`, `PREFIXES` and `TENANTS`: those of NetBox's exports and
   of its bulk imports. Objects of JSON are those that its API answers.
2. A VRF that is printed with its route distinguisher, `blue (65000:1)`, is `blue`; "Global" is
   none.
3. Tables of NetBox that decide nothing here (addresses, VLANs, aggregates, route targets by
   themselves) are counted by what they are.

Source: NetBox `ipam` and `tenancy` models, tables, and bulk import forms (3.x, 4.x).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from fabric.diagnostics import Span

Rows = Sequence[tuple[int, list[str]]]
PlaceOf = Callable[[int], Span]
VRFS = {
    "name": ("name", "vrf"),
    "rd": ("rd", "route_distinguisher"),
    "tenant": ("tenant",),
    "imports": ("import_targets",),
    "exports": ("export_targets",),
    "vni": ("vni", "cf_vni", "l3vni", "cf_l3vni"),
}
PREFIXES = {
    "prefix": ("prefix",),
    "vrf": ("vrf",),
    "tenant": ("tenant",),
    "status": ("status",),
    "role": ("role",),
}
TENANTS = {"name": ("name",), "slug": ("slug",), "group": ("group", "tenant_group")}
NO_TENANT = ("status", "role", "type", "manufacturer", "color", "scope_type", "parent", "rd")
OTHERS = {"rir": "aggregates", "address": "addresses", "vid": "VLANs"}
RD_BEHIND = re.compile(r"(.*\S)\s*\((\S+:\S+)\)")
TARGET = re.compile(r"\d[\d.]*:\d+")


class SeenTenant(NamedTuple):
    """A tenant by what it is called, and by its slug, which may be empty."""

    name: str
    slug: str
    span: Span


class SeenVrf(NamedTuple):
    """A VRF; what its row does not say is empty. `imports` and `exports` are texts."""

    name: str
    rd: str
    tenant: str
    imports: tuple[str, ...]
    exports: tuple[str, ...]
    vni: str
    span: Span


class SeenPrefix(NamedTuple):
    """A prefix of a VRF, or of none; `rd` is that of the VRF, where its row says it."""

    prefix: str
    vrf: str
    rd: str
    tenant: str
    status: str
    role: str
    span: Span


@dataclass(frozen=True, slots=True)
class TenantTable:
    """What one file holds; `other` counts rows that decide nothing here, by what they are."""

    tenants: tuple[SeenTenant, ...] = ()
    vrfs: tuple[SeenVrf, ...] = ()
    prefixes: tuple[SeenPrefix, ...] = ()
    other: Counter[str] = field(default_factory=Counter)


def of_rows(
    header: Sequence[str],
    rows: Rows,
    columns: Callable[[list[str], Mapping[str, tuple[str, ...]]], dict[str, int]],
    place: PlaceOf,
) -> TenantTable | None:
    """The table of a CSV, None for one of another kind. `header` has slugs, `columns` finds those
    of some words, `place` tells where a row of that number stands."""
    names = {*header}

    def said(row: list[str], at: Mapping[str, int]) -> dict[str, str]:
        return {key: row[n] for key, n in at.items() if n < len(row)}

    for column, kind in OTHERS.items():
        if column in names and (column != "vid" or "prefix" not in names):
            return TenantTable(other=Counter({kind: len(rows)}))
    if "prefix" in names:
        at = columns([*header], PREFIXES)
        return TenantTable(prefixes=tuple(_prefix(said(r, at), place(n)) for n, r in rows))
    if names & {"import_targets", "export_targets", "rd"} and names & {*VRFS["name"]}:
        at = columns([*header], VRFS)
        return TenantTable(vrfs=tuple(_vrf(said(r, at), place(n)) for n, r in rows))
    at = columns([*header], TENANTS)
    if {"name", "group"} <= at.keys() and not names & {*NO_TENANT}:
        tenants = (said(r, at) | {"at": ""} for _, r in rows)
        spans = (place(n) for n, _ in rows)
        return TenantTable(tuple(map(_tenant, tenants, spans)))
    if "name" in at and rows and all(TARGET.fullmatch(r[at["name"]]) for _, r in rows):
        return TenantTable(other=Counter({"route targets by themselves": len(rows)}))
    return None


def of_objects(
    items: Sequence[Mapping[str, Any]], label: Callable[[Any], str], place: PlaceOf
) -> TenantTable | None:
    """The table of objects of JSON, None for one of another kind. `label` is what NetBox calls an
    object that is named in another one."""
    if not items:
        return None

    def every(*keys: str) -> bool:
        return all(key in item for item in items for key in keys)

    spans = [place(number) for number in range(len(items))]
    if every("prefix", "vrf"):
        return TenantTable(
            prefixes=tuple(
                _prefix(
                    {
                        "prefix": label(item["prefix"]),
                        "vrf": _name(item["vrf"]),
                        "rd": _key(item["vrf"], "rd"),
                        "tenant": label(item.get("tenant")),
                        "status": label(item.get("status")),
                        "role": label(item.get("role")),
                    },
                    span,
                )
                for item, span in zip(items, spans, strict=True)
            )
        )
    if every("name", "rd") and (every("import_targets") or every("enforce_unique")):
        return TenantTable(
            vrfs=tuple(
                _vrf(
                    {
                        "name": label(item["name"]),
                        "rd": label(item["rd"]),
                        "tenant": label(item.get("tenant")),
                        "imports": " ".join(_names(item.get("import_targets"))),
                        "exports": " ".join(_names(item.get("export_targets"))),
                        "vni": _own_field(item, *VRFS["vni"]),
                    },
                    span,
                )
                for item, span in zip(items, spans, strict=True)
            )
        )
    for key, kind in OTHERS.items():
        if every(key):
            return TenantTable(other=Counter({kind: len(items)}))
    if every("name", "slug") and (every("vrf_count") or all(map(_is_tenant, items))):
        said = ({"name": label(i["name"]), "slug": label(i["slug"])} for i in items)
        return TenantTable(tuple(map(_tenant, said, spans)))
    if every("name") and all(TARGET.fullmatch(label(item["name"])) for item in items):
        return TenantTable(other=Counter({"route targets by themselves": len(items)}))
    return None


def _tenant(said: Mapping[str, str], span: Span) -> SeenTenant:
    return SeenTenant(said.get("name", ""), said.get("slug", ""), span)


def _vrf(said: Mapping[str, str], span: Span) -> SeenVrf:
    name, rd = without_rd(said.get("name", ""))
    targets = (tuple(re.split(r"[\s,;]+", said.get(k, "").strip())) for k in ("imports", "exports"))
    imports, exports = (tuple(filter(None, found)) for found in targets)
    return SeenVrf(
        name, said.get("rd", "") or rd, said.get("tenant", ""), imports, exports,
        said.get("vni", ""), span,
    )  # fmt: skip


def _prefix(said: Mapping[str, str], span: Span) -> SeenPrefix:
    vrf, rd = without_rd(said.get("vrf", ""))
    return SeenPrefix(
        said.get("prefix", ""), vrf, said.get("rd", "") or rd, said.get("tenant", ""),
        said.get("status", ""), said.get("role", ""), span,
    )  # fmt: skip


def without_rd(text: str) -> tuple[str, str]:
    """The name of a VRF as it is printed, and the route distinguisher behind it; rule 2.

    >>> without_rd("blue (65000:1)"), without_rd("blue (old)"), without_rd("Global")
    (('blue', '65000:1'), ('blue (old)', ''), ('', ''))
    """
    found = RD_BEHIND.fullmatch(text)
    name, rd = (found[1], found[2]) if found else (text, "")
    return ("", "") if name.lower() in ("global", "—", "-") else (name, rd)


def _name(value: Any) -> str:
    """The name of a VRF that is named in another object."""
    return _key(value, "name") or (value if isinstance(value, str) else "")


def _key(value: Any, key: str) -> str:
    found = value.get(key) if isinstance(value, Mapping) else None
    return found if isinstance(found, str) else ""


def _names(value: Any) -> Iterable[str]:
    """The names of route targets, as objects or text."""
    for item in value if isinstance(value, list) else [value]:
        yield _name(item)


def _own_field(item: Mapping[str, Any], *keys: str) -> str:
    """A custom field, or a key beside the others."""
    own = item.get("custom_fields")
    for fields in (item, own if isinstance(own, Mapping) else {}):
        for key in keys:
            if isinstance(found := fields.get(key), int | str) and str(found):
                return str(found)
    return ""


def _is_tenant(item: Mapping[str, Any]) -> bool:
    return "/tenancy/tenants/" in _key(item, "url")
