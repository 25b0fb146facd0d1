"""Addresses that statuses report: whose they are, and that nobody has what two report."""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from types import SimpleNamespace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from fabric.diagnostics import Diagnostics
from fabric.plan.settled import Claims, Wish

ADDRESSES = ["10.0.0.1", "10.0.0.2", "fd00::1", "192.0.2.1"]
VRF: Any = SimpleNamespace(
    name="a/main", prefixes=(ip_network("10.0.0.0/16"), ip_network("fd00::/64"))
)


@given(st.lists(st.lists(st.sampled_from(ADDRESSES), max_size=3), max_size=4))
def test_who_alone_reports_an_address_of_the_vrf_has_it(statuses: list[list[str]]) -> None:
    found = Diagnostics()
    draws: Any = SimpleNamespace(drawn={"addresses": {}})
    nothing: Any = None
    wishes = [Wish(f"a/{n}", "host1", tuple(status), ()) for n, status in enumerate(statuses)]
    has = Claims(nothing, VRF, draws, {}, {}, found).settle(wishes)
    told = [d.message for d in found.warnings]
    for wish, settled in zip(wishes, has, strict=True):
        inside = {a for a in wish.status if any(ip_address(a) in p for p in VRF.prefixes)}
        alone = {a for a in inside if sum(a in status for status in statuses) == 1}
        assert {str(a) for a in settled.addresses} == alone
        assert {a for a in inside if any(f"{wish.name} reports {a}," in text for text in told)} == (
            inside - alone
        )
