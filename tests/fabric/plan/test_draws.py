"""What becomes of values that a lock file does not have: kept, forgotten or refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from fabric.diagnostics import InputError
from fabric.file.spec import Pins
from fabric.plan.draws import Drawn, Draws, drawing


def one(draws: Draws) -> int | None:
    """A VNI, as it is locked or else drawn."""
    return draws.ledger("vni", "VNI").draw("acme/main", "vni", [10001])


@pytest.mark.parametrize("drawn", ["kept", "forgotten"])
def test_what_is_drawn_is_kept_or_forgotten(tmp_path: Path, drawn: Drawn) -> None:
    path = tmp_path / "f.lock.yaml"
    assert drawing(path, Pins(), one, drawn) == 10001
    assert path.exists() == (drawn == "kept")


def test_what_is_refused_is_named_unless_it_is_there(tmp_path: Path) -> None:
    path = tmp_path / "f.lock.yaml"
    with pytest.raises(InputError, match="the lock file lacks what is drawn now: vni acme/main"):
        drawing(path, Pins(), one, "refused")
    assert not path.exists()
    drawing(path, Pins(), one, "kept")
    assert drawing(path, Pins(), one, "refused") == 10001
