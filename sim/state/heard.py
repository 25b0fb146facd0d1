"""What FRR and the kernel say of a node, as facts: JSON of `show …` and of `ip -j route`.

Rules that hold here:

1. A file is about the node whose folder it lies in, or whose name it begins with. What it says is
   told by what stands in it (`KINDS`), and by nothing else, but for the VRF of the kernel's routes,
   which do not name it: the file's name does.
2. Of several paths of an EVPN route the best counts; of a RIB what is selected, in the underlay of
   BGP, in VRFs of any protocol, but for connected networks. A default route to nowhere is none.
3. A VRF is known by the name that dumps give it (`vrf10001`), or its own one, with a slash, a dash
   or an underline. One of another name stays: nobody wants what it has.
4. A file of a VRF says all of one family: who has no other file has not said anything of the other.

Source: FRR 8.4 and 10.3 (`show … json`), iproute2 6 (`ip -j route show vrf …`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any, NamedTuple

from fabric.diagnostics import Diagnostic, InputError
from fabric.io.dependencies import entries as inside
from fabric.io.reading import read_bytes
from fabric.io.strict_json import stream
from fabric.network import Network

FOREIGN = ("it is of no node", "it is none of the kinds that are known")
"""Why files are passed over that say nothing that is asked; for any other reason they might."""
UNDERLAY = "default"
"""What FRR calls the VRF of the underlay."""
Vrf = tuple[str, int]
"""A VRF by name, and 4 or 6 (rule 4)."""
Routes = dict[str, frozenset[str]]
"""Next hops by prefix."""
AUTOMATIC = ("connected", "local", "kernel", "ra")
"""Protocols of routes that come with addresses. What FRR calls `kernel` somebody put there."""
DEFAULTS = ("0.0.0.0/0", "::/0")
NOWHERE = "nowhere"
"""Where a route leads that names no next hop, such as a blackhole."""
REJECTING = ("unreachable", "blackhole", "prohibit", "throw")
"""Types of the kernel's routes that send nothing, whatever device stands there."""
SUFFIX = ".json"
NOTHING_FIRST = re.compile(r"\{\s*,")
PREFIX_ROUTE = 5
"""EVPN's route type of IP prefixes (RFC 9136)."""


class EvpnRoute(NamedTuple):
    """What an EVPN Type-5 route says."""

    rts: tuple[str, ...]
    next_hop: str
    router_mac: str


@dataclass(slots=True)
class HeardNode:
    """Facts about a node, None where no file says any: EVPN routes by RD and prefix, routes by VRF
    as FRR and as the kernel has them, `widths` of the underlay by loopback. `files` says where each
    was heard first, of routes also by VRF; of families in `whole` one file says all VRFs: what it
    lacks is not there."""

    evpn: dict[tuple[str, str], EvpnRoute] | None = None
    routes: dict[Vrf, Routes] = field(default_factory=dict)
    kernel: dict[Vrf, Routes] = field(default_factory=dict)
    widths: dict[str, int] | None = None
    files: dict[tuple[str, ...] | tuple[str, str, int], Path] = field(default_factory=dict)
    whole: set[int] = field(default_factory=set)

    def said(self, what: tuple[str, ...] | tuple[str, str, int], path: Path) -> None:
        """A file says this. Raises `InputError` when another one did: of two states, such as those
        of two days, nobody knows which is so, and one of both hides what is missing."""
        first = self.files.setdefault(what, path)
        if first != path:
            raise InputError(
                Diagnostic(
                    "C880",
                    f"{first} and {path} both say {' '.join(map(str, what))} of one node",
                    hint="keep the files of one moment",
                )
            )


class StateFolder:
    """What the files in a folder say, node by node: no more than one node's is ever held. What
    nobody understands is in `passed` once its node was read, with why."""

    def __init__(self, network: Network, folder: Path) -> None:
        self.vrfs = vrf_names(network)
        self.passed: list[tuple[Path, str]] = []
        self.paths: dict[int, list[Path]] = {}
        names = {node.name: node.index for node in network.fabric.nodes}
        for path, node in files(folder, names):
            if node is None:
                self.passed.append((path, FOREIGN[0]))
            else:
                self.paths.setdefault(node, []).append(path)

    def node(self, node: int) -> HeardNode:
        """The facts about one."""
        out = HeardNode()
        for path in self.paths.get(node, ()):
            why = self._read(path, out)
            if why is not None:
                self.passed.append((path, why))
        return out

    def _read(self, path: Path, into: HeardNode) -> str | None:
        """Read a file; why it is passed over, None when it is not."""
        try:
            found = documents(read_bytes(path).decode("utf-8", "replace"))
        except InputError as error:
            return error.diagnostics[0].message
        except ValueError as error:
            return f"it is no JSON: {error}"
        return read(found, path, self.vrfs, into)


