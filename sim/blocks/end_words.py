"""What the datapath knows of an endpoint in one direction: a line of eight words, which
`sim.pipeline.lane_tables` writes and `sim.kernels.pipeline` reads.

Where its routes begin, its VTEP and VRF, where the rows of its block's cells begin in the pool, and
where the block's cells, classes of ports and decisions do. The last word has how many classes of
ports the block has (at most 2**16) in its low `WIDTH_BITS`, and above them how many VRFs lie behind
it (at most 2**15)."""

from __future__ import annotations

FIB, VTEP, VRF_OF, POOL, CELLS, COLUMNS, VALUES, WIDTH = range(8)
WIDTH_BITS = 17
