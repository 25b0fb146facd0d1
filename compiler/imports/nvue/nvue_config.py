"""Reader of NVUE: what `nv config show` prints, and `/etc/nvue.d/startup.yaml`.

A file is a list of `header`, which says which release wrote it, and `set`, the tree. A tree without
that list, as the REST interface of NVUE hands it out, is read too. Files of strangers: the YAML is
that of the strict reader (`fabric.file.yaml.reader`), and what is of the wrong shape is a
diagnostic.
"""

from __future__ import annotations

import re
from ipaddress import IPv4Address
from typing import Any

from compiler.imports.accounting import ConfigText, LineBook, Reading
from compiler.imports.device_facts import (
    AUTO,
    DEFAULT_VRF,
    AclBinding,
    Device,
    PeerSession,
    VrfFacts,
)
from compiler.imports.nvue.nvue_acl import read_acl, walk_all
from compiler.imports.nvue.nvue_interfaces import Interfaces, bind, read_bridges
from compiler.imports.nvue.nvue_policy import RoutingPolicy
from compiler.imports.nvue.nvue_tree import (
    USUAL,
    Branch,
    NvueFile,
    account_for_the_rest,
    all_for,
    said,
)
from compiler.imports.nvue.nvue_values import address
from compiler.imports.nvue.nvue_vrfs import own_address, read_vrf
from compiler.imports.nvue.shapes.rule_pool import RulePool
from fabric.diagnostics import Diagnostics, InputError, Span
from fabric.file.yaml.plain_yaml import UnusualTextError, plain_document
from fabric.file.yaml.reader import documents

HEADER = "says which release wrote the file"
MANAGEMENT = "manages the device; no packet between hosts depends on it"
NO_PACKET = "decides nothing about who reaches whom"
SYSTEM = all_for(
    "aaa api banner cli config contact date-time dns docker docker-daemon health image location log"
    " message ntp port-mirror reboot security snmp-server ssh-server ssl-port syslog sflow"
    " telemetry timezone time version wjh ztp tacacs factory-reset tech-support counter cpu-load"
    " disk events memory lldp",
    MANAGEMENT,
) | all_for("acl forwarding global hardware-offload packet-trim qos", NO_PACKET)
TOP = all_for("service platform cluster fae action", MANAGEMENT) | all_for("qos", NO_PACKET)
CLAIM = re.compile(r"^\s*-\s*(?:header|set):", re.M)
VXLAN_PORT = "4789"
GATEWAYS = all_for("svi-ip default-gateway", "is told by Type-2 routes, which are not followed")
NVE = {"mtu": "packets are taken to fit"} | all_for(
    "arp-nd-suppress mac-learning decapsulation encapsulation flooding", NO_PACKET
)
EVPN = all_for("dad duplicate-address-detection vni", NO_PACKET)
ROUTER = all_for("vrr vrrp igmp nexthop adaptive-routing bfd", NO_PACKET)
BGP = all_for("graceful-restart convergence-wait timers wait-for-install queue-limit", NO_PACKET)


def claims(head: str) -> bool:
    """Whether a file that begins like this is one of NVUE's."""
    return CLAIM.search(head) is not None


def read(
    name: str,
    texts: tuple[ConfigText, ...],
    found: Diagnostics,
    kept: dict[object, Any] | None = None,
) -> Reading | None:
    """The device of one file; None with a diagnostic where there is nothing to read. `kept` has
    what files of one folder share."""
    if len(texts) != 1:
        span = Span(texts[1].file, 1)
        found.error("C833", f"{name} has a second file of NVUE", span, "one `nv config show` each")
        return None
    try:
        here = Diagnostics()
        reading = read_plainly(name, texts[0], here, {} if kept is None else kept)
        if not here.items:
            return reading
    except (UnusualTextError, InputError):
        pass
    return read_as_yaml(name, texts[0], found)


