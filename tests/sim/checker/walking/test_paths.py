"""What the reader of certificates works out of ways, on networks of a few VTEPs."""

from __future__ import annotations

import pytest
from routed import at, endpoint, routed

from compiler.policy.ir import Policy
from sim.checker.walking.paths import Paths


@pytest.mark.parametrize(("back", "reason"), [(0, "delivered"), (2, "pa_validation_drop")])
def test_the_way_back_leads_to_where_packets_come_from(back: int, reason: str) -> None:
    a, b = "10.0.0.1/32", "10.0.0.2/32"
    ends = [at(0, endpoint(0, "acme/web/a", 0, a)), at(1, endpoint(1, "acme/web/b", 0, b))]
    tables = {(0, 0): [(a, [(0, 0)]), (b, [(1, 0)])], (1, 0): [(a, [(back, 0)]), (b, [(1, 0)])]}
    regions = Paths(
        routed(["dpu1", "dpu2", "dpu3"], ["acme/main"], ends, tables), Policy()
    ).regions([0])
    (there,) = [row for row in regions.maps[0] if row.first == 0x0A000002]
    assert [{why for _, why in regions.profiles[c.profile]} for c in there.choices] == [{reason}]


def test_what_goes_in_circles_ends() -> None:
    """One next hop of two leads to VTEPs that pass it to each other for ever."""
    a, b = "10.0.0.1/32", "10.0.0.2/32"
    ends = [at(0, endpoint(0, "acme/web/a", 0, a)), at(3, endpoint(1, "acme/web/b", 0, b))]
    onward = {0: [(1, 0), (3, 0)], 1: [(2, 0)], 2: [(1, 0)], 3: [(3, 0)]}
    tables = {(n, 0): [(a, [(0, 0)]), (b, hops)] for n, hops in onward.items()}
    names = [f"dpu{n}" for n in range(4)], ["acme/main"]
    regions = Paths(routed(*names, ends, tables, hairpins=(0,)), Policy()).regions([0])
    reasons = [{reason for _, reason in boxes} for boxes in regions.profiles]
    (there,) = [row for row in regions.maps[0] if row.first == 0x0A000002]
    assert sorted(reason for c in there.choices for reason in reasons[c.profile]) == [
        "delivered", "ttl_drop",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("home", "cut", "reason"),
    [(1, [], "delivered"), (2, [], "eni_miss_drop"), (1, [(0, 1)], "underlay_drop")],
)
def test_packets_arrive_where_their_destination_lives_and_the_underlay_leads(
    home: int, cut: list[tuple[int, int]], reason: str
) -> None:
    a, b = "10.0.0.1/32", "10.0.0.2/32"
    ends = [at(0, endpoint(0, "acme/web/a", 0, a)), at(home, endpoint(1, "acme/web/b", 0, b))]
    tables = {(n, 0): [(a, [(0, 0)]), (b, [(1, 0)])] for n in range(2)}
    network = routed(["dpu1", "dpu2", "dpu3"], ["acme/main"], ends, tables, cut)
    regions = Paths(network, Policy()).regions([0])
    (there,) = [row for row in regions.maps[0] if row.first == 0x0A000002]
    assert [{why for _, why in regions.profiles[c.profile]} for c in there.choices] == [{reason}]
