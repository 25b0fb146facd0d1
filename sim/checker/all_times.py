"""Certificates of a file with windows, one for each set of periods in which the same is in force.

    covers        the time that the file speaks of, [from, until)
    certificates  one per set of periods; what each says of itself is `times`
    verdict       the worst of theirs

Together the certificates say every moment of `covers` exactly once; one that lacks a moment would
say nothing of what is open then.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

from sim.checker.document.form import moment_or_null
from sim.wording.assumptions import OF_TIMES

KEYS = ("schema", "certificates", "fabric", "verdict", "covers", "digest")
WORST = ("fails", "unknown", "holds")
EARLIEST, LATEST = (at.replace(tzinfo=UTC) for at in (datetime.min, datetime.max))


def whole_problems(found: Any, alone: Callable[[Any], list[str]]) -> list[str]:
    """What is wrong with all of them together; `alone` says it of one."""
    if not isinstance(found, Mapping) or {*found} != {*KEYS} or found["schema"] != OF_TIMES:
        return ["the certificates have not the keys of certificates of all times"]
    parts = found["certificates"]
    if not isinstance(parts, list) or not parts:
        return ["certificates: there are none"]
    wrong = [f"certificates[{n}].{what}" for n, part in enumerate(parts) for what in alone(part)]
    return wrong or [*_together(found, parts)]


def _together(found: Any, parts: Sequence[Any]) -> Iterator[str]:
    if any("times" not in part for part in parts):
        yield "certificates: one does not say when it is true"
        return
    if any(part["fabric"] != found["fabric"] for part in parts):
        yield "fabric: certificates of several"
    if any(part["down"] != parts[0]["down"] for part in parts):
        yield "down: certificates of several"
    said = {part["verdict"] for part in parts}
    if found["verdict"] != next(word for word in WORST if word in said):
        yield "verdict: not the worst of the certificates"
    if digest_of(found) != found["digest"]:
        yield "digest: it does not fit the content"
        return
    covers = found["covers"]
    if not isinstance(covers, Mapping) or {*covers} != {"from", "until"}:
        yield "covers: no window"
        return
    if wrong := [w for word in covers for w in moment_or_null(covers[word], f"covers.{word}")]:
        yield from wrong
        return
    begin, end = _bounds(covers)
    spans = sorted(_bounds(period) for part in parts for period in part["times"])
    if any(a[1] > b[0] for a, b in pairwise(spans)):
        yield "times: two certificates say the same moment"
    reached = begin
    for first, last in spans:
        if first > reached:
            break
        reached = max(reached, last)
    if reached < end:
        yield f"times: no certificate is about {reached.isoformat().replace('+00:00', 'Z')}"


def covers_file(found: Any, spec: Any) -> Iterator[str]:
    """What is wrong with the time that the certificates are about, for a fabric file."""
    wanted = [spec.times.from_, spec.times.until]
    there = [found["covers"]["from"], found["covers"]["until"]]
    if [_moment(at) for at in wanted] != [_moment(at) for at in there]:
        yield "covers: the file speaks of another time"


def digest_of(found: Mapping[str, Any]) -> str:
    """SHA-256 of what stands beside the certificates, with the digest of each in its place."""
    body = {key: value for key, value in found.items() if key != "digest"}
    body["certificates"] = [part["digest"] for part in found["certificates"]]
    text = json.dumps(body, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _bounds(window: Mapping[str, Any]) -> tuple[datetime, datetime]:
    first, end = _moment(window["from"]), _moment(window["until"])
    return first or EARLIEST, end or LATEST


def _moment(text: Any) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text.upper()).astimezone(UTC)