def read_plainly(
    name: str, source: ConfigText, found: Diagnostics, kept: dict[object, Any]
) -> Reading | None:
    """The device of a file written as programs do. Raises `UnusualTextError` for another."""
    document, cuts = plain_document(source.text, source.file, RULES)
    file = NvueFile(document, LineBook(source), found)
    root = rooted(file)
    if root is None:
        return None
    if cuts:
        on = root.again(root.value)["system"]["reflexive-acl"].enabled(False)
        pool = kept.get(on)
        if pool is None or pool.full:
            pool = kept[on] = RulePool(on)
        file.entries = dict(zip(cuts, pool.read(source.text, cuts, file.book), strict=True))
    return whole(name, file, root)


def read_as_yaml(name: str, source: ConfigText, found: Diagnostics) -> Reading | None:
    """The device of any file."""
    trees = documents(source.text, source.file, found)
    if len(trees) != 1:
        what = "holds nothing" if not trees else "holds several documents"
        found.error("C833", f"{source.file} {what}", Span(source.file, 1), SHAPE)
        return None
    file = NvueFile(trees[0], LineBook(source), found)
    root = rooted(file)
    return None if root is None else whole(name, file, root)


def whole(name: str, file: NvueFile, root: Branch) -> Reading:
    """The device below a root, and what became of every line."""
    device = read_root(name, file, root)
    account_for_the_rest(file.book)
    return Reading(device, file.book.ignored, len(file.book.lines), file.book.leftover)


RULES = ("set", "acl", None, "rule")
SHAPE = "what `nv config show` prints: a list with one `set`"


def rooted(file: NvueFile) -> Branch | None:
    """The tree below `set`; the header is ignored."""
    value: Any = file.document.value
    span = file.document.span()
    if isinstance(value, dict) and not {"set", "header", "unset"} & value.keys():
        return Branch.root(file)
    top = Branch.root(file)
    parts = [top] if isinstance(value, dict) else []
    if isinstance(value, list):
        parts = [top.item(n) for n in range(len(value))]
    trees: list[Branch] = []
    for here in parts:
        if not isinstance(here.value, dict):
            file.found.error("C833", "an item is no mapping", here.value_span, SHAPE)
            continue
        if here.has("header"):
            here.skip("header", HEADER)
            file.book.ignore(here.mark.line + 1, HEADER)
        for key in ("set", "unset"):
            if here.has(key):
                below = here[key]
                if key == "unset" and below.value:
                    file.found.error("C833", "`unset` is not read", below.span, SHAPE)
                elif key == "set":
                    trees.append(below)
        for key, below in here.each():
            file.found.error("C833", f"`{key[:40]}` is not known here", below.span, SHAPE)
    if len(trees) != 1:
        many = "there is no `set`" if not trees else "there are several `set`"
        file.found.error("C833", many, trees[1].span if trees else span, SHAPE)
        return None
    return trees[0]


