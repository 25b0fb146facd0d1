"""Questions as JSON lines: one answer each, whatever comes, in bounded memory."""

from __future__ import annotations

import io
import json
import tracemalloc
from typing import Any

import pytest

from cloison.views.asked_lines import MOST, Question, answers, decision_row, text_of
from compiler.decisions.decision import Ruling
from fabric.diagnostics import Diagnostic, InputError, Span


def echo(asked: Question) -> dict[str, Any]:
    if asked.get("a") == "wrong":
        raise InputError(Diagnostic("C101", "not \x1b there"), Diagnostic("C102", "nor this"))
    return {"said": text_of(asked, "a")}


def said(text: bytes) -> list[dict[str, Any]]:
    return [*answers(io.BytesIO(text), echo, ("a", "b"))]


def test_each_line_has_its_answer_and_its_id() -> None:
    found = said(b'{"id": 1, "a": "x"}\n\n  \n{"a": "y"}\r\n{"id": [2], "a": "z"}')
    assert found == [{"id": 1, "said": "x"}, {"id": None, "said": "y"}, {"id": [2], "said": "z"}]


@pytest.mark.parametrize(
    ("line", "name", "why"),
    [
        (b"x", None, "not JSON"),
        (b"[1]", None, "not a JSON object"),
        (b"\xff", None, "not JSON"),
        (b'{"id": 1, "id": 2}', None, "twice"),
        (b'{"id": 7, "c": 1, "\xe2\x80\xaed": 2}', 7, "unknown: c, \\u202ed"),
        (b'{"id": 8}', 8, "a is missing"),
        (b'{"id": 8, "a": 3}', 8, "a is no text"),
        (b'{"id": 9, "a": "wrong"}', 9, "not \\x1b there; nor this"),
        (b'{"a": NaN}', None, "NaN"),
        (b"[" * 100_000, None, "nested too deep"),
        (b'{"id": ' + b"1" * 5000 + b"}", None, "not JSON"),
    ],
)
def test_what_is_no_question_says_why_and_where(line: bytes, name: Any, why: str) -> None:
    first, second, third = said(b'{"a": "x"}\n' + line + b'\n{"a": "y"}\n')
    assert (first["said"], third["said"]) == ("x", "y")
    assert (second["id"], second["line"]) == (name, 2) and why in second["error"]
    json.dumps(second)


class Endless(io.RawIOBase):
    """A line that nobody ends for 200 MiB, and one behind it."""

    left = 200 * 2**20

    def readable(self) -> bool:
        return True

    def readinto(self, into: Any) -> int:
        if self.left > 0:
            into[:] = b"x" * len(into)
            self.left -= len(into)
            return len(into)
        text = b'\n{"a": "y"}\n' if self.left > -(2**40) else b""
        self.left = -(2**41)
        into[: len(text)] = text
        return len(text)


def test_a_line_without_an_end_takes_no_memory() -> None:
    tracemalloc.start()
    found = [*answers(io.BufferedReader(Endless()), echo, ("a",))]
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found[0] == {"id": None, "line": 1, "error": f"a line has at most {MOST:,} bytes"}
    assert found[1:] == [{"id": None, "said": "y"}] and most < 5 * MOST


def test_the_longest_line_is_read() -> None:
    padded = b'{"a": "x"}'.ljust(MOST - 1) + b"\n"
    assert said(padded) == [{"id": None, "said": "x"}]
    assert "error" in said(b" " + padded)[0]


def test_a_decision_is_a_row() -> None:
    made = Ruling("denied", "word", "a sentence", (Span("f", 1, 2),), ("c",))
    assert decision_row(made) == {
        "verdict": "denied",
        "reason": "word",
        "because": "a sentence",
        "at": ["f:1:2"],
        "conditions": ["c"],
    }
