"""Expectations: the grammar, what each kind means, and that empty ones are errors."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_network
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from routed import at, endpoint, routed

from compiler.policy.ir import (
    L4,
    Action,
    Cidr,
    Direction,
    Everyone,
    Named,
    Origin,
    Policy,
    Rule,
    Stage,
)
from fabric.building.network import Network
from fabric.diagnostics import InputError
from fabric.file.expect.expectation_spec import Expectation
from sim.proof.expectations.expect import (
    Claim,
    Outcome,
    check_claim,
    pairs_of,
    parse_claim,
    read_claims,
    without,
)
from sim.proof.pairs.reachability import reachability
from sim.proof.prove import explain_breaches
from sim.worlds.world import World

ENDS = [
    at(0, endpoint(0, "acme/web/a", 0, "10.0.0.1/32", "fd00::1/128", workload="front")),
    at(1, endpoint(1, "acme/web/b", 0, "10.0.0.2/32", "fd00::2/128")),
    at(1, endpoint(2, "zone2/inet", 1, "0.0.0.0/0", host=None)),
]
HOPS_A, HOPS_B, HOPS_INET = [(0, 0)], [(1, 0)], [(1, 1)]
ACME: list[tuple[str, Sequence[tuple[int, int]]]] = [
    ("10.0.0.1/32", HOPS_A), ("10.0.0.2/32", HOPS_B), ("fd00::1/128", HOPS_A),
    ("fd00::2/128", HOPS_B), ("0.0.0.0/0", HOPS_INET),
]  # fmt: skip
TABLES = {(0, 0): ACME, (1, 0): ACME, (1, 1): [("0.0.0.0/0", HOPS_INET), ("10.0.0.1/32", HOPS_A)]}
WORLD = routed(["dpu1", "dpu2"], ["acme/main", "zone2/main"], ENDS, TABLES)
WEB = L4(6, 80, 80)


def policy(*l4: L4) -> Policy:
    """Only `l4` may leave acme/web/a, everything else is open."""
    a = (Named(("acme/web/a",)),)
    make = Origin("zone rule", "test")
    out = Direction.OUT
    permit = Rule(Stage.WORKLOAD, out, 0, a, (Everyone(),), l4, Action.PERMIT, make)
    deny = Rule(Stage.WORKLOAD, out, 1, a, (Everyone(),), (), Action.DENY, make)
    return Policy((permit, deny))


def holds(kind: str, text: str, network: Network = WORLD, *l4: L4) -> bool:
    source, target, both, ports = parse_claim(text)
    reach = reachability(World(network, policy(*(l4 or (WEB,)))))
    return check_claim(reach, Claim(0, kind, source, target, both, ports)).holds


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [
        ("allow", "acme/web/front -> acme/web/b:80/tcp", True),
        ("allow", "acme/web/a -> acme/web/b:80-81/tcp", False),
        ("allow", "acme/web/a -> acme/web/b", False),
        ("allow", "acme/web/b -> acme/web/a", True),
        ("allow", "acme/web/a -> zone2/inet:80/tcp", True),
        ("allow", "zone2/inet -> acme/web/a", True),
        ("allow", "zone2/inet -> acme/*", False),
        ("deny", "acme/web/a -> acme/web/b", False),
        ("deny", "acme/web/a -> acme/web/b:81-90/tcp,udp", True),
        ("deny", "acme/web/a <-> acme/web/b:udp", False),
        ("deny", "zone2/inet -> acme/web/b", True),
        ("only", "acme/web/a -> *:80/tcp", True),
        ("only", "acme/web/a -> *:80/tcp,22/tcp", False),
        ("only", "acme/web/b -> acme/web/a:80/tcp", False),
    ],
)
def test_meaning(kind: str, text: str, expected: bool) -> None:
    assert holds(kind, text) is expected


def test_only_needs_the_ports_inside_an_atom() -> None:
    """Ports of the expectation that no rule cuts still count."""
    assert not holds("only", "acme/web/a -> acme/web/b:80/tcp", WORLD, L4(6, 80, 443))
    assert holds("deny", "acme/web/a -> acme/web/b:444-999/tcp", WORLD, L4(6, 80, 443))
    assert not holds("deny", "acme/web/a -> acme/web/b:443/tcp", WORLD, L4(6, 80, 443))


def test_a_lost_hop_breaks_allow_but_not_deny() -> None:
    split = {**TABLES, (0, 0): [*ACME[:1], ("10.0.0.2/32", [(0, 0), (1, 0)]), *ACME[2:]]}
    network = routed(["dpu1", "dpu2"], ["acme/main", "zone2/main"], ENDS, split)
    assert not holds("allow", "acme/web/a -> acme/web/b:80/tcp", network)
    assert not holds("deny", "acme/web/a -> acme/web/b:80/tcp", network)


@pytest.mark.parametrize(
    "text", ["a", "a->b", "a -> b -> c", "a:80/tcp -> b", "a -> b:80", "-> b", "a -> b:22:22"]
)
def test_grammar_errors(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_claim(text)


def spec(*lines: Expectation) -> Any:
    return SimpleNamespace(expect=list(lines), at=lambda *path: None)


def test_vacuous_lines_are_errors_all_at_once() -> None:
    lines = spec(
        Expectation(deny="acne/* -> zone2/inet"),
        Expectation(deny="acme/web/a -> acme/web/a"),
        Expectation(deny="acme/web/a - acme/web/b"),
        Expectation(),
        Expectation(deny="acme/* -> zone2/inet", hold_under=["any-1-link"]),
    )
    with pytest.raises(InputError) as caught:
        read_claims(lines, WORLD)
    codes = [d.code for d in caught.value.diagnostics]
    assert sorted(codes) == ["C701", "C702", "C703", "C704"]
    assert 'did you mean "acme/*"?' in str(caught.value)


def test_claims_keep_what_was_written() -> None:
    lines = spec(Expectation(allow="acme/* -> zone2/inet:443/tcp", hold_under=["any-1-node"]))
    (claim,) = read_claims(lines, WORLD)
    assert (str(claim), claim.hold_under) == (
        "allow: acme/* -> zone2/inet:443/tcp",
        ("any-1-node",),
    )


@pytest.mark.parametrize(
    ("kind", "ports", "open_", "expected"),
    [
        ("deny", "icmp", 1, False),
        ("deny", "icmp", 58, False),
        ("deny", "icmp4", 58, True),
        ("deny", "icmp6", 58, False),
        ("allow", "icmp6", 58, True),
        ("allow", "icmp6", 1, False),
        ("allow", "icmp", 58, False),
        ("allow", "icmp4", 58, False),
        ("only", "icmp6", 58, True),
        ("only", "icmp4", 1, True),
        ("only", "icmp", 1, False),
    ],
)
def test_icmp_is_that_of_the_pair_s_ip_version(
    kind: str, ports: str, open_: int, expected: bool
) -> None:
    ends = "acme/web/a -> acme/web/b"
    assert holds(kind, f"{ends}:{ports}", WORLD, L4(open_)) is expected


def test_only_one_icmp_is_nothing_at_all_in_the_other_version() -> None:
    ends = "acme/web/a -> acme/web/b"
    assert holds("only", f"{ends}:icmp6,80/tcp", WORLD, L4(58), WEB)
    assert holds("only", f"{ends}:icmp6", WORLD, L4(58))
    assert not holds("only", f"{ends}:icmp6", WORLD, L4(58), L4(1))
    assert not holds("only", f"{ends}:icmp6", WORLD, L4(58), WEB)


def test_pairs_in_which_nobody_sends_such_packets_are_not_counted() -> None:
    counts = {}
    for ports in ("any", "icmp", "icmp4", "icmp6", "80/tcp,icmp4"):
        source, target, both, read = parse_claim(f"acme/* -> acme/*:{ports}")
        counts[ports] = len(pairs_of(Claim(0, "deny", source, target, both, read), WORLD))
    assert counts == {"any": 4, "icmp": 4, "icmp4": 2, "icmp6": 2, "80/tcp,icmp4": 4}


def test_a_line_about_packets_that_nobody_sends_is_an_error() -> None:
    with pytest.raises(InputError) as caught:
        read_claims(spec(Expectation(deny="acme/web/a -> zone2/inet:icmp6")), WORLD)
    assert [d.code for d in caught.value.diagnostics] == ["C703"]
    assert "in which such packets are sent" in str(caught.value)


def test_a_part_of_a_prefix_is_not_all_of_it() -> None:
    """One address of the outside that gets in is no `allow` for the outside; what holds is said,
    the packet is from the rest, and the part alone can be written."""
    part, rest = "0.0.0.0/2", "192.0.2.0/24"
    origin, inn = Origin("NetworkPolicy", "acme/web/a"), Direction.IN
    a = (Named(("acme/web/a",)),)
    some = (Cidr(ip_network(part)),)
    permit = Rule(Stage.WORKLOAD, inn, 0, a, some, (), Action.PERMIT, origin)
    deny = Rule(Stage.WORKLOAD, inn, 1, a, (Everyone(),), (), Action.DENY, origin)
    reach = reachability(World(WORLD, Policy((permit, deny))))

    def outcome(kind: str, text: str) -> Outcome:
        source, target, both, ports = parse_claim(text)
        return check_claim(reach, Claim(0, kind, source, target, both, ports, text=text))

    (finding,) = explain_breaches(reach, outcome("allow", "zone2/inet -> acme/web/a"))
    assert "holds from 0.0.0.0/5" in finding.title
    assert finding.witness is not None
    assert finding.witness.flow.src >= 1 << 30
    assert outcome("allow", f"{part} -> acme/web/a").holds
    assert not outcome("allow", f"{rest} -> acme/web/a").holds
    assert outcome("deny", f"{rest} -> acme/web/a").holds
    assert not outcome("deny", "zone2/inet -> acme/web/a").holds


@pytest.mark.parametrize(
    "text",
    [
        "fd00::1 -> zone2/inet",
        "2001:db8::/32 -> acme/web/a",
        "10.0.0.1 -> [fd00::2]:80/tcp",
        "10.0.0.1 -> acme/web/b:icmp6",
        "[fd00::1] -> acme/web/b:icmp4",
    ],
)
def test_addresses_that_meet_nobody_are_errors(text: str) -> None:
    """A line about IPv6 addresses says nothing of endpoints that have IPv4 alone."""
    with pytest.raises(InputError) as caught:
        read_claims(spec(Expectation(deny=text)), WORLD)
    assert {d.code for d in caught.value.diagnostics} <= {"C702", "C703"}


@pytest.mark.parametrize("text", ["10.0.0.1 <-> zone2/inet", "10.0.0.1:80 -> zone2/inet"])
def test_addresses_have_one_direction_and_no_port_at_the_source(text: str) -> None:
    with pytest.raises(ValueError, match=r"on one side of|ports stand after"):
        parse_claim(text)


def test_who_is_gone_is_asked_neither_as_a_source_nor_as_a_destination() -> None:
    ends, every = len(ENDS), np.arange(2 * len(ENDS) ** 2)
    pairs = {divmod(pair // 2, ends) for pair in without(every, WORLD, (1,)).tolist()}
    assert pairs == {(a, b) for a in (0, 2) for b in (0, 2)}
