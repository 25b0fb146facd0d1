"""Lists in several stages: a permit ends its stage, a deny everything."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from compiler.imports.acl_verdict import AclPacket, verdict_of
from compiler.imports.device_facts import AccessEntry, AccessList, AclBinding, Device
from fabric.diagnostics import Span

AT = Span("a", 1)
PACKET = AclPacket(ip_address("10.0.0.1"), ip_address("10.0.0.2"), 6, 1, 80)


def device(stages: tuple[tuple[str, int], ...]) -> Device:
    """A device whose lists have one entry each: an action, in a stage."""
    acls, bindings = [], []
    for number, (action, stage) in enumerate(stages):
        name = f"l{number}"
        entry = AccessEntry(1, action, (), (), -1, (), (), (), "", (), AT)
        acls.append(AccessList(name, 0, (entry,), "next", AT))
        bindings.append(AclBinding(name, "p1", "", "in", False, name, AT, stage))
    return Device("d", "nftables", AT, acls=tuple(acls), bindings=tuple(bindings))


@pytest.mark.parametrize(
    ("stages", "wanted"),
    [
        ((("permit", 0), ("deny", 0)), "permit"),
        ((("permit", 0), ("deny", 1)), "deny"),
        ((("deny", 1), ("permit", 0)), "deny"),
        ((("permit", 0), ("permit", 1)), "permit"),
        ((("unknown", 0), ("permit", 1)), "unknown"),
        ((("unknown", 0), ("deny", 1)), "deny"),
        ((("none", 0), ("none", 1)), "permit"),
        ((), "permit"),
    ],
)
def test_a_permit_ends_its_stage(stages: tuple[tuple[str, int], ...], wanted: str) -> None:
    assert verdict_of(device(stages), "p1", "in", PACKET).verdict == wanted
