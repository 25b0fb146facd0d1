"""Kept worlds that are damaged or foreign are not used, and nothing goes wrong for it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from kept_site import elsewhere, kept, said

from cloison.loading import kept_worlds
from cloison.loading.how import How
from cloison.loading.keeping import keeping
from cloison.loading.kept_worlds import Request, found
from fabric.io import sealed_files


@pytest.mark.parametrize("part", ["record", "world", "blocks", "proof", "diagnostics"])
def test_what_is_cut_short_or_damaged_counts_as_none(
    part: str, site: Path, shelf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = ("check" if part == "diagnostics" else "verify", str(site))
    cold = said(*command)
    path = next(shelf.glob(f"*.{part}"))
    whole = path.read_bytes()
    monkeypatch.setattr(sealed_files, "write", lambda *a: None)
    for cut in range(20):
        path.write_bytes(whole[: len(whole) * cut // 20])
        assert sealed_files.read(shelf, path.name) is None
        if cut % 5 == 0:
            assert said(*command) == cold
    flipped = bytearray(whole)
    flipped[len(flipped) // 2] ^= 4
    path.write_bytes(flipped)
    assert said(*command) == cold
    path.unlink()
    assert said(*command) == cold
    path.mkdir()
    assert said(*command) == cold


def test_parts_of_another_reading_of_the_same_files_are_not_mixed(site: Path, shelf: Path) -> None:
    said("verify", str(site))
    before = {path.name: path.read_bytes() for path in shelf.iterdir()}
    world = next(shelf.glob("*.world"))
    world.unlink()
    elsewhere(shelf, "5", "show", "policy", str(site)).communicate()
    assert world.exists()
    with keeping():
        there = found(Request("fabric", (str(site),), How()))
        assert there is not None and there.world() is not None
        owner = there.seal or b""
    same = before[world.name] == world.read_bytes()
    blocks = sealed_files.read(shelf, world.with_suffix(".blocks").name, owner)
    assert (blocks is not None) == same


def test_others_could_have_written(site: Path, shelf: Path) -> None:
    said("check", str(site))
    for place in (next(shelf.glob("*.world")), shelf, shelf.parent):
        mode = place.stat().st_mode
        place.chmod(mode | 0o022)
        assert not kept(site)
        place.chmod(mode)
        assert kept(site)
    away = shelf.rename(shelf.with_name("away"))
    shelf.symlink_to(away)
    assert not kept(site)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to give files away")
def test_others_did_write(site: Path, shelf: Path) -> None:
    said("check", str(site))
    for place in (next(shelf.glob("*.world")), shelf, shelf.parent):
        os.chown(place, 12345, -1)
        assert not kept(site)
        os.chown(place, 0, -1)
    assert kept(site)


def test_nothing_that_cannot_be_written_is_an_error(
    site: Path, shelf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cold = said("verify", str(site))
    shutil.rmtree(shelf.parent)
    shelf.parent.parent.joinpath("cloison").write_text("a file in the way")
    assert said("verify", str(site)) == cold
    shelf.parent.unlink()

    def full(*arguments: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(sealed_files.Sealing, "write", full)
    assert said("verify", str(site)) == cold
    assert [*shelf.iterdir()] == []
    monkeypatch.setattr("cloison.loading.kept_worlds.home", lambda: None)
    assert said("verify", str(site)) == cold


def test_what_lies_among_the_inputs_is_not_run(
    site: Path, shelf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside = site.parent / ".cache" / "cloison"
    said("check", str(site))
    shutil.copytree(shelf.parent, inside)
    monkeypatch.setattr("cloison.loading.kept_worlds.home", lambda: inside)
    assert not kept(site)
    shutil.rmtree(inside)
    said("check", str(site))
    assert not inside.exists()


def test_there_are_never_many(site: Path, shelf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_worlds, "MOST_WORLDS", 2)
    for down in ("leaf1", "leaf2", "spine1"):
        said("show", "policy", str(site), "--down", down)
        for number, path in enumerate(sorted(shelf.iterdir(), key=lambda p: p.stat().st_mtime)):
            os.utime(path, (number, number))
    assert len([*shelf.glob("*.world")]) == 2
    assert not kept(site, on={"down": ("leaf1",)}) and kept(site, on={"down": ("spine1",)})
    monkeypatch.setattr(kept_worlds, "MOST_BYTES", 10)
    said("show", "policy", str(site))
    assert [*shelf.iterdir()] == []


def test_two_at_once(site: Path, shelf: Path) -> None:
    both = [elsewhere(shelf, seed, "verify", "-q", str(site)) for seed in "12"]
    told = [(process.communicate()[0], process.returncode) for process in both]
    assert told[0] == told[1]
    code, out, _ = said("verify", "-q", str(site))
    assert (out.encode(), code) == told[0]
    assert not [path for path in shelf.iterdir() if path.name.endswith("~")]
