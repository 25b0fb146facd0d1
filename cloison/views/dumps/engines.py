"""What decides about packets: the arrays that replay, lab and simulation read, and how.

A row is a table or, for blocks, what one VRF has of them. Together they are every byte of
`sim.pipeline.tables.Tables`, the one argument of the kernels; the proof reads the same blocks. Of
an enforcement point only those blocks count to which endpoints there are bound; the rest serves
all.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.blocks.blocks import Blocks
from sim.blocks.exact import WORDS
from sim.pipeline.tables import Tables, tables_of
from sim.worlds.world import World

SHOWN = ("table", "vrf", "holds", "of", "bytes")
Part = tuple[str, str, str, tuple[str, ...]]
PORTS: Part = (
    "ports", "L4 atoms", "an element per protocol and port",
    ("proto_class", "dport_atom", "sport_atom", "n_sport"),
)  # fmt: skip
SINGLE: Part = ("addresses", "single ones", "a hash table", ("exact", "exact_shift"))
RANGES: Part = (
    "ranges", "address atoms", "binary search below the top bits",
    ("top_row", "v4_off", "v4_start", "v4_top", "v6_off", "v6_top", "v6_hi", "v6_lo"),
)  # fmt: skip
OWNERS: Part = (
    "owners", "address atoms", "two elements per atom, and per further owner of one",
    ("atom_base", "atom_endpoint", "atom_local", "shared_atom", "shared_endpoint"),
)  # fmt: skip
ROUTES: Part = (
    "routes", "per VTEP, VRF, atom", "an element per VTEP, VRF and address atom",
    (
        *("inst_of", "fib_off", "fib", "ep_fib", "set_off", "set_vtep", "set_vrf"),
        *("remote_index", "remote_count", "hairpin"),
    ),
)  # fmt: skip
BOUND: Part = (
    "endpoints", "endpoints", "an element per endpoint, with its two blocks and where it lives",
    ("ep_vrf", "ep_vtep", "ep_block", "ep_several", "lives", "entry_off", "entry"),
)  # fmt: skip
COLUMNS: Part = (
    "columns", "sets of ports", "an element per L4 atom, shared by blocks",
    ("cell_off", "l4_off", "l4_class", "n_l4", "f_off"),
)  # fmt: skip
DECISIONS: Part = (
    "decisions", "decisions", "an element per decision", ("dec_reason", "dec_entries"),
)  # fmt: skip
UNDERLAY: Part = (
    "underlay", "ECMP hops", "an element per node and target",
    ("hop_off", "hop_node", "hop_link", "node_seed", "link_a"),
)  # fmt: skip
BLOCKS = "blocks", "an element per address atom and remote VRF, then one per set of ports"


def engine_rows(world: World, node: int | None = None) -> list[dict[str, Any]]:
    """One row per table, in the order in which a packet meets them."""
    blocks, found = world.blocks, world.once(tables_of)
    counted = {
        PORTS: blocks.l4.size,
        SINGLE: int(np.count_nonzero(found.exact.reshape(-1, WORDS)[:, WORDS - 1])),
        RANGES: len(found.v4_start) + len(found.v6_hi),
        OWNERS: len(found.atom_endpoint),
        ROUTES: len(found.fib),
        BOUND: len(found.ep_vrf),
    }
    after = {
        COLUMNS: len(found.l4_class) // blocks.l4.size,
        DECISIONS: len(found.dec_reason),
        UNDERLAY: len(found.hop_node),
    }
    return [
        *(_row(found, part, holds) for part, holds in counted.items()),
        *_of_vrfs(blocks, found, node),
        *(_row(found, part, holds) for part, holds in after.items()),
    ]


def _row(found: Tables, part: Part, holds: int) -> dict[str, Any]:
    table, of, how, names = part
    size = sum(int(getattr(found, name).nbytes) for name in names)
    return {"table": table, "vrf": None, "holds": holds, "of": of, "bytes": size, "engine": how}


def _of_vrfs(blocks: Blocks, found: Tables, node: int | None) -> Iterator[dict[str, Any]]:
    """Blocks per VRF that has some, with what lies in `cell_class` and `f` for them."""
    bound = found.ep_block if node is None else found.ep_block[:, blocks.endpoint_vtep == node]
    used: NDArray[np.int32] = np.unique(bound) if bound.size else bound.reshape(-1)
    ends = np.append(found.f_off[1:], len(found.f))
    for vrf in blocks.program.network.vrfs:
        own = used[blocks.block_vrf[used] == vrf.index]
        if not len(own):
            continue
        cells = blocks.addresses.count(vrf.index) * int(blocks.remote_count[vrf.index])
        rows = len(np.unique(found.cell_off[own])) * cells * found.cell_class.itemsize
        values = int((ends - found.f_off)[own].sum()) * found.f.itemsize
        table, how = BLOCKS
        yield {
            "table": table,
            "vrf": vrf.name,
            "holds": len(own),
            "of": f"over {cells:,} cells",
            "bytes": rows + values,
            "engine": how,
        }
