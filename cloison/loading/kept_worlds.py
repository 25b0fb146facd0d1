"""Worlds that commands keep for those that come after them.

A world is kept with a record of everything that was asked of the file system while it was read
(`fabric.io.dependencies`). It is used again only where each of these questions has the same answer
now, by content, and where the key is the same: our own code and libraries
(`cloison.loading.own_code`), the working directory, `--root`, `--budget`, the paths as they were
given, and every option that makes the world (`How`).

Rules that hold here:

1. Answers are the same with and without what is kept, to the byte; only the time differs. What ends
   in an error, reads stdin, or writes to the lock file is not kept.
2. A world has parts: itself (network, policy, program), and what was made of it and took long:
   `diagnostics`, `blocks`, `proof`, `spof`. Each is a file that may be missing. Parts belong to the
   world that they were made with, by its seal: two processes may number things differently.
3. What took less than `WORTH` seconds to make is not kept.
4. Nothing about keeping is ever an error, or told (`fabric.io.sealed_files`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeVar

from cloison.loading.keeping import kept
from cloison.loading.own_code import own_code, steady
from fabric.diagnostics import InputError
from fabric.io import pickled, sealed_files
from fabric.io.cache_folder import home
from fabric.io.decoded_text import read_text
from fabric.io.dependencies import Answer, Asked, Record, same
from fabric.io.phases import phase
from fabric.io.reading import root_named, trees_around
from fabric.rendering.render_command import rendering_asked
from fabric.wiring.budget import factor

if TYPE_CHECKING:
    from cloison.loading.how import How
    from compiler.policy.ir import Policy
    from compiler.program.program import Program
    from fabric.building.network import Network
    from sim.worlds.world import World

T = TypeVar("T")
WORTH = 1.0
"""Seconds of CPU time."""
MOST_BYTES, MOST_WORLDS = 2**30, 16
FOLDER, RECORD, WORLD = "worlds", "record", "world"
NEVER = ("drawn", "on")
"""What of `How` is in no key as it stands: see there."""
STDIN = ("-", "<stdin>")
SHARED = ("spec", "fabric", "plan", "vrfs", "endpoints", "manifests", "underlay", "routes", "fib")
"""Fields of a network that parts refer to."""


@dataclass(frozen=True, slots=True)
class Request:
    """What somebody wants to read, as a fabric file or as manifests, and how; `text` is what they
    know to be in the file."""

    what: Literal["fabric", "manifests"]
    paths: tuple[str, ...]
    how: How
    text: str | None = None

    def wanted(self) -> bool:
        """Whether what comes of it is kept."""
        never = self.how.sources is not None or not {*STDIN}.isdisjoint(self.paths)
        return kept() and not never and rendering_asked() is None

    def stands(self) -> bool:
        """Whether that is what is in the file, which is read for that."""
        try:
            return self.text is None or read_text(self.paths[0])[0] == self.text
        except InputError:
            return False

    @property
    def key(self) -> str:
        """Equal for those who ask for the same: what becomes of new allocations matters only where
        there are some, which records say."""
        how = [(f.name, getattr(self.how, f.name)) for f in fields(self.how) if f.name not in NEVER]
        how.append(("on", sorted(self.how.on.items())))
        where = str(Path.cwd()), str(root_named()), factor(), self.paths
        parts = own_code(), self.what, where, how
        return sha256(repr(parts).encode("utf-8", "surrogateescape")).hexdigest()[:32]


class Made(NamedTuple):
    """A world as it was read."""

    network: Network
    policy: Policy
    program: Program

    def names(self) -> dict[str, Any]:
        """What parts refer to, by name."""
        whole = {"network": self.network, "policy": self.policy, "program": self.program}
        inside = {f"network.{name}": getattr(self.network, name) for name in SHARED}
        program = {f"program.{n}": getattr(self.program, n) for n in ("groups", "origins")}
        return whole | {name: value for name, value in (inside | program).items() if value != ()}


class Shelf:
    """Where the parts of a world are, or will be: files whose names begin with `stem`. `record` is
    to be written with the first of them; `made` is the world, and `seal` that of its file, once it
    is there."""

    def __init__(self, folder: Path, stem: str, record: Record | None = None) -> None:
        self.folder, self.stem, self.record = folder, stem, record
        self.made: Made | None = None
        self.seal: bytes | None = None

    @phase("read a world that was kept")
    def world(self) -> Made | None:
        """The world, where it is kept."""
        found = sealed_files.read(self.folder, self._name(WORLD))
        value = _value(found[1]) if found else None
        if found and isinstance(value, Made):
            self.seal, self.made = found[0], value
        return self.made

    def take(self, made: Made, seconds: float) -> None:
        """Remember a world that took so long to read; keep it where that is worth it."""
        self.made = made
        if seconds >= WORTH:
            self._keep_world()

    def answer(self, name: str) -> Any:
        """A part that refers to nothing; None where it is not kept."""
        found = sealed_files.read(self.folder, self._name(name))
        return found and _value(found[1])

    def keep(self, name: str, value: Any) -> None:
        """Keep a part that refers to nothing."""
        self._write(name, value)

    def part(self, world: World, name: str, make: Callable[[], T]) -> T:
        """A part of the world that is here: as it was kept, or made now."""
        assert self.made is not None
        known = self.made.names()
        if self.seal is not None:
            found = sealed_files.read(self.folder, self._name(name), self.seal)
            kept: T | None = _value(found[1], _with_later(name, known, world)) if found else None
            if kept is not None:
                return kept
        before = time.process_time()
        made = make()
        if time.process_time() - before >= WORTH and self._keep_world():
            names = {id(value): called for called, value in known.items()}
            self._write(name, made, names | _left_out(name, made), self.seal or b"")
        return made

    def _keep_world(self) -> bool:
        if self.seal is None:
            self.seal = self._write(WORLD, self.made)
        return self.seal is not None

    def _name(self, part: str) -> str:
        return f"{self.stem}.{part}"

    @phase("keep for the next command")
    def _write(
        self, part: str, value: Any, names: Mapping[int, str] = pickled.NOTHING, owner: bytes = b""
    ) -> bytes | None:
        """Write a part, and the record where that is not there yet; the seal of the part."""
        if not steady():
            return None
        try:
            fill = partial(pickled.write, value, names=names)
            seal = sealed_files.write(self.folder, self._name(part), fill, owner)
            if seal is not None and self.record is not None:
                fill = partial(pickled.write, (self.record.drew, self.record.answers))
                sealed_files.write(self.folder, self._name(RECORD), fill)
                self.record = None
        except Exception:  # rule 4: also what cannot be pickled
            return None
        sealed_files.clear(self.folder, MOST_BYTES, MOST_WORLDS)
        return seal


def found(request: Request) -> Shelf | None:
    """Where parts of what is asked for are kept, if all that it was read from is as it was then."""
    folder = _folder(request) if request.wanted() else None
    if folder is None or not steady():
        return None
    known: dict[Asked, Answer | None] = {}
    for name in sealed_files.names(folder, f"{request.key}-", f".{RECORD}"):
        record = sealed_files.read(folder, name)
        value = _value(record[1]) if record else None
        if value is None:
            continue
        drew, answers = value
        forgets = request.how.drawn == "forgotten" or not drew
        if forgets and same(answers, known) and request.stands():
            sealed_files.touch(folder, name)
            return Shelf(folder, name.removesuffix(f".{RECORD}"))
    return None


def begun(request: Request, record: Record) -> Shelf | None:
    """Where the parts of what was read now are to be kept; None where they are not."""
    folder = _folder(request) if request.wanted() else None
    if folder is None or not record.whole:
        return None
    said = repr((record.drew, sorted(record.answers.items())))
    digest = sha256(said.encode("utf-8", "surrogateescape")).hexdigest()[:16]
    return Shelf(folder, f"{request.key}-{digest}", record)


def _folder(request: Request) -> Path | None:
    """Where worlds are kept; None where that is among the inputs: a stranger's files may lie there,
    as they do in a checked out pull request, and to read what is kept is to run it."""
    root = home()
    trees = (trees_around(Path(path)) for path in request.paths)
    return None if root is None or any(t.holds(root / FOLDER) for t in trees) else root / FOLDER


def _with_later(name: str, known: dict[str, Any], world: World) -> dict[str, Any]:
    """What is known by name, and what a part has that is made again only when it is needed."""
    if name != "proof":
        return known
    from sim.proof.pairs.later_reach import LaterReach

    return known | {"reach": LaterReach(world)}


def _left_out(name: str, made: Any) -> dict[int, str]:
    """What a part is kept without."""
    return {id(made.reach): "reach"} if name == "proof" else {}


def _value(body: bytes, named: Mapping[str, Any] = pickled.NOTHING) -> Any:
    """What is in a file whose seal fits, and so was written by this code; None where it cannot be
    read all the same."""
    try:
        return pickled.read(body, named)
    except Exception:
        return None
