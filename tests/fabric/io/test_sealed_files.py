"""Files of this user alone, whole or not there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from fabric.io import sealed_files
from fabric.io.sealed_files import Sealing, clear, names, read, touch, write


def keep(folder: Path, name: str, data: bytes, owner: bytes = b"") -> bytes | None:
    def fill(file: Sealing) -> None:
        file.write(data[:2])
        file.write(data[2:])

    return write(folder, name, fill, owner)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "home" / "cloison" / "kept"


def test_a_file_is_as_it_was_written_under_its_name_and_for_its_owner(folder: Path) -> None:
    seal = keep(folder, "a.x", b"hello", b"owner")
    assert seal is not None and read(folder, "a.x", b"owner") == (seal, b"hello")
    assert read(folder, "a.x") is None and read(folder, "a.y") is None
    (folder / "a.x").rename(folder / "b.x")
    assert read(folder, "b.x", b"owner") is None
    assert (folder.stat().st_mode & 0o777, (folder / "b.x").stat().st_mode & 0o777) == (
        0o700, 0o600,
    )  # fmt: skip


def test_no_cut_and_no_flipped_bit_passes(folder: Path) -> None:
    keep(folder, "a.x", b"hello")
    path, whole = folder / "a.x", (folder / "a.x").read_bytes()
    for place in range(len(whole)):
        path.write_bytes(whole[:place])
        assert read(folder, "a.x") is None
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        assert read(folder, "a.x") is None
    path.write_bytes(whole + b"more")
    assert read(folder, "a.x") is None
    path.write_bytes(whole)
    assert read(folder, "a.x") is not None


@pytest.mark.parametrize("kind", ["link", "pipe", "folder", "writable"])
def test_only_regular_files_that_nobody_else_can_write(kind: str, folder: Path) -> None:
    keep(folder, "a.x", b"hello")
    path = folder / "a.x"
    if kind == "writable":
        path.chmod(0o620)
    else:
        path.rename(folder / "b")
    if kind == "link":
        path.symlink_to("b")
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    assert read(folder, "a.x") is None


def test_what_fails_leaves_the_old_file_and_nothing_else(folder: Path) -> None:
    keep(folder, "a.x", b"hello")

    def fails(file: Sealing) -> None:
        file.write(b"half")
        raise OSError(28, "No space left on device")

    assert write(folder, "a.x", fails) is None
    assert read(folder, "a.x") is not None
    assert [p.name for p in folder.iterdir()] == ["a.x"]
    assert write(Path("/proc/none/cloison/kept"), "a.x", fails) is None


def test_the_oldest_groups_go(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number, name in enumerate(("a.x", "a.y", "b.x", "c.x", ".d.x.0123abcd~")):
        keep(folder, name, b"hello")
        os.utime(folder / name, (number, number))
    touch(folder, "a.x")
    assert names(folder, "", ".x") == ["a.x", "c.x", "b.x"]
    clear(folder, 10**6, 2)
    assert sorted(p.name for p in folder.iterdir()) == ["a.x", "a.y", "c.x"]
    clear(folder, 80, 2)
    assert sorted(p.name for p in folder.iterdir()) == ["a.x", "a.y"]
    monkeypatch.setattr(sealed_files.os, "scandir", lambda path: (_ for _ in ()).throw(OSError))
    clear(folder, 0, 0)
    assert len([*folder.iterdir()]) == 2
