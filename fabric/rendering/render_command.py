"""Which programs may be run to make manifests, and how they are named.

Rules that hold here:

1. A file alone runs nothing. Whoever asks a question names the first words of the commands that
   may run (`rendering`): `kustomize` lets every command of kustomize run, `kustomize build prod`
   this one.
2. A command is a program by its name and words as a shell would split them; there is no shell. The
   program is looked for in the search path of whoever asks, and never in the tree that it renders.
3. Words that have the program run others (`FOREIGN`) are refused: what these are is for the file
   to say, and it may be a stranger's.

Source: kustomize's and helm's lists of their options.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

from fabric.diagnostics import Diagnostic, InputError
from fabric.io.mounts import mounting
from fabric.io.visible import visible

PROGRAM = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*")
FOREIGN = (
    "--post-renderer", "--post-renderer-args", "--helm-command", "--enable-exec", "--enable-star",
    "--enable-alpha-plugins", "--as-current-user", "--mount", "--network",
)  # fmt: skip
SHELL = re.compile(r"[|&;<>()]+|.*`.*|\$\w+|\$\{.*")
OPTION = "--render"
Words = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Rendering:
    """What somebody who asks lets run: first words of commands; and where what was printed is kept
    (`folder`), for the time of the question. `keep`: also for later ones. `made` has what was
    printed already, by a key."""

    asked: tuple[Words, ...]
    folder: Path
    keep: bool = False
    made: dict[str, Path] = field(default_factory=dict)
    walls: dict[str, str] = field(default_factory=dict)

    def lets(self, command: Words) -> bool:
        """Rule 1."""
        return any(command[: len(start)] == start for start in self.asked)


_asked: ContextVar[Rendering | None] = ContextVar("rendering", default=None)


@contextmanager
def rendering(*commands: str, keep: bool = False) -> Iterator[None]:
    """Inside the block commands may run that begin with the words of one of these. Raises
    `InputError` (C652)."""
    words = tuple(words_of(text) for text in commands)
    with TemporaryDirectory(prefix="cloison-") as folder, mounting():
        token = _asked.set(Rendering(words, Path(folder).resolve(), keep))
        try:
            yield
        finally:
            _asked.reset(token)


def rendering_asked() -> Rendering | None:
    """What may run now; None where nobody asked for anything."""
    found = _asked.get()
    return found if found and found.asked else None


def words_of(text: str) -> Words:
    """The words of a command. Raises `InputError` (C652) without a place."""
    problem = ""
    try:
        words = tuple(shlex.split(text))
    except ValueError as error:
        words, problem = (), str(error).lower()
    if not words:
        problem = problem or "it names no program"
    elif not all(map(str.isprintable, words)):
        problem = "its words hold control characters"
    elif not PROGRAM.fullmatch(words[0]):
        problem = "a program stands there by its name, without a path"
    else:
        shell = next((word for word in _as_a_shell(text) if SHELL.fullmatch(word)), None)
        other = next((word for word in words if word.partition("=")[0] in FOREIGN), None)
        if shell:
            problem = f"{shell} is for a shell, and there is none"
        elif other:
            problem = f"{other} has it run other programs"
    if problem:
        what = f'"{visible(text)}" is no command to render with: {visible(problem)}'
        raise InputError(Diagnostic("C652", what, None, "kustomize build overlays/prod"))
    return words


def _as_a_shell(text: str) -> Iterator[str]:
    """The words of a command with what a shell would take for its own as words between them."""
    found = shlex.shlex(text, posix=True, punctuation_chars=True)
    found.whitespace_split = True
    found.commenters = ""
    yield from found


def program(name: str, trees: Sequence[Path]) -> Path:
    """Where a program lies; rule 2. Raises OSError where there is none."""
    refused = ""
    for folder in os.environ.get("PATH", os.defpath).split(os.pathsep):
        found = Path(folder) / name
        if not found.is_absolute() or not (found.is_file() and os.access(found, os.X_OK)):
            continue
        place = found.resolve()
        if not any(place.is_relative_to(tree) or found.is_relative_to(tree) for tree in trees):
            return place
        refused = f"; {found} lies in the tree that is rendered"
    raise OSError(f"there is no {name} in the search path{refused}")


def signs(search_path: str) -> str:
    """A digest of how all files in the folders of a search path look: their names, sizes, and when
    they changed last, which nobody sets. Whatever is put there, renewed or taken away shows."""
    seen = []
    for folder in sorted({os.path.realpath(name) for name in search_path.split(os.pathsep)}):
        with suppress(OSError), os.scandir(folder) as entries:
            for entry in entries:
                with suppress(OSError):
                    about = entry.stat()
                    if stat.S_ISREG(about.st_mode):
                        seen.append((entry.path, about.st_size, about.st_ctime_ns, about.st_ino))
    return sha256(json.dumps(sorted(seen)).encode()).hexdigest()
