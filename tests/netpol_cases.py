"""One question to a cluster, answered three ways: definition, entries, arrays."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from random import Random
from typing import Any

import yaml
from compiled import compile_network
from generators_netpol import Flow, cluster, flows, text
from naive_netpol import Twin

from compiler.policy.ir import Direction, Packet
from compiler.policy.semantics import decide, owner
from compiler.program.program import Program
from compiler.program.walk import verdict
from fabric.building.cluster import cluster_network
from fabric.building.network import Network
from fabric.values.inventory import Endpoint
from sim.blocks.blocks import Blocks, build_blocks

PROTOCOLS = {"TCP": 6, "UDP": 17, "SCTP": 132, "ICMP": 1}
CLIENT = 40000


@dataclass(frozen=True)
class Cluster:
    """A compiled cluster."""

    network: Network
    program: Program
    blocks: Blocks

    @staticmethod
    def of(network: Network) -> Cluster:
        program = compile_network(network)
        return Cluster(network, program, build_blocks(program))

    def address(self, name: str) -> str:
        """The first address of `namespace/pod`, or that of `ip:ADDRESS`."""
        if name.startswith("ip:"):
            return name[3:]
        full = f"cluster/{name}"
        found = next(e for e in self.network.endpoints if full in (e.name, *e.aliases))
        return str(found.prefixes[0].network_address)

    @property
    def addresses(self) -> dict[str, list[str]]:
        """Those of all pods and nodes, as twins call them."""
        return {
            name.removeprefix("cluster/"): [str(p.network_address) for p in e.prefixes]
            for e in self.network.endpoints
            for name in (e.aliases if e.kind == "node" else (e.name,))
            if e.kind != "zone"
        }

    def owner(self, ip: str) -> Endpoint:
        """Who has an address."""
        address = ip_address(ip)
        found = owner(self.network, 0, address.version, int(address))
        assert found is not None
        return found

    def allows(self, src: str, dst: str, protocol: int, dport: int) -> bool:
        """Whether a flow between two names passes."""
        return self.allows_between(self.address(src), self.address(dst), protocol, dport)

    def allows_between(self, src_ip: str, dst_ip: str, protocol: int, dport: int) -> bool:
        """Whether a flow passes; fails when definition, entries and arrays do not agree."""
        source, target = self.owner(src_ip).index, self.owner(dst_ip).index
        out = self.permits(Direction.OUT, source, dst_ip, protocol, dport)
        return self.permits(Direction.IN, target, src_ip, protocol, dport) and out

    def permits(
        self, direction: Direction, local: int, remote: str, protocol: int, dport: int
    ) -> bool:
        """One enforcement point, three ways."""
        ip = ip_address(remote)
        packet = Packet(direction, local, ip.version, int(ip), 0, protocol, CLIENT, dport)
        expected = decide(self.program.policy, self.network, packet)
        walked = verdict(self.program, packet)
        cell = self.blocks.cell(0, packet.version, packet.remote_ip, 0)
        atom = self.blocks.l4.atom(protocol, CLIENT, dport)
        decision = self.blocks.decision(direction, local, cell, atom)
        assert walked.permit == expected.permit == bool(self.blocks.dec_permit[decision]), packet
        return expected.permit


def objects_of(path: Path) -> list[dict[str, Any]]:
    """The objects of a file, straight from its YAML, those of lists one by one."""
    return [
        item
        for document in yaml.load_all(path.read_text(), yaml.CSafeLoader)
        for item in (document["items"] if document["kind"] == "List" else [document])
    ]


def agreed(rng: Random, path: Path, count: int) -> list[tuple[Flow, bool]]:
    """Flows of one random cluster with their verdicts, on which a twin and all ways agree."""
    path.write_text(text(rng, cluster(rng)))
    read = objects_of(path)
    made = Cluster.of(cluster_network([path]))
    addresses = made.addresses
    twin = Twin(read, addresses)
    out = []
    for flow in flows(rng, read, addresses, count):
        expected = twin.allows(flow.src_ip, flow.dst_ip, flow.protocol, flow.port)
        found = made.allows_between(flow.src_ip, flow.dst_ip, PROTOCOLS[flow.protocol], flow.port)
        assert found == expected, flow
        out.append((flow, found))
    return out


def share_of_v6(asked: Iterable[Flow]) -> float:
    """How many of these flows are IPv6."""
    versions = [ip_address(flow.dst_ip).version for flow in asked]
    return versions.count(6) / len(versions)
