"""One question to a cluster, answered three ways: definition, entries, arrays."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address

from compiler.blocks import Blocks, build_blocks
from compiler.compile import compile_network
from compiler.ir import Direction, Packet
from compiler.semantics import decide, owner
from compiler.tables import Program
from compiler.walk import verdict
from fabric.inventory import Endpoint
from fabric.network import Network

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

    def endpoint(self, name: str) -> tuple[Endpoint, str]:
        """The endpoint of `namespace/pod` or `ip:ADDRESS`, and the address that is meant."""
        if name.startswith("ip:"):
            ip = ip_address(name[3:])
            found = owner(self.network, 0, ip.version, int(ip))
            assert found is not None
            return found, str(ip)
        full = f"cluster/{name}"
        found = next(e for e in self.network.endpoints if full in (e.name, *e.aliases))
        return found, str(found.prefixes[0].network_address)

    def allows(self, src: str, dst: str, protocol: int, dport: int) -> bool:
        """Whether the flow passes; fails when definition, entries and arrays do not agree."""
        (source, source_ip), (target, target_ip) = self.endpoint(src), self.endpoint(dst)
        if ":" in source_ip or ":" in target_ip:
            source_ip, target_ip = self.in_v6(source, source_ip), self.in_v6(target, target_ip)
        return self.permits(Direction.OUT, source.index, target_ip, protocol, dport) and (
            self.permits(Direction.IN, target.index, source_ip, protocol, dport)
        )

    def in_v6(self, endpoint: Endpoint, ip: str) -> str:
        own = (str(p.network_address) for p in endpoint.prefixes if p.version == 6)
        return ip if ":" in ip else next(own)

    def permits(
        self, direction: Direction, local: int, remote: str, protocol: int, dport: int
    ) -> bool:
        """One enforcement point, three ways."""
        ip = ip_address(remote)
        packet = Packet(direction, local, ip.version, int(ip), 0, protocol, CLIENT, dport)
        expected = decide(self.program.policy, self.network, packet)
        walked = verdict(self.program, packet)
        cell = self.blocks.cell(0, packet.version, packet.remote_ip, 0)
        atom = self.blocks.l4_atom(protocol, CLIENT, dport)
        decision = self.blocks.decision(direction, local, cell, atom)
        assert walked.permit == expected.permit == bool(self.blocks.dec_permit[decision]), packet
        return expected.permit
