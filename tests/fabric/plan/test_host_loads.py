"""Which host has the fewest pods."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from fabric.plan.host_loads import HostLoads

HOSTS = ["c", "a", "b"]


@given(st.lists(st.sampled_from(["", *HOSTS, "elsewhere"]), max_size=40))
def test_the_first_of_those_with_the_fewest_is_chosen(known: list[str]) -> None:
    """Pods come to hosts by choice ("") and because somebody has decided so."""
    loads, load = HostLoads(HOSTS), Counter[str]()
    for host in known:
        chosen = loads.least()
        assert chosen == min(HOSTS, key=lambda one: load[one])
        loads.add(host or chosen)
        load[host or chosen] += 1
