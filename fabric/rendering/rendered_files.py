"""Manifests that a program makes, as files to read: `deploy/$(kustomize build overlays/prod)`.

Rules that hold here:

1. Nothing runs that nobody asked for (`fabric.rendering.render_command`): C651.
2. The program gets a copy of the tree that inputs may be read from (`fabric.io.reading`), and runs
   in the folder that the file names: a working tree, or a revision as it is laid out.
3. What it printed is kept under the digest of its words, itself, the folder and the whole tree, and
   of how the programs beside it that it may start look (`signs`), for later questions too where
   there were walls around it. What else can have counted: time, chance, and libraries of the
   machine.
4. A program that fails, ends early, prints nothing or too much is an error: what it printed before
   counts for nothing.
5. What is printed is read as a file that was named: all of it are manifests, or it is an error.
"""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import file_digest, sha256
from pathlib import Path
from tempfile import TemporaryDirectory

from fabric.diagnostics import Diagnostic, Diagnostics, InputError, Span
from fabric.file.render_spec import RenderStep
from fabric.io import sealed_files
from fabric.io.cache_folder import home
from fabric.io.dependencies import place, spoil
from fabric.io.mounts import mount, real
from fabric.io.phases import phase
from fabric.io.reading import Trees
from fabric.io.secrets import Secrets
from fabric.io.visible import visible
from fabric.rendering.confined_run import Bounds, environment, run
from fabric.rendering.input_tree import InputTree, input_tree
from fabric.rendering.render_command import (
    OPTION,
    Rendering,
    Words,
    program,
    rendering_asked,
    signs,
    words_of,
)

FOLDER, VERSION = "renderings", "2"
MOST_BYTES, MOST_KEPT = 2**28, 256
BOUNDS = Bounds()
SHOWN = 3


@dataclass(frozen=True, slots=True)
class Rendered:
    """Files to read, and what is doubtful about them."""

    paths: tuple[Path, ...] = ()
    told: tuple[Diagnostic, ...] = ()


class _PlacedCommand:
    """One command: its words, the folder that it runs in, where it is written."""

    def __init__(self, step: RenderStep, base: Path, trees: Trees, span: Span | None) -> None:
        self.span = span
        try:
            self.words: Words = words_of(step.command)
        except InputError as error:
            raise InputError(*(_at(d, span) for d in error.diagnostics)) from None
        self.folder = Path(os.path.normpath(base / step.in_))
        if refused := trees.refusal(self.folder, span):
            raise InputError(refused)
        there = place(self.folder)
        if not real(self.folder).is_dir():
            raise self.failed(f"there is no folder {self.folder}")
        inside = [root for root in trees.roots if there.is_relative_to(root)]
        # Where one tree lies in another, the smaller one is what the file is about.
        self.root = max(inside, key=lambda root: len(root.parts))
        self.inside = str(there.relative_to(self.root))

    @property
    def name(self) -> str:
        """The command, as people write it."""
        return visible(shlex.join(self.words))

    @property
    def path(self) -> Path:
        """What the file is called that it prints."""
        return self.folder / f"$({self.name})"

    def failed(self, why: str) -> InputError:
        """C653."""
        what = f"{shlex.join(self.words)} in {self.folder}: {why}"
        return InputError(Diagnostic("C653", visible(what), self.span))


def rendered(steps: Iterable[tuple[RenderStep, Span | None]], base: Path, trees: Trees) -> Rendered:
    """What commands print that are written in a file in `base`. Raises `InputError`: C651 to C653,
    and C112 for a folder outside of the trees."""
    problems = Diagnostics()
    paths: list[Path] = []
    known: dict[Path, InputTree] = {}
    for step, span in steps:
        try:
            paths.append(_one(_PlacedCommand(step, base, trees, span), known, problems))
        except InputError as error:
            problems.items += error.diagnostics
    problems.check()
    return Rendered(tuple(paths), problems.warnings)


def asked_of(folder: Path, trees: Trees) -> Rendered:
    """What the commands print that somebody asked for about a folder of manifests."""
    asked = rendering_asked()
    steps = [RenderStep(command=shlex.join(words)) for words in asked.asked] if asked else []
    return rendered([(step, None) for step in steps], folder, trees)


