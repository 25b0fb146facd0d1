"""Configurations that are there and not read: nothing rests on the devices that are called so."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from two_dpus import RUNNING, asked, edited

from fabric.building.network import Network


def told(network: Network) -> list[tuple[str, str]]:
    """What is said of files that are not read."""
    both = (*network.findings, *network.warnings)
    return [(d.code, d.severity) for d in both if d.code == "C882"]


@pytest.mark.parametrize("name", ["bf2.nft", "bf2.cfg", "bf2.rules.txt", "bf2", "bf2.example.YAML"])
def test_what_may_hold_more_rules_of_a_device_makes_it_unknown(two: Path, name: str) -> None:
    """A second file beside the one that is read."""
    path = two.parent / "configs" / name
    if name == "bf2":
        path.mkdir()
        path /= "deep/er/still/rules.nft"
        path.parent.mkdir(parents=True)
    path.write_text("counter c {}\n")
    found = asked(two)
    assert found.verdict == "unknown" and told(found.network) == [("C882", "finding")]
    assert f"{path}:1" in {
        f"{r.span.file}:{r.span.line}" for r in found.network.not_evaluated if r.span
    }


def test_a_device_with_a_file_is_not_in_transit(two: Path) -> None:
    leaf = two.parent / "configs" / "leaf1.yaml"
    edited(two, "{ from: configs }", "{ from: configs, transit: [leaf1] }")
    text = leaf.read_text()
    leaf.unlink()
    assert asked(two).verdict == "allow"
    for name in ("leaf1.yml", "leaf1.cfg", "leaf1.site.yaml"):
        path = leaf.with_name(name)
        path.write_text(text.replace("- set:", "- sets:"))
        found = asked(two)
        assert found.verdict == "unknown" and told(found.network) == [("C882", "finding")], name
        path.unlink()


def test_a_file_that_is_called_like_no_device_is_a_warning(two: Path) -> None:
    (two.parent / "configs" / "values.yaml").write_text("replicas: 3\n")
    found = asked(two)
    assert found.verdict == "allow" and told(found.network) == [("C882", "warning")]


def test_what_is_no_configuration_by_its_name_is_nothing(two: Path) -> None:
    folder = two.parent / "configs" / "leaf1"
    folder.mkdir()
    shutil.move(two.parent / "configs" / "leaf1.yaml", folder / "startup.yaml")
    (folder / "README.md").write_text("saved by hand\n")
    (two.parent / "configs" / "bf1.png").write_bytes(b"\x89PNG")
    assert (RUNNING / "configs" / "leaf1.yaml").exists()
    found = asked(two)
    assert found.verdict == "allow" and told(found.network) == []
