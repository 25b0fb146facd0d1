"""The guard against other owners of our package names."""

from __future__ import annotations

from pathlib import Path

from cloison.cli.shell.guard import conflict


def test_nothing_to_say_about_our_own_environment() -> None:
    assert conflict() is None


def test_a_distribution_that_owns_fabric(tmp_path: Path) -> None:
    info = tmp_path / "site-packages" / "fabric-3.2.2.dist-info"
    info.mkdir(parents=True)
    (info / "RECORD").write_text("fabric-3.2.2.dist-info/METADATA,,\nfabric/connection.py,,\n")
    problem = conflict([str(info.parent)])
    assert problem is not None
    assert "fabric" in problem
    assert "venv" in problem


def test_a_distribution_is_known_however_it_writes_its_name(tmp_path: Path) -> None:
    info = tmp_path / "site-packages" / "Fabric-1.15.0.dist-info"
    info.mkdir(parents=True)
    (info / "RECORD").write_text("fabric/api.py,,\n")
    problem = conflict([str(info.parent)])
    assert problem is not None
    assert '"Fabric"' in problem


def test_a_distribution_of_that_name_without_our_package(tmp_path: Path) -> None:
    info = tmp_path / "site-packages" / "sim-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "RECORD").write_text("simulator/__init__.py,,\n")
    assert conflict([str(info.parent)]) is None


def test_a_package_found_first(tmp_path: Path) -> None:
    (tmp_path / "compiler").mkdir()
    (tmp_path / "compiler" / "__init__.py").touch()
    problem = conflict([str(tmp_path)])
    assert problem is not None
    assert str(tmp_path) in problem
