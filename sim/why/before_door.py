"""What policies of a source say about a door, beside what they say about the pod behind it.

Where a packet to a door is translated differs between network plugins, and so does what policies of
its source see: the door or the pod. Of a cluster IP all see the pod, where they select pods.

Source: Kubernetes documentation, Network Policies ("cluster ingress and egress mechanisms often
require rewriting the source or destination IP of packets").
"""

from __future__ import annotations

from dataclasses import replace

from compiler.program.program import goes_by_address
from fabric.building.network import Network
from fabric.diagnostics import Diagnostic, UndecidedError
from sim.names.ends import Destination, address_of
from sim.names.wanted_ports import packet_port
from sim.packets.headers import Flow
from sim.pipeline.trace import trace
from sim.worlds.world import World


def same_before(world: World, wanted: Destination, flow: Flow) -> None:
    """Nothing, where they say the same about a flow to a pod as about the one that was asked for;
    else an `UndecidedError`."""
    network = world.network
    if wanted.door is None or wanted.asked is None:
        return
    port = packet_port(wanted.asked.ports, flow.version)
    at_door = destination(network, wanted.asked, flow.version)
    if at_door is None or port is None:
        return
    before = trace(world, replace(flow, dst=at_door, dport=port[1])).out
    after = trace(world, flow).out
    if before is None or after is None or before.reason.by_policy == after.reason.by_policy:
        return
    by_address = any(goes_by_address(entry) for side in (before, after) for _, entry in side.steps)
    if by_address or not wanted.door.virtual:
        source = network.endpoints[flow.src_endpoint].name
        word = "deny" if before.reason.by_policy else "permit"
        message = (
            f"policies of {source} {word} what goes to the door, where {wanted.door.through}, and "
            "say otherwise of the pod behind it: which of them they see is up to the network plugin"
        )
        hint = "ask about the pod, and let policies say the same of both"
        raise UndecidedError(Diagnostic("C670", message, None, hint, "unknown"))


def destination(network: Network, wanted: Destination, version: int) -> int | None:
    """An address of a destination in a family, if it has one."""
    if wanted.address is not None and wanted.address.version == version:
        return int(wanted.address)
    return address_of(network, wanted.endpoint, version) if wanted.endpoint else None
