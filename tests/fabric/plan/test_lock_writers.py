"""Several writers of one lock file, and what goes wrong while one writes: nothing is lost."""

from __future__ import annotations

import errno
import os
import stat
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fabric.diagnostics import InputError
from fabric.file.spec import Pins
from fabric.io import atomic
from fabric.plan import lock
from fabric.plan.draws import Drawn, Draws, drawing

POOL = range(100, 200)


def draw(path: Path, key: str, drawn: Drawn = "kept", inside: Sequence[str] = ()) -> int:
    """A build that needs one VNI; while it draws for the first time, builds of `inside` run."""
    waiting = list(inside)

    def make(draws: Draws) -> int:
        value = draws.ledger("vni", "VNI").draw(key, "vni", POOL)
        while waiting:
            draw(path, waiting.pop())
        assert isinstance(value, int)
        return value

    return drawing(path, Pins(), make, drawn)


def vnis(path: Path) -> dict[str, int]:
    return lock.read(path).pins.vni


@pytest.fixture
def file(tmp_path: Path) -> Iterator[Path]:
    """A lock file that is not there yet; nothing else may be left in its directory."""
    yield tmp_path / "f.lock.yaml"
    assert {p.name for p in tmp_path.iterdir()} <= {"f.lock.yaml", "real", "f.yaml"}


@given(st.lists(st.lists(st.sampled_from("abcdefgh"), max_size=4), max_size=4))
@settings(max_examples=20, deadline=None)
def test_builds_inside_builds_lose_nothing(
    tmp_path_factory: pytest.TempPathFactory, rounds: list[list[str]]
) -> None:
    path = tmp_path_factory.mktemp("lock") / "f.lock.yaml"
    got: dict[str, int] = {}
    for number, others in enumerate(rounds):
        got[f"own {number}"] = draw(path, f"own {number}", inside=others)
        kept = vnis(path)
        assert got.items() <= kept.items()
        assert {*others} <= kept.keys()
        assert len({*kept.values()}) == len(kept)


def test_many_writers_at_once(file: Path) -> None:
    got: dict[str, int] = {}

    def writer(name: str) -> None:
        for number in range(4):
            key = f"{name} {number}"
            got[key] = draw(file, key)

    threads = [threading.Thread(target=writer, args=(f"w{i}",)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == 32 and got == vnis(file)
    assert len({*got.values()}) == 32


def test_a_build_that_draws_nothing_asks_for_nothing(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw(file, "a")

    def refused(path: Path) -> tuple[bool, int]:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(lock, "open_for_writing", refused)
    assert draw(file, "a") == draw(file, "a", "refused") == draw(file, "a", "forgotten") == 100
    assert draw(file, "b", "forgotten") == 101
    with pytest.raises(InputError) as error:
        draw(file, "b")
    (found,) = error.value.diagnostics
    assert found.code == "C483" and "Read-only" in found.message and found.hint
    assert vnis(file) == {"a": 100}


def test_a_pin_that_replaces_an_entry_needs_no_writing(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw(file, "a")
    monkeypatch.setattr(lock, "open_for_writing", lambda path: os.open(path / "not", 0))

    def make(draws: Draws) -> int | None:
        return draws.ledger("vni", "VNI").draw("a", "vni", POOL)

    for drawn in ("kept", "refused", "forgotten"):
        assert drawing(file, Pins(vni={"a": 150}), make, drawn) == 150


def test_a_holder_that_does_not_let_go(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    draw(file, "a")
    monkeypatch.setattr(lock, "PATIENCE", 0.1)
    with lock.held(file):
        assert draw(file, "a") == 100
        with pytest.raises(InputError) as error:
            draw(file, "b")
    assert error.value.diagnostics[0].code == "C484"
    assert draw(file, "b") == 101


@pytest.mark.parametrize("there", [False, True])
@pytest.mark.parametrize("step", ["fsync", "fchmod"])
def test_a_full_disk_leaves_what_was_there(
    file: Path, monkeypatch: pytest.MonkeyPatch, there: bool, step: str
) -> None:
    if there:
        draw(file, "a")

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(atomic.os, step, full)
    if step == "fchmod" and not there:
        return
    with pytest.raises(InputError) as error:
        draw(file, "b")
    assert error.value.diagnostics[0].code == "C483"
    assert file.exists() == there and (not there or vnis(file) == {"a": 100})


def test_what_a_killed_writer_left_is_swept_by_the_next(file: Path) -> None:
    (file.parent / f".{file.name}.00c0ffee~").write_text("half")
    draw(file, "a")


def test_a_link_stays_a_link_and_a_mode_stays(file: Path) -> None:
    real = file.parent / "real"
    real.mkdir()
    file.symlink_to("real/kept.yaml")
    draw(file, "a")
    assert file.is_symlink() and vnis(real / "kept.yaml") == {"a": 100}
    (real / "kept.yaml").chmod(0o640)
    draw(file, "b")
    assert stat.S_IMODE((real / "kept.yaml").stat().st_mode) == 0o640
    assert [p.name for p in real.iterdir()] == ["kept.yaml"]


@pytest.mark.parametrize("mask", [0o022, 0o077, 0o002])
def test_a_new_file_has_the_mode_that_the_umask_says(file: Path, mask: int) -> None:
    before = os.umask(mask)
    try:
        draw(file, "a")
    finally:
        os.umask(before)
    assert stat.S_IMODE(file.stat().st_mode) == 0o666 & ~mask


def test_a_link_out_of_the_tree_is_not_followed(
    file: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    elsewhere = tmp_path_factory.mktemp("other") / "victim.yaml"
    file.symlink_to(elsewhere)
    with pytest.raises(InputError) as error:
        draw(file, "a")
    assert error.value.diagnostics[0].code == "C112" and not elsewhere.exists()


def test_a_pipe_is_no_lock_file(file: Path) -> None:
    os.mkfifo(file)
    with pytest.raises(InputError) as error:
        draw(file, "a")
    assert error.value.diagnostics[0].code == "C111"
