"""Paths between VRFs that no declared intent explains: a leak, a peering, a zone rule.

A packet is explained by an intent at both ends: one among the causes of the permit that lets it
out, and one among those that let it in. This is the one place where paths are asked; which pairs of
VRFs need to be asked at all is told without paths (`sim.proof.isolation.vrf_pairs`).
"""

from __future__ import annotations

import numpy as np

from sim.blocks.numbering import same_rows
from sim.proof.isolation.permits import Bits, declared, intended
from sim.proof.pairs.reachability import CHUNK, Reach, decisions
from sim.proof.routes.paths import Column


def passing(reach: Reach) -> Column:
    """The paths on which anything passes from one VRF to another."""
    vrf = reach.blocks.endpoint_vrf
    crosses: Bits = vrf[reach.paths.src] != vrf[reach.paths.dst]
    return np.flatnonzero(crosses & np.asarray(reach.sets.any(axis=1))[reach.path_set])


def undeclared(reach: Reach, rows: Column) -> Column:
    """Those of some paths on which a packet passes that no intent explains, int[paths]."""
    blocks, space = reach.blocks, reach.space
    asked = intended(blocks, declared(blocks, blocks.program.groups))
    paths = reach.paths
    columns = np.stack([paths.out_key, paths.in_key, paths.version])[:, rows]
    alike = same_rows(list(columns))
    unique = columns[:, alike.sample]
    real = np.stack([space.sent(version) for version in (4, 6)])
    found = np.zeros(unique.shape[1], np.bool_)
    step = max(1, CHUNK // max(1, space.size))
    for start in range(0, unique.shape[1], step):
        out_key, in_key, version = unique[:, start : start + step]
        out, into = decisions(blocks, out_key), decisions(blocks, in_key)
        both = blocks.dec_permit[out] & blocks.dec_permit[into] & real[(version == 6).astype(int)]
        found[start : start + step] = (both & ~(asked[out] & asked[into])).any(axis=1)
    chosen: Column = rows[found[alike.of]]
    return chosen
