"""Questions as JSON lines: an object per line in, an object per line out, in order, at once.

    {"id": 7, "verb": "get", …}
    {"id": 7, "verdict": "allowed", …}
    not json
    {"id": null, "line": 2, "error": "not JSON: …"}

Rules that hold here:

1. Each line that is not blank has one answer, with the question's `id` (`null`: it has none that
   can be read). What cannot be answered says why in `error`, and in which `line` it stands.
2. A line is bounded, and never read beyond that: whatever comes, memory does not grow with it.
3. An object has a key once, and none that the question does not know.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import IO, Any

from compiler.decisions.decision import Ruling
from fabric.diagnostics import InputError
from fabric.io.strict_json import decoded, distinct
from fabric.io.visible import visible

MOST = 4 * 2**20
"""Bytes of a line."""
PIECE = 2**16
Question = dict[str, Any]


def answers(
    lines: IO[bytes], answer: Callable[[Question], dict[str, Any]], known: Collection[str]
) -> Iterator[dict[str, Any]]:
    """The answer to each line. `answer` raises ValueError or `InputError` where there is none;
    `known` are the keys of a question, beside `id`."""
    for number, line in enumerate(_lines(lines), 1):
        if line is None or line.strip():
            yield _answered(line, number, answer, known)


def _answered(
    line: bytes | None,
    number: int,
    answer: Callable[[Question], dict[str, Any]],
    known: Collection[str],
) -> dict[str, Any]:
    name = None
    try:
        asked = _question(line)
        name = asked.pop("id", None)
        if strange := sorted(asked.keys() - {*known}):
            raise ValueError(f"unknown: {', '.join(map(visible, strange))}")
        return {"id": name, **answer(asked)}
    except InputError as error:
        why = "; ".join(visible(one.message) for one in error.diagnostics)
    except ValueError as error:
        why = str(error)
    return {"id": name, "line": number, "error": why}


def _question(line: bytes | None) -> Question:
    if line is None:
        raise ValueError(f"a line has at most {MOST:,} bytes")
    try:
        asked = decoded(line.decode(), distinct)
    except ValueError as error:
        raise ValueError(f"not JSON: {error}") from None
    if not isinstance(asked, dict):
        raise ValueError("not a JSON object")
    return asked


def _lines(lines: IO[bytes]) -> Iterator[bytes | None]:
    """Each line; None for one that is too long, the rest of which is passed over (rule 2)."""
    while line := lines.readline(MOST + 1):
        if len(line) <= MOST:
            yield line
            continue
        while line and not line.endswith(b"\n"):
            line = lines.readline(PIECE)
        yield None


def text_of(asked: Question, key: str) -> str:
    """A part of a question that is text; ValueError where it is none."""
    value = asked.get(key)
    if not isinstance(value, str):
        raise ValueError(f"{key} is no text" if key in asked else f"{key} is missing")
    return value


def decision_row(said: Ruling) -> dict[str, Any]:
    """A decision as data."""
    return {
        "verdict": said.verdict,
        "reason": said.reason,
        "because": said.because,
        "at": [str(line) for line in said.lines],
        "conditions": list(said.conditions),
    }
