"""Labs of a test's own, by the command line: `own_record` removes whatever a test leaves."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from oracles import require, require_root

from cloison.cli import main
from sim.lab import kernel


@pytest.fixture(autouse=True)
def own_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A record of labs of our own; whatever a test leaves is removed."""
    require_root()
    require("nft")
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "run"))
    yield
    lab("down", "--all")


def lab(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["lab", *map(str, arguments)])


def ours(name: str) -> list[str]:
    return [space for space in kernel.existing() if space.startswith(f"cln-{name}-")]


def rules_of(space: str) -> str:
    with kernel.inside(space):
        listed = ["nft", "-a", "list", "table", "inet", "cloison"]
        return subprocess.run(listed, capture_output=True, text=True).stdout
