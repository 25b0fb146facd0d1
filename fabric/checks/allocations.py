"""Allocations that are given: pins and the lock file, held to the same rules.

Rules that hold here:

1. Every value can be used for what it is given: loopbacks are unicast IPv4 addresses, AS numbers
   are not reserved, VNIs fit the route targets that follow from them.
2. Within a section no value is given twice, and no prefixes overlap; VNIs that VRFs state count as
   given. AS numbers may be shared by pinning, which BGP allows: a warning says what it means.
3. Blocks and prefixes lie where they belong. What the lock file gives also lies in its pool, or it
   is not what cloison drew; a pin may be any number that the site has.

What follows from the whole world, such as automatic route distinguishers, is held against the same
values where it is made (`fabric.plan.addressing`, `fabric.plan.addresses`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from fabric.checks.numbers import RESERVED_ASNS, pool_of
from fabric.checks.trust_zones import readable, within
from fabric.checks.values import (
    MAX_2_OCTETS,
    MAX_ASN,
    MAX_VNI,
    asns,
    complaint,
    mac_pool,
    pin_values,
    route_target,
    vnis,
)
from fabric.diagnostics import Diagnostics
from fabric.file.spec import FabricSpec, Pins
from fabric.plan import lock
from fabric.plan.lock import Locked
from fabric.plan.pools import FIRST_DRAWN_RD, FIRST_INTENT_RT, mac_bounds
from fabric.values import ip
from fabric.values.inventory import Prefix

Path = tuple[str | int, ...]
Given = Iterator[tuple[str, Any, Path]]
SINGLE = ("loopback", "rd", "rt", "router_mac")
EACH = "each needs its own"
RELEASE = "delete the line to have another one drawn"


def read_lock(spec: FabricSpec) -> Locked:
    """The lock file of a fabric file; raises one `InputError` with everything that is wrong."""
    if spec.base is None:
        return Locked()
    vetted: Locked | None = spec._locked
    locked = lock.read(lock.path_of(spec.base), vetted)
    if locked is vetted:
        return locked
    found = Diagnostics()
    unreadable(locked, found)
    if not found.items:
        for section, key, other, path in twice(spec, locked.pins, drawn=True):
            what = f'gives {section} {value_at(locked.pins, path)} to "{other}" and to "{key}"'
            found.error("C485", f"the lock file {what}", locked.span(*path), EACH)
        strangers(spec, locked, found)
    found.check()
    return locked


def value_at(pins: Pins, path: Path) -> Any:
    """The value at a place in pins."""
    section, key, *rest = path
    value = getattr(pins, str(section))[key]
    return value[rest[0]] if rest else value


def unreadable(locked: Locked, found: Diagnostics) -> None:
    """Values of a lock file that are none."""
    for _, reader, text, place in pin_values(locked.pins):
        if wrong := complaint(reader, text):
            where = ".".join(map(str, place[1:]))
            found.items.append(lock.corrupt(f"has {wrong[0]} at {where}", locked.span(*place[1:])))
    numbers = (("vni", locked.pins.vni, MAX_VNI), ("asn", locked.pins.asn, MAX_ASN))
    for section, values, most in numbers:
        for key, number in values.items():
            if not 1 <= number <= most or (section == "asn" and number in RESERVED_ASNS):
                what = f"has {number} at {section}.{key}"
                found.items.append(lock.corrupt(what, locked.span(section, key)))


def twice(spec: FabricSpec, pins: Pins, *, drawn: bool) -> Iterator[tuple[str, str, str, Path]]:
    """Values that a section gives a second time: section, key, the key that has it, the place. Only
    AS numbers that were `drawn` must differ (rule 2)."""
    numbers: tuple[tuple[str, Mapping[str, Any]], ...] = (
        ("asn", pins.asn if drawn else {}),
        ("vni", pins.vni),
        *((section, getattr(pins, section)) for section in SINGLE),
    )
    for section, values in numbers:
        owner: dict[Any, str] = {}
        for key, value in values.items():
            other = owner.setdefault(value.lower() if isinstance(value, str) else value, key)
            if other != key:
                yield section, key, other, (section, key)
    yield from overlapping("prefixes", ((k, v, ("prefixes", k)) for k, v in pins.prefixes.items()))
    spaces: dict[str, list[tuple[str, Any, Path]]] = {}
    for key, texts in pins.blocks.items():
        vrf = key.partition(" ")[2]
        settings = spec.tenants.get(tenant := vrf.partition("/")[0])
        space = tenant if settings and settings.vrf_per == "namespace" else vrf
        for number, text in enumerate(texts):
            spaces.setdefault(space, []).append((key, text, ("blocks", key, number)))
    for given in spaces.values():
        yield from overlapping("blocks", iter(given))


def overlapping(section: str, given: Given) -> Iterator[tuple[str, str, str, Path]]:
    """Prefixes that share addresses with another one."""
    known = [(prefix, key, path) for key, text, path in given if (prefix := readable(text))]
    known.sort(key=lambda item: (item[0].version, int(item[0].network_address), item[0].prefixlen))
    widest: tuple[Prefix, str, Path] | None = None
    for item in known:
        if widest is not None and within(item[0], widest[0]):
            later = max(item, widest, key=lambda i: known_order(i[2]))
            first = widest if later is item else item
            yield section, later[1], first[1], later[2]
        else:
            widest = item


def known_order(path: Path) -> tuple[str, ...]:
    """Order in which entries of one section are told."""
    return tuple(map(str, path))


def strangers(spec: FabricSpec, locked: Locked, found: Diagnostics) -> None:
    """Values of a lock file that its pools do not hold (rule 3)."""
    pools, pins = spec.pools, locked.pins
    asn_pool, vni_pool = pool_of(pools.asn, asns), pool_of(pools.vni, vnis)
    loopbacks = readable(pools.loopbacks)
    holds: tuple[tuple[str, str, Callable[[Any], bool]], ...] = (
        ("asn", f"pools.asn {pools.asn}", lambda n: n in asn_pool),
        (
            "loopback",
            f"pools.loopbacks {pools.loopbacks}",
            lambda text: loopbacks is None or ip.address(text) in loopbacks,
        ),
        ("vni", f"pools.vni {pools.vni}", lambda n: n in vni_pool),
        (
            "rt",
            f"{pools.rt_asn}:{FIRST_INTENT_RT}-{MAX_2_OCTETS} (pools.rt_asn)",
            lambda text: (
                route_target(text)[0] == str(pools.rt_asn)
                and FIRST_INTENT_RT <= route_target(text)[1] <= MAX_2_OCTETS
            ),
        ),
        ("rd", f"(loopback):{FIRST_DRAWN_RD}-{MAX_2_OCTETS}", drawn_rd),
        (
            "router_mac",
            f"pools.router_macs {pools.router_macs}",
            lambda text: in_mac_pool(pools.router_macs, text),
        ),
    )
    for section, pool, fits in holds:
        outside = [(k, v) for k, v in getattr(pins, section).items() if not fits(v)]
        if outside:
            key, value = outside[0]
            more = f" and {len(outside) - 1} more" if len(outside) > 1 else ""
            what = f'the lock file gives {section} {value} to "{key}"{more}, outside {pool}'
            hint = "restore the pool, write it under pins, or delete the line to draw again"
            found.error("C486", what, locked.span(section, key), hint)
    for key, text in pins.prefixes.items():
        if wrong := misplaced(spec, key, text):
            what = f'the lock file gives prefix {text} to "{key}": {wrong}'
            found.error("C486", what, locked.span("prefixes", key), RELEASE)


def drawn_rd(text: str) -> bool:
    """Whether a route distinguisher can have been drawn."""
    address, _, number = text.rpartition(":")
    return "." in address and FIRST_DRAWN_RD <= int(number) <= MAX_2_OCTETS


def in_mac_pool(pool: str, text: str) -> bool:
    """Whether a MAC address can come from a pool; any can if the pool cannot be read."""
    try:
        mac_pool(pool)
    except ValueError:
        return True
    first, last = mac_bounds(pool)
    return first <= int(text.replace(":", ""), 16) <= last


def misplaced(spec: FabricSpec, key: str, text: str) -> str | None:
    """Why a prefix cannot be what a VRF draws from a pool under this key."""
    vrf, pool, number = (*key.split(" "), "", "")[:3]
    tenant, _, name = vrf.partition("/")
    settings = spec.tenants.get(tenant)
    prefix = readable(text)
    if prefix is None or settings is None or not number.isdigit():
        return None
    per_namespace = settings.vrf_per == "namespace"
    written = next(iter(settings.vrfs.values()), None) if per_namespace else settings.vrfs.get(name)
    entries = written.prefixes if written else []
    entry = entries[int(number)] if int(number) < len(entries) else None
    if entry is None or isinstance(entry, str) or entry.pool != pool:
        return None  # of something that is no longer there: it stays reserved
    members = [p for p in map(readable, spec.pools.prefixes.get(pool, ())) if p is not None]
    if not any(within(prefix, member) for member in members):
        return f"outside pool {pool}, which has {', '.join(map(str, members)) or 'nothing'}"
    if entry.length is not None and prefix.prefixlen != entry.length:
        return f"the VRF asks for a /{entry.length}"
    return None
