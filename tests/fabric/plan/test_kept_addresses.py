"""Addresses that statuses report: whose they are, and that nobody has what two report."""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fabric.diagnostics import Diagnostics
from fabric.plan.kept_addresses import Claims, Wish

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
    has = Claims(nothing, VRF, draws, {}, {}, found).decide(wishes)
    told = [d.message for d in found.warnings]
    for wish, settled in zip(wishes, has, strict=True):
        inside = {a for a in wish.status if any(ip_address(a) in p for p in VRF.prefixes)}
        alone = {a for a in inside if sum(a in status for status in statuses) == 1}
        assert {str(a) for a in settled.addresses} == alone
        assert {a for a in inside if any(f"{wish.name} reports {a}," in text for text in told)} == (
            inside - alone
        )


@pytest.mark.parametrize(
    ("pins", "locks", "code"),
    [
        ({"a/0": ["10.0.0.1"]}, {}, None),
        ({}, {"a/0": ["10.0.0.1"], "a/1": ["10.0.0.2"]}, None),
        ({}, {"a/0": ["10.0.0.1"], "a/1": ["10.0.0.1"]}, "C485"),
        ({}, {"a/0": ["192.0.2.1"]}, "C486"),
        ({"a/0": ["10.0.0.1"]}, {"a/1": ["10.0.0.1"]}, "C481"),
        ({"a/0": ["10.0.0.1"], "a/1": ["10.0.0.1"]}, {}, "C428"),
    ],
)
def test_nobody_has_what_somebody_else_is_given(
    pins: dict[str, list[str]], locks: dict[str, list[str]], code: str | None
) -> None:
    found = Diagnostics()
    file = SimpleNamespace(span=lambda *_: None)
    draws: Any = SimpleNamespace(drawn={"addresses": dict(locks)}, file=file)
    spec: Any = SimpleNamespace(at=lambda *_: None)
    wishes = [Wish(f"a/{n}", "host1", (), ()) for n in range(2)]
    has = Claims(spec, VRF, draws, pins, locks, found).decide(wishes)
    assert [d.code for d in found.errors] == ([code] if code else [])
    if code is None:
        given = {**locks, **pins}
        assert [[*map(str, one.addresses)] for one in has] == [
            given.get(wish.name, []) for wish in wishes
        ]
