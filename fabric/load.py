"""From a file to a checked `FabricSpec`: read, extend, expand, validate, check.

Every step reports all that it finds; a step runs when those before it found nothing that would
make its answers nonsense.
"""

from __future__ import annotations

from pathlib import Path

from fabric.checks import check
from fabric.diagnostics import Diagnostic, Diagnostics, InputError, Span
from fabric.extend import extended
from fabric.ranges import expand
from fabric.reader import Document, read_yaml
from fabric.shape import validate
from fabric.spec import FabricSpec


def load_fabric(path: Path | str) -> FabricSpec:
    """The fabric file at `path` ("-" is stdin); raises one `InputError` with every mistake."""
    return load(path)[0]


def load(path: Path | str, text: str | None = None) -> tuple[FabricSpec, tuple[Diagnostic, ...]]:
    """As `load_fabric`, and the warnings; `text` is what stands in the file, if known already."""
    documents = read_yaml(path) if text is None else read_yaml(text, name=str(path))
    found = Diagnostics()
    document, edits = extended(only(documents, str(path)))
    expanded = expand(document, found)
    spec = validate(expanded, found)
    found.check()
    assert spec is not None
    spec._document = expanded
    spec._path = None if str(path) in ("-", "<stdin>") else Path(path)
    spec._edits = edits
    return spec, check(spec)


def only(documents: list[Document], file: str) -> Document:
    """The one document of a fabric file."""
    if not documents:
        hint = "a fabric file starts with: cloison: 1"
        raise InputError(Diagnostic("C200", f"{file} is empty", Span(file, 1), hint))
    if len(documents) > 1:
        what = f"a fabric file is one document, this one has {len(documents)}"
        raise InputError(Diagnostic("C200", what, documents[1].span(), "remove the --- lines"))
    return documents[0]
