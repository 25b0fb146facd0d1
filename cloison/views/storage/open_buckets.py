"""What `cloison storage outsiders` says: whether anybody outside gets anything of buckets."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from cloison.render.formats import FORMATS, written
from compiler.decisions.storage.buckets_of_fabric import storage_of
from compiler.decisions.storage.outsiders import Outsiders, outsiders
from fabric.building.load import load_fabric
from fabric.diagnostics import Diagnostic, Diagnostics, InputError
from fabric.io.visible import lines
from fabric.values.wildcard import fits

SCHEMA = "cloison/storage-outsiders/1"
ASSUMED = "access control lists let nobody in; nobody looked at the way to the gateway"


def open_buckets(fabric: Path, pattern: str) -> dict[str, Outsiders]:
    """What is so of each bucket that fits; raises `InputError`."""
    noted = Diagnostics()
    storage = storage_of(load_fabric(fabric), noted)
    noted.check()
    names = [name for name in storage.buckets if fits(name, pattern)]
    if not names:
        raise InputError(Diagnostic("C978", f'no bucket is called "{pattern}"'))
    return {name: outsiders(storage.buckets[name], name.partition("/")[2]) for name in names}


def verdict_of(found: Iterable[Outsiders]) -> str:
    """That of all: what fails is told before what is unknown."""
    said = {one.verdict for one in found}
    return next((word for word in ("fails", "unknown") if word in said), "holds")


def row(name: str, found: Outsiders) -> dict[str, Any]:
    """As data."""
    request, spans = found.request, [one.span for one in found.open]
    if found.ruling is not None:
        spans = [*found.ruling.lines]
    return {
        "bucket": name,
        "verdict": found.verdict,
        "request": None
        if request is None or request.caller is None
        else {
            "who": request.caller.text,
            "action": request.action,
            "resource": request.resource,
            "context": {key: list(values) for key, values in request.context.items() if values},
        },
        "at": [str(span) for span in spans],
    }


def written_outsiders(found: dict[str, Outsiders], output: str) -> str:
    """In a format."""
    rows = [row(name, one) for name, one in found.items()]
    if FORMATS[output].cells == "text":
        rows = [{**one, "at": lines(*one["at"]), "request": _read(one["request"])} for one in rows]
    title = "Whether anybody outside gets anything of a bucket"
    meta = {"verdict": verdict_of(found.values()), "assumed": [ASSUMED]}
    return written(rows, schema=SCHEMA, output=output, title=title, meta=meta)


def _read(request: dict[str, Any] | None) -> str:
    if request is None:
        return ""
    given = (f"{key}={', '.join(values)}" for key, values in request["context"].items())
    return lines(f"{request['who']}: {request['action']} of {request['resource']}", *given)
