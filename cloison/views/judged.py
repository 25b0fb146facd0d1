"""What `cloison identity check` says: whether documents prove identities, at a moment.

    {"id": 1, "svid": "-----BEGIN CERTIFICATE-----…", "trust": {"acme.example": "…"}, "at": "…Z"}
    {"id": 1, "kind": "X.509-SVID", "verdict": "accepted", "name": "spiffe://acme.example/web", …}
    {"id": 2, "spiffe_id": "spiffe://acme.example/"}
    {"id": 2, "kind": "SPIFFE ID", "verdict": "refused", "reasons": ["…"], …}

One line out for one line in (`asked_lines`); what cannot be answered has an `error`.
Other formats have the answers as rows, when all are there.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, TypeVar

from cloison.render.formats import FORMATS, written
from cloison.views import asked_lines
from cloison.views.asked_lines import text_of
from compiler.identity.judge import judge, trust
from compiler.identity.judgement import SvidJudgement
from compiler.identity.spiffe_id import spiffe_id, trust_domain
from fabric.diagnostics import Diagnostic, InputError, Span
from fabric.io.decoded_text import read_text
from fabric.io.visible import lines, visible
from fabric.values.instants import instant, told

if TYPE_CHECKING:
    from compiler.identity.trust_bundle import TrustBundle

T = TypeVar("T")
SCHEMA = "cloison/identity/1"
MOST = 2**20
"""Bytes of a document or a bundle."""
COLUMNS = {key: key for key in ("verdict", "name", "until", "because")}
QUESTION = ("svid", "trust", "audience", "at", "spiffe_id")


@dataclass(frozen=True, slots=True)
class JudgedFile:
    """A document, by its file, and what is said of it."""

    file: str
    said: SvidJudgement


def bundles(given: Iterable[str]) -> dict[str, TrustBundle]:
    """The bundles that `DOMAIN=FILE` name; raises `InputError` (C895, C896) with all mistakes."""
    found: dict[str, TrustBundle] = {}
    wrong: list[Diagnostic] = []
    for text in given:
        domain, equals, file = text.partition("=")
        try:
            if not equals or trust_domain(domain) in found:
                raise ValueError("names no file" if not equals else "stands there twice")
        except ValueError as error:
            hint = "--trust acme.example=bundle.pem"
            wrong.append(Diagnostic("C895", f'"{visible(text)}": {error}', None, hint))
            continue
        made = _read(Path(file), "trust bundle", trust, wrong)
        if made is not None:
            found[domain] = made
    if wrong:
        raise InputError(*wrong)
    return found


def judged(
    files: Iterable[Path], known: Mapping[str, TrustBundle], at: datetime, audience: str | None
) -> list[JudgedFile]:
    """What documents prove; raises `InputError` (C896) with every one that is none."""
    out, wrong = [], list[Diagnostic]()
    for file in files:
        found = _read(
            file, "identity document", lambda text: judge(text, known, at, audience), wrong
        )
        if found is not None:
            out.append(JudgedFile(str(file), found))
    if wrong:
        raise InputError(*wrong)
    return out


def _read(file: Path, kind: str, make: Callable[[str], T], wrong: list[Diagnostic]) -> T | None:
    """What `make` makes of a file; None and a mistake where it is none of its kind."""
    try:
        return make(read_text(file, MOST)[0])
    except InputError as error:
        wrong += error.diagnostics
    except ValueError as error:
        what = f"{visible(str(file))} is no {kind}: {error}"
        wrong.append(Diagnostic("C896", what, Span(str(file), 1)))
    return None


def report(found: Iterable[JudgedFile], at: datetime, audience: str | None, output: str) -> str:
    """The answer in a format."""
    rows = [{"file": one.file, **row(one.said)} for one in found]
    return _written(rows, "file", at, audience, output)


def answered(
    found: Iterable[dict[str, Any]], at: datetime, audience: str | None, output: str
) -> str:
    """Answers to questions in a format; who reads them as text sees why there is none."""
    rows = [*found]
    if FORMATS[output].cells == "text":
        none = {"verdict": "no answer"}
        rows = [{**none, "reasons": [o["error"]], **o} if "error" in o else o for o in rows]
    return _written(rows, "id", at, audience, output)


def _written(
    rows: list[dict[str, Any]], first: str, at: datetime, audience: str | None, output: str
) -> str:
    meta = {"at": told(at), "audience": audience, "assumes": "nothing was revoked"}
    shape = FORMATS[output]
    if shape.cells == "text":
        for one in rows:
            one["because"] = lines(*one["reasons"], *one.get("remarks", ()))
    title = f"Identities at {told(at)}, if nothing was revoked"
    columns = {first: first, **COLUMNS} if shape.cells == "text" else None
    return written(rows, schema=SCHEMA, output=output, title=title, columns=columns, meta=meta)


def row(said: SvidJudgement) -> dict[str, Any]:
    """A judgement as data."""
    return {
        "kind": said.kind,
        "verdict": said.verdict,
        "name": said.name,
        "reasons": list(said.reasons),
        "remarks": list(said.remarks),
        "since": said.since and told(said.since),
        "until": said.until and told(said.until),
    }


def answers(
    questions: IO[bytes],
    known: Mapping[str, TrustBundle],
    at: datetime,
    audience: str | None,
) -> Iterator[dict[str, Any]]:
    """The answer to each line."""
    return asked_lines.answers(questions, lambda one: answer(one, known, at, audience), QUESTION)


def answer(
    asked: asked_lines.Question,
    known: Mapping[str, TrustBundle],
    at: datetime,
    audience: str | None,
) -> dict[str, Any]:
    """What a question asks for; ValueError where it asks for nothing."""
    if "spiffe_id" in asked:
        return of_name(text_of(asked, "spiffe_id"))
    own = asked.get("trust")
    if own is not None and not isinstance(own, dict):
        raise ValueError("trust is no object of trust domains")
    texts = {trust_domain(d): t if isinstance(t, str) else json.dumps(t)
             for d, t in (own or {}).items()}  # fmt: skip
    vouching = {**known, **{domain: trust(text) for domain, text in texts.items()}}
    when = instant(text_of(asked, "at")) if "at" in asked else at
    to = text_of(asked, "audience") if "audience" in asked else audience
    return row(judge(text_of(asked, "svid"), vouching, when, to))


def of_name(text: str) -> dict[str, Any]:
    """Whether a text is a SPIFFE ID."""
    try:
        return {
            "kind": "SPIFFE ID",
            "verdict": "accepted",
            "name": str(spiffe_id(text)),
            "reasons": [],
        }
    except ValueError as error:
        return {"kind": "SPIFFE ID", "verdict": "refused", "name": None, "reasons": [str(error)]}