def documents(text: str) -> list[Any]:
    """What a file says: FRR before 9 writes a document per VRF, one behind the other, and now and
    then a comma before the first member of an object.

    >>> documents('{, "a": [1], "a": [2]} {}')
    [{'a': [1, 2]}, {}]
    """
    try:
        return list(stream(text, together))
    except ValueError:
        return list(stream(NOTHING_FIRST.sub("{", text), together))


def together(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object in which a key stands once: entries of a prefix that stands there for several VRFs
    are one list."""
    out: dict[str, Any] = {}
    for key, value in pairs:
        if key in out and not (isinstance(value, list) and isinstance(out[key], list)):
            raise ValueError("an object has a key twice")
        out[key] = [*out[key], *value] if key in out else value
    return out


def read(found: list[Any], path: Path, vrfs: Mapping[str, str], into: HeardNode) -> str | None:
    """Read the documents of a file; why it is passed over, None when it is not."""
    if len(found) > 1 and all(isinstance(one, dict) for one in found):
        found = [{str(n): one for n, one in enumerate(found)}]
    for document in found:
        kind = next((kind for kind, is_one in KINDS.items() if is_one(document)), None)
        if kind is None:
            return FOREIGN[1] if document else "it is empty"
        if not READERS[kind](document, path, vrfs, into):
            return "it does not say of which VRF it is"
        into.files.setdefault((kind,), path)
    return None if found else "it is empty"


def files(folder: Path, names: Mapping[str, int]) -> Iterator[tuple[Path, int | None]]:
    """JSON files with their nodes (rule 1), in order."""
    for name, is_folder, _ in sorted(inside(folder)):
        path = folder / name
        if is_folder:
            below_it = sorted(n for n, below, _ in inside(path) if not below and n.endswith(SUFFIX))
            yield from ((path / n, names.get(name)) for n in below_it)
        elif name.endswith(SUFFIX):
            parts = name.removesuffix(SUFFIX).split(".")
            starts = (".".join(parts[:n]) for n in range(len(parts), 0, -1))
            yield path, next((names[start] for start in starts if start in names), None)


def vrf_names(network: Network) -> dict[str, str]:
    """Rule 3: what a VRF may be called, and its name; what may call two VRFs names none."""
    out = {UNDERLAY: UNDERLAY}
    for vrf in network.vrfs:
        ways = (vrf.name, vrf.name.replace("/", "-"), vrf.name.replace("/", "_"), f"vrf{vrf.vni}")
        for way in ways:
            out[way] = vrf.name if out.get(way, vrf.name) == vrf.name else way
    return out


def is_evpn(document: Any) -> bool:
    """`show bgp l2vpn evpn route type prefix json`."""
    return isinstance(document, dict) and (
        "numPrefix" in document
        or any(isinstance(v, dict) and v.get("rd") == key for key, v in document.items())
    )


def is_rib(document: Any) -> bool:
    """`show ip route … json`, of one VRF or of all."""
    return isinstance(document, dict) and any(True for _ in rib_entries(document))


def is_kernel(document: Any) -> bool:
    """`ip -j route show vrf …`."""
    return (
        isinstance(document, list)
        and bool(document)
        and all(isinstance(item, dict) and isinstance(item.get("dst"), str) for item in document)
    )


def rib_entries(document: Mapping[str, Any], deep: bool = True) -> Iterator[Mapping[str, Any]]:
    """Entries of a RIB, which `vrf all` has one level lower."""
    for value in document.values():
        if isinstance(value, list):
            yield from (e for e in value if isinstance(e, dict) and "protocol" in e)
        elif deep and isinstance(value, dict):
            yield from rib_entries(value, deep=False)


def read_evpn(document: Any, path: Path, vrfs: Mapping[str, str], into: HeardNode) -> bool:
    """Rule 2, for EVPN."""
    into.said(("evpn",), path)
    found = into.evpn = {} if into.evpn is None else into.evpn
    for rd, routes in document.items():
        for route in routes.values() if isinstance(routes, dict) else ():
            for item in evpn_paths(route):
                prefix = canonical(f"{item.get('ip')}/{item.get('ipLen')}")
                if prefix is not None and item.get("routeType", PREFIX_ROUTE) == PREFIX_ROUTE:
                    here, before = evpn_route(item), found.get((rd, prefix))
                    found[rd, prefix] = here if before in (None, here) else beside(before, here)
    return True


def beside(one: EvpnRoute, other: EvpnRoute) -> EvpnRoute:
    """What two routes to one prefix say, such as those of two Ethernet tags."""
    return EvpnRoute(one.rts + other.rts, *map(" and ".join, zip(one[1:], other[1:], strict=True)))


def evpn_paths(route: Any) -> Iterator[Mapping[str, Any]]:
    """The best paths of a route."""
    paths = route.get("paths") if isinstance(route, dict) else None
    for group in paths if isinstance(paths, list) else ():
        for item in group if isinstance(group, list) else [group]:
            if isinstance(item, dict) and item.get("bestpath"):
                yield item


def evpn_route(item: Mapping[str, Any]) -> EvpnRoute:
    """What a path carries."""
    community = item.get("extendedCommunity")
    words = str(community.get("string", "")).split() if isinstance(community, dict) else []
    hops = item.get("nexthops")
    used = (
        [h for h in hops if isinstance(h, dict) and h.get("used")] if isinstance(hops, list) else []
    )
    return EvpnRoute(
        tuple(sorted(w.removeprefix("RT:") for w in words if w.startswith("RT:"))),
        plain(str(used[0].get("ip", ""))) if used else "",
        next((w.removeprefix("Rmac:") for w in words if w.startswith("Rmac:")), ""),
    )


def read_rib(document: Any, path: Path, vrfs: Mapping[str, str], into: HeardNode) -> bool:
    """Rule 2, for RIBs."""
    entries = list(rib_entries(document))
    if any(isinstance(value, dict) for value in document.values()):
        into.whole |= {version(str(entry.get("prefix"))) for entry in entries}
    for entry in entries:
        name = str(entry.get("vrfName", ""))
        prefix = canonical(str(entry.get("prefix")))
        if prefix is None:
            continue
        protocol = entry.get("protocol")
        found = entry.get("nexthops")
        hops = [h for h in found if isinstance(h, dict)] if isinstance(found, list) else []
        if name == UNDERLAY and version(prefix) == 6:
            continue
        if name == UNDERLAY:
            into.said(("rib", UNDERLAY, 4), path)
            widths = {} if into.widths is None else into.widths
            if protocol == "bgp" and entry.get("selected"):
                widths[prefix] = sum(1 for h in hops if h.get("fib") and h.get("active"))
            into.widths = widths
        else:
            vrf = vrfs.get(name, name), version(prefix)
            routes = into.routes.setdefault(vrf, {})
            into.said(("rib", *vrf), path)
            each = (
                marked(rib_hop(hop, vrfs), bool(hop.get("fib") or hop.get("duplicate")))
                for hop in hops
            )
            to = frozenset().union(*each) or frozenset({NOWHERE})
            added = protocol == "kernel" or protocol not in AUTOMATIC
            if added and entry.get("selected") and not is_end(prefix, to):
                routes[prefix] = routes.get(prefix, frozenset()) | to
    return True


def version(prefix: str) -> int:
    """The family of a prefix, or of what is in a list of them."""
    return 6 if ":" in prefix else 4


def rib_hop(hop: Mapping[str, Any], vrfs: Mapping[str, str]) -> str:
    """A next hop of a RIB: an address, or a VRF on the same node, or a device."""
    if hop.get("ip"):
        return plain(str(hop["ip"]))
    device = None if hop.get("unreachable") else hop.get("interfaceName")
    name = str(hop.get("vrf") or device or NOWHERE)
    return vrfs.get(name, name)


def read_kernel(document: Any, path: Path, vrfs: Mapping[str, str], into: HeardNode) -> bool:
    """Routes of the kernel (rule 1). IPv6 is told by the addresses: a gateway of the other family
    is a `via`."""
    named = [way for way, n in vrfs.items() if n != UNDERLAY and in_name(way, path.name)]
    if not named:
        return False
    vrf = vrfs[max(named, key=len)]
    family = max(version(f"{item['dst']}{item.get('gateway', '')}") for item in document)
    into.said(("kernel", vrf, family), path)
    ways: dict[str, dict[int, set[str]]] = {}
    for item in document:
        any_to = "::/0" if family == 6 else "0.0.0.0/0"
        prefix = canonical(any_to if item["dst"] == "default" else item["dst"])
        if prefix is None or str(item.get("protocol")) in AUTOMATIC:
            continue
        many = item.get("nexthops")
        hops = [h for h in many if isinstance(h, dict)] if isinstance(many, list) else [item]
        nowhere = item.get("type") in REJECTING
        each = (marked(kernel_hop(hop, vrfs), "dead" not in str(hop.get("flags"))) for hop in hops)
        to = frozenset({NOWHERE} if nowhere else frozenset().union(*each))
        metric = item.get("metric")
        of_prefix = ways.setdefault(prefix, {})
        of_prefix.setdefault(metric if isinstance(metric, int) else 0, set()).update(to)
    routes = into.kernel.setdefault((vrf, family), {})
    for prefix, by_metric in ways.items():
        if to := by_metrics(prefix, by_metric):
            routes[prefix] = routes.get(prefix, frozenset()) | to
    return True


def by_metrics(prefix: str, ways: Mapping[int, set[str]]) -> frozenset[str]:
    """Next hops of a prefix: those of the least metric are used, and others are told apart."""
    used, *others = sorted(ways)
    later = [n for n in others if not is_end(prefix, frozenset(ways[n]))]
    if not later and is_end(prefix, frozenset(ways[used])):
        return frozenset()
    return frozenset(ways[used]).union(*(ways[n] | {f"metric:{n}"} for n in later))


def marked(hop: str, used: bool) -> set[str]:
    """A next hop, and beside it that it stands there without being used."""
    return {hop} if used or hop == NOWHERE else {hop, f"unused:{hop}"}


def is_end(prefix: str, to: frozenset[str]) -> bool:
    """Whether a route is where a VRF ends: the default of last resort, to nowhere."""
    return prefix in DEFAULTS and to <= {NOWHERE}


def in_name(name: str, file: str) -> bool:
    """Whether a file's name names a VRF, and not one whose name goes on.

    >>> in_name("vrf1000", "dpu1.ip_route_vrf10001.json"), in_name("vrf10001", "ip-vrf10001.json")
    (False, True)
    >>> in_name("a-main", "aa-main.a-main.json"), in_name("a-main", "aa-main.json")
    (True, False)
    """
    return bool(re.search(rf"(?<![^\W_]){re.escape(name)}(?![^\W_])", file))


def kernel_hop(hop: Mapping[str, Any], vrfs: Mapping[str, str]) -> str:
    """A next hop of the kernel: an address, or the device of another VRF."""
    via = hop.get("via")
    address = hop.get("gateway") or (via.get("host") if isinstance(via, dict) else None)
    name = str(hop.get("dev") or NOWHERE)
    return plain(str(address)) if address else vrfs.get(name, name)


@lru_cache(maxsize=1 << 18)
def canonical(text: str) -> str | None:
    """A prefix as it is written, None for what is none."""
    try:
        return str(ip_network(text, strict=False))
    except ValueError:
        return None


@lru_cache(maxsize=1 << 18)
def plain(address: str) -> str:
    """An IPv4-mapped IPv6 next hop as IPv4; what is no address as it is."""
    try:
        return str(getattr(ip_address(address), "ipv4_mapped", None) or ip_address(address))
    except ValueError:
        return address


Reader = Callable[[Any, Path, Mapping[str, str], HeardNode], bool]
KINDS: Mapping[str, Callable[[Any], bool]] = {
    "evpn": is_evpn, "rib": is_rib, "kernel": is_kernel,
}  # fmt: skip
READERS: Mapping[str, Reader] = {"evpn": read_evpn, "rib": read_rib, "kernel": read_kernel}
