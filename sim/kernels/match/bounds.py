"""What the machine could do at best: kernels that only move columns or only gather.

`stream` reads the five columns of a packet and writes one word. `gather12` does twelve look-ups per
packet into one small table, about as many as classification needs, with nothing depending on
anything: no classifier of that kind can be faster.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.kernels import kernel

U = np.uint64
EIGHT, SIXTEEN = U(8), U(16)
LOW = U(0xFFFF)
THREE = U(3)
TABLE_SIZE = 1 << 16


@kernel
def stream(src: Any, dst: Any, sport: Any, dport: Any, protocol: Any, out: Any) -> None:
    """Read 13 bytes of IPv4 columns (29 of IPv6), write 4."""
    for packet in range(len(out)):
        i = U(packet)
        out[i] = np.int32(src[i] ^ dst[i] ^ sport[i] ^ dport[i] ^ protocol[i])


@kernel
def gather12(
    table: Any, src: Any, dst: Any, sport: Any, dport: Any, protocol: Any, out: Any
) -> None:
    """Twelve look-ups per packet into `table` of `TABLE_SIZE` words."""
    for packet in range(len(out)):
        i = U(packet)
        x, y = U(src[i]), U(dst[i])
        found = table[x >> SIXTEEN & LOW] ^ table[x & LOW] ^ table[x >> EIGHT & LOW]
        found ^= table[y >> SIXTEEN & LOW] ^ table[y & LOW] ^ table[y >> EIGHT & LOW]
        found ^= table[U(sport[i])] ^ table[U(dport[i])] ^ table[U(protocol[i])]
        found ^= table[(x + y) & LOW] ^ table[(x ^ y) & LOW] ^ table[(x * THREE + y) & LOW]
        out[i] = np.int32(found)
