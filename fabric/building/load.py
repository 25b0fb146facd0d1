"""From a file to a checked `FabricSpec`: read, extend, expand, validate, check.

Every step adds what it finds to one list, and the file is refused once, with all of it. A step
that leaves nothing to go on with ends the run.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from fabric.checks import check
from fabric.diagnostics import Diagnostic, Diagnostics, InputError, Span
from fabric.file.expectation_files import with_expectation_files
from fabric.file.extend import extended
from fabric.file.ranges import expand
from fabric.file.shape import validate
from fabric.file.spec import FabricSpec
from fabric.file.yaml.reader import Document, documents
from fabric.io.decoded_text import read_text
from fabric.io.dependencies import asked
from fabric.io.phases import phase
from fabric.io.reading import trees_around
from fabric.wiring.budget import afford_wiring
from fabric.wiring.joined_wiring import with_tables

STDIN = ("-", "<stdin>")


def load_fabric(path: Path | str) -> FabricSpec:
    """The fabric file at `path` ("-" is stdin); raises one `InputError` with every mistake."""
    return load(path)[0]


def load(path: Path | str, text: str | None = None) -> tuple[FabricSpec, tuple[Diagnostic, ...]]:
    """As `load_fabric`, and the warnings; `text` is what stands in the file, if known already."""
    spec, found = examine(path, text)
    found.check()
    assert spec is not None
    return spec, found.warnings


def directed(path: Path | str, error: InputError) -> tuple[Diagnostic, ...]:
    """Why a fabric file cannot be read; where it is a directory, with what may have been meant."""
    folder = Path(path)
    if str(path) in STDIN or not asked("directory", folder):
        return error.diagnostics
    named = folder / "fabric.yaml", folder / "fabric.yml"
    inside = next((p for p in named if asked("file", p)), None)
    hint = "a fabric is one file; manifests alone go to cloison reach, explain, diff and simulate"
    hint = f"did you mean {inside}?" if inside else hint
    return tuple(replace(d, hint=d.hint or hint) for d in error.diagnostics)


@phase("read the fabric file")
def examine(path: Path | str, text: str | None = None) -> tuple[FabricSpec | None, Diagnostics]:
    """As much of a file as can be read (None: nothing), and all that is wrong with it."""
    file = str(path)
    spec: FabricSpec | None = None
    found, lost = Diagnostics(), frozenset[str]()
    try:
        if text is None:
            text, file = read_text(path)
    except InputError as error:
        found.items += directed(path, error)
        return None, found
    try:
        trees = trees_around(Path("stdin" if file in STDIN else file))
        document, edits = extended(only(documents(text, file, found), file), trees)
        expanded = expand(document, found)
        if (shaped := validate(expanded, found)) is not None:
            spec, lost = shaped.spec, shaped.lost
            spec._document = shaped.document
            spec._path = None if file in STDIN else Path(file)
            spec._edits, spec._trees = edits, trees
            spec = with_expectation_files(with_tables(spec, found), found)
            afford_wiring(spec)
            found.items += check(spec)
    except InputError as error:
        told = {d.span for d in found.items}
        news = [d for d in error.diagnostics if d.span is None or d.span not in told]
        found.items += [d for d in news if not lost & words(d.message)]
    return spec, found


def words(message: str) -> set[str]:
    """The names in a message, and the parts of names with a slash."""
    return {w for word in re.split(r"[^-\w/]+", message) for w in (word, *word.split("/"))}


def only(read: list[Document], file: str) -> Document:
    """The one document of a fabric file."""
    if not read:
        hint = "a fabric file starts with: cloison: 1"
        raise InputError(Diagnostic("C200", f"{file} is empty", Span(file, 1), hint))
    if len(read) > 1:
        what = f"a fabric file is one document, this one has {len(read)}"
        raise InputError(Diagnostic("C200", what, read[1].span(), "remove the --- lines"))
    return read[0]
