"""A BGP session that is down: routes are those without the link, which stays up."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from fabric_files import network_of
from failing_fabrics import failing, plain, stand_in

from cloison.cli import main
from fabric.building.build import rebuild
from fabric.diagnostics import InputError
from fabric.wiring.clos import take_down
from fabric.wiring.topology import session
from sim.lab.layout import Layout
from sim.proof.availability.failures import signature
from sim.proof.prove import prove
from sim.worlds.world import World

SMALL = str(Path(__file__).parents[3] / "topologies" / "small.yaml")


@pytest.mark.parametrize("make", [plain, stand_in])
def test_routes_are_those_without_the_link(tmp_path: Path, make: object) -> None:
    network = network_of(make(tmp_path))  # type: ignore[operator]
    told = set()
    for (name,) in failing(network, "any-1-link"):
        one, other = (rebuild(network, down=[n]) for n in (session(name), name))
        assert (one.fabric.down, other.fabric.down) == ((session(name),), (name,))
        assert not one.fabric.down_links
        here, there = (at.underlay.spread() for at in (one, other))
        assert np.array_equal(here.length, there.length)
        assert np.array_equal(here.parent, there.parent)
        assert all(map(np.array_equal, here.hops, there.hops))
        assert signature(one) == signature(other)
        ends = [(s.up, s.reason) for s in one.underlay.sessions if not s.up]
        assert ends == [(False, "session is down")] * 2
        told.add(here.hops.link.tobytes())
    assert len(told) > 4


def test_verdicts_are_those_without_the_link(tmp_path: Path) -> None:
    network = network_of(plain(tmp_path))
    cut = ["dpu1--leaf1", "dpu1--leaf2"]
    one, other = (prove(World(rebuild(network, down=names))) for names in (map(session, cut), cut))
    assert one.verdicts() == other.verdicts()
    assert one.verdict == "fails"
    assert any("without dpu1~leaf1, dpu1~leaf2" in str(f) for f in one.findings)


def test_the_link_stays(tmp_path: Path) -> None:
    network = network_of(plain(tmp_path), down=["leaf1~spine1"])
    names = {link.name for link in Layout(network, "x", False).cables}
    assert "leaf1--spine1" in names
    run = CliRunner().invoke
    rows = json.loads(
        run(
            main, ["show", "topology", SMALL, "--links", "--down", "leaf1~spine1", "-o", "json"]
        ).stdout
    )["rows"]
    assert {row["state"] for row in rows} == {"up"}


def test_names_go_both_ways_and_count(tmp_path: Path) -> None:
    fabric = network_of(plain(tmp_path)).fabric
    for name in ("leaf1~spine2", "spine2~leaf1"):
        assert take_down(fabric, [name]).down == ("leaf1~spine2",)
    for name in ("leaf1~spine9", "host1~dpu1", "leaf1~leaf2"):
        with pytest.raises(InputError, match="no session is called") as wrong:
            take_down(fabric, [name])
        assert [d.code for d in wrong.value.diagnostics] == ["C331"]


def test_a_certificate_says_which_session_was_down(tmp_path: Path) -> None:
    written = str(tmp_path / "c.json")
    run = CliRunner().invoke
    made = run(main, ["verify", SMALL, "-q", "--down", "spine1~leaf1", "--certificate", written])
    assert made.exit_code == 0, made.output
    assert json.loads(Path(written).read_text())["down"] == ["leaf1~spine1"]
    assert run(main, ["verify", SMALL, "-q", "--check-certificate", written]).exit_code == 0
