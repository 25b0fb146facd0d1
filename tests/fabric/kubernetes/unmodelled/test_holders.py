"""Who has an address, and so is touched by objects that name it, against asking every prefix."""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest
import yaml
from fabric_files import vrf, write_fabric
from hypothesis import given
from hypothesis import strategies as st

from cloison.views.world import World
from fabric.kubernetes.unmodelled.holders import Holders
from fabric.values.inventory import Endpoint
from sim.proof.prove import prove

PREFIXES = ["10.0.0.1/32", "10.0.0.2/32", "10.0.0.0/30", "10.0.0.0/8", "0.0.0.0/0", "fd00::1/128"]
TEXTS = [
    "10.0.0.1",
    "10.0.0.2",
    "10.0.0.3",
    "10.9.9.9",
    "192.0.2.1",
    "fd00::1",
    "fd00::2",
    "x",
    "",
    "::ffff:10.0.0.1",
]


@given(st.lists(st.lists(st.sampled_from(PREFIXES), max_size=3), max_size=4))
def test_the_exact_address_before_prefixes_that_hold_it(owned: list[list[str]]) -> None:
    ends = [endpoint(number, prefixes) for number, prefixes in enumerate(owned)]
    holders = Holders(ends)
    for text in TEXTS:
        for shortest in (0, 1, 129):
            found = {e.index for e in holders.of(text, shortest)}
            assert found == slow(ends, text, shortest)


def endpoint(number: int, prefixes: list[str]) -> Endpoint:
    return Endpoint(
        number, f"t/n/{number}", "pod", "t", 0, 1, 0, None,
        tuple(map(ip_network, prefixes)),
    )  # fmt: skip


def slow(ends: list[Endpoint], text: str, shortest: int) -> set[int]:
    try:
        address = ip_address(text)
    except ValueError:
        return set()
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    holding = [
        (p.num_addresses == 1, p.prefixlen, e.index)
        for e in ends
        for p in e.prefixes
        if address in p
    ]
    exact = {index for single, _, index in holding if single}
    wide = {index for _, length, index in holding if length >= max(1, shortest)}
    return exact or wide or {index for _, length, index in holding if length >= shortest}


SLICE = {
    "apiVersion": "discovery.k8s.io/v1",
    "kind": "EndpointSlice",
    "metadata": {
        "name": "s-1",
        "namespace": "m",
        "labels": {"kubernetes.io/service-name": "s"},
    },
    "addressType": "IPv4",
    "ports": [{"port": 8080}],
}


@pytest.mark.parametrize(
    ("address", "doubted"),
    [
        ("10.7.0.9", "red/n/x"),
        ("10.8.0.9", "blue/n/z"),
        ("192.0.2.1", "zone2/office"),
        ("198.51.100.1", "zone2/inet"),
        ("backend.example.com", None),
    ],
)
@pytest.mark.parametrize("kind", ["EndpointSlice", "Endpoints"])
def test_endpoints_by_hand_touch_whoever_has_the_addresses(
    tmp_path: Path, kind: str, address: str, doubted: str | None
) -> None:
    """A Service without a selector may lead to anybody, whatever namespace it is in."""
    ends = ("blue/n/z", "zone2/office", "zone2/inet")
    claims = [{"deny": f"red/@node/host2 -> {end}:22/tcp"} for end in ends]
    claims.append({"deny": "blue/@node/host3 -> red/n/x"})
    proof = prove(small(tmp_path, claims, by_hand(kind, address)))
    said = zip(proof.outcomes, proof.verdicts(), strict=True)
    assert [o.claim.target for o, verdict in said if verdict != "holds"] == [doubted][
        : bool(doubted)
    ]


def by_hand(kind: str, address: str) -> dict[str, Any]:
    if kind == "EndpointSlice":
        return SLICE | {"endpoints": [{"addresses": [address]}]}
    about = {"name": "s", "namespace": "m"}
    subset = {"notReadyAddresses": [{"ip": address}], "ports": [{"port": 8080}]}
    return {"apiVersion": "v1", "kind": kind, "metadata": about, "subsets": [subset]}


def small(folder: Path, claims: list[Any], *objects: Any) -> World:
    tenants = {
        "red": vrf("10.7.0.0/24", default_route="zone2", advertise=["10.7.0.0/24"]),
        "blue": vrf("10.8.0.0/24"),
    }
    work = {"red": ["n/x@host1=10.7.0.9", "m/y@host2"], "blue": ["n/z@host3=10.8.0.9"]}
    ends = {"office": {"addresses": ["192.0.2.0/24"]}, "inet": {"addresses": ["0.0.0.0/0"]}}
    path = write_fabric(folder, tenants, work, zones={"zone2": {"endpoints": ends}}, expect=claims)
    file = folder / "red.yaml"
    file.write_text(file.read_text() + yaml.safe_dump_all(objects))
    return World.of(path)
