"""Lock file: pins before locks before draws, stable, atomic, and clear when it is damaged."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from fabric_files import network_of, vrf, write_fabric
from hypothesis import given, settings
from hypothesis import strategies as st

from fabric.building.load import load_fabric
from fabric.building.network import Network
from fabric.diagnostics import InputError
from fabric.file.spec import Pins
from fabric.plan import lock
from fabric.plan.draws import Ledger

ACME = vrf("10.0.0.0/16", {"pool": "nodes", "length": 24, "use": "nodes"})
POOLS = {"prefixes": {"nodes": ["100.64.0.0/16"]}}
WORK = ["web/a@host1", "web/b@host2", "db/c@host1"]


def allocations(network: Network) -> dict[str, Any]:
    """Everything that must not move, by name."""
    names = [vrf.name for vrf in network.vrfs]
    nodes = [node.name for node in network.fabric.nodes]
    plan = network.plan
    return {
        **{f"asn {nodes[i]}": asn for i, asn in enumerate(plan.asn)},
        **{f"lo {nodes[i]}": address for i, address in enumerate(plan.loopback)},
        **{f"vrf {v.name}": (v.vni, v.prefixes, plan.native_rt[v.index]) for v in network.vrfs},
        **{f"rd {nodes[t]} {names[v]}": rd for (t, v), rd in plan.rd.items()},
        **{f"mac {nodes[t]} {names[v]}": mac for (t, v), mac in plan.router_mac.items()},
        **{f"rt {key}": rt for key, rt in plan.intent_rt.items()},
        **{f"block {host} {names[v]}": b for (host, v), b in plan.blocks.items()},
        **{f"endpoint {e.name}": (e.prefixes, e.host) for e in network.endpoints},
    }


def leak(name: str, source: str, client: str) -> dict[str, Any]:
    return {"name": name, "from": f"{source}/main", "to": [f"{client}/main"], "clients": ["nodes"]}


def test_adding_a_tenant_changes_nothing_else_and_removing_it_keeps_its_place(
    tmp_path: Path,
) -> None:
    tenants = {"m": ACME, "s": vrf("172.16.0.0/16")}
    work = {"m": WORK, "s": ["x/y@host3"]}
    leaks = [leak("one", "s", "m")]
    path = write_fabric(tmp_path, tenants, work, pools=POOLS, leaks=leaks)
    before = allocations(network_of(path, lock=True))
    more = {"a": ACME, **tenants, "z": ACME}
    both = {"a": WORK, **work, "z": ["w/p@host4"]}
    all_leaks = [leak("all", "s", "a"), *leaks]
    write_fabric(tmp_path, more, both, pools=POOLS, leaks=all_leaks)
    after = allocations(network_of(path, lock=True))
    assert before.items() <= after.items()
    write_fabric(tmp_path, tenants, work, pools=POOLS, leaks=leaks)
    assert allocations(network_of(path, lock=True)) == before
    write_fabric(tmp_path, more, both, pools=POOLS, leaks=all_leaks)
    assert allocations(network_of(path, lock=True)) == after


def test_adding_a_pod_or_a_leaf_pair_moves_nobody(tmp_path: Path) -> None:
    path = write_fabric(tmp_path, {"m": ACME}, {"m": WORK}, pools=POOLS)
    before = allocations(network_of(path, lock=True))
    site = {"spines": 3, "leaves": 4, "hosts_per_pair": 4, "borders": 3}
    write_fabric(
        tmp_path, {"m": ACME}, {"m": ["a/first@host1", *WORK]}, pools=POOLS, sites={"s": site}
    )
    assert before.items() <= allocations(network_of(path, lock=True)).items()


def test_the_file_is_written_only_when_it_changes(tmp_path: Path) -> None:
    path = write_fabric(tmp_path, {"m": ACME}, {"m": WORK}, pools=POOLS)
    network_of(path, lock=True)
    file = lock.path_of(path)
    first = file.stat()
    network_of(path, lock=True)
    assert file.stat().st_mtime_ns == first.st_mtime_ns and file.stat().st_ino == first.st_ino
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".")] == []


def test_without_lock_nothing_is_read_or_written(tmp_path: Path) -> None:
    path = write_fabric(tmp_path, {"m": ACME}, {"m": WORK}, pools=POOLS)
    lock.path_of(path).write_text("vni: {m/main: 20000}\n")
    assert network_of(path).vrf("m/main").vni == 10001
    assert network_of(path, lock=True).vrf("m/main").vni == 20000


def test_pins_win_over_the_lock_file(tmp_path: Path) -> None:
    path = write_fabric(tmp_path, {"m": ACME}, {"m": WORK}, pools=POOLS)
    network_of(path, lock=True)
    pins = {
        "loopback": {"dpu1": "10.9.9.9"},
        "router_mac": {"dpu1 m/main": "02:00:00:00:00:99"},
        "asn": {"spines": 65000},
        "rt": {"m/main": "65000:77"},
        "rd": {"dpu1 m/main": "1.2.3.4:9"},
        "blocks": {"host2 m/main": ["10.0.9.0/24"]},
    }
    write_fabric(tmp_path, {"m": ACME}, {"m": WORK}, pools=POOLS, pins=pins)
    network = network_of(path, lock=True)
    dpu1, spine = network.fabric.node("dpu1").index, network.fabric.node("spine2").index
    assert network.plan.vtep(dpu1) == "10.9.9.9"
    assert network.plan.router_mac[dpu1, 0] == "02:00:00:00:00:99"
    assert network.plan.rd[dpu1, 0] == "1.2.3.4:9"
    assert network.plan.asn[spine] == 65000 and network.plan.native_rt[0] == "65000:77"
    owned = map(str, network.plan.blocks["host2", 0])
    assert [block for block in owned if block.startswith("10.")] == ["10.0.9.0/24"]
    assert "dpu1" not in lock.read(lock.path_of(path)).pins.loopback


def test_a_pin_that_takes_what_another_has_is_an_error(tmp_path: Path) -> None:
    path = write_fabric(tmp_path, {"m": ACME}, {"m": WORK}, pools=POOLS)
    network_of(path, lock=True)
    pins = {"vni": {"n/main": 10001}}
    write_fabric(tmp_path, {"m": ACME, "n": ACME}, {"m": WORK}, pools=POOLS, pins=pins)
    with pytest.raises(InputError, match="VNI 10001 is that of n/main, and the lock file") as error:
        network_of(path, lock=True)
    assert error.value.diagnostics[0].code == "C481"


@pytest.mark.parametrize(
    "text",
    ["asn: [", "asn: 7", "[1, 2]", "vni: {a/main: many}", "colour: {}", "\x00", "asn: {a: 1}}"],
)
def test_a_damaged_lock_file_is_an_input_error(tmp_path: Path, text: str) -> None:
    path = write_fabric(tmp_path, {"m": ACME}, {"m": WORK}, pools=POOLS)
    lock.path_of(path).write_text(text)
    with pytest.raises(InputError) as error:
        network_of(path, lock=True)
    (found,) = error.value.diagnostics
    assert found.code == "C480" and found.span is not None and found.hint
    lock.path_of(path).write_bytes(b"\xff\xfe\xff")
    with pytest.raises(InputError):
        network_of(path, lock=True)


@pytest.mark.parametrize(
    ("vni", "what"),
    [
        (f'"a": {"[" * 2000}', "nested more than 200 deep"),
        (f'"a": {"9" * 401}', "a number of 401 digits is too long"),
        (f'"{"a" * 1100}": 10001', "not valid YAML"),
    ],
)
def test_what_yaml_cannot_say_is_not_read_without_it(tmp_path: Path, vni: str, what: str) -> None:
    path = tmp_path / "fabric.lock.yaml"
    path.write_text(f"{lock.HEADER}vni:\n  {vni}\n")
    with pytest.raises(InputError) as error:
        lock.read(path)
    (found,) = error.value.diagnostics
    assert found.code == "C480" and what in found.message
    assert found.span is not None and found.span.line == 4


def test_what_was_written_reads_back_and_passes_as_pins(tmp_path: Path) -> None:
    path = write_fabric(tmp_path, {"m": ACME}, {"m": WORK}, pools=POOLS)
    before = allocations(network_of(path, lock=True))
    written = yaml.safe_load(lock.path_of(path).read_text())
    lock.path_of(path).unlink()
    document = yaml.safe_load(path.read_text())
    path.write_text(yaml.safe_dump({**document, "pins": written}))
    load_fabric(path)
    assert allocations(network_of(path)) == before


TEXT = st.text(st.characters(max_codepoint=0xD7FF), max_size=8)


@settings(max_examples=50)
@given(
    st.dictionaries(TEXT, st.integers(0, 2**32)), st.dictionaries(TEXT, st.lists(TEXT, max_size=3))
)
def test_any_lock_survives_writing_and_reading(
    vnis: dict[str, int], blocks: dict[str, list[str]]
) -> None:
    pins = Pins(vni=vnis, blocks=blocks)
    assert Pins.model_validate(yaml.safe_load(lock.render(pins)) or {}) == pins


def test_a_ledger_draws_in_order_and_never_twice() -> None:
    ledger: Ledger[int] = Ledger("VNI", {"a": 2}, {"b": 3}, taken={1: "x"})
    assert [ledger.draw(k, "pool", range(1, 6)) for k in "abcde"] == [2, 3, 4, 5, None]
    assert ledger.draw("c", "pool", range(1, 6)) == 4
    assert ledger.locked == {"b": 3, "c": 4, "d": 5}


def test_a_pin_for_nobody_is_told(tmp_path: Path) -> None:
    pins = {"addresses": {"m/web/b": ["10.0.0.9"], "m/web/bb": ["10.0.0.8"]}}
    path = write_fabric(tmp_path, {"m": ACME}, {"m": WORK}, pools=POOLS, pins=pins)
    network = network_of(path)
    told = [w for w in network.warnings if w.code == "C449"]
    assert [w.message.split('"')[1] for w in told] == ["m/web/bb"] and told[0].hint
    assert all("10.0.0.8" not in map(str, e.prefixes) for e in network.endpoints)


def test_a_number_that_nothing_has_is_told(tmp_path: Path) -> None:
    """Hosts speak no BGP, and a VRF has no number where nobody of it lives."""
    pins = {
        "asn": {"host1": 65001, "leaf1": 65002},
        "loopback": {"host1": "10.255.9.9"},
        "rd": {"leaf1 m/main": "10.255.9.9:7"},
        "router_mac": {"spine1 m/main": "02:c1:00:00:99:99"},
        "prefixes": {"m/main nowhere 7": "10.0.0.0/24"},
    }
    path = write_fabric(tmp_path, {"m": ACME}, {"m": WORK}, pools=POOLS, pins=pins)
    told = [w.message.split('"')[1] for w in network_of(path).warnings if w.code == "C449"]
    nobody = ["host1", "host1", "leaf1 m/main", "m/main nowhere 7", "spine1 m/main"]
    assert sorted(told) == nobody


def test_a_block_is_pinned_to_hosts_of_the_tenant(tmp_path: Path) -> None:
    tenant = {**ACME, "hosts": ["host[1-2]"]}
    pins = {"blocks": {"host3 m/main": ["10.0.0.192/26"]}}
    path = write_fabric(tmp_path, {"m": tenant}, {"m": WORK}, pools=POOLS, pins=pins)
    with pytest.raises(InputError, match="host3, which tenant m does not use") as caught:
        network_of(path)
    assert [d.code for d in caught.value.diagnostics] == ["C452"]
