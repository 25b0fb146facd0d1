"""A site as operators have it: NVUE per DPU, a list of cables, kubectl dumps of three clusters.

Racks hold from two to fourteen servers behind one leaf, two or four, leaves have two to four
uplinks, spines run no configuration that anybody handed over. Every server has a DPU, is a node of
one cluster, and has its pods behind a static route. What a number of DPUs writes never changes
(`digest`), so that figures of different days are of the same site. The text of configurations is
written here, from NVIDIA's documents, and not by cloison's exporters: a second author.

`FAULTS` are what is wrong on the site of that name, each on one device alone:

* `foreign-import`: a DPU of cluster `batch` imports the routes of `train` too, and the other way;
* `lost-vlan`: a node's pods have no route on its DPU;
* `swapped-cable`: the list of cables says another leaf than LLDP heard;
* `other-asn`: the inventory has another AS number for a DPU than its configuration.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, ip_network
from pathlib import Path

CLUSTERS = ("train", "infer", "batch")
VNI = {"train": 10100, "infer": 10200, "batch": 10300}
CUSTOMERS = 8
"""Of each cluster, with nodes, a namespace and a VPC of their own; of small sites fewer."""
PODS = {"train": ip_network("10.64.0.0/12"), "infer": ip_network("10.80.0.0/12"),
        "batch": ip_network("10.96.0.0/12")}  # fmt: skip
HOSTS = {"train": ip_network("10.8.0.0/16"), "infer": ip_network("10.9.0.0/16"),
         "batch": ip_network("10.10.0.0/16")}  # fmt: skip
LOOPBACKS = ip_network("10.255.0.0/16")
APPS = (("worker", 2), ("store", 1), ("metrics", 1))
"""Workloads of a customer, and how many pods of each are on every node."""
FAULTS = ("foreign-import", "lost-vlan", "swapped-cable", "other-asn")
SPINES = 4


@dataclass(frozen=True, slots=True)
class Server:
    """A server with its DPU. `number` counts those of its cluster, `leaves` are where it is cabled
    to."""

    index: int
    name: str
    dpu: str
    rack: int
    leaves: tuple[str, ...]
    cluster: str
    customer: int
    number: int

    @property
    def space(self) -> str:
        """The namespace of its pods."""
        return f"c{self.customer}"

    @property
    def vrf(self) -> str:
        """The VPC of its customer."""
        return f"vpc_{self.cluster}_{self.space}"

    @property
    def vni(self) -> int:
        """That VPC's L3VNI."""
        return VNI[self.cluster] + self.customer

    @property
    def loopback(self) -> IPv4Address:
        """The VTEP's address."""
        return LOOPBACKS[self.index + 1]

    @property
    def link(self) -> IPv4Network:
        """The network between both: the DPU has the first address, the server the next."""
        first = int(HOSTS[self.cluster].network_address) + 4 * self.number
        return IPv4Network((first, 30))

    @property
    def pods(self) -> IPv4Network:
        """What the server's pods have addresses of."""
        first = int(PODS[self.cluster].network_address) + 64 * self.number
        return IPv4Network((first, 26))

    @property
    def asn(self) -> int:
        """Its own."""
        return 4_200_100_000 + self.index


def draw(*key: object) -> int:
    """A number that a key decides."""
    return int.from_bytes(hashlib.sha256("/".join(map(str, key)).encode()).digest()[:4], "big")


