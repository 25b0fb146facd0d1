"""Failures that are too many for the budget are not tried, and nothing holds under them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from fabric_files import network_of
from failing_fabrics import failing, plain

import cloison
from cloison.cli import main
from cloison.loading.how import How
from cloison.verbs.proving import proved_at_all_times
from fabric.building.load import load_fabric
from fabric.diagnostics import UndecidedError
from fabric.wiring.topology import Role
from sim.checker.expected import expected
from sim.proof.availability.spof import spof
from sim.proof.certificates.certificate import certificate
from sim.proof.prove import prove
from sim.worlds.world import World

GOOD = "a/n/* -> a/n/*"


def fabric(folder: Path, *lines: dict[str, Any]) -> Path:
    path = plain(folder)
    document = yaml.safe_load(path.read_text())
    path.write_text(yaml.safe_dump(document | {"expect": [*lines]}))
    return path


def allow(monkeypatch: pytest.MonkeyPatch, path: Path, failures: int) -> None:
    """A budget for so many failures and no more."""
    found = network_of(path).fabric
    sessions = sum(link.kind != "host" for link in found.links)
    speakers = sum(node.role is not Role.HOST for node in found.nodes)
    monkeypatch.setattr("fabric.wiring.budget.STEPS", failures * sessions * speakers)


def test_pairs_that_are_too_many_leave_single_failures_as_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = [
        {"allow": GOOD, "hold_under": ["any-2-links"]},
        {"allow": GOOD, "hold_under": ["any-1-link"]},
        {"allow": GOOD, "hold_under": ["any-1-link", "any-2-links"]},
        {"allow": GOOD},
    ]
    path = fabric(tmp_path, *lines)
    network = network_of(path)
    single, double = (len(failing(network, kind)) for kind in ("any-1-link", "any-2-links"))
    allow(monkeypatch, path, single + double - 1)
    proof = prove(World(network))
    assert proof.failures == single
    assert proof.verdicts() == ["unknown", "holds", "unknown", "holds"]
    assert proof.verdict == "unknown"
    assert [why for why in proof.unknown_because if "any-2-links" in why]
    with pytest.raises(UndecidedError, match="a certificate says what becomes of any-2-links"):
        certificate(proof)
    allow(monkeypatch, path, single + double)
    assert prove(World(network)).failures == double


def test_the_verb_says_unknown_and_what_it_takes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = fabric(tmp_path, {"allow": GOOD, "hold_under": ["any-2-links"]})
    allow(monkeypatch, path, 20)
    done = CliRunner().invoke(main, ["verify", str(path), "-o", "json", "-q"])
    assert done.exit_code == 4, done.output
    told = json.loads(done.stdout)
    assert (told["verdict"], told["holds"]) == ("unknown", False)
    assert told["unknown_because"][0].startswith("[C694] any-2-links: to try ")
    assert "--budget N" in told["unknown_because"][0]
    said = [(row["verdict"], row["under"]) for row in told["expectations"]]
    assert said == [("holds", None), ("unknown", "any-2-links")]
    shown = CliRunner().invoke(main, ["verify", str(path), "-q"])
    assert "unknown any-2-links" in shown.stdout
    assert shown.exit_code == 4


def test_what_fails_is_told_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [{"deny": GOOD}, {"allow": GOOD, "hold_under": ["any-2-links"]}]
    path = fabric(tmp_path, *lines)
    monkeypatch.setattr("fabric.wiring.budget.STEPS", 1)
    proof = prove(World(network_of(path)))
    assert proof.verdicts() == ["fails", "unknown"]
    assert proof.verdict == "fails"
    assert CliRunner().invoke(main, ["verify", str(path), "-q"]).exit_code == 1
    asked = ["verify", str(path), "-q", "--certificate", str(tmp_path / "c.json")]
    done = CliRunner().invoke(main, asked)
    assert done.exit_code == 1 and "Finding 1" in done.stdout
    assert "no certificate" in done.stderr and "[C694]" in done.stderr
    assert not (tmp_path / "c.json").exists()


def test_checker_spof_and_python_are_held_to_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = fabric(tmp_path, {"allow": GOOD, "hold_under": ["any-2-links"]})
    network = network_of(path)
    allow(monkeypatch, path, 5)
    with pytest.raises(UndecidedError, match="to try"):
        expected(network, [])
    with pytest.raises(UndecidedError, match="to try"):
        spof(World(network), lambda what: None)
    assert cloison.prove(path).verdict == "unknown"
    assert CliRunner().invoke(main, ["spof", str(path), "-q"]).exit_code == 4


@pytest.mark.parametrize("untried", ["first", "last"])
def test_a_period_that_was_not_tried_leaves_all_times_without_a_certificate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, untried: str
) -> None:
    moment = "2027-01-02T00:00:00Z"
    window = {"until": moment} if untried == "first" else {"from": moment}
    line = {"allow": GOOD, "hold_under": ["any-2-links"], "window": window}
    path = fabric(tmp_path, line)
    monkeypatch.setattr("fabric.wiring.budget.STEPS", 1)
    written = tmp_path / "all.json"
    found = proved_at_all_times(path, load_fabric(path), How(), certificate=written)
    assert (found.untried, found.digest, written.exists()) == (("any-2-links",), None, False)
    monkeypatch.undo()
    found = proved_at_all_times(path, load_fabric(path), How(), certificate=written)
    assert found.untried == () and found.digest and written.exists()
