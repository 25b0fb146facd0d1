"""A fabric file of which any entry may be in force in a window: two tenants that peer and leak,
rules of all zones, expectations. `without` has it with entries deleted, which is the definition."""

from __future__ import annotations

import copy
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import yaml
from fabric_files import vrf, write_fabric

Place = tuple[str | int, ...]
PLACES: tuple[Place, ...] = (
    *(("zones", "zone0", "services", n) for n in range(1)),
    *(("zones", "zone0", "rules", n) for n in range(2)),
    *(("zones", "zone1", "rules", n) for n in range(3)),
    *(("zones", "zone2", "rules", n) for n in range(2)),
    ("peerings", 0),
    ("leaks", 0),
    ("leaks", 1),
    *(("expect", n) for n in range(3)),
)
RULES: dict[str, Any] = {
    "zone0": {
        "endpoints": {"api": {"addresses": ["192.0.2.0/28"]}},
        "services": [{"name": "boot", "from": "a/*", "to": "zone0/api", "ports": ["67/udp"]}],
        "rules": [
            {"name": "no", "action": "deny", "from": "a/n/*", "to": "zone0/api"},
            {"name": "api", "from": "*", "to": "zone0/api", "ports": ["6443/tcp"]},
        ],
    },
    "zone1": {
        "rules": [
            {"name": "block", "action": "deny", "from": "a/n/p", "to": "*", "ports": ["22/tcp"]},
            {"name": "also", "action": "deny", "from": "b/*", "to": "a/n/q"},
            {"name": "let", "from": "*", "to": "*", "ports": ["80/tcp"]},
        ]
    },
    "zone2": {
        "endpoints": {"inet": {"addresses": ["0.0.0.0/0"]}},
        "rules": [
            {"name": "dns", "from": "a/*", "to": "zone2/*", "ports": ["53/udp"]},
            {"name": "out", "from": "a/*", "to": "zone2/*", "ports": ["443/tcp"]},
        ],
    },
}
EXPECT = [
    {"allow": "a/n/* -> a/n/*:443/tcp"},
    {"deny": "b/* -> a/n/q:5432/tcp"},
    {"allow": "c/* -> a/n/*:8080/tcp"},
]


def fabric(folder: Path, windows: Mapping[Place, Mapping[str, str]], **more: Any) -> Path:
    """The file with these windows."""
    folder.mkdir(exist_ok=True)
    tenants = {}
    for number, name in enumerate("abc"):
        nodes = {"cidr": f"100.64.{number}.0/24", "use": "nodes"}
        tenants[name] = vrf(f"10.{number}.0.0/16", nodes)
        tenants[name]["vrfs"]["main"] |= {"default_route": "zone2", "advertise": ["nodes"]}
    path = write_fabric(
        folder,
        tenants,
        {"a": ["n/p@host1", "n/q@host2"], "b": ["n/p@host3"], "c": ["n/p@host4"]},
        sites={"s": {"spines": 1, "leaves": 2, "hosts_per_pair": 4, "borders": 1}},
        zones=copy.deepcopy(RULES),
        peerings=[{"name": "ab", "between": ["a/main", "b/main"], "ports": ["5432/tcp"]}],
        leaks=[
            {"name": "svc", "from": "a/main", "to": ["c/main"], "ports": ["8080/tcp"]},
            {"name": "log", "from": "b/main", "to": ["c/main"], "ports": ["514/udp"]},
        ],
        expect=copy.deepcopy(EXPECT),
        **more,
    )
    value = yaml.safe_load(path.read_text())
    for place, window in windows.items():
        at(value, place)["window"] = dict(window)
    path.write_text(yaml.safe_dump(value, sort_keys=False))
    return path


def without(path: Path, places: Collection[Place]) -> Path:
    """A copy of a file in which these entries are deleted."""
    value = yaml.safe_load(path.read_text())
    for place in sorted(places, key=str, reverse=True):
        del at(value, place[:-1])[place[-1]]
    for entries in (at(value, place[:-1]) for place in PLACES):
        for entry in entries:
            entry.pop("window", None)
    value.pop("times", None)
    out = path.with_name("deleted.yaml")
    out.write_text(yaml.safe_dump(value, sort_keys=False))
    return out


def at(value: Any, place: Place) -> Any:
    """What stands at a place."""
    for step in place:
        value = value[step]
    return value
