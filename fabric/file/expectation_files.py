"""Files of `expect:` lines, which somebody else may own than the fabric file.

    owner: "@acme/network-security"
    requirement: [SEC11-01]
    expect:
      - deny: "acme/* <-> globex/*"
      - { only: "acme/web/* -> zone2/ingress:443/tcp", requirement: [SEC14-01] }

Rules that hold here:

1. A line of such a file is one of the fabric file: it says the same, and is found where it stands.
2. `owner` and `requirement` of a file are those of the lines that say none themselves.
3. Files lie in the trees that the fabric file may read (`fabric.io.reading`): what a revision names
   is what that revision has, and nobody's lines come from elsewhere on the machine.
4. A directory is read with the folders in it; one that has no such file says nothing, and a folder
   that is a link is not followed. Both are errors: who moves a file is not rid of its lines.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from fabric.diagnostics import Diagnostic, Diagnostics, InputError, Span
from fabric.file.expect.expectation_spec import Expectation, ExpectationFile
from fabric.file.shape import validate_as
from fabric.file.spec import FabricSpec
from fabric.file.yaml.reader import read_yaml
from fabric.io.dependencies import asked, entries

Place = tuple[str | int, ...]
Line = tuple[Expectation, dict[Place, Span]]
"""A line, and where it and its parts stand, by their places in it."""
SUFFIXES = (".yaml", ".yml")


def expectation_files(spec: FabricSpec, found: Diagnostics) -> Iterator[tuple[Path, Span | None]]:
    """The files that `expect_files` names, those of directories by name (rules 3 and 4)."""
    folder = spec.path.parent if spec.path else Path()
    for number, text in enumerate(spec.expect_files):
        path, span = Path(os.path.normpath(folder / text)), spec.at("expect_files", number)
        if refused := spec._trees and spec._trees.refusal(path, span):
            found.items.append(refused)
        elif not asked("directory", path):
            yield path, span
        else:
            inside = [*_below(path, span, found)]
            if not inside:
                what = f"{path} has no file of expectations"
                found.error("C728", what, span, f"looked for {', '.join(SUFFIXES)}")
            yield from ((file, span) for file in inside)


def _below(folder: Path, span: Span | None, found: Diagnostics) -> Iterator[Path]:
    """Rule 4."""
    for name, is_folder, linked in sorted(entries(folder)):
        path = folder / name
        if is_folder and linked:
            what = f"{path} is a link to a folder, and not followed"
            found.error("C728", what, span, "name the folder itself in expect_files")
        elif is_folder and name != ".git":
            yield from _below(path, span, found)
        elif name.endswith(SUFFIXES):
            yield path


def with_expectation_files(spec: FabricSpec, found: Diagnostics) -> FabricSpec:
    """The file with the lines of its files of expectations behind its own."""
    lines: list[Line] = []
    for path, span in dict(expectation_files(spec, found)).items():
        try:
            lines += lines_of(path, span, found)
        except InputError as error:
            found.items += error.diagnostics
    return with_lines(spec, lines)


def with_lines(spec: FabricSpec, lines: list[Line]) -> FabricSpec:
    """The file with lines that stand elsewhere behind its own."""
    if not lines:
        return spec
    first = len(spec.expect)
    out = spec.model_copy(update={"expect": [*spec.expect, *(line for line, _ in lines)]})
    out._elsewhere = dict(spec._elsewhere)
    for number, (_, spans) in enumerate(lines, first):
        for inside, span in spans.items():
            out._elsewhere["expect", number, *inside] = span
    return out


def spans_of(line: Expectation, at: Callable[[Place], Span | None]) -> dict[Place, Span]:
    """Where a line and its parts stand, by their places in it; `at` finds one."""
    places: list[Place] = [(), *((key,) for key in sorted(line.model_fields_set))]
    places += [("window", key) for key in ("from", "until") if line.window]
    return {place: span for place in places if (span := at(place)) is not None}


def lines_of(path: Path, named_at: Span | None, found: Diagnostics) -> Iterator[Line]:
    """The lines of one file. Raises `InputError`."""
    documents = read_yaml(path)
    if len(documents) != 1 or not isinstance(documents[0].value, dict):
        at = documents[0].span() if documents else named_at
        hint = "it is one document with: expect: [ … ]"
        raise InputError(Diagnostic("C728", f"{path} is no file of expectations", at, hint))
    document = documents[0]
    read = validate_as(ExpectationFile, document, found)
    if read is None:
        return
    for number, line in enumerate(read.expect):
        spans = spans_of(line, lambda place: document.span(("expect", number, *place)))  # noqa: B023
        owner, of = line.owner or read.owner, line.requirement or read.requirement
        yield line.model_copy(update={"owner": owner, "requirement": of}), spans