def read_root(name: str, file: NvueFile, root: Branch) -> Device:
    """Everything below `set`."""
    system = root["system"]
    tracked = system["reflexive-acl"].enabled(False)
    hostname = system["hostname"].text()
    bindings: list[AclBinding] = []
    for acl, below in system["control-plane"]["acl"].each():
        bind(file, bindings, acl, below, "", "")
    if system.has("nat"):
        walk_all(system["nat"])
        file.not_known("Nat", "forwarding", "addresses are translated", system["nat"].span)
    system["control-plane"].close({"policer": NO_PACKET, "trap": NO_PACKET}, "acl")
    system.close(SYSTEM, "forwarding")
    interfaces = Interfaces(file)
    interfaces.read(root["interface"])
    vlans = read_bridges(file, root["bridge"])
    router = root["router"]
    policy = RoutingPolicy()
    policy.read(router["policy"])
    bgp = router["bgp"]
    asn = bgp["autonomous-system"].number(1, 2**32 - 1)
    router_id = own_address(bgp["router-id"])
    running = bgp.enabled(False)
    bgp.close(BGP, "routes")
    for key in ("pbr", "ospf", "ospf6", "pim", "isis"):
        if router.has(key):
            walk_all(router[key])
            if router[key].enabled(True):
                what = f"`router {key}` is not followed"
                file.not_known("Routing", "routes", what, router[key].span)
    router.close(ROUTER, "routes")
    vrfs, sessions, own_asn, own_id = read_vrfs(file, root["vrf"], running, asn, router_id)
    evpn = root["evpn"]
    evpn_on = evpn.enabled(False)
    if evpn.has("multihoming"):
        walk_all(evpn["multihoming"])
        if evpn["multihoming"].enabled(False):
            file.not_known("Multihoming", "routes", "it is not followed", evpn["multihoming"].span)
    evpn["route-advertise"].close(GATEWAYS, "routes")
    evpn.close(EVPN, "routes")
    vtep, tunnels = read_nve(file, root["nve"])
    acls = tuple(read_acl(acl, below, tracked) for acl, below in root["acl"].each())
    if root.has("mlag"):
        walk_all(root["mlag"])
        file.not_known("Mlag", "forwarding", "what two switches share", root["mlag"].span)
    root.close(TOP, "forwarding")
    sayings = {
        "connection tracking": "on" if tracked else "off",
        "evpn": "on" if evpn_on else "off",
        "vxlan": "on" if tunnels else "off",
        "bgp": "on" if running else "off",
        **{f"member of {bond}": port for port, bond in interfaces.members.items()},
    }
    return Device(
        name, "nvue", root.span, hostname, own_asn, own_id, vtep, tuple(interfaces.facts),
        tuple(vlans), tuple(vrfs), tuple(sessions), tuple(policy.filters), tuple(policy.maps),
        acls, (*bindings, *interfaces.bindings), tuple(file.unknowns),
        (*sorted(sayings.items()), *policy.sayings, *file.sayings), bgp["autonomous-system"].span,
        root["nve"]["vxlan"]["source"]["address"].span,
    )  # fmt: skip


def read_vrfs(
    file: NvueFile, branch: Branch, running: bool, asn: int | None, router_id: IPv4Address | None
) -> tuple[list[VrfFacts], list[PeerSession], int | None, IPv4Address | None]:
    """All VRFs, their sessions, and the AS number and router-id of the global table: its own, or
    the device's."""
    vrfs, sessions, own, own_id = list[VrfFacts](), list[PeerSession](), asn, router_id
    for name, below in branch.each():
        facts, spoken = read_vrf(file, name, below)
        vrfs.append(facts)
        sessions += spoken.sessions
        if spoken.router_id is not None:
            file.sayings.append((f"router-id of VRF {name}", str(spoken.router_id)))
            own_id = spoken.router_id if name == DEFAULT_VRF else own_id
        if name == DEFAULT_VRF:
            own = spoken.asn or asn
        elif spoken.asn not in (None, asn) and makes_target(facts):
            what = f"VRF {name} makes its own route target of an AS number of its own"
            file.not_known("RouteTarget", "routes", what, facts.span, name)
    if sessions and not running:
        what = "`router bgp` is not on, so no session comes up"
        file.not_known("Bgp", "routes", what, sessions[0].span)
    return vrfs, sessions, own, own_id


def makes_target(vrf: VrfFacts) -> bool:
    """Whether a device makes a route target of a VRF itself."""
    return not vrf.exports or any(target.text == AUTO for target in vrf.exports)


def read_nve(file: NvueFile, branch: Branch) -> tuple[Any, bool]:
    """The address of the VTEP, and whether it has tunnels."""
    vxlan = branch["vxlan"]
    on = vxlan.enabled(False)
    source = vxlan["source"]["address"]
    text = source.text()
    found = None if text is None else address(source, text)
    for key in ("mlag", "anycast-ip"):
        if vxlan.has(key):
            walk_all(vxlan[key])
            file.not_known("Vtep", "routes", "an address that VTEPs share", vxlan[key].span)
    port = vxlan["port"]
    if port and said(port.value) != VXLAN_PORT:
        what = (
            f"tunnels end at UDP port {said(port.value)[:20]}, and whether elsewhere too is unknown"
        )
        file.not_known("Vtep", "routes", what, port.span)
        port.use()
    elif port:
        port.repeats(USUAL)
    vxlan.close(NVE, "routes")
    branch.close({}, "routes")
    return found, on
