"""How a flow picks one of several equal paths; plain integers, the twin of
`sim.kernels.pipeline.ecmp`.

A VTEP hashes the inner 5-tuple; the hash picks among next-hop VTEPs and becomes the outer UDP
source port in 49152-65535 (RFC 7348 §5). Underlay nodes see only the outer header, so they hash
that port and the two VTEPs. Each node has a seed of its own: without it, hash polarisation would
send all flows of one leaf over the same spine port.
"""

from __future__ import annotations

from sim.packets.headers import LOW, Flow

PORTS = (49152, 65535)
ENTRY = 0
"""The seed by which a flow from outside comes in at one of several borders."""
MULTIPLIERS = (
    0x9E3779B97F4A7C15,
    0xC2B2AE3D27D4EB4F,
    0x165667B19E3779F9,
    0xD6E8FEB86659FD93,
    0xFF51AFD7ED558CCD,
)


def mix(value: int) -> int:
    """A bijection of 64-bit integers that spreads every bit (MurmurHash3's finaliser)."""
    value ^= value >> 33
    value = value * 0xFF51AFD7ED558CCD & LOW
    value ^= value >> 33
    value = value * 0xC4CEB9FE1A85EC53 & LOW
    return value ^ value >> 33


def combine(*words: int) -> int:
    """Up to five words into one hash; the order of the words matters."""
    return mix(sum(w * m for w, m in zip(words, MULTIPLIERS, strict=False)) & LOW)


def flow_hash(flow: Flow) -> int:
    """The hash of the inner 5-tuple."""
    l4 = flow.protocol << 32 | flow.sport << 16 | flow.dport
    return combine(flow.src & LOW, flow.src >> 64, flow.dst & LOW, flow.dst >> 64, l4)


def outer_port(hashed: int) -> int:
    """The outer UDP source port of a flow with this hash."""
    return PORTS[0] | hashed & 0x3FFF


def outer_hash(port: int, source_vtep: int, target_vtep: int) -> int:
    """What underlay nodes hash: outer source port and the two VTEPs (node indices)."""
    return combine(port, source_vtep, target_vtep)


def seed(node: int) -> int:
    """The hash seed of a node."""
    return mix(node + 1)


def choose(hashed: int, node_seed: int, width: int) -> int:
    """Which of `width` equal members the node takes."""
    return (mix(hashed ^ node_seed) >> 32) * width >> 32
