"""Two partitions of the layer-4 axis (`sim.blocks.port_sets`) cut against each other."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sim.blocks.numbering import combine, same_rows
from sim.blocks.port_runs import countable
from sim.blocks.port_sets import L4Space


def common(a: L4Space, b: L4Space) -> tuple[L4Space, NDArray[np.int64], NDArray[np.int64]]:
    """The coarsest space that both spaces are unions of, and for each of its atoms the atom of `a`
    and the atom of `b` that hold it. Raises `CloisonError` where it has too many."""
    fields, *numbers = a.fields.common(b.fields)
    wide = [
        np.concatenate([x.each[n].proto_class for n in of])
        for x, of in zip((a, b), numbers, strict=True)
    ]
    protocols = same_rows(wide)
    rows = [x.dport_atom[w[protocols.sample]] for x, w in zip((a, b), wide, strict=True)]
    q, s = combine([row.ravel() for row in rows]), combine([a.sport_atom, b.sport_atom])
    countable(len(q.sample))
    space = L4Space(
        protocols.of.astype(np.uint16),
        q.of.reshape(rows[0].shape).astype(np.uint16),
        s.of.astype(np.uint16),
        fields=fields,
    )
    held = (
        row.ravel()[q.sample].astype(np.int64)[:, None] * x.n_s + x.sport_atom[s.sample]
        for row, x in zip(rows, (a, b), strict=True)
    )
    in_a, in_b = (atoms.ravel() for atoms in held)
    return space, in_a, in_b