def servers(count: int) -> list[Server]:
    """So many servers in racks of their own sizes."""
    out: list[Server] = []
    of = dict.fromkeys(CLUSTERS, 0)
    rack = 0
    while len(out) < count:
        rack += 1
        leaves = (1, 2, 2, 2, 4)[draw("leaves", rack) % 5]
        names = tuple(f"leaf-r{rack}{chr(97 + n)}" for n in range(leaves))
        for place in range(2 + draw("size", rack) % 13):
            if len(out) == count:
                break
            cluster = CLUSTERS[(draw("cluster", rack) + (draw("other", rack, place) % 7 == 0)) % 3]
            ends = names if leaves < 4 else (names[place % 2], names[2 + place % 2])
            number = len(out) + 1
            many = max(1, min(CUSTOMERS, count // 20))
            customer = 1 + (draw("customer", rack) + (draw("own", rack, place) % 5 == 0)) % many
            out.append(
                Server(len(out), f"gpu-{number:04}", f"bf-{number:04}", rack, ends, cluster,
                       customer, of[cluster])
            )  # fmt: skip
            of[cluster] += 1
    return out


def leaves_of(found: list[Server]) -> list[str]:
    """Every leaf that a server is cabled to, in order of racks."""
    return list(dict.fromkeys(leaf for server in found for leaf in server.leaves))


def files(count: int, faults: tuple[str, ...] = ()) -> Iterator[tuple[str, str]]:
    """Path and text of every file of the site."""
    found = servers(count)
    for server in found:
        yield f"configs/{server.dpu}.yaml", nvue(server, found, faults)
    yield "inventory/devices.csv", devices(found, faults)
    yield "inventory/cables.csv", cables(found, faults)
    if "swapped-cable" in faults:
        yield from heard(found)
    for cluster in CLUSTERS:
        yield f"clusters/{cluster}/dump.json", dump(cluster, found)


def write(folder: Path, count: int, faults: tuple[str, ...] = ()) -> None:
    """The site in a folder."""
    for path, text in files(count, faults):
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8")


def digest(count: int, faults: tuple[str, ...] = ()) -> str:
    """What stands in all files, in twelve digits."""
    whole = hashlib.sha256()
    for path, text in files(count, faults):
        whole.update(f"{path}\0{text}\0".encode())
    return whole.hexdigest()[:12]


def guilty(found: list[Server], fault: str) -> Server:
    """Whose lines are wrong: the last server of `batch`, of `train` for what is lost."""
    cluster = "train" if fault == "lost-vlan" else "batch"
    return [server for server in found if server.cluster == cluster][-1]


def nvue(server: Server, found: list[Server], faults: tuple[str, ...]) -> str:
    """The configuration of a DPU, as `nv config show` prints it."""
    vrf, vni = server.vrf, server.vni
    wanted = [f"65000:{vni}"]
    exported = [f"65000:{vni}"]
    if "foreign-import" in faults and server is guilty(found, "foreign-import"):
        other = next(s for s in found if s.cluster == "train").vni
        wanted.append(f"65000:{other}")
        exported.append(f"65000:{other}")
    gateway, host = server.link[1], server.link[2]
    pods = f"""
          static:
            {server.pods}:
              address-family: ipv4-unicast
              via:
                {host}:
                  type: ipv4-address"""
    if "lost-vlan" in faults and server is guilty(found, "lost-vlan"):
        pods = ""
    neighbours = "".join(
        f"""
              p{n}_if:
                peer-group: underlay
                type: unnumbered"""
        for n in range(len(server.leaves))
    )
    uplinks = "".join(
        f"""
      p{n}_if:
        link:
          mtu: 9216
        type: swp"""
        for n in range(len(server.leaves))
    )
    imports, exports = (
        "".join(f"\n                  {target}: {{}}" for target in some)
        for some in (wanted, exported)
    )
    return f"""\
- header:
    model: BLUEFIELD
    nvue-api-version: nvue_v1
    rev-id: 1.0
    version: HBN 2.4.0
- set:
    acl:
      a10_management:
        type: ipv4
        rule:
          '10':
            action:
              deny: {{}}
            match:
              ip:
                dest-ip: 172.16.0.0/12
          '20':
            action:
              deny: {{}}
            match:
              ip:
                protocol: udp
                dest-port: 4789
    evpn:
      enable: on
    interface:
      lo:
        ip:
          address:
            {server.loopback}/32: {{}}
        type: loopback{uplinks}
      pf0hpf_if:
        acl:
          a10_management:
            inbound: {{}}
        ip:
          address:
            {gateway}/30: {{}}
          vrf: {vrf}
        type: swp
    nve:
      vxlan:
        enable: on
        source:
          address: {server.loopback}
    router:
      bgp:
        autonomous-system: {server.asn}
        enable: on
        router-id: {server.loopback}
      policy:
        prefix-list:
          OWN:
            rule:
              '10':
                action: permit
                match:
                  {server.loopback}/32: {{}}
        route-map:
          to_underlay:
            rule:
              '10':
                action:
                  permit: {{}}
                match:
                  ip-prefix-list: OWN
                  type: ipv4
    system:
      hostname: {server.dpu}
    vrf:
      default:
        router:
          bgp:
            address-family:
              ipv4-unicast:
                enable: on
                network:
                  {server.loopback}/32: {{}}
              l2vpn-evpn:
                enable: on
            enable: on
            neighbor:{neighbours}
            peer-group:
              underlay:
                address-family:
                  ipv4-unicast:
                    policy:
                      outbound:
                        route-map: to_underlay
                  l2vpn-evpn:
                    enable: on
                remote-as: external
      {vrf}:
        evpn:
          enable: on
          vni:
            '{vni}': {{}}
        router:
          bgp:
            address-family:
              ipv4-unicast:
                enable: on
                redistribute:
                  connected:
                    enable: on
                  static:
                    enable: on
                route-export:
                  to-evpn:
                    enable: on
            enable: on
            rd: {server.loopback}:{vni}
            route-export:
              to-evpn:
                route-target:{exports}
            route-import:
              from-evpn:
                route-target:{imports}{pods}
"""


def devices(found: list[Server], faults: tuple[str, ...]) -> str:
    """An inventory's list of devices."""
    rows = ["name,role,site,rack,asn,host"]
    for server in found:
        asn = server.asn
        if "other-asn" in faults and server is guilty(found, "other-asn"):
            asn = 4_200_000_007
        rows.append(f"{server.dpu},DPU,fra1,r{server.rack},{asn},{server.name}")
    rows += [f"{leaf},ToR,fra1,{leaf[5:-1]},," for leaf in leaves_of(found)]
    rows += [f"spine-{n},Spine,fra1,,65000," for n in range(1, SPINES + 1)]
    return "\n".join(rows) + "\n"


def ends(found: list[Server]) -> Iterator[tuple[str, str, str, str]]:
    """Both ends of every cable."""
    used: dict[str, int] = {}

    def port(node: str) -> str:
        used[node] = used.get(node, 0) + 1
        return f"swp{used[node]}"

    for server in found:
        for n, leaf in enumerate(server.leaves):
            yield server.dpu, f"p{n}_if", leaf, port(leaf)
    for leaf in leaves_of(found):
        for n in range(2 + draw("uplinks", leaf) % 3):
            spine = f"spine-{n + 1}"
            yield leaf, port(leaf), spine, port(spine)


def cables(found: list[Server], faults: tuple[str, ...]) -> str:
    """An inventory's list of cables."""
    rows = ["from,from_port,to,to_port,speed"]
    swapped = guilty(found, "swapped-cable").dpu if "swapped-cable" in faults else ""
    for a, a_port, b, b_port in ends(found):
        if a == swapped and a_port == "p0_if":
            b, b_port = next(s.leaves[0] for s in found if b not in s.leaves), "swp60"
        rows.append(f"{a},{a_port},{b},{b_port},{400 if b.startswith('spine') else 200}")
    return "\n".join(rows) + "\n"


def heard(found: list[Server]) -> Iterator[tuple[str, str]]:
    """What LLDP hears on the DPU whose cable the list has wrong."""
    server = guilty(found, "swapped-cable")
    there = [(p, b, q) for a, p, b, q in ends(found) if a == server.dpu]
    entries = [
        {port: {"chassis": {leaf: {"id": {"type": "local", "value": leaf}}},
                "port": {"id": {"type": "ifname", "value": far}}}}
        for port, leaf, far in there
    ]  # fmt: skip
    text = json.dumps({"lldp": {"interface": entries}}, indent=1)
    yield f"inventory/lldp/{server.dpu}.json", text + "\n"


def dump(cluster: str, found: list[Server]) -> str:
    """`kubectl get namespaces,nodes,networkpolicies,pods -A -o json` of a cluster."""
    items: list[object] = [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
        for name in spaces(found, cluster)
    ]
    mine = [server for server in found if server.cluster == cluster]
    for server in mine:
        address = {"type": "InternalIP", "address": str(server.link[2])}
        items.append(
            {"apiVersion": "v1", "kind": "Node", "metadata": {"name": server.name},
             "status": {"addresses": [address]}}
        )  # fmt: skip
    for space in spaces(found, cluster):
        items += policies(space)
    for server in mine:
        items += pods(server)
    whole = {"apiVersion": "v1", "kind": "List", "items": items}
    return json.dumps(whole, indent=1, sort_keys=True) + "\n"


def pods(server: Server) -> Iterator[object]:
    """The pods on a node, with their addresses."""
    place = 0
    for app, many in APPS:
        for _ in range(many):
            place += 1
            owner = {"apiVersion": "apps/v1", "kind": "DaemonSet", "name": app, "uid": app,
                     "controller": True}  # fmt: skip
            container = {"name": "c", "image": "i", "ports": [{"containerPort": 8080}]}
            yield {
                "apiVersion": "v1", "kind": "Pod",
                "metadata": {"name": f"{app}-{server.index}-{place}", "namespace": server.space,
                             "labels": {"app": app}, "ownerReferences": [owner]},
                "spec": {"nodeName": server.name, "containers": [container]},
                "status": {"phase": "Running", "hostIP": str(server.link[2]),
                           "podIP": str(server.pods[place]),
                           "podIPs": [{"ip": str(server.pods[place])}]},
            }  # fmt: skip


def spaces(found: list[Server], cluster: str) -> list[str]:
    """The namespaces of a cluster."""
    return sorted({server.space for server in found if server.cluster == cluster})


def policies(space: str) -> Iterator[object]:
    """The policy of a customer: workers are asked by the store alone."""
    peers = [{"podSelector": {"matchLabels": {"app": "store"}}}]
    ports = [{"protocol": "TCP", "port": 8080}]
    yield {
        "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
        "metadata": {"name": "workers", "namespace": space},
        "spec": {"podSelector": {"matchLabels": {"app": "worker"}}, "policyTypes": ["Ingress"],
                 "ingress": [{"from": peers, "ports": ports}]},
    }  # fmt: skip
