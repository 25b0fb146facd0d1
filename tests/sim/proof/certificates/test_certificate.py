"""Certificates: what writes them and what checks them agree, and no change to one is accepted."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import Any

import pytest
from certificate_changes import changed, changes, places
from fabric_files import network_of, vrf, write_fabric
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from naive import Header, outcomes
from random_worlds import policies, worlds
from routed_demo import DEMO, DEMO_POLICY

from compiler.policy.ir import Policy
from compiler.policy.semantics import owner
from fabric.building.build import build
from fabric.building.inputs import input_files
from fabric.building.load import load_fabric
from fabric.building.network import Network
from sim.checker.consistency import inconsistencies
from sim.checker.expected import expected, policy_of
from sim.checker.validity import differences, validity
from sim.proof.certificates.certificate import certificate
from sim.proof.prove import prove
from sim.worlds.world import World

SMALL = Path(__file__).parents[4] / "topologies" / "small.yaml"
QUICK = settings(
    max_examples=25, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate)
)


def made(network: Network, policy: Policy, inputs: tuple[Path, ...] = ()) -> Any:
    proof = prove(World(network, policy))
    return json.loads(json.dumps(certificate(proof, inputs)))


@pytest.mark.slices(3)
@QUICK
@given(worlds(), policies())
def test_the_checker_computes_the_same_certificate(network: Network, policy: Policy) -> None:
    written = made(network, policy)
    assert inconsistencies(written) == []
    found = validity(written, network, (), policy)
    assert found.problems == []
    assert found.packets > found.regions > 0


@QUICK
@given(worlds(), policies(), st.integers(0, 2**32))
def test_packets_fare_as_regions_say(network: Network, policy: Policy, seed: int) -> None:
    written, _ = expected(network, (), policy)
    random = Random(seed)
    for _ in range(60):
        end, version, ranges, number = random.choice(written["sources"])
        row = random.choice(written["maps"][number])
        src, dst = (_address(random, ends) for ends in (random.choice(ranges), row[:2]))
        protocol = random.choice((1, 6, 17, 58, 99, 132))
        ports = [random.choice((0, 79, 80, 81, 443, 1023, 1024, 65535)) for _ in range(2)]
        header = Header(
            version, src, dst, protocol, *(ports if protocol in (6, 17, 132) else (0, 0))
        )
        told = {*_told(written, row[2], header)} - {"self"}
        real = {
            outcome.reason.label
            for outcome in outcomes(policy, network, end, header)
            if not _to_itself(network, end, header, outcome.last)
        }
        assert told == real


def _to_itself(network: Network, end: int, header: Header, hop: tuple[int, int] | None) -> bool:
    found = owner(network, hop[1], header.version, header.dst) if hop else None
    return found is not None and found.index == end and hop is not None and hop[0] in found.vteps


def _address(random: Random, ends: Any) -> int:
    low, high = (end if isinstance(end, int) else int(end, 16) for end in ends)
    return random.choice((low, high, random.randint(low, high)))


def _told(written: Any, profile: int, header: Header) -> list[str]:
    for a, b, c, d, e, f, outcome in written["profiles"][profile]:
        if a <= header.protocol <= b and c <= header.dport <= d and e <= header.sport <= f:
            return list(written["outcomes"][outcome]["reasons"])
    raise AssertionError("no box holds the packet")


WRITTEN = made(DEMO, DEMO_POLICY)
WANTED, _ = expected(DEMO, (), DEMO_POLICY)


def refused(written: Any, wanted: Any) -> list[str]:
    """What speaks against a certificate."""
    return inconsistencies(written) or differences(written, wanted)


def test_ours_is_accepted() -> None:
    assert refused(WRITTEN, WANTED) == []
    assert {o["verdict"] for o in WRITTEN["outcomes"]} >= {"allow", "deny", "exempt"}


@pytest.mark.slow
@pytest.mark.slices(3)
@pytest.mark.parametrize("part", range(3))
def test_every_leaf_key_and_item_counts(part: int) -> None:
    tried = 0
    for path, value in [*places(WRITTEN)][part::3]:
        for change in changes(path, value):
            other = changed(WRITTEN, change)
            if other is not None:
                tried += 1
                assert refused(other, WANTED), str(change)
    assert tried > 650


@pytest.fixture(scope="module")
def small() -> tuple[Any, Any]:
    """The certificate of a bundled topology, and the one that it deserves."""
    network = build(load_fabric(SMALL), lock=False)
    inputs = input_files(network.spec)
    written = made(network, policy_of(network), inputs)
    return written, expected(network, inputs)[0]


@pytest.mark.slow
@settings(
    max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.data())
def test_drawn_leaves_of_a_larger_one_count(small: tuple[Any, Any], data: Any) -> None:
    written, wanted = small
    path, value = data.draw(st.sampled_from(list(places(written))))
    found = list(changes(path, value))
    if found:
        change = data.draw(st.sampled_from(found))
        other = changed(written, change)
        assert other is None or refused(other, wanted), str(change)


def test_any_change_breaks_the_digest() -> None:
    other = WRITTEN | {"inputs": [{"path": "x", "sha256": "0" * 64}]}
    assert inconsistencies(other) == ["digest: it does not fit the content"]


def test_a_claim_says_whether_it_holds(tmp_path: Path) -> None:
    work = {"a": ["n/p@host1", "n/q@host2"]}
    expect = [{"deny": "a/n/p -> a/n/q"}, {"allow": "a/n/p -> a/n/q"}]
    network = network_of(write_fabric(tmp_path, {"a": vrf("10.0.0.0/24")}, work, expect=expect))
    written = made(network, Policy())
    assert [claim["holds"] for claim in written["claims"]] == [False, True]
    assert written["verdict"] == "fails"
    assert inconsistencies(written) == []
