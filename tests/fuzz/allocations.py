"""Oracles about numbers: what was asked for is there, and nothing is given twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable
from ipaddress import IPv4Address, ip_network
from pathlib import Path
from random import Random
from typing import Any

import yaml

from fabric.building.build import build
from fabric.building.load import load_fabric
from fabric.building.network import Network
from fabric.diagnostics import InputError
from fuzz.worlds import Asked, asked


def network_of(made: Asked) -> Network | None:
    """The network; None where the file is refused, with a place or a pool to blame."""
    try:
        return build(load_fabric(made.path))
    except InputError as error:
        assert all(d.code.startswith("C") and d.message for d in error.diagnostics)
        return None


def sizes(rng: Random, folder: Path) -> None:
    """Nodes, hosts, tenants, VRFs and pods are those that the file asks for."""
    made = asked(rng, folder)
    network = network_of(made)
    if network is None:
        assert "pins" in made.document or tight(made), "a file without a mistake is refused"
        return
    assert Counter(n.role.value for n in network.fabric.nodes) == made.nodes
    assert {n.name for n in network.fabric.nodes if n.role.value == "host"} == set(made.hosts)
    for name, settings in made.document["tenants"].items():
        vrfs = {v.name for v in network.vrfs if v.tenant == name}
        assert vrfs == {f"{name}/{vrf}" for vrf in settings["vrfs"]}
        found = [e for e in network.endpoints if e.tenant == name and e.kind == "pod"]
        assert sorted(f"{e.namespace}/{e.name.split('/')[-1]}" for e in found) == sorted(
            made.pods[name]
        )
    distinct(network)


def tight(made: Asked) -> bool:
    """Whether a host may lack room in its blocks, or a peering may offer what overlaps."""
    return "peerings" in made.document


def distinct(network: Network) -> None:
    """No number that has to be one thing's alone is two things'; all lie in their pools."""
    plan, spec = network.plan, network.spec
    loopbacks = [IPv4Address(a) for a in plan.loopback if a]
    once("loopback", loopbacks)
    assert all(a in ip_network(spec.pools.loopbacks) for a in loopbacks)
    once("VNI", (v.vni for v in network.vrfs))
    once("RD", plan.rd.values())
    once("router MAC", plan.router_mac.values())
    once("RT", [*plan.native_rt, *plan.intent_rt.values()])
    for vrf in network.vrfs:
        here = [e for e in network.endpoints if e.vrf == vrf.index and vrf.zone == 1]
        addresses = [p for e in here for p in e.prefixes]
        once(f"address in {vrf.name}", addresses)
        for address in addresses:
            within = [p for p in vrf.prefixes if p.version == address.version]
            assert any(address.subnet_of(p) for p in within), (vrf.name, address)
        blocks = [(h, b) for (h, v), bs in plan.blocks.items() if v == vrf.index for b in bs]
        for n, (_, one) in enumerate(blocks):
            assert not any(one.overlaps(other) for _, other in blocks[:n]), (vrf.name, one)


def once(what: str, values: Iterable[Hashable]) -> None:
    twice = [value for value, n in Counter(values).items() if n > 1]
    assert not twice, f"{what} given twice: {twice}"


def settled(rng: Random, folder: Path) -> None:
    """Built again with its lock file it is the same; without one tenant the others are the same."""
    made = asked(rng, folder)
    first = network_of(made)
    if first is None:
        return
    before = made.lock.read_bytes()
    again = network_of(made)
    assert again is not None
    assert numbers(again) == numbers(first)
    assert made.lock.read_bytes() == before
    if len(made.document["tenants"]) < 2 or "pins" in made.document:
        return
    gone = rng.choice([*made.document["tenants"]])
    del made.document["tenants"][gone]
    made.document.pop("peerings", None)
    made.write()
    less = network_of(made)
    assert less is not None
    left = numbers(less)
    for key, value in numbers(first).items():
        if key in left and not key.startswith(gone):
            assert left[key] == value, key
    distinct(less)


def numbers(network: Network) -> dict[str, Any]:
    """Everything that was allocated, by what it belongs to."""
    nodes, plan = network.fabric.nodes, network.plan
    out: dict[str, Any] = {n.name: (plan.asn[n.index], plan.loopback[n.index]) for n in nodes}
    out |= {v.name: (v.vni, v.prefixes) for v in network.vrfs}
    out |= {f"rt {v.name}": plan.native_rt[v.index] for v in network.vrfs}
    out |= {e.name: (e.host, e.prefixes) for e in network.endpoints}
    return out


def lock(rng: Random, folder: Path) -> None:
    """A lock file with one value in another's place, or nonsense: refused, or nothing is twice."""
    made = asked(rng, folder)
    if network_of(made) is None or not made.lock.exists():
        return
    document = yaml.safe_load(made.lock.read_text()) or {}
    section = rng.choice([*document] or [None])
    if section is None:
        return
    entries = document[section]
    one, other = (rng.choice([*entries]) for _ in "ab")
    entries[one] = rng.choice([
        entries[other], entries[other], entries[other], 0, -1, "x", [], {}, None, 1e999,
        "10.255.0.1", "65000:10001", "02:c1:00:00:00:01", 4200000000, ["10.0.0.0/26"], "::1",
    ])  # fmt: skip
    made.lock.write_text(yaml.safe_dump(document))
    found = network_of(made)
    if found is not None:
        distinct(found)
