"""What a kernel does with a packet that comes out of one tunnel and is routed into another: rules
decide, and each is deleted once to see what it was for."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner
from hairpin_fabric import hairpin
from own_labs import lab, ours, own_record, rules_of

from cloison.cli import main
from sim.lab import kernel, state

pytestmark = [pytest.mark.root, pytest.mark.oracle("kernel")]
__all__ = ["own_record"]


def test_a_kernel_would_send_on_what_a_rule_stops(tmp_path: Path) -> None:
    """Out of one tunnel and into another at the border: with the rule it ends there, without it
    the packet arrives where no rule said that it may."""
    fabric = hairpin(tmp_path)
    lab("up", fabric)
    (name,) = state.labs()
    result = lab("test", fabric, "--port", "443/tcp", "-o", "json")
    assert (result.exit_code, json.loads(result.stdout)["rows"]) == (0, [])
    borders = [own for own in ours(name) if own.startswith(f"cln-{name}-border1")]
    (space,) = [own for own in borders if "hairpin_drop" in rules_of(own)]
    (line,) = [line for line in rules_of(space).splitlines() if "hairpin_drop" in line]
    handle = line.rpartition(" ")[2]
    with kernel.inside(space):
        rule = ["rule", "inet", "cloison", "enter", "handle", handle]
        subprocess.run(["nft", "delete", *rule], check=True)
    rows = json.loads(lab("test", fabric, "--port", "443/tcp", "-o", "json").stdout)["rows"]
    assert rows
    assert {(row["kernel"], row["simulator"]) for row in rows} == {
        ("arrives at blue/shop/web", "hairpin_drop")
    }


def test_a_kernel_sends_on_what_is_permitted(tmp_path: Path) -> None:
    """The packet arrives by way of the border, and its reply comes back; without the rule that lets
    it, it ends there."""
    fabric = hairpin(tmp_path, hairpin="permit")
    lab("up", fabric)
    (name,) = state.labs()
    asked = ["--port", "443/tcp", "-o", "json"]
    result = lab("test", fabric, *asked)
    assert (result.exit_code, json.loads(result.stdout)["rows"]) == (0, [])
    borders = [own for own in ours(name) if own.startswith(f"cln-{name}-border1")]
    (space,) = [own for own in borders if "hairpin: permit" in rules_of(own)]
    (line,) = [line for line in rules_of(space).splitlines() if "hairpin: permit" in line]
    assert "packets 0" not in line, "the kernel sent something on"
    with kernel.inside(space):
        rule = ["rule", "inet", "cloison", "enter", "handle", line.rpartition(" ")[2]]
        subprocess.run(["nft", "delete", *rule], check=True)
    rows = json.loads(lab("test", fabric, *asked).stdout)["rows"]
    assert {(row["kernel"], row["simulator"]) for row in rows} == {
        ("nothing arrives", "arrives at blue/shop/web")
    }


def test_a_short_prefix_does_not_take_what_a_failed_border_had(tmp_path: Path) -> None:
    """Without the border of the longer prefix a kernel has the other border's 0.0.0.0/0 alone: only
    the rule about what an endpoint is reached at stops what belongs to somebody else."""
    fabric = hairpin(tmp_path)
    file = yaml.safe_load(fabric.read_text())
    file["sites"] = {name: {**site, "borders": 2} for name, site in file["sites"].items()}
    file["zones"]["zone2"]["endpoints"] = {
        "inet": {"addresses": ["0.0.0.0/0"], "border": "border1"},
        "corp": {"addresses": ["203.0.113.0/24"], "border": "border2"},
    }
    file["zones"]["zone2"]["rules"][0]["to"] = "zone2/*"
    fabric.write_text(yaml.safe_dump(file))
    found = lab("test", fabric, "--down", "border2", "--port", "443/tcp", "-o", "json")
    assert (found.exit_code, json.loads(found.stdout)["rows"]) == (0, [])
    asked = CliRunner().invoke(
        main, ["explain", str(fabric), "red/lab/probe", "203.0.113.9", "--down", "border2"]
    )
    assert "eni_miss_drop" in asked.stdout
    lab("up", fabric, "--down", "border2")
    (name,) = state.labs()
    (space,) = [own for own in ours(name) if "eni_miss_drop" in rules_of(own)]
    lines = [line for line in rules_of(space).splitlines() if "eni_miss_drop" in line]
    chain = rules_of(space).split("eni_miss_drop")[0].rpartition("chain ")[2].split()[0]
    with kernel.inside(space):
        for line in lines:
            rule = ["rule", "inet", "cloison", chain, "handle", line.rpartition(" ")[2]]
            subprocess.run(["nft", "delete", *rule], check=True)
    more = ["--down", "border2", "--port", "443/tcp", "-o", "json"]
    rows = json.loads(lab("test", fabric, *more).stdout)["rows"]
    assert {(row["kernel"], row["simulator"]) for row in rows} == {
        ("arrives at zone2/inet", "eni_miss_drop")
    }
