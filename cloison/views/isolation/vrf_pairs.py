"""Proofs and differences without pairs, as rows: which VRFs meet, and what is decided otherwise.

Both come from classes of packets (`sim.proof.isolation.vrf_pairs`, `sim.diff.changes`), so that
they are as quick for a VRF of ten thousand endpoints as for one of ten.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from compiler.policy.ir import Direction
from compiler.program.program import ALL_V4, ALL_V6
from fabric.building.network import Network
from sim.diff.changes import ChangedRegion, Remote, packet_text
from sim.names.address_words import blocks_of
from sim.proof.isolation.vrf_pairs import Isolation
from sim.proof.pairs.witness import label

WAYS = {Direction.OUT: "egress", Direction.IN: "ingress"}


def crossing_rows(proof: Isolation) -> Iterator[dict[str, Any]]:
    """One row per pair of VRFs between which packets may pass; no row means that none can."""
    network = proof.blocks.program.network
    for crossing in proof.crossings:
        yield {
            "source": network.vrfs[crossing.src].name,
            "destination": network.vrfs[crossing.dst].name,
            "declared": crossing.undeclared is None,
            "packet": crossing.undeclared and label(network, crossing.undeclared),
        }


def change_rows(network: Network, found: Sequence[ChangedRegion]) -> Iterator[dict[str, Any]]:
    """One row per region; `network` is the new one."""
    for region in found:
        yield {
            "change": region.change.value,
            "direction": WAYS[region.direction],
            "endpoints": ", ".join(region.endpoints),
            "remotes": "; ".join(map(remote_text, region.remotes)),
            "ports": ", ".join(map(str, region.ports)),
            "packet": packet_text(network, region.after),
            **_asked(region),
        }


def _asked(region: ChangedRegion) -> dict[str, Any]:
    """What permits of a region ask for besides what a header tells, if anything."""
    if not any(region.asked):
        return {}
    before, after = map(list, region.asked)
    return {"conditions_before": before, "conditions": after}


def remote_text(remote: Remote) -> str:
    """Addresses and the VRFs behind which they lie.

    >>> remote_text(Remote(("acme/main",), ((0x0A000000, 0x0A0000FF),), ()))
    '10.0.0.0/24 in acme/main'
    """
    if (remote.v4, remote.v6) == (ALL_V4, ALL_V6):
        spans = "any address"
    else:
        spans = ", ".join([*blocks_of(remote.v4, 4), *blocks_of(remote.v6, 6)])
    return f"{spans} in {', '.join(remote.vrfs)}"
