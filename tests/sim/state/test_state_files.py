"""Files of devices: of whom, of what, absent, damaged."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from device_state import change, dpu, rows, write_state
from fabric_files import network_of, write_fabric
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fabric.building.network import Network
from fabric.diagnostics import InputError
from sim.state.compared import compared
from sim.state.facts import UNREADABLE
from sim.state.heard import StateFolder, vrf_names


def test_what_has_no_file_is_not_seen(network: Network, state: Path) -> None:
    node = dpu(network)[0]
    for path in (state / node).iterdir():
        path.unlink()
    (state / node / "version.json").write_text('{"kernel": "6.1"}')
    (state / "nobody.json").write_text("{}")
    (state / node / "broken.json").write_text("{")
    said = StateFolder(network, state)
    found = compared(network, said)
    assert found.rows == [] and found.seen["evpn route"] == found.due["evpn route"] - 1
    assert [(path.name, why.partition(":")[0]) for path, why in said.passed] == [
        ("nobody.json", "it is of no node"),
        ("broken.json", "it is no JSON"),
        ("version.json", "it is none of the kinds that are known"),
    ]


def test_a_folder_may_be_a_link(network: Network, state: Path) -> None:
    """Such as to the state of today; what stands there is not left out without a word."""
    node, _, _ = dpu(network)
    (state / node).rename(state.parent / "today")
    (state / node).symlink_to(state.parent / "today")
    change(state / node / "evpn.json", lambda _: {"numPrefix": 0, "numPaths": 0})
    assert {(row.node, row.state) for row in rows(network, state)} == {(node, "missing")}


@pytest.mark.parametrize("what", ["evpn", "ip", "ipv6", "ip-route.VRF"])
def test_two_moments_are_none(network: Network, state: Path, what: str) -> None:
    """What one of two files lacks, the other one would hide."""
    node, device, _ = dpu(network)
    path = state / node / f"{what.replace('VRF', device)}.json"
    (state / f"{node}.{path.stem}.old.json").write_text(path.read_text())
    with pytest.raises(InputError, match="both say"):
        rows(network, state)


def test_documents_one_behind_the_other(network: Network, state: Path) -> None:
    """FRR 8.4 writes one per VRF."""
    for node in state.iterdir():
        for name in ("ip.json", "ipv6.json"):
            parts = json.loads((node / name).read_text()).values()
            (node / name).write_text("\n".join(map(json.dumps, parts)))
    found = compared(network, StateFolder(network, state))
    assert found.rows == [] and found.seen["route"] == found.due["route"]


def test_a_name_of_two_vrfs_is_of_neither(tmp_path: Path) -> None:
    tenants = {
        "a": {"vrfs": {"b-c": {"prefixes": ["10.1.0.0/24"]}}},
        "a-b": {"vrfs": {"c": {"prefixes": ["10.2.0.0/24"]}}},
    }
    network = network_of(write_fabric(tmp_path, tenants, {"a": ["own/p@host1"]}))
    names = vrf_names(network)
    assert names["a-b-c"] == "a-b-c"
    assert {names[way] for way in ("a/b-c", "a_b-c")} == {"a/b-c"}
    assert {names[way] for way in ("a-b/c", "a-b_c")} == {"a-b/c"}


@pytest.fixture(scope="module")
def written(network: Network, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state that stays as it is."""
    return write_state(network, tmp_path_factory.mktemp("written") / "state")


@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_damaged_state_is_never_an_exception_nor_silence(
    network: Network, written: Path, data: st.DataObject
) -> None:
    """Any value of a document made another: it is told, passed over, or was of no account."""
    path = data.draw(st.sampled_from(sorted(written.rglob("*.json"))))
    text = path.read_text()
    document = json.loads(text)
    place: Any = document
    while True:
        keys = sorted(place) if isinstance(place, dict) else range(len(place))
        if not keys:
            return
        key = data.draw(st.sampled_from(list(keys)))
        if not isinstance(place[key], dict | list) or data.draw(st.integers(0, 5)) == 0:
            break
        place = place[key]
    place[key] = data.draw(
        st.sampled_from([None, [], {}, "", "::", -1, True, 2**70, ["x"], {"a": []}, [[None]]])
    )
    path.write_text(json.dumps(document))
    try:
        with suppress(InputError):  # two files may say the same now
            compared(network, StateFolder(network, written))
    finally:
        path.write_text(text)


@pytest.mark.parametrize("what", ["evpn", "ip", "ip-route.VRF"])
def test_a_prefix_that_cannot_be_read_is_told(network: Network, state: Path, what: str) -> None:
    """It may be anything that nobody wants."""
    node, device, _ = dpu(network)
    path = state / node / f"{what.replace('VRF', device)}.json"

    def changed(document: Any) -> Any:
        if what == "evpn":
            rd = next(key for key in document if not key.startswith("num"))
            key = next(key for key in document[rd] if key != "rd")
            path = {**document[rd][key]["paths"][0][0], "ip": "10.0.0"}
            document[rd]["more"] = {"paths": [[path]]}
        elif what == "ip":
            (entries, *_) = document[device].values()
            document[device]["more"] = [{**entries[0], "prefix": "10.0.0/24"}]
        else:
            document.append({**document[0], "dst": "10.0.0"})
        return document

    change(path, changed)
    said = StateFolder(network, state)
    compared(network, said)
    assert [(p, why) for p, why in said.passed] == [(path, UNREADABLE)]
