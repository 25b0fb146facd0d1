"""Lists of the packets of a block that still have something to ask, eight at a time.

Theory: stream compaction; the lanes of a mask are moved to the front by a permutation that a table
of 256 has for it, and where the next ones go is the running count of bits.
Cost: one permutation and one store per eight lanes, no branch. Invariant: `active`, u32[BLOCK +
8 or more], has room for eight lanes behind the last one, which `note` may overwrite. Arguments:
`active`, of which the first `left` (u64) are taken; `who` eight lanes, packets of the block; `on`
u64, a bit for each of them.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.kernels import inlined
from sim.kernels.match.lanes import ORDERS, count_bits, keep, load, store

COUNT = np.arange(8, dtype=np.uint32)
THREE = np.uint64(3)


@inlined
def note(active: Any, left: Any, who: Any, on: Any) -> Any:
    """Append the lanes of `who` whose bit is set to the active packets."""
    store(active, left, keep(who, load(ORDERS, on << THREE)))
    return left + count_bits(on)
