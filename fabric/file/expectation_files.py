"""Files of `expect:` lines, which somebody else may own than the fabric file.

    owner: "@acme/network-security"
    requirement: [SEC11-01]
    expect:
      - deny: "acme/* <-> globex/*"
      - { only: "acme/web/* -> zone2/ingress:443/tcp", requirement: [SEC14-01] }

Rules that hold here:

1. A line of such a file is one of the fabric file: it says the same, and is found where it stands.
2. `owner` and `requirement` of a file are those of the lines that say none themselves.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from fabric.diagnostics import Diagnostic, Diagnostics, InputError, Span
from fabric.file.expectation_spec import Expectation, ExpectationFile
from fabric.file.reader import read_yaml
from fabric.file.shape import validate_as
from fabric.file.spec import FabricSpec
from fabric.io.dependencies import asked, entries

Place = tuple[str | int, ...]
Line = tuple[Expectation, dict[Place, Span]]
"""A line, and where it and its parts stand, by their places in it."""
SUFFIXES = (".yaml", ".yml")


def expectation_files(spec: FabricSpec) -> Iterator[tuple[Path, Span | None]]:
    """The files that `expect_files` names, those of directories by name."""
    folder = spec.path.parent if spec.path else Path()
    for number, text in enumerate(spec.expect_files):
        path, span = Path(os.path.normpath(folder / text)), spec.at("expect_files", number)
        if not asked("directory", path):
            yield path, span
            continue
        names = sorted(name for name, is_folder, _ in entries(path) if not is_folder)
        yield from ((path / name, span) for name in names if name.endswith(SUFFIXES))


def with_expectation_files(spec: FabricSpec, found: Diagnostics) -> FabricSpec:
    """The file with the lines of its files of expectations behind its own."""
    lines: list[Line] = []
    for path, span in dict(expectation_files(spec)).items():
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
