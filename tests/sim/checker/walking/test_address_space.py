"""All addresses between two cuts fare alike, in every VRF that a packet may come to or from."""

from __future__ import annotations

from routed import at, endpoint, routed

from compiler.policy.ir import Policy
from sim.checker.walking.address_space import AddressSpace


def test_the_axis_is_cut_where_a_receiver_may_see_its_senders() -> None:
    """VRF 0 sends to VRF 1, whose routes back lead to VRF 2."""
    ends = [
        at(0, endpoint(0, "acme/web/a", 0, "10.0.0.0/24")),
        at(1, endpoint(1, "globex/web/b", 1, "10.0.1.1/32")),
        at(0, endpoint(2, "initech/web/c", 2, "10.0.0.0/26")),
    ]
    tables = {
        (0, 0): [("10.0.1.1/32", [(1, 1)])],
        (1, 1): [("10.0.0.0/24", [(0, 2)])],
        (0, 2): [("10.0.0.128/25", [(0, 2)])],
    }
    names = ["acme/main", "globex/main", "initech/main"]
    network = routed(["dpu1", "dpu2"], names, ends, tables)
    where = AddressSpace(network, Policy())
    for first, last in where.axis(0, 4).ranges():
        for vrf in range(3):
            assert where.owner(vrf, 4, first) == where.owner(vrf, 4, last)
            for vtep in range(2):
                routes = [network.fib.lookup(vtep, vrf, 4, ip) for ip in (first, last)]
                assert routes[0] == routes[1]
