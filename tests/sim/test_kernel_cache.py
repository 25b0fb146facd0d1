"""Where compiled kernels are kept, and what happens to people who have no such place."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from sim.kernels import cache_dir

ROOT = Path(__file__).parents[2]
ASK = "from sim import kernels; print(kernels.CACHE_DIR, kernels.WRITABLE, kernels.compiled())"


def asked(**environment: str) -> list[str]:
    out = subprocess.run(
        [sys.executable, "-c", ASK],
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return out.split()


def test_kernels_live_below_the_cache_home(tmp_path: Path) -> None:
    place, writable, compiled = asked(XDG_CACHE_HOME=str(tmp_path))
    assert Path(place).parent == tmp_path / "cloison"
    assert (writable, compiled) == ("True", "False")
    (Path(place) / "x.nbc").touch()
    assert asked(XDG_CACHE_HOME=str(tmp_path)) == [place, "True", "True"]


def test_an_unwritable_place_means_no_cache() -> None:
    assert asked(XDG_CACHE_HOME="/proc/none")[1:] == ["False", "False"]


def test_people_without_a_home_have_no_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(uid: int) -> None:
        raise KeyError(uid)

    monkeypatch.setattr("pwd.getpwuid", unknown)
    monkeypatch.delenv("HOME")
    monkeypatch.setenv("XDG_CACHE_HOME", "")
    assert cache_dir() is None
