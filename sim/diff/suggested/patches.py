"""Edits of the input as a patch of its files, as `git apply` and `patch -p1` take it.

Rules that hold here:

1. An edit is made in every file that says the object, and in the fabric file where that extends
   another one: there it is one more line of its `patch:`.
2. Each text is read again, and says what the edits say (`fabric.file.text_edits`).
3. There is no patch of a file that somebody else reads as well (another tenant), of what comes from
   stdin, or whose lines hold what terminals do not show. Why not is said.
4. Names stand from the folder in which the patch is applied, the nearest that holds every file.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import unified_diff
from pathlib import Path

from fabric.building.network import Network
from fabric.diagnostics import Diagnostics, InputError
from fabric.file.extend import identity
from fabric.file.text_edits import ValueEdit, edited_text
from fabric.file.yaml.reader import Document, read_yaml
from fabric.io.reading import read_bytes
from fabric.io.visible import visible
from fabric.kubernetes.files.folders import files
from fabric.kubernetes.files.foreign import Foreign
from fabric.kubernetes.files.objects import FileLines, flatten
from sim.diff.suggested.file_edits import FileEdit, one_more

NO_NEWLINE = "\\ No newline at end of file\n"


@dataclass(frozen=True, slots=True)
class Patch:
    """`text` is a unified diff, to be applied in `folder`; where there is none, `why` says why."""

    text: str = ""
    why: str = ""
    folder: Path = Path()


class UnpatchedError(Exception):
    """Why there is no patch."""


def patch(fabric: Path, network: Network, edits: Sequence[FileEdit]) -> Patch:
    """The patch of a fabric file and its manifests that makes the edits, which are of the world of
    `network`, one after the other."""
    files = _Texts(fabric, network)
    try:
        for edit in edits:
            files.make(edit)
    except UnpatchedError as error:
        return Patch(why=str(error))
    changed = {path: files.now[path] for path in files.now if files.now[path] != files.was[path]}
    folder = _folder(changed)
    parts = [_unified(path, folder, files.was[path], changed[path]) for path in sorted(changed)]
    lines = (line.removesuffix("\r") for part in parts for line in part.split("\n"))
    if not all(line.replace("\t", " ") == visible(line.replace("\t", " ")) for line in lines):
        return Patch(why="lines of the files hold characters that are not shown")
    return Patch("".join(parts), "", folder)


class _Texts:
    """The texts of the files of a fabric, as they were and as edits make them."""

    def __init__(self, fabric: Path, network: Network) -> None:
        self.fabric, self.network = _real(fabric), network
        self.given = fabric
        self.was: dict[Path, str] = {}
        self.now: dict[Path, str] = {}
        (self.whole,) = read_yaml(self.text(self.fabric), name=str(fabric))

    def text(self, path: Path) -> str:
        """A file as edits have made it so far."""
        if path not in self.now:
            self.now[path] = self.was[path] = _as_it_is(path)
        return self.now[path]

    def make(self, edit: FileEdit) -> None:
        """An edit in every file that says its object (rule 1)."""
        change = ValueEdit(edit.at, edit.action, edit.value)
        if edit.tenant and "extends" not in self.whole.value:
            for path in self.saying(edit):
                for place in reversed([*_places(path, self.text(path), edit.named)]):
                    self.change(path, place, change)
            return
        (document,) = read_yaml(self.text(self.fabric), name=str(self.fabric))
        if "extends" in document.value:
            row = one_more(document.value, ("patch",), edit.row(), "")
            change = ValueEdit(row.at, row.action, row.value)
        self.change(self.fabric, (document.mark.line, document.mark.column), change)

    def change(self, path: Path, place: tuple[int, int], change: ValueEdit) -> None:
        """One edit at one place."""
        found = edited_text(self.text(path), place, change)
        if found is None:
            why = f"{path.name} cannot say this and keep its comments and its other lines"
            raise UnpatchedError(why)
        self.now[path] = found

    def saying(self, edit: FileEdit) -> list[Path]:
        """The files that have the object of an edit."""
        tenants = self.network.spec.tenants
        theirs = {path for name in tenants if name != edit.tenant for path in self.files(name)}
        ours = self.files(edit.tenant)
        found = [path for path in ours if any(_places(path, self.text(path), edit.named))]
        if not found:
            raise UnpatchedError(f"no file of {edit.tenant} has {edit.named}")
        if shared := [path for path in found if path in theirs]:
            raise UnpatchedError(f"another tenant reads {shared[0].name} as well")
        return found

    def files(self, tenant: str) -> list[Path]:
        """The files of a tenant's manifests."""
        named = self.network.spec.tenants[tenant].manifests
        paths = [Path(os.path.normpath(self.given.parent / name)) for name in named]
        found = (path for path, _ in files(paths, Diagnostics()) if str(path) != "-")
        return list(dict.fromkeys(map(_real, found)))


def _as_it_is(path: Path) -> str:
    """The text of a file, ends of lines as they are."""
    try:
        text = read_bytes(path).decode()
    except UnicodeDecodeError:
        raise UnpatchedError(f"{path.name} is no UTF-8 text") from None
    if "\ufeff" in text:
        raise UnpatchedError(f"{path.name} has a byte order mark")
    return text


def _real(path: Path) -> Path:
    """The file that a name leads to: git does not patch through links."""
    return Path(os.path.realpath(path))


def _places(path: Path, text: str, name: str) -> Iterator[tuple[int, int]]:
    """Where each object of that name begins."""
    nothing, lines = Diagnostics(), FileLines(text.split("\n"), False)
    try:
        found = read_yaml(text, name=str(path))
    except InputError:  # a template, of which a warning told
        return
    for document in found:
        for one in flatten(document, Foreign(), nothing, lines):
            if identity(one.value) == name and isinstance(one, Document):
                yield one.mark.line, one.mark.column


def _folder(paths: Iterable[Path]) -> Path:
    """Rule 4: the working folder, if it holds them all."""
    here = Path.cwd().resolve()
    if all(path.is_relative_to(here) for path in paths):
        return here
    return Path(os.path.commonpath([path.parent for path in paths]))


def _unified(path: Path, folder: Path, before: str, after: str) -> str:
    """The part of one file."""
    name = path.relative_to(folder).as_posix()
    tab = "\t" if " " in name else ""
    a, b = (text.split("\n") for text in (before, after))
    lines = unified_diff(_kept(a), _kept(b), f"a/{name}{tab}", f"b/{name}{tab}")
    return "".join(line if line.endswith("\n") else f"{line}\n{NO_NEWLINE}" for line in lines)


def _kept(lines: list[str]) -> list[str]:
    """Lines with their ends."""
    return [f"{line}\n" for line in lines[:-1]] + ([lines[-1]] if lines[-1] else [])
