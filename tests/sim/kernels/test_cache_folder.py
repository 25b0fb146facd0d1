"""Where compiled kernels are kept, and what happens to people who have no such place."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest

from sim.kernels import cache_dir

ROOT = Path(__file__).parents[3]
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


TINY = """\
from sim.kernels import kernel

@kernel
def twice(x):
    return x + x

print(twice(21), sum(twice.stats.cache_hits.values()))
"""
DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda data: b"",
    "a byte": lambda data: data[:1],
    "half": lambda data: data[: len(data) // 2],
    "one byte less": lambda data: data[:-1],
    "a flipped bit": lambda data: data[:-40] + bytes([data[-40] ^ 1]) + data[-39:],
    "zeros": lambda data: bytes(len(data)),
    "something else": lambda data: b"cos\nsystem\n(S'false'\ntR.",
}


Run = Callable[[], subprocess.CompletedProcess[str]]


def runner(folder: Path) -> Run:
    """Runs a program with one small kernel; it prints the kernel's result and its cache hits."""
    script = folder / "tiny.py"
    script.write_text(TINY)
    known = {**os.environ, "PYTHONPATH": str(ROOT), "XDG_CACHE_HOME": str(folder / "cache")}
    return lambda: subprocess.run(
        [sys.executable, str(script)], env=known, capture_output=True, text=True, check=True
    )


@pytest.fixture
def tiny(tmp_path: Path) -> Run:
    return runner(tmp_path)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Run]:
    """A cache that holds the kernel."""
    folder = tmp_path_factory.mktemp("filled")
    run = runner(folder)
    assert run().stdout == "42 0\n"
    assert run().stdout == "42 1\n"
    shutil.copytree(folder / "cache", folder / "whole")
    return folder, run


def kept(folder: Path, suffix: str) -> list[Path]:
    return sorted((folder / "cache").rglob(f"*{suffix}"))


@pytest.mark.slices(4)
@pytest.mark.parametrize("how", DAMAGE)
@pytest.mark.parametrize("suffix", [".nbi", ".nbc"])
def test_a_damaged_file_is_a_miss_and_is_written_anew(
    how: str, suffix: str, filled: tuple[Path, Run]
) -> None:
    folder, run = filled
    shutil.rmtree(folder / "cache")
    shutil.copytree(folder / "whole", folder / "cache")
    (path,) = kept(folder, suffix)
    damaged = DAMAGE[how](path.read_bytes())
    path.write_bytes(damaged)
    done = run()
    assert (done.stdout, done.stderr) == ("42 0\n", "")
    again = kept(folder, suffix)[0].read_bytes()
    assert again != damaged
    assert sha256(again[32:]).digest() == again[:32]


PREPARED = """\
from numba.core.base import BaseContext

whole, times = BaseContext.refresh, []
BaseContext.refresh = lambda self: (times.append(1), whole(self))
"""


def test_nobody_prepares_to_compile_what_is_kept(tmp_path: Path) -> None:
    """numba does, which takes longer than loading does."""
    run = runner(tmp_path)
    script = tmp_path / "tiny.py"
    script.write_text(PREPARED + TINY + "print(len(times) > 0)\n")
    assert run().stdout == "42 0\nTrue\n"
    assert run().stdout == "42 1\nFalse\n"


def test_files_of_other_kernels_are_a_miss(tmp_path: Path, tiny: Run) -> None:
    tiny()
    (index,), (data,) = kept(tmp_path, ".nbi"), kept(tmp_path, ".nbc")
    data.unlink()
    assert tiny().stdout == "42 0\n"
    index.unlink()
    assert tiny().stdout == "42 0\n"
    assert tiny().stdout == "42 1\n"


def test_a_full_disk_costs_only_the_cache(tmp_path: Path, tiny: Run) -> None:
    tiny()
    for path in (*kept(tmp_path, ".nbi"), *kept(tmp_path, ".nbc")):
        path.unlink()
    (folder,) = (tmp_path / "cache" / "cloison").iterdir()
    script = tmp_path / "tiny.py"
    limit = "import resource as r; r.setrlimit(r.RLIMIT_FSIZE, (100, 100))\n"
    script.write_text(limit + script.read_text())
    assert tiny().stdout == "42 0\n"
    assert not [path for path in folder.rglob("*") if path.is_file()]


def test_only_a_directory_of_ones_own_is_trusted(tmp_path: Path, tiny: Run) -> None:
    tiny()
    (folder,) = (tmp_path / "cache" / "cloison").iterdir()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    folder.chmod(0o777)
    done = tiny()
    assert done.stdout == "42 0\n"
    assert "others may write to it" in done.stderr
    assert str(folder) in done.stderr
    folder.chmod(0o700)
    assert tiny().stdout == "42 1\n"
    elsewhere = folder.rename(tmp_path / "elsewhere")
    folder.symlink_to(elsewhere)
    assert "symbolic link" in tiny().stderr
    folder.unlink()
    elsewhere.rename(folder)
    folder.parent.chmod(0o777)
    assert tiny().stderr == ""
    assert stat.S_IMODE(folder.parent.stat().st_mode) == 0o755
    if os.geteuid() == 0:
        os.chown(folder, 12345, 12345)
        done = tiny()
        assert done.stdout == "42 0\n"
        assert "belongs to user 12345" in done.stderr


def test_the_harness_is_built_where_nobody_else_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from peers import eal

    from fabric.io import cache_folder

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    place = eal._folder.__wrapped__()
    assert place == tmp_path / "cloison" / "rte_acl"
    place.chmod(0o777)
    other = eal._folder.__wrapped__()
    assert other != place
    assert stat.S_IMODE(other.stat().st_mode) == 0o700
    assert other != eal._folder.__wrapped__()
    monkeypatch.setattr(cache_folder, "home", lambda: None)
    assert stat.S_IMODE(eal._folder.__wrapped__().stat().st_mode) == 0o700
