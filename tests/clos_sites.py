"""Fabrics of one or two sites at random, and AS numbers for their nodes."""

from __future__ import annotations

import random
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

from hypothesis import strategies as st

from fabric.file.spec import Site
from fabric.wiring.topology import Fabric, Role


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
        st.integers(0, 2**20).map(irregular),
    )  # fmt: skip
    some = st.dictionaries(st.sampled_from(["a", "b", "c"]), site, min_size=1, max_size=2)
    return some.filter(
        lambda found: len({*map(node_names, found.values())} - {()}) == written(found)
    )


def node_names(site: Site) -> tuple[str, ...]:
    return tuple(site.nodes)


def written(found: dict[str, Site]) -> int:
    return sum(bool(site.nodes) for site in found.values())


PORTS = ("swp{}", "Ethernet{}", "eth-1.{}", "p{}s0", "{}")


def irregular(seed: int) -> Site:
    """A site that is written down: racks with one leaf to three, DPUs with as many uplinks, leaves
    with as many spines as it happens; cables between leaves, between spines, from a border to a
    leaf, twice between two nodes; ports of all kinds, or left out."""
    rng = random.Random(seed)
    nodes: dict[str, Any] = {}
    cables: list[str] = []
    used: dict[str, int] = {}

    def end(name: str) -> str:
        used[name] = used.get(name, 0) + 1
        port = rng.choice(PORTS).format(rng.choice((1, 7, 10)) * 100 + used[name])
        return f"{name}:{port}" if rng.random() < 0.5 else name

    def cable(a: str, b: str) -> None:
        for _ in range(rng.choice((1, 1, 1, 2))):
            ends = [end(a), end(b)]
            rng.shuffle(ends)
            cables.append(" -- ".join(ends))

    def some(kind: str, role: str, count: int, **more: Any) -> list[str]:
        names = [f"{kind}.{seed}-{n}" for n in range(count)]
        nodes.update({name: {"role": role, **more} for name in names})
        return names

    spines = some("Spine", "spine", rng.randint(0, 3))
    if len(spines) > 1 and rng.random() < 0.2:
        cable(*spines[:2])
    tops = some("core", "superspine", rng.choice((0, 0, 1)))
    for top in tops:
        for spine in spines:
            cable(spine, top)
    leaves: list[str] = []
    for rack in range(rng.randint(1, 3)):
        here = some(f"ToR-{rack}", "leaf", rng.randint(1, 3), rack=f"r{rack}")
        for n in range(rng.randint(0, 2)):
            (dpu,) = some(f"bf{rack}_{n}", "dpu", 1, rack=f"r{rack}", host=f"gpu{rack}_{n}.{seed}")
            for leaf in rng.sample(here, rng.randint(1, len(here))):
                cable(dpu, leaf)
        for leaf in here:
            for spine in rng.sample(spines, rng.randint(0, len(spines))):
                cable(leaf, spine)
        leaves += here
    for a, b in pairwise(leaves):
        if not spines or rng.random() < 0.3:
            cable(a, b)
    for gateway in some("GW", "border", rng.randint(0, 1)):
        cable(gateway, rng.choice([*spines, *leaves]))
    return Site.model_validate({"clos": "none", "nodes": nodes, "cables": cables})


def plan_of(fabric: Fabric, seed: int) -> Any:
    """Some AS numbers may stand twice, so that paths hold loops."""
    rng, n = random.Random(seed), len(fabric.nodes)
    router_id, asn = list(range(1, n + 1)), list(asns(fabric))
    rng.shuffle(router_id)
    speakers = [node.index for node in fabric.nodes if node.role is not Role.HOST]
    for _ in range(seed % 3):
        asn[rng.choice(speakers)] = asn[rng.choice(speakers)]
    return SimpleNamespace(asn=tuple(asn), loopback=tuple(router_id))
