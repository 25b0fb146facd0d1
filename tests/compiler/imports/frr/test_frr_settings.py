"""Lines of FRR that say more, or less, than they seem to."""

from __future__ import annotations

import pytest

from compiler.imports.accounting import ConfigText, Reading
from compiler.imports.frr import frr_conf
from fabric.diagnostics import Diagnostics


def read(text: str) -> Reading:
    found = Diagnostics()
    reading = frr_conf.read("d", (ConfigText("d.conf", text),), found)
    assert reading is not None and found.errors == () and reading.leftover == ()
    return reading


def test_the_last_condition_of_a_kind_counts() -> None:
    """FRR's `route_map_add_match` deletes the one that was there."""
    reading = read(
        "route-map M permit 10\n match ip address prefix-list A\n match tag 5\n"
        " match ip address prefix-list B\n match as-path X\n match as-path Y\n"
        " match community C\n match community D exact-match\n"
    )
    (rule,) = reading.device.route_maps[0].rules
    assert {(m.kind, m.value) for m in rule.matches} == {
        ("tag", "5"), ("ip address prefix-list", "B"), ("as-path", "Y"),
        ("community D", "exact-match"),
    }  # fmt: skip
    assert [line.number for line in reading.ignored] == [2, 5, 7]


def test_what_is_set_last_counts() -> None:
    reading = read(
        "route-map M permit 10\n set extcommunity rt 65000:1\n set extcommunity soo 65000:9\n"
        " set extcommunity rt 65000:2\n set metric 5\n set metric 6\n"
        " set as-path prepend 65001\n set as-path prepend 65002\n"
    )
    (rule,) = reading.device.route_maps[0].rules
    assert {(m.kind, m.value) for m in rule.sets} == {
        ("extcommunity", "soo 65000:9"), ("extcommunity", "rt 65000:2"), ("metric", "6"),
        ("as-path", "prepend 65002"),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "about"),
    [
        ("bgp no-rib", "bgp no-rib"), ("no ip forwarding", "no ip forwarding"),
        ("no ipv6 forwarding", "no ipv6 forwarding"), ("ip forwarding", ""), ("no bgp no-rib", ""),
    ],
)  # fmt: skip
def test_what_a_device_does_not_hand_on_is_unknown(text: str, about: str) -> None:
    unknowns = [one.what for one in read(f"{text}\n").device.unknowns if one.kind != "interfaces"]
    assert [what.endswith(about) for what in unknowns] == ([True] if about else [])


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        ("10.0.0.0/16 192.0.2.1", ("10.0.0.0/16", "192.0.2.1", "address", 0)),
        ("10.0.0.0 255.255.0.0 192.0.2.1", ("10.0.0.0/16", "192.0.2.1", "address", 0)),
        ("10.0.0.0 255.255.0.0 Null0", ("10.0.0.0/16", "Null0", "blackhole", 0)),
        ("10.0.0.0/16 192.0.2.1 eth1", ("10.0.0.0/16", "192.0.2.1", "address", 0)),
        ("10.0.0.0/16 eth1 tag 7 1", ("10.0.0.0/16", "eth1", "interface", 7)),
        ("10.0.0.0/16 eth1 nexthop-vrf blue", ("10.0.0.0/16", "blue", "vrf", 0)),
        ("10.0.0.0/16 eth1 255", None),
        ("10.0.0.0/16 192.0.2.1 20", None),
        ("10.0.0.0/16 192.0.2.1 table 10", None),
        ("10.0.0.0/16 192.0.2.1 onlink", None),
        ("10.0.0.0/16 eth1 label 16", None),
        ("10.0.0.0 0.0.255.255 eth1", None),
        ("10.0.0.1 eth1", None),
    ],
)
def test_static_routes(words: str, wanted: tuple[str, str, str, int] | None) -> None:
    device = read(f"ip route {words}\n").device
    vrf = device.vrf("default")
    assert vrf is not None
    found = [(str(r.prefix), r.via, r.kind, r.tag) for r in vrf.statics]
    unknown = any("a static route that is not read" in one.what for one in device.unknowns)
    assert (found, unknown) == (([wanted], False) if wanted else ([], True))
