"""Fabrics of one or two sites at random, and AS numbers for their nodes."""

from __future__ import annotations

import random
from types import SimpleNamespace
from typing import Any

from hypothesis import strategies as st

from fabric.file.spec import Site
from fabric.topology import Fabric, Role


def asns(fabric: Fabric) -> tuple[int, ...]:
    """As `fabric.plan.addressing` gives them, without its pools."""
    tier = {Role.SPINE: 1000, Role.SUPERSPINE: 2000}
    sites = sorted({node.site for node in fabric.nodes})
    return tuple(
        0 if node.role is Role.HOST
        else tier[node.role] + 100 * sites.index(node.site) + node.pod if node.role in tier
        else 5000 + node.index
        for node in fabric.nodes
    )  # fmt: skip


def sites() -> st.SearchStrategy[dict[str, Site]]:
    site = st.one_of(
        st.builds(
            Site, spines=st.integers(1, 3), leaves=st.integers(1, 3), uplinks=st.integers(1, 2),
            hosts_per_pair=st.integers(0, 2), borders=st.integers(0, 1),
        ),
        st.builds(
            Site, clos=st.just("three-tier"), pods=st.integers(1, 2), spines=st.integers(1, 2),
            superspines=st.integers(1, 2), leaves=st.integers(1, 2),
            hosts_per_pair=st.integers(0, 1), borders=st.integers(0, 1),
        ),
    )  # fmt: skip
    return st.dictionaries(st.sampled_from(["a", "b", "c"]), site, min_size=1, max_size=2)


def plan_of(fabric: Fabric, seed: int) -> Any:
    """Some AS numbers may stand twice, so that paths hold loops."""
    rng, n = random.Random(seed), len(fabric.nodes)
    router_id, asn = list(range(1, n + 1)), list(asns(fabric))
    rng.shuffle(router_id)
    speakers = [node.index for node in fabric.nodes if node.role is not Role.HOST]
    for _ in range(seed % 3):
        asn[rng.choice(speakers)] = asn[rng.choice(speakers)]
    return SimpleNamespace(asn=tuple(asn), loopback=tuple(router_id))