@phase("render manifests")
def _one(step: _PlacedCommand, known: dict[Path, InputTree], problems: Diagnostics) -> Path:
    asked = rendering_asked()
    if asked is None or not asked.lets(step.words):
        what = f"{step.name} makes manifests, and runs only when that is asked for"
        hint = f"{OPTION} {shlex.quote(shlex.join(step.words))}"
        raise InputError(Diagnostic("C651", what, step.span, hint))
    spoil()
    if step.root not in known:
        known[step.root] = input_tree(step.root)
    if left_out := known[step.root].left_out:
        more = f" and {len(left_out) - SHOWN} more" if len(left_out) > SHOWN else ""
        names = ", ".join(map(visible, left_out[:SHOWN]))
        what = f"leads out of {step.root}, or is no file, and was not given to {step.name}: "
        at = step.span or Span(str(step.root / left_out[0]), 1)
        problems.warn("C617", f"{what}{names}{more}", at)
    try:
        where = program(step.words[0], [real(root).resolve() for root in known])
        found = (_digest_of(where), signs(environment("", where)["PATH"]))
    except OSError as error:
        raise step.failed(str(error)) from None
    walls, path = _printed(step, where, found, known[step.root], asked)
    if walls:
        what = f"{step.name} ran with all that this machine has within reach, for it has no walls "
        problems.warn("C654", f"{what}for it ({visible(walls)})", step.span)
    mount(step.path, path, step.folder)
    return step.path


def _digest_of(path: Path) -> str:
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def _printed(
    step: _PlacedCommand, where: Path, found: Words, tree: InputTree, asked: Rendering
) -> tuple[str, Path]:
    """Why there were no walls, and the file with what the program printed; rule 3."""

    def key(tree: InputTree) -> str:
        parts = VERSION, step.words, str(where), found, step.inside, tree.digest
        return sha256(json.dumps(parts).encode()).hexdigest()[:32]

    if (name := key(tree)) not in asked.made:
        home_ = home()
        folder = home_ / FOLDER if home_ and asked.keep else None
        kept = sealed_files.read(folder, name) if folder else None
        if kept is None:
            head, printed, tree = _run(step, where)
            data = f"{head}\n".encode() + printed
            name = key(tree)
            if folder and not head:
                sealed_files.write(folder, name, lambda file: file.write(data))
                sealed_files.clear(folder, MOST_BYTES, MOST_KEPT)
        else:
            data = kept[1]
            sealed_files.touch(folder, name) if folder else None
        walls, _, printed = data.partition(b"\n")
        path = asked.folder / f"{name}.yaml"
        path.write_bytes(printed)
        asked.made[name], asked.walls[name] = path, walls.decode("utf-8", "replace")
    return asked.walls[name], asked.made[name]


def _run(step: _PlacedCommand, where: Path) -> tuple[str, bytes, InputTree]:
    """Rules 2 and 4."""
    with TemporaryDirectory(prefix="cloison-") as folder:
        copy = Path(folder).resolve() / "tree"
        copy.mkdir()
        tree = input_tree(step.root, copy)
        try:
            ran = run(step.words, where, copy, step.inside, BOUNDS)
        except OSError as error:
            raise step.failed(f"it cannot be started: {error}") from None
    if ran.ended:
        raise step.failed(ran.ended)
    if ran.code:
        how = f"exit code {ran.code}" if ran.code > 0 else f"signal {-ran.code}"
        raise step.failed(f"{how}{_said(ran.said)}")
    if not ran.printed.strip():
        raise step.failed("it printed nothing")
    return ran.walls.replace("\n", " "), ran.printed, tree


def _said(data: bytes) -> str:
    """The last thing that a program said, unless it is nobody's business."""
    text = data.decode("utf-8", "replace").strip()
    secrets = Secrets(text)
    lines = [line for n, line in enumerate(text.split("\n"), 1) if n not in secrets]
    last = next((line for line in reversed(lines) if line.strip()), "")
    return f": {last.strip()[:300]}" if last else ""


def _at(found: Diagnostic, span: Span | None) -> Diagnostic:
    return Diagnostic(found.code, found.message, span, found.hint, found.severity)
