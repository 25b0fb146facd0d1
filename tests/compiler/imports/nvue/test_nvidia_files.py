"""Five files of NVIDIA's controller, against what a person read in them (`nvidia_verdicts`)."""

from __future__ import annotations

from functools import cache
from ipaddress import ip_address

import pytest
from nvidia_verdicts import (
    DUAL,
    ETV,
    L3,
    NSG,
    QUARANTINED,
    REVIEWED,
    SPEAKERS,
    TARGETS,
    VERDICTS,
    VNIS,
)
from oracles import conformance

from compiler.imports.acl_verdict import AclPacket, verdict_of
from compiler.imports.config_folder import Imported, read_folder
from compiler.imports.device_facts import Device
from compiler.imports.review.asked_lists import asked_lists
from compiler.imports.review.list_checks import passes
from compiler.imports.review.review_checks import reviewed

FOLDER = conformance() / "nvue"
FILES = (DUAL, ETV, L3, NSG, QUARANTINED)


@cache
def imported() -> Imported:
    return read_folder(FOLDER, ("nvue",))


def device(name: str) -> Device:
    return next(d for d in imported().devices if d.name == name)


def test_all_of_them_import_and_no_line_is_lost() -> None:
    found = imported()
    assert {d.name for d in found.devices} == {*FILES}
    assert found.leftover == ()
    assert [one.kind for d in found.devices for one in d.unknowns] == ["PeerGroup"]
    assert "not known" not in " ".join(line.reason for line in found.ignored)


@pytest.mark.parametrize("row", VERDICTS, ids=lambda row: "-".join(map(str, row[:8])))
def test_verdict(row: tuple[object, ...]) -> None:
    name, interface, way, source, target, protocol, sport, dport, state, wanted, by = row
    packet = AclPacket(
        ip_address(str(source)), ip_address(str(target)), protocol, sport, dport, str(state)
    )  # type: ignore[arg-type]
    found = verdict_of(device(str(name)), str(interface), str(way), packet)
    decided = (
        None if found.entry is None or found.acl is None else (found.acl.name, found.entry.number)
    )
    assert (found.verdict, decided) == (wanted, by)
    if found.span is not None:
        text = FOLDER.joinpath(f"{name}.yaml").read_text().splitlines()
        assert text[found.span.line - 1].strip() == f"'{by[1]}':"  # type: ignore[index]


def test_route_targets_and_vnis() -> None:
    for (name, vrf), (imports, exports) in TARGETS.items():
        facts = device(name).vrf(vrf)
        assert facts is not None
        assert {t.text for t in facts.imports} == imports, (name, vrf)
        assert {t.text for t in facts.exports} == exports, (name, vrf)
    for (name, vrf), vni in VNIS.items():
        facts = device(name).vrf(vrf)
        assert facts is not None and facts.vni == vni


def test_speakers() -> None:
    for name, (asn, vtep, peers) in SPEAKERS.items():
        found = device(name)
        assert (found.asn, str(found.vtep)) == (asn, vtep)
        assert {session.peer for session in found.sessions} == peers


@pytest.mark.parametrize("name", FILES)
def test_what_is_wrong_with_each_and_nothing_that_is_not(name: str) -> None:
    found = reviewed([device(name)])
    assert {(finding.kind, finding.lines[0].line) for finding in found} == REVIEWED[name]
    assert all(finding.rests_on for finding in found)


@pytest.mark.parametrize("interface", ["pf0hpf_if", "pf0vf0_if"])
def test_nothing_passes_in_quarantine(interface: str) -> None:
    """Whatever may be sent: the rest of all packets without what lists deny is empty."""
    lists = [a for a in asked_lists(device(QUARANTINED)) if a.interface.name == interface]
    assert {asked.way for asked in lists} == {"in", "out"}
    for asked in lists:
        assert passes(asked.entries, 4) is passes(asked.entries, 6) is None
