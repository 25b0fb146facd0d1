"""What a world is read from is in its record, and what else makes it is in its key."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from kept_site import MANY, POLICIES, ROOT, SMALL, WIDE

from cloison.loading import own_code
from cloison.loading.how import How
from cloison.views.world import World

LOOKS = {
    "open": {"content"},
    "scandir": {"entries"},
    "stat": {"exists", "directory", "file", "content"},
    "lstat": {"there"},
    "readlink": set[str](),
}
"""What a look at the file system is for: the kinds of questions that say what it shows. Where links
lead is found out by `lstat` and `readlink` of each step of the way."""


class Watched:
    """What a process asks of the file system, whoever asks."""

    def __init__(self) -> None:
        self.on, self.looks = False, set[tuple[str, str]]()

    def note(self, look: str, path: Any) -> None:
        if self.on and isinstance(path, str | bytes | os.PathLike):
            self.looks.add((look, absolute(os.fsdecode(path))))

    def hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            self.note("open", arguments[0])
        elif event in ("os.listdir", "os.scandir", "os.walk", "glob.glob"):
            self.note("scandir", arguments[0])


def absolute(path: str) -> str:
    return os.path.normpath(Path(path).absolute())


WATCHED = Watched()


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> Iterator[Watched]:
    """Audit hooks cannot be taken away again: there is one, which is mostly off. What has no event
    (stat and links) is listened to where Python's own code calls it."""
    if not getattr(sys, "_cloison_watched", False):
        sys.addaudithook(lambda event, arguments: WATCHED.hear(event, arguments))
        sys._cloison_watched = True  # type: ignore[attr-defined]
    for name in ("stat", "lstat", "readlink"):
        monkeypatch.setattr(os, name, listened(getattr(os, name), name))
    monkeypatch.setattr(os, "access", None)
    WATCHED.looks.clear()
    yield WATCHED
    WATCHED.on = False


def listened(function: Callable[..., Any], name: str) -> Callable[..., Any]:
    def called(path: Any, *arguments: Any, follow_symlinks: bool = True, **named: Any) -> Any:
        of_resolve = sys._getframe(2).f_code.co_name == "resolve"  # it looks for circles
        WATCHED.note("lstat" if of_resolve or not follow_symlinks else name, path)
        if name == "stat":
            named["follow_symlinks"] = follow_symlinks
        return function(path, *arguments, **named)

    return called


@pytest.mark.parametrize(
    "which", ["site", "unlocked", "small", "namespaces", "too-wide", "manifests"]
)
def test_nothing_is_read_that_is_not_in_the_record(
    which: str, site: Path, watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fabric.io.dependencies import recording

    named = {"site": str(site), "unlocked": str(site), "small": SMALL, "namespaces": MANY}
    path = Path({**named, "too-wide": WIDE}.get(which, POLICIES))
    if which == "unlocked":
        (site.parent / "base.lock.yaml").unlink()
    how = How(drawn="forgotten")
    assert World.read([path], how).blocks is not None  # what is imported is imported
    with monkeypatch.context() as patch, recording() as record:
        patch.setattr(os, "environ", Silent(os.environ))
        watched.on = True
        # whether manifests are a fabric file is asked again each time, and not recorded for one
        world = World.read([path], how) if which == "manifests" else World.of_fabric(path, how)
        assert world.blocks is not None
        watched.on = False
    assert record.whole and len(record.answers) > 4
    known = {(kind, absolute(text)) for kind, text in record.answers}
    ways = {Path(text) for kind, text in known if kind == "place"}
    steps = {
        str(step) for way in ways for end in (way, way.resolve()) for step in (end, *end.parents)
    }
    unknown = {
        (look, text)
        for look, text in watched.looks
        if not any((kind, text) in known for kind in LOOKS[look])
        and not (look in ("lstat", "readlink") and text in steps)
        and not text.endswith((".py", ".pyc", "__pycache__"))
    }
    if which == "manifests":
        unknown.discard(("stat", absolute(POLICIES)))  # a folder is no fabric file: asked each time
    assert unknown == set()


class Silent(dict[str, str]):
    """An environment that nobody asks."""

    def __getitem__(self, name: str) -> str:
        raise AssertionError(f"the environment was asked for {name}")

    def get(self, name: str, default: Any = None) -> Any:
        raise AssertionError(f"the environment was asked for {name}")


IN_THE_KEY = {"fabric.io.reading", "fabric.wiring.budget"}
SAYS_NOTHING = {
    "fabric.io.phases": "who hears what is done",
    "fabric.io.dependencies": "the record itself",
    "fabric.io.mounts": "what is read has the mount's name, and is asked again by that name",
    "cloison.loading.keeping": "whether to keep",
    "fabric.rendering.render_command": "nothing is kept where commands may run",
    "cloison.loading.brief": "whether the collector looks at what was read",
    "sim.sweep.processes": "work that a process was given",
    "compiler.passes.resolve": "versions that are read beside: rules become what they become alone",
}


def test_every_setting_that_is_not_passed_on_is_in_the_key() -> None:
    held = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for package in own_code.PACKAGES
        for path in (ROOT / package).rglob("*.py")
        if re.search(r"= ContextVar\(", path.read_text())
    }
    assert held == IN_THE_KEY | {*SAYS_NOTHING}
