"""A world axis that is made up: the hour of the day, which has two values. At night zones are mute.

It is one row, `HOUR`, and the word of `hold_under` that counts its values.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from fabric_files import network_of, vrf, write_fabric

from compiler.policy.ir import Policy
from fabric.diagnostics import Diagnostic, InputError
from fabric.file.expect.held_under import HeldUnder
from sim.worlds.world import World
from sim.worlds.world_axis import AxisOption, WorldAxis


def read(world: World, text: str) -> str:
    if text not in ("day", "night"):
        raise InputError(Diagnostic("C850", f'no hour is called "{text}"'))
    return text


def move(world: World, hours: tuple[str, ...]) -> World:
    """The last hour counts."""
    full = World(world.network).policy_read
    left = tuple(rule for rule in full.rules if rule.origin.kind != "zone rule")
    policy = full if hours[-1] == "day" else Policy(left, full.selections)
    return world.saying(policy, {"hour": hours[-1:]})


HOUR = WorldAxis(
    name="hour",
    word="at",
    option=AxisOption(
        "--hour",
        "HOUR",
        "Ask at this hour.",
        means="the hour of the day",
        repeatable=False,
        spoken=str.lower,
        offers=lambda fabric: ("day", "night"),
    ),
    read=read,
    values=lambda world: world.at.get("hour", ("day",)),
    move=move,
    sorts={"hour": lambda world: ["day", "night"]},
    exempt=lambda world, hour: (),
    of_network=False,
    file=None,
    recorded=False,
    said=lambda hours: f"asked at {hours[-1]}",
    shared_out=False,
)
ANY_HOUR = HeldUnder("any-hour", "hour", "hour", 1)
FORGETFUL = replace(HOUR, move=lambda world, hours: replace(move(world, hours), at=world.at))


def fabric(folder: Path) -> Path:
    a = vrf("10.0.0.0/16", {"cidr": "100.64.0.0/24", "use": "nodes"}, advertise=["nodes"])
    a["vrfs"]["main"]["default_route"] = "zone2"
    zone2 = {
        "endpoints": {"inet": {"addresses": ["0.0.0.0/0"]}},
        "rules": [{"name": "out", "from": "a/*", "to": "zone2/*", "ports": ["443/tcp"]}],
    }
    site = {"spines": 2, "leaves": 2, "hosts_per_pair": 2, "borders": 1}
    return write_fabric(
        folder,
        {"a": a},
        {"a": ["n/p@host1", "n/q@host2"]},
        sites={"s": site},
        zones={"zone2": zone2},
        expect=[{"allow": "a/@node/* -> zone2/inet:443/tcp"}, {"allow": "a/n/* -> a/n/*"}],
    )


def world_of(folder: Path, *under: str) -> World:
    """The world by day, with what its expectations must hold under."""
    return World(network_of(asking(folder, *under)))


def asking(folder: Path, *under: str) -> Path:
    """A file whose expectations must hold under all of this."""
    path = fabric(folder)
    text = path.read_text()
    assert text.count("\n- allow: ") == 2
    path.write_text(
        re.sub(r"\n- (allow: .*)", rf"\n- \1\n  hold_under: [{', '.join(under)}]", text)
    )
    return path


FLOW = "a/@node/host1", "zone2/inet:443"
