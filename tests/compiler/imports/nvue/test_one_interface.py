"""What several keys say of one interface, and what a rule says without meaning it."""

from __future__ import annotations

import pytest
from nvue_read import device, read

RANGE = "  pf0vf0_if,pf0vf1_if: {link: {state: {down: {}}}, acl: {A: {inbound: {}}}}"
ALONE = "  pf0vf1_if: {link: {mtu: 9000}, ip: {vrf: red}, acl: {B: {inbound: {}}}}"


@pytest.mark.parametrize("lines", [(RANGE, ALONE), (ALONE, RANGE)])
def test_what_several_keys_say_of_one_interface(lines: tuple[str, str]) -> None:
    found = device("interface:", *lines)
    one = found.interface("pf0vf1_if")
    assert one is not None and found.unknowns == () and len(found.interfaces) == 2
    assert (one.up, one.mtu, one.vrf) == (False, 9000, "red")
    assert {b.acl for b in found.bindings if b.interface == "pf0vf1_if"} == {"A", "B"}
    other = found.interface("pf0vf0_if")
    assert other is not None and (other.up, other.mtu, other.vrf) == (False, None, "default")


@pytest.mark.parametrize(
    ("one", "other", "unlike"),
    [
        ("link: {mtu: 1500}", "link: {mtu: 9000}", "link mtu"),
        ("link: {state: {up: {}}}", "link: {state: {down: {}}}", "link state"),
        ("ip: {vrf: red}", "ip: {vrf: default}", "ip vrf"),
        ("ip: {vrf: red}", "ip: {vrf: red}", ""),
        ("ip: {address: {10.0.0.1/24: {}}}", "ip: {address: {10.0.1.1/24: {}}}", ""),
        ("ip: {}", "ip: {vrf: red}", ""),
    ],
)
def test_what_several_keys_say_otherwise_is_unknown(one: str, other: str, unlike: str) -> None:
    reading, found = read("interface:", f"  swp1-2: {{{one}}}", f"  swp2: {{{other}}}")
    assert reading is not None and found.errors == () and reading.leftover == ()
    said = [u.what for u in reading.device.unknowns]
    assert [f"`{unlike}`" in what for what in said] == ([True] if unlike else [])


def test_protocol_zero_is_every_protocol() -> None:
    rule = (
        "acl: {A: {type: ipv4, rule: {'1': {action: {permit: {}}, match: {ip: {protocol: '0'}}}}}}"
    )
    (entry,) = device(rule).acls[0].entries
    assert (entry.protocol, entry.partial) == (-1, "")
