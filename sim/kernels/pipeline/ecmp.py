"""The hashes of `sim.packets.ecmp` on unsigned 64-bit words, to be inlined into kernels.

Theory: multiply-xorshift hashes (Murmur's finaliser) of sums of odd multiples; a choice among
`width` is the high half of a 32-bit product, so no division and no bias beyond 2**-32. Invariant:
bit for bit what `sim.packets.ecmp` says. Cost: five multiplications to hash a flow, three to
choose. Scalars only, u64: a `value` to mix, addresses in halves (`src_hi`, `src_lo`, `dst_hi`,
`dst_lo`), the outer source `port`, `source_vtep` and `target_vtep` (nodes), what was `hashed`, the
`node_seed` of who chooses, and how many next hops there are, `width`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.kernels import inlined
from sim.packets.ecmp import MULTIPLIERS

U = np.uint64
K0, K1, K2, K3, K4 = (U(m) for m in MULTIPLIERS)
M0, M1 = U(0xFF51AFD7ED558CCD), U(0xC4CEB9FE1A85EC53)
S16, S32, S33 = U(16), U(32), U(33)


@inlined
def mix(value: Any) -> Any:
    """`sim.packets.ecmp.mix`."""
    value ^= value >> S33
    value *= M0
    value ^= value >> S33
    value *= M1
    return value ^ (value >> S33)


@inlined
def mixed(value: Any) -> Any:
    """The same of eight words: `value` is `LongLanes`."""
    value = (value ^ (value >> S33)) * M0
    value = (value ^ (value >> S33)) * M1
    return value ^ (value >> S33)


@inlined
def flow_hash(src_hi: Any, src_lo: Any, dst_hi: Any, dst_lo: Any, l4: Any) -> Any:
    """`sim.packets.ecmp.flow_hash`; `l4` is protocol << 32 | sport << 16 | dport."""
    return mix(src_lo * K0 + src_hi * K1 + dst_lo * K2 + dst_hi * K3 + l4 * K4)


@inlined
def outer_hash(port: Any, source_vtep: Any, target_vtep: Any) -> Any:
    """`sim.packets.ecmp.outer_hash`."""
    return mix(port * K0 + source_vtep * K1 + target_vtep * K2)


@inlined
def choose(hashed: Any, node_seed: Any, width: Any) -> Any:
    """`sim.packets.ecmp.choose`."""
    return ((mix(hashed ^ node_seed) >> S32) * width) >> S32
