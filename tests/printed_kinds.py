"""What is printed, by kind of name, and whether every other verb reads it.

Every leaf of every document is of a kind of `KINDS`; a new key has to be sorted into it first.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from cloison.verbs.replaying import vrf_index
from cloison.views.world import World
from fabric.building.build import rebuild
from fabric.checks.expectations import check
from fabric.checks.known_names import survey
from fabric.diagnostics import Diagnostics
from fabric.file.expect.claims import parse_claim
from fabric.file.expect.expectation_spec import Expectation
from fabric.values.address_sets import address_in, addresses_in, set_in
from fabric.values.ports import parse_ports
from sim.names.address_sets import owning
from sim.names.ends import endpoints, targets
from sim.names.wanted_ports import CALLED, split_source
from sim.proof.expectations.expect import Claim, pairs_of, read_claims, selected
from sim.reach.access import receivers, senders

ENDS = r"(source|destination|target)"
KINDS = {
    "endpoint": rf"(matrix|rows|by_flow)\[]\.{ENDS}|(rows|assumed)\[]\.endpoint|exempt\[]"
    r"|rows\[]\.first_(source|destination)|left_out\[]\.endpoints\[]"
    r"|^\.(source|target)|doors\[]\.(leads_to|tenant)|open_to\[]|host_ports\[]\.workload|_part\.members\[]",
    "service": r"doors\[]\.service|services\[]\.service|left_out\[]\.services\[]",
    "node": r"rows\[]\.(node|a|b|host|vtep|peer|owner)|\.node|replay\.links\[]\.(from|to)",
    "hop": r"rows\[]\.via\[]",
    "failure": r"(rows|services)\[]\.without|points\[]|left_out\[]\.failure",
    "link": r"\.link|imbalance\[]\.busiest|rows\[]\.links\[]",
    "vrf": r"rows\[](\.remote\[])?\.vrf|by_flow\[]\.vrf|hairpin_\w+\[]\.(vrf|leads_to\[])",
    "ports": r"rows\[]\.ports|matrix\[]\.ports",
    "addresses": r"\.(prefix|loopback|(prefixes|blocks|addresses)\[])"
    r"|(source|target|destination)_addresses\[]",
    "packet": r"\.(packet|flow)",
    "claim": r"\.expect",
    "selector": r"\.(local|remote)",
}
OTHER = re.compile(
    "schema|name|verdict|target|rest|table|fill|role|site|state|kind|line|at|reason|intent|origin|"
    "rule|stage|action|direction|because|what|part|computed|order|rt|rd|next_hop|router_mac|"
    "(a_|b_)?port|protocol|capacity|families|imports|rts|protected_by|assumed|where|result|entry"
    "|IPv4|IPv6|by|routes|ports_list|via|door|code|file|hint|message|severity|partial"
    "|title|old|new|not_listed|detail|change|fate|why|families|nodes|only|is|was"
)


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, inside in value.items():
            yield from leaves(inside, f"{path}.{key}")
    elif isinstance(value, list):
        for inside in value:
            yield from leaves(inside, f"{path}[]")
    elif isinstance(value, str) and value:
        yield path, value


def kind_of(path: str) -> str:
    if path.endswith("capacity[].source"):
        return "other"
    for kind, pattern in KINDS.items():
        if re.search(rf"({pattern})$", path):
            return kind
    assert OTHER.fullmatch(path.rpartition(".")[2].removesuffix("[]")), f"of what kind is {path}?"
    return "other"


def assert_service(world: World, text: str) -> None:
    """A Service of a fabric is a destination, in each of its spellings."""
    network = world.network
    meant = []
    for name in (f"{text}[Service]", f"Service {text}", f"service {text}"):
        bits = [b for b, _ in receivers(network, name)]
        meant.append({int(i) for b in bits for i in b.nonzero()[0]})
        for ports in {p for _, found in receivers(network, name) for p in found}:
            assert parse_ports(str(ports))
        (claim,) = claims_of(world, Expectation(deny=f"* -> {name}"))
        assert {i for part in claim.parts for i in part.pods or ()} == meant[-1]
        assert len(pairs_of(claim, network))
    assert meant[0]
    assert meant == [meant[0]] * 3


def read(world: World, kind: str, text: str) -> None:
    """`AssertionError`, or an error of the reader, when a text is not read."""
    network = world.network
    match kind:
        case "endpoint":
            found = {e.index for e in endpoints(network, text)}
            assert found
            assert found <= {t.endpoint.index for t in targets(network, text) if t.endpoint}
            assert found <= set(senders(network, text).nonzero()[0].tolist())
            assert found <= {i for b, _ in receivers(network, text) for i in b.nonzero()[0]}
            assert found <= set(selected(text, network).nonzero()[0])
            assert_expected(world, text)
        case "service":
            assert_service(world, text)
        case "node":
            assert network.fabric.node(text).name == text
            if any(e.host == text and e.kind == "node" for e in network.endpoints):
                assert {e.host for e in endpoints(network, text)} == {text}
                assert_expected(world, text)
        case "hop":
            node, _, vrf = text.partition(" ")
            read(world, "node", node)
            if vrf:
                read(world, "vrf", vrf)
        case "failure":
            failed = rebuild(network, down=(text,)).fabric
            assert failed.down_nodes or failed.down_links
        case "link":
            (link,) = (x for x in network.fabric.links if x.name == text)
            assert link.kind == "host" or rebuild(network, down=(text,)).fabric.down_links
        case "vrf":
            assert text == "any" or network.vrfs[vrf_index(network, text)].name == text
            if any(network.vrfs[e.vrf].name == text for e in network.endpoints):
                assert {network.vrfs[e.vrf].name for e in endpoints(network, text)} == {text}
                assert_expected(world, text)
        case "ports":
            for port in text.removesuffix(" (not all pods)").split(" | "):
                assert CALLED.fullmatch(port) or parse_ports(port)
        case "addresses":
            assert set_in(text) or address_in(text)
            assert targets(network, f"[{text}]:443")
            assert parse_claim(f"{text} -> [{text}]:443/tcp")[:2] == (text, text)
            block = addresses_in(text)
            if block is not None and owning(network, block):
                assert_expected(world, text)
        case "packet":
            ends, _, sent = text.rpartition(": ") if ": " in text else ("", "", text)
            source, _, target = sent.partition(" -> ")
            for name in filter(None, ends.split(" -> ")):
                read(world, "endpoint", name)
            assert address_in(split_source(source)[0])
            assert targets(network, target)[0].ports
        case "claim":
            source, target, *_ = parse_claim(text.partition(": ")[2])
            for end in (source, target):
                assert endpoints(network, end)
                assert senders(network, end).any()
        case "selector":
            what, _, rest = text.partition(" ")
            names = re.sub(r" \([^)]*\)", "", text).split(", ") if what != "pods" else []
            if what == "vrf":
                names = [name.split()[0] for name in rest.split(", ") if set_in(name) is None]
            for name in names if text not in ("everyone", "own node") else ():
                nobody = name in ("zone0/@node/*", "zone2/@node/*")
                assert nobody or set_in(name) or address_in(name) or endpoints(network, name)


def assert_expected(world: World, name: str) -> None:
    """An `expect:` line takes the name at either end, and compares what it means."""
    for claim in claims_of(
        world, Expectation(deny=f"{name} -> *"), Expectation(deny=f"* -> {name}")
    ):
        assert len(pairs_of(claim, world.network))


def claims_of(world: World, *lines: Expectation) -> tuple[Claim, ...]:
    """Expectations, read as those of the fabric's file."""
    assert world.network.spec is not None
    spec = world.network.spec.model_copy(update={"expect": [*lines]})
    found = Diagnostics()
    check(spec, survey(spec), found)
    assert not found.items, found.items
    return read_claims(spec, world.network)


def assert_names(world: World, found: set[tuple[str, str]]) -> None:
    wrong = []
    for path, text in sorted(found):
        try:
            read(world, kind_of(path), text)
        except Exception as error:
            wrong.append(f"{path} {text}: {type(error).__name__} {error}")
    assert not wrong, "\n".join(wrong[:20])
