"""Random small fabrics with expectations under every kind of failure: one tier or two, odd leaves,
parallel cables, one border or several, shared AS numbers, peerings that stand in for each other,
risk groups, and something that is down already."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

from fabric_files import network_of, vrf, write_fabric
from failing_fabrics import KINDS, NODES, RISKS, ZONE2, failing

from fabric.building.network import Network
from fabric.diagnostics import InputError
from fabric.file.expect.expectation_spec import Expectation
from sim.proof.expectations.expect import check_claim, read_claims
from sim.proof.pairs.reachability import reachability
from sim.worlds.world import World

PORTS = ("", "", ":443/tcp")


def random_fabric(folder: Path, seed: int) -> tuple[Path, dict[str, list[str]]]:
    """A fabric file, and the members of its risk groups spelled out."""
    rng = Random(seed)
    vtep = rng.choice(["dpu", "dpu", "leaf"])
    site: dict[str, Any] = {
        "spines": rng.choice([1, 2, 2]),
        "leaves": rng.choice([1, 2, 3]),
        "hosts_per_pair": rng.choice([1, 2]),
        "borders": rng.choice([1, 2]),
        "uplinks": rng.choice([1, 1, 2]),
    }
    if rng.random() < 0.25:
        site |= {"clos": "three-tier", "pods": 2, "superspines": rng.choice([1, 2])}
        site |= {"leaves": 1, "spines": 1, "uplinks": 1, "hosts_per_pair": 1}
    pods = site.get("pods", 1)
    hosts = [
        f"host{n}" for n in range(1, pods * -(-site["leaves"] // 2) * site["hosts_per_pair"] + 1)
    ]
    stem = [f"pod{n}-" for n in range(1, pods + 1)] if "pods" in site else [""]
    switches = [
        *(f"{s}leaf{n}" for s in stem for n in range(1, site["leaves"] + 1)),
        *(f"{s}spine{n}" for s in stem for n in range(1, site["spines"] + 1)),
        *(f"border{n}" for n in range(1, site["borders"] + 1)),
    ]
    raw = ["65000:10701", "65000:10702"]
    tenants = {
        "a": vrf("10.0.0.0/16", NODES, default_route="zone2", advertise=["nodes"], import_rts=raw),
        "x1": vrf("172.30.0.0/24", vni=10701, import_rts=["65000:10700"]),
        "x2": vrf("172.30.0.0/24", vni=10702),
    }
    tenants["a"]["vrfs"]["main"]["vni"] = 10700
    work = {
        "a": [f"n/p{n}@{rng.choice(hosts)}" for n in range(rng.choice([1, 2, 3]))],
        "x1": [f"n/p@{rng.choice(hosts)}=172.30.0.5"],
        "x2": [f"n/p@{rng.choice(hosts)}=172.30.0.5"],
    }
    if "pods" not in site and rng.random() < 0.4:
        site |= {"leaves": 3, "hosts_per_pair": 2}
        near = ["n/p@host2=172.30.0.5"], ["n/p@host3=172.30.0.5"]
        work = {"a": ["n/p0@host1"], "x1": near[0], "x2": near[1]}
    zone2 = {**ZONE2, "endpoints": {"inet": {"addresses": ["0.0.0.0/0"]}}}
    border = rng.choice([None, f"border{site['borders']}"])
    partner = {"addresses": ["198.51.100.0/24"], **({"border": border} if border else {})}
    zone2["endpoints"]["partner"] = partner
    members = {f"g{n}": rng.sample(switches, rng.choice([1, 2])) for n in range(2)}
    more: dict[str, Any] = {
        "vtep": vtep,
        "zones": {"zone2": zone2},
        "peerings": [{"name": "ax", "between": ["a/main", "x2/main"]}],
        "risk_groups": members,
    }
    if rng.random() < 0.3:
        more["pins"] = {"asn": dict.fromkeys(rng.sample(switches, 2), 4200000999)}
    path = write_fabric(folder, tenants, work, sites={"s": site}, **more)
    more["expect"] = telling(network_of(path), [random_line(rng) for _ in range(60)])
    return write_fabric(folder, tenants, work, sites={"s": site}, **more), members


def random_line(rng: Random) -> dict[str, Any]:
    ends = ["a/*", "a/n/*", "a/n/p0", "a/@node/*", "x1/*", "x2/*", "x2/n/p", "a"]
    ends += ["zone2/partner", "zone2/inet"]
    source, target = rng.sample(ends, 2)
    if source.startswith("a") and rng.random() < 0.3:
        target = rng.choice(["198.51.100.0/25", "172.30.0.5"])
    kind = rng.choice(["allow", "deny", "only"])
    asked = rng.sample(KINDS, rng.choice([1, 2]))
    return {kind: f"{source} -> {target}{rng.choice(PORTS)}", "hold_under": asked}


def telling(network: Network, lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One line that fails as things are, and of each kind some that hold."""
    reach = reachability(World(network))
    held: dict[str, list[dict[str, Any]]] = {"allow": [], "deny": [], "only": []}
    fails = []
    for line in lines:
        only = {"expect": [Expectation.model_validate(line)]}
        try:
            (claim,) = read_claims(network.spec.model_copy(update=only), network)
        except InputError:  # compares nothing, where a has one pod
            continue
        (held[claim.kind] if check_claim(reach, claim).holds else fails).append(line)
    return [*fails[:1], *(line for found in held.values() for line in found[:4])]


def something_down(network: Network, seed: int) -> list[str]:
    """Often nothing."""
    rng = Random(seed)
    if rng.random() < 0.6:
        return []
    kind = rng.choice(["any-1-link", "any-1-node", *RISKS])
    return list(rng.choice(failing(network, kind)))
