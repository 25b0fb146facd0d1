"""What was asked for and answered about support access, in order: a file of SQLite that grows.

Rules that hold here:

1. Events are appended, in one transaction each, and never changed: the file itself refuses it. A
   moment never lies before that of the event before it.
2. Reading replays every event by the rules of requests: a history that somebody has made otherwise
   is refused as a whole (C663), with the number of the event.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from compiler.decisions.support.support_requests import SupportRequest, answered, asked
from fabric.diagnostics import Diagnostic, InputError, Span
from fabric.values.instants import instant, told

APPLICATION = 1668247411
MADE = (
    "CREATE TABLE events (number INTEGER PRIMARY KEY AUTOINCREMENT, at TEXT NOT NULL, kind TEXT NOT"
    " NULL, request INTEGER NOT NULL, who TEXT NOT NULL, body TEXT NOT NULL)",
    *(
        f"CREATE TRIGGER no_{verb} BEFORE {verb} ON events BEGIN SELECT RAISE(ABORT, 'events are "
        "kept'); END"
        for verb in ("UPDATE", "DELETE")
    ),
    f"PRAGMA application_id = {APPLICATION}",
)
MOST = 100_000


class AccessEvent(NamedTuple):
    """One row. `body` is what a request asks for, or an answer says besides."""

    number: int
    at: datetime
    kind: str
    request: int
    who: str
    body: dict[str, Any]


def read_history(path: Path) -> dict[int, SupportRequest]:
    """Every request with its answer, by number; none without a file. Raises `InputError`."""
    if not path.exists():
        return {}
    with _opened(path, "ro") as store:
        if not _ours(store, path):
            return {}
        return replayed(_events(store, path), path)


def append(
    path: Path, now: datetime, make: Callable[[dict[int, SupportRequest]], AccessEvent]
) -> SupportRequest:
    """Write the event that `make` makes of what is known, and say what its request is then. Raises
    `InputError`; ValueError is `make`'s."""
    with _opened(path, "rwc") as store:
        store.execute("BEGIN IMMEDIATE")
        if not _ours(store, path):
            for statement in MADE:
                store.execute(statement)
        events = [*_events(store, path)]
        if events and now < events[-1].at:
            raise ValueError(f"the history has an event at {told(events[-1].at)}: this is earlier")
        event = make(replayed(iter(events), path))
        found = replayed(iter([*events, event]), path)
        store.execute(
            "INSERT INTO events (at, kind, request, who, body) VALUES (?, ?, ?, ?, ?)",
            (told(event.at), event.kind, event.request, event.who, json.dumps(event.body)),
        )
        store.execute("COMMIT")
        return found[event.request]


def _ours(store: sqlite3.Connection, path: Path) -> bool:
    """Whether a file is a history; false where it is empty. Raises `InputError` for others."""
    if store.execute("PRAGMA application_id").fetchone()[0] == APPLICATION:
        return True
    if store.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
        raise _unreadable(path, "it is the database of something else")
    return False


def replayed(events: Iterator[AccessEvent], path: Path) -> dict[int, SupportRequest]:
    """Rule 2."""
    found: dict[int, SupportRequest] = {}
    last: datetime | None = None
    for event in events:
        try:
            if last is not None and event.at < last:
                raise ValueError("it lies before the event before it")
            last = event.at
            _take(found, event)
        except (ValueError, TypeError, KeyError, OverflowError) as error:
            what = f"event {event.number} of the history cannot be: {error}"
            raise InputError(Diagnostic("C663", what, Span(str(path), 1))) from None
    return found


def _take(found: dict[int, SupportRequest], event: AccessEvent) -> None:
    body = event.body
    if event.kind == "requested":
        if event.request in found:
            raise ValueError("a request has a number of its own")
        target, role, reason = (str(body[key]) for key in ("target", "role", "reason"))
        found[event.request] = asked(event.request, event.who, target, role, reason, event.at)
    elif event.kind in ("approved", "denied"):
        if event.request not in found:
            raise ValueError(f"there is no request {event.request}")
        lasts = timedelta(seconds=float(body["seconds"])) if event.kind == "approved" else None
        evidence = str(body.get("evidence", ""))
        found[event.request] = answered(
            found[event.request], event.who, event.at, None, lasts, evidence
        )
    else:
        raise ValueError(f'it is no event: "{event.kind}"')


def _events(store: sqlite3.Connection, path: Path) -> Iterator[AccessEvent]:
    query = "SELECT number, at, kind, request, who, body FROM events ORDER BY number LIMIT ?"
    for number, at, kind, request, who, body in store.execute(query, (MOST + 1,)):
        if number > MOST:
            raise _unreadable(path, f"it holds more than {MOST:,} events")
        try:
            said = json.loads(body)
            if not isinstance(said, dict) or not isinstance(request, int):
                raise ValueError("its body is no object")
            yield AccessEvent(number, instant(at), str(kind), request, str(who), said)
        except (ValueError, TypeError, RecursionError) as error:
            raise _unreadable(path, f"event {number}: {error}") from None


def _unreadable(path: Path, why: str) -> InputError:
    return InputError(Diagnostic("C663", f"the history cannot be read: {why}", Span(str(path), 1)))


@contextmanager
def _opened(path: Path, mode: str) -> Iterator[sqlite3.Connection]:
    if path.exists() and not path.is_file():
        raise _unreadable(path, "it is no file")
    try:
        url = f"{path.absolute().as_uri()}?mode={mode}"
        with closing(sqlite3.connect(url, uri=True, isolation_level=None)) as store:
            yield store
    except sqlite3.Error as error:
        raise _unreadable(path, str(error)) from None
