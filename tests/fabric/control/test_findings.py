"""Findings of the control plane, term by term: who is told, on which side, and who is not."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from fabric_files import network_of, vrf, write_fabric

from fabric.building.network import Network
from fabric.control.evpn import Import, why_imported

PREFIXES = {"a": "172.16.0.0/24", "b": "172.17.0.0/24", "c": "172.18.0.0/24"}
OFFERED = {"a": "172.16.0.128/26", "b": "172.17.0.128/26", "c": "172.18.0.128/26"}
"""Where no pod lives: offered out of the middle of a prefix, it is announced by nobody."""


def three(folder: Path, living: str = "abc", **more: Any) -> Network:
    """Three tenants with a VRF each, of which some have a pod."""
    settings = {t: vrf(prefix) for t, prefix in PREFIXES.items()}
    for tenant, keys in more.pop("keys", {}).items():
        settings[tenant]["vrfs"]["main"] |= keys
    work = {t: [f"n/p@host{i}"] for i, t in enumerate("abc", 1) if t in living}
    return network_of(write_fabric(folder, settings, work, **more))


def peering(**prefixes: str) -> dict[str, Any]:
    """a and b, who offer everything or these prefixes."""
    given = {f"{t}/main": [text] for t, text in prefixes.items()}
    return {"name": "ab", "between": ["a/main", "b/main"], "prefixes": given}


def told(network: Network) -> list[tuple[str, str]]:
    """Codes, and who is said to get or import routes."""
    return [(f.code, f.message.split(": ")[-1].split("/main")[0]) for f in network.findings]


@pytest.mark.parametrize(
    ("prefixes", "living", "expected"),
    [
        ({}, "abc", []),
        ({"a": OFFERED["a"]}, "abc", [("C512", "a")]),
        ({"b": OFFERED["b"]}, "abc", [("C512", "b")]),
        ({"a": OFFERED["a"], "b": OFFERED["b"]}, "abc", []),
        ({}, "bc", []),
        ({}, "ac", []),
    ],
    ids=["both offer", "a offers nothing", "b offers nothing", "neither", "a lives nowhere", "b"],
)
def test_one_side_gets_routes_and_has_some_and_offers_none(
    tmp_path: Path, prefixes: dict[str, str], living: str, expected: list[tuple[str, str]]
) -> None:
    """C512 is about a way back that is missing: not where there is no way at all, nor where the
    side has no routes that it could offer."""
    found = three(tmp_path, living, peerings=[peering(**prefixes)])
    assert told(found) == expected


def test_who_has_no_routes_at_all_offers_none_and_is_not_told(tmp_path: Path) -> None:
    """A VRF in which nobody lives cannot offer anything, and needs no way back."""
    settings = {
        "a": {
            "vrfs": {
                "main": {"prefixes": [PREFIXES["a"]]},
                "idle": {"prefixes": ["172.19.0.0/24"], "namespaces": ["x"]},
            }
        },
        "b": vrf(PREFIXES["b"]),
    }
    work = {"a": ["n/p@host1"], "b": ["n/p@host2"]}
    peering_ = {"name": "ab", "between": ["a/idle", "b/main"]}
    network = network_of(write_fabric(tmp_path, settings, work, peerings=[peering_]))
    idle = network.vrf("a/idle").index
    assert all(route.vrf != idle for route in network.routes)
    assert network.findings == ()


def test_a_service_that_nobody_offers_is_told_too(tmp_path: Path) -> None:
    """The other direction of a leak: clients are offered, the service is not."""
    leak = {"name": "nfs", "from": "a/main", "to": ["b/main"], "prefixes": [OFFERED["a"]]}
    assert told(three(tmp_path, leaks=[leak])) == [("C512", "a")]


@pytest.mark.parametrize(("importer", "exporter"), ["ab", "ba", "ac", "cb"])
def test_whoever_imports_without_an_intent_is_told(
    tmp_path: Path, importer: str, exporter: str
) -> None:
    """Whichever VRF comes first, and whatever intents there are between others."""
    keys = {importer: {"import_rts": ["65000:10555"]}, exporter: {"vni": 10555}}
    other = {"a", "b", "c"} - {importer}
    declared = {"name": "x", "between": [f"{t}/main" for t in sorted(other)]}
    found = three(tmp_path, keys=keys, peerings=[declared])
    assert told(found) == [("C510", importer)]


@pytest.mark.parametrize("way", [1, -1])
def test_an_offer_speaks_for_the_side_that_makes_it(tmp_path: Path, way: int) -> None:
    """A narrow offer covers what is inside of it; what else a raw target brings in is told, at the
    side that imports."""
    importer, exporter = "ab"[::way]
    keys = {importer: {"import_rts": ["65000:10555"]}, exporter: {"vni": 10555}}
    narrow = peering(**{exporter: f"172.{16 + 'ab'.index(exporter)}.0.0/28"})
    assert told(three(tmp_path, keys=keys, peerings=[narrow])) == [("C510", importer)]
    assert told(three(tmp_path, keys=keys, peerings=[peering()])) == []


def test_an_intent_s_target_on_all_of_its_exporter_s_routes_is_raw(tmp_path: Path) -> None:
    """a offers b a part of its prefix, and puts the target of that on everything else as well."""
    leak = {"name": "nfs", "from": "a/main", "to": ["b/main"], "prefixes": ["172.16.0.0/28"]}
    pins = {"rt": {"leak nfs": "65000:60000"}}
    for keys, expected in (({}, []), ({"a": {"export_rts": ["65000:60000"]}}, [("C510", "b")])):
        assert told(three(tmp_path, leaks=[leak], pins=pins, keys=keys)) == expected


def test_an_intent_s_target_on_routes_of_somebody_else_is_raw(tmp_path: Path) -> None:
    """c puts the target of a's offer to b on its own routes: b imports them, and no intent says
    that it may."""
    target = "65000:41000"
    found = three(
        tmp_path,
        keys={"c": {"export_rts": [target]}},
        peerings=[peering()],
        pins={"rt": {"peering ab a/main": target}},
    )
    b = found.vrf("b/main").index
    (vtep,) = {e.vtep for e in found.endpoints if e.vrf == b}
    why = {str(r.prefix): (r.intent, r.reason) for r in found.fib.routes(vtep, b)}
    assert why["172.16.0.0/26"] == ("peering ab", f"import RT {target} (peering ab)")
    assert why["172.18.0.0/26"] == (None, f"import RT {target} (raw)")
    assert told(found) == [("C510", "b")]


NATIVE = Import("65000:1", "", None)
LEAK, PEER = Import("65000:2", "leak x", None, 1), Import("65000:3", "peering y", None, 2)
RAW = Import("65000:4", None, None)


@pytest.mark.parametrize(
    ("reasons", "exporter", "intent"),
    [
        ([RAW, LEAK, NATIVE], 1, ""),
        ([RAW, LEAK], 1, "leak x"),
        ([RAW, LEAK], 2, None),
        ([LEAK, PEER], 1, "leak x"),
        ([LEAK, PEER], 2, "peering y"),
        ([LEAK, PEER], 3, None),
        ([LEAK], 2, None),
        ([RAW], 2, None),
    ],
)
def test_the_reason_of_an_import_is_one_that_fits_the_exporter(
    reasons: Sequence[Import], exporter: int, intent: str | None
) -> None:
    """Native before intents before raw; an intent that names another exporter is none."""
    wanted = {why.rt: (why,) for why in reasons}
    assert why_imported(wanted, [*wanted, "65000:9"], exporter).intent == intent
