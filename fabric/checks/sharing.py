"""Peerings and leaks: unique names, VRFs that exist, offers that lie in them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from fabric.checks.known_names import ZONES, KnownNames
from fabric.diagnostics import Diagnostics, did_you_mean
from fabric.file.spec import FabricSpec, Leak, Peering
from fabric.values.wildcard import GLOB

Path = tuple[str | int, ...]


def check(spec: FabricSpec, names: KnownNames, found: Diagnostics) -> None:
    """Every peering and leak."""
    unique(spec, "peerings", [p.name for p in spec.peerings], found)
    unique(spec, "leaks", [leak.name for leak in spec.leaks], found)
    for i, peering in enumerate(spec.peerings):
        check_peering(spec, i, peering, names, found)
    for i, leak in enumerate(spec.leaks):
        check_leak(spec, i, leak, names, found)


def unique(spec: FabricSpec, section: str, given: Sequence[str], found: Diagnostics) -> None:
    """No two entries of a list have one name."""
    for i, name in enumerate(given):
        first = given.index(name)
        if first < i:
            where = spec.at(section, first)
            line = f" in line {where.line}" if where else ""
            what = f'"{name}" is the name of another entry of {section} already{line}'
            found.error("C309", what, spec.at(section, i, "name"), "names must be unique")


def check_peering(
    spec: FabricSpec, i: int, peering: Peering, names: KnownNames, found: Diagnostics
) -> None:
    """Two different VRFs, and offers of one of them."""
    ends = [
        one_vrf(spec, text, ("peerings", i, "between", side), names, found)
        for side, text in enumerate(peering.between)
    ]
    if ends[0] is not None and ends[0] == ends[1]:
        what = f"{ends[0]} cannot peer with itself"
        found.error("C316", what, spec.at("peerings", i, "between"), "name two VRFs")
    for key in peering.prefixes:
        if key not in peering.between and key not in ends:
            what = f'"{key}" is no side of this peering'
            hint = did_you_mean(key, peering.between) or f"sides: {', '.join(peering.between)}"
            found.error("C319", what, spec.at_key("peerings", i, "prefixes", key), hint)


def check_leak(spec: FabricSpec, i: int, leak: Leak, names: KnownNames, found: Diagnostics) -> None:
    """A VRF that is offered, and other VRFs that may use it."""
    source = one_vrf(spec, leak.from_, ("leaks", i, "from"), names, found)
    for k, pattern in enumerate(leak.to):
        at = ("leaks", i, "to", k)
        if is_zone(spec, pattern, at, found):
            continue
        clients = names.select(pattern)
        if not clients and not names.open(pattern):
            unknown(spec, pattern, at, names, found)
        elif clients == (source,):
            what = f"{source} cannot be leaked to itself"
            found.error("C316", what, spec.at(*at), "name other VRFs")


def one_vrf(
    spec: FabricSpec, pattern: str, at: Path, names: KnownNames, found: Diagnostics
) -> str | None:
    """The one VRF that a name stands for."""
    if is_zone(spec, pattern, at, found):
        return None
    matching = names.select(pattern)
    if not matching and names.open(pattern):
        return None
    if not matching:
        unknown(spec, pattern, at, names, found)
    elif len(matching) > 1 or (pattern in names.dynamic):
        what = f'"{pattern}" must name one VRF, it stands for several'
        found.error("C302", what, spec.at(*at), f"one of {listed(matching)}")
    else:
        return matching[0]
    return None


def is_zone(spec: FabricSpec, pattern: str, at: Path, found: Diagnostics) -> bool:
    """Whether a VRF pattern names a zone, which is an error here."""
    zone = pattern.partition("/")[0]
    if zone not in ZONES:
        return False
    hint = "zones: zone0: serves" if zone == "zone0" else "default_route: zone2 in the VRF"
    what = f"{zone} takes no part in peerings and leaks"
    found.error("C317", what, spec.at(*at), f"tenants reach it by {hint}")
    return True


def unknown(
    spec: FabricSpec, pattern: str, at: Path, names: KnownNames, found: Diagnostics
) -> None:
    """No VRF matches; the closest name as a hint."""
    candidates = names.vrfs if "/" in pattern else names.tenants
    hint = did_you_mean(pattern, candidates)
    if hint is None and not GLOB & set(pattern):
        hint = f"there are {listed(candidates)}" if candidates else "there are no tenants"
    found.error("C301", f'no VRF is called "{pattern}"', spec.at(*at), hint)


def listed(names: Iterable[str], most: int = 5) -> str:
    """A few names for a hint.

    >>> listed("abcdefg")
    'a, b, c, d, e, …'
    """
    several = list(names)
    return ", ".join(several[:most] + ["…"] * (len(several) > most))
