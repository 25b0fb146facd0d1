"""Requests that were logged, and what becomes of each by the rules: rows, and where they differ.

A line that says that its request passed, or was refused, is compared with the answer. What a log
says nothing of is not compared, and a line that is no request is told with its number.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from compiler.requests.http_rules import HttpRequest
from compiler.requests.request_logs import LoggedRequest
from fabric.diagnostics import InputError
from sim.why.every_answer import EveryAnswer, every_answer
from sim.worlds.world import World

SCHEMA = "cloison/requests/1"
COLUMNS = {
    key: key for key in ("line", "source", "destination", "request", "verdict", "log", "because")
}
MOST_KEPT = 10_000
WORDS = {True: "passed", False: "refused", None: ""}


@dataclass(slots=True)
class RequestReplay:
    """Answers to logged requests in one world; flows that were asked about are kept."""

    world: World
    known: dict[tuple[str, str], EveryAnswer] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)

    def rows(self, lines: Iterable[LoggedRequest]) -> Iterator[dict[str, Any]]:
        """A row for each line."""
        for line in lines:
            row = self._row(line)
            self.counts[row["verdict"]] += 1
            self.counts["other than logged"] += row["differs"]
            yield row

    def _row(self, line: LoggedRequest) -> dict[str, Any]:
        verdict, because, at = "error", line.mistake, None
        besides: tuple[str, ...] = ()
        if line.request is not None:
            try:
                verdict, because, at, besides = self._answer(line.source, line.target, line.request)
            except InputError as error:
                because = error.diagnostics[0].message
        differs = (verdict, line.passed) in {("allow", False), ("deny", True)}
        return {
            "line": line.line,
            "source": line.source,
            "destination": line.target,
            "request": "" if line.request is None else str(line.request),
            "verdict": verdict,
            "log": WORDS[line.passed],
            "differs": differs,
            "because": because,
            "at": at,
            **({"conditions": list(besides)} if besides else {}),
        }

    def _answer(
        self, source: str, target: str, request: HttpRequest
    ) -> tuple[str, str, str | None, tuple[str, ...]]:
        """The verdict, why, where that is written, and what must hold besides."""
        key = source, target
        if key not in self.known:
            if len(self.known) >= MOST_KEPT:
                self.known.clear()
            self.known[key] = every_answer(self.world, source, target)
        found = self.known[key].of_request(request).found
        verdicts = {one.verdict for one in found}
        verdict = next(iter(verdicts)) if len(verdicts) == 1 else "depends"
        first = next((one for one in found if one.verdict != "allow"), found[0])
        culprit = first.blame.culprit
        besides = dict.fromkeys(word for one in found for word in one.besides)
        only = f", if {' and '.join(besides)}" if besides else ""
        at = None if culprit.span is None else str(culprit.span)
        return verdict, culprit.title + only, at, tuple(besides)
