"""What tables list of VRFs (NetBox), beside what configurations of devices say of them.

Rules that hold here:

1. Configurations count; tables are asked whether they say the same: VNI, route targets in and out,
   and whether networks of interfaces lie in listed prefixes. What differs is a finding (C357) with
   the line of the first device and the row, and how many more there are.
2. A VRF is known by its name, or by its slug. Several rows of one name: one of them has to agree.
3. `auto` takes over any route target with the VNI, and announces the device's own. What a device
   makes itself and cannot be computed is not compared.
4. VRFs that one side alone has are counted (C358).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from ipaddress import ip_network
from typing import NamedTuple

from compiler.imports.device_facts import DEFAULT_VRF, Device, RouteTarget, VrfFacts
from compiler.imports.sites.import_targets import WILDCARD, exported, imported
from fabric.diagnostics import Diagnostics, Span
from fabric.file.spec import FabricSpec
from fabric.wiring.joined_tenants import ListedVrf
from fabric.wiring.wiring_tables import slug

SHOWN = 4


class SaidOtherwise(NamedTuple):
    """One matter of which a device says something else than a row."""

    what: str
    said: str
    span: Span
    listed: str


def compare_listed(spec: FabricSpec, devices: Sequence[Device], found: Diagnostics) -> None:
    """Tell where tables and configurations differ."""
    listed: dict[str, list[ListedVrf]] = defaultdict(list)
    for row in spec._listed_vrfs:
        listed[slug(row.row.name)].append(row)
    if not listed:
        return
    differences: dict[tuple[str, str, str, Span], list[SaidOtherwise]] = defaultdict(list)
    configured: dict[str, VrfFacts] = {}
    for device in devices:
        for vrf in device.vrfs:
            if vrf.name == DEFAULT_VRF:
                continue
            configured.setdefault(slug(vrf.name), vrf)
            if not (rows := listed.get(slug(vrf.name))):
                continue
            tried = [[*otherwise(device, vrf, row)] for row in rows]
            best = min(range(len(rows)), key=lambda n: len(tried[n]))
            for one in tried[best]:
                key = one.what, one.said, one.listed, rows[best].row.span
                differences[key].append(one)
    for (what, said, there, span), some in differences.items():
        more = f" ({len(some) - 1} more devices say so)" if len(some) > 1 else ""
        text = f"{what}: {said} here{more}, and {there} at {span}"
        found.finding("C357", text, some[0].span, "the configuration counts")
    missing = [row.row for rows in listed.values() for row in rows
               if slug(row.row.name) not in configured]  # fmt: skip
    if missing:
        names = _names([row.name for row in missing])
        what = f"{len(missing)} VRFs of tables are in no configuration: {names}"
        found.warn("C358", what, missing[0].span)
    strange = [vrf for name, vrf in configured.items() if name not in listed]
    if strange:
        names = _names([vrf.name for vrf in strange])
        what = f"{len(strange)} VRFs of configurations are in no table: {names}"
        found.warn("C358", what, strange[0].span)


def otherwise(device: Device, vrf: VrfFacts, listed: ListedVrf) -> Iterator[SaidOtherwise]:
    """Where a device says something else than a row; rules 1 and 3."""
    row, of = listed.row, f"of VRF {vrf.name}"
    if row.vni and vrf.vni is not None and str(vrf.vni) != row.vni:
        yield SaidOtherwise(f"VNI {of}", str(vrf.vni), vrf.span, row.vni)
    taken = [target.text for target in imported(vrf)]
    if row.imports and taken and not _same_targets(taken, row.imports):
        span = _first(vrf.imports, row.imports) or vrf.span
        yield SaidOtherwise(f"import route targets {of}", _told(taken), span, _told(row.imports))
    given = exported(device, vrf)
    if row.exports and given and {*given} != {*row.exports}:
        span = _first(vrf.exports, row.exports) or vrf.span
        yield SaidOtherwise(f"export route targets {of}", _told(given), span, _told(row.exports))
    for interface in device.interfaces:
        if interface.vrf != vrf.name or interface.kind == "loopback":
            continue
        for address in interface.addresses:
            network = ip_network(address.at.network)
            if not network.is_link_local and not listed.has(network):
                what = f"networks {of}"
                yield SaidOtherwise(what, str(network), address.span, "no prefix around it")


def _same_targets(taken: Sequence[str], listed: Sequence[str]) -> bool:
    """Whether what a VRF takes over is what a row lists; `*:VNI` is any with that number."""
    auto = {text.rpartition(":")[2] for text in taken if text.startswith(f"{WILDCARD}:")}
    definite = {text for text in taken if not text.startswith(f"{WILDCARD}:")}
    numbers = {text: text.rpartition(":")[2] for text in listed}
    known = all(text in definite or numbers[text] in auto for text in listed)
    return known and definite <= numbers.keys() and auto <= {*numbers.values()}


def _first(written: Sequence[RouteTarget], listed: Sequence[str]) -> Span | None:
    """Where a route target stands that is not listed, else the first one."""
    strange = (target.span for target in written if target.text not in listed)
    return next(strange, written[0].span if written else None)


def _told(texts: Sequence[str]) -> str:
    return ", ".join(sorted(texts))


def _names(names: Sequence[str]) -> str:
    more = ", …" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more
