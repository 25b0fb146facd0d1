"""What `cloison identity user` says: whom API servers take bearers of tokens for.

{"id": 1, "token": "eyJ…", "authentication": "apiVersion: …", "keys": {"https://…": {…}}}
{"id": 1, "verdict": "accepted", "user": "oidc:jane", "groups": ["devs"], …}
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from cloison.render.formats import FORMATS, written
from cloison.views import asked_lines
from cloison.views.asked_lines import Question, text_of
from compiler.identity.judge import bearer, issuer_keys
from compiler.identity.jwt_authenticators import (
    JwtAuthenticator,
    jwt_authenticators,
    read_or_refuse,
)
from fabric.diagnostics import Diagnostic, InputError, Span
from fabric.io.decoded_text import read_text
from fabric.io.visible import lines, visible
from fabric.values.instants import instant, told

if TYPE_CHECKING:
    from compiler.identity.oidc_token import TokenUser

SCHEMA = "cloison/token-users/1"
MOST = 2**20
QUESTION = ("token", "authentication", "keys", "at")
COLUMNS = ("file", "verdict", "user", "groups", "because")
ASSUMED = ("keys are those that the issuer has at that moment", "no webhook knows the token")


@dataclass(frozen=True, slots=True)
class TokenReader:
    """What an API server knows: its authenticators, and the keys of their issuers, at a moment."""

    authenticators: tuple[JwtAuthenticator, ...]
    keys: Mapping[str, tuple[tuple[str | None, Any], ...]]
    at: datetime

    @staticmethod
    def of(authentication: Path | None, trusted: Iterable[str], at: datetime) -> TokenReader:
        """From files; raises `InputError`."""
        found: dict[str, tuple[tuple[str | None, Any], ...]] = {}
        for text in trusted:
            issuer, equals, file = text.rpartition("=")
            if not equals or not issuer or issuer in found:
                hint = "--trust https://login.example.org=keys.json, each issuer once"
                raise InputError(Diagnostic("C895", f'"{visible(text)}"', None, hint))
            try:
                found[issuer] = issuer_keys(read_text(Path(file), MOST)[0])
            except ValueError as error:
                what = f"{visible(file)} is no set of keys: {error}"
                raise InputError(Diagnostic("C896", what, Span(file, 1))) from None
        known = () if authentication is None else jwt_authenticators(authentication)
        return TokenReader(known, found, at)

    def user(self, token: str) -> TokenUser:
        """Whom the bearer of a token is taken for."""
        return bearer(token, self.authenticators, self.keys, self.at)

    def of_file(self, file: Path) -> TokenUser:
        """Whom the bearer of the token in a file is taken for."""
        return self.user(read_text(file, MOST)[0])


def row(said: TokenUser) -> dict[str, Any]:
    """As data."""
    return {
        "verdict": said.verdict,
        "user": said.user,
        "groups": list(said.groups),
        "issuer": said.issuer,
        "reasons": list(said.reasons),
        "at": [str(place) for place in said.lines],
    }


def report(found: Iterable[dict[str, Any]], at: datetime, output: str) -> str:
    """Answers in a format."""
    rows = [*found]
    meta = {"moment": told(at), "assumed": list(ASSUMED)}
    columns: tuple[str, ...] = COLUMNS if all("file" in one for one in rows) else COLUMNS[1:]
    if FORMATS[output].cells == "text":
        rows = [{**one, "because": lines(*one.get("reasons", [one.get("error")]))} for one in rows]
    title = f"Bearers of tokens at {told(at)}"
    return written(rows, schema=SCHEMA, output=output, title=title, columns=columns, meta=meta)


def answers(questions: IO[bytes], reader: TokenReader) -> Iterator[dict[str, Any]]:
    """The answer to each line."""
    return asked_lines.answers(questions, lambda one: answer(one, reader), QUESTION)


def answer(question: Question, reader: TokenReader) -> dict[str, Any]:
    """Whom a token of a question names. Raises ValueError or `InputError`."""
    if "authentication" in question:
        given = question["authentication"]
        text = given if isinstance(given, str) else json.dumps(given)
        reader = replace(reader, authenticators=read_or_refuse(text))
    if "keys" in question:
        given = question["keys"]
        if not isinstance(given, dict):
            raise ValueError("keys is no object of issuers")
        keys = {
            issuer: issuer_keys(text if isinstance(text, str) else json.dumps(text))
            for issuer, text in given.items()
        }
        reader = replace(reader, keys={**reader.keys, **keys})
    if "at" in question:
        reader = replace(reader, at=instant(text_of(question, "at")))
    return row(reader.user(text_of(question, "token")))
