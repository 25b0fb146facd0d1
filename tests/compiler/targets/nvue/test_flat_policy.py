"""One function of address, protocol and ports says what groups, stages and routes say."""

from __future__ import annotations

from bisect import bisect_right
from ipaddress import ip_address
from itertools import pairwise

from flat_openings import passes
from hypothesis import given
from hypothesis import strategies as st
from random_worlds import policies, worlds
from routed import at, endpoint, routed

from compiler.compile import compile_policy
from compiler.policy.ir import (
    Action,
    Direction,
    Everyone,
    Named,
    Origin,
    Packet,
    Policy,
    Rule,
    Stage,
)
from compiler.program.walk import verdict
from compiler.targets.nvue.flat_policy import FlatPolicies, Openings
from fabric.building.network import Network

REMOTES = ("10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.200", "10.1.0.3", "192.0.2.1", "fd00::1",
           "fd00::7", "2001:db8::1")  # fmt: skip
PORTS = (0, 22, 53, 79, 80, 81, 443, 8080, 65535)


@given(worlds(), policies(), st.data())
def test_the_function_says_what_the_walk_says(
    network: Network, policy: Policy, data: st.DataObject
) -> None:
    program = compile_policy(network, policy)
    flat = FlatPolicies(program)
    for end in network.endpoints:
        direction = data.draw(st.sampled_from(Direction))
        remote = ip_address(data.draw(st.sampled_from(REMOTES)))
        protocol = data.draw(st.sampled_from((1, 6, 17, 132, 200)))
        ported = protocol in (6, 17, 132)
        sport, dport = (data.draw(st.sampled_from(PORTS)) if ported else 0 for _ in "ab")
        for vtep in end.vteps:
            pieces = flat.of(end, direction, vtep).of(remote.version)
            at = bisect_right([start for start, _ in pieces], int(remote)) - 1
            found = passes(flat.openings[pieces[at][1]], protocol, sport, dport)
            route = network.fib.lookup(vtep, end.vrf, remote.version, int(remote))
            wanted = False
            if route is not None and len({hop.vrf for hop in route.nexthops}) == 1:
                packet = Packet(
                    direction, end.index, remote.version, int(remote), route.nexthops[0].vrf,
                    protocol, sport, dport,
                )  # fmt: skip
                wanted = verdict(program, packet).permit
            assert found is wanted, (end.name, direction, remote, protocol, sport, dport)


@given(worlds(), policies())
def test_equal_openings_have_one_number(network: Network, policy: Policy) -> None:
    flat = FlatPolicies(compile_policy(network, policy))
    for end in network.endpoints:
        for direction in Direction:
            for pieces in (flat.of(end, direction, end.vtep).of(v) for v in (4, 6)):
                numbers = [number for _, number in pieces]
                assert all(a != b for a, b in pairwise(numbers))
    assert len({*flat.openings}) == len(flat.openings)


def test_a_permit_that_skips_stages_skips_their_denies() -> None:
    ends = [at(0, endpoint(0, "acme/web/a", 0, "10.0.0.1/32"))]
    tables = {(0, 0): [("10.0.0.1/32", [(0, 0)])]}
    local, origin = (Named(("acme/web/a",)),), Origin("NetworkPolicy", "r", 0, None)
    rules = tuple(
        Rule(stage, Direction.OUT, 0, local, (Everyone(),), (), action, origin)
        for stage, action in (
            (Stage.OVERRIDE, Action.PERMIT_FINAL),
            (Stage.WORKLOAD, Action.DENY),
        )
    )
    network = routed(["dpu1"], ["acme/main"], ends, tables, [], ())
    flat = FlatPolicies(compile_policy(network, Policy(rules)))
    found = [flat.openings[n] for _, n in flat.of(ends[0], Direction.OUT, 0).v4]
    assert Openings(True, ()) in found
