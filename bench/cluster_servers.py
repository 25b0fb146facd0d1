"""Servers of the site of three clusters: who is cabled where, and has which addresses.

Racks hold from two to fourteen servers behind one leaf, two or four. Every server has a DPU, is a
node of one cluster, and has its pods behind a static route.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, ip_network

CLUSTERS = ("train", "infer", "batch")
VNI = {"train": 10100, "infer": 10200, "batch": 10300}
CUSTOMERS = 8
"""Of each cluster, with nodes, a namespace and a VPC of their own; of small sites fewer."""
PODS = {"train": ip_network("10.64.0.0/12"), "infer": ip_network("10.80.0.0/12"),
        "batch": ip_network("10.96.0.0/12")}  # fmt: skip
HOSTS = {"train": ip_network("10.8.0.0/16"), "infer": ip_network("10.9.0.0/16"),
         "batch": ip_network("10.10.0.0/16")}  # fmt: skip
LOOPBACKS = ip_network("10.255.0.0/16")
FAULTS = ("foreign-import", "lost-vlan", "swapped-cable", "other-asn")


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


def guilty(found: list[Server], fault: str) -> Server:
    """Whose lines are wrong: the last server of `batch`, of `train` for what is lost."""
    cluster = "train" if fault == "lost-vlan" else "batch"
    return [server for server in found if server.cluster == cluster][-1]
