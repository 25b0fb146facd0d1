"""At which times a fabric file is what a network was built from, found from its entries alone.

Every list of the file whose entries may have a `window` is looked at, wherever it is: between two
neighbouring bounds of all windows one moment decides. Where that is at no time, there is none.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

from pydantic import BaseModel

Bound = datetime | None


def same_file(spec: Any) -> list[dict[str, str | None]] | None:
    """The periods, as certificates write them; None for a file without windows."""
    whole = spec.judged_at.whole if spec.judged_at else spec
    entries = [entry for _, found in _lists(whole) for entry in found]
    bounds = {at for entry in entries for at in _window(entry) if at is not None}
    if not bounds:
        return None
    here, there = [*_lists(spec)], [*_lists(whole)]
    out = []
    for first, end in pairwise([None, *sorted(bounds), None]):
        then = [(name, [e for e in found if _holds(e, first)]) for name, found in there]
        if then == here:
            out.append({"from": _text(first), "until": _text(end)})
    return out


def _lists(model: BaseModel, at: str = "") -> Iterator[tuple[str, list[Any]]]:
    """Lists of entries that may have windows, by where they are."""
    for name in type(model).model_fields:
        value, here = getattr(model, name), f"{at}.{name}"
        if isinstance(value, BaseModel):
            yield from _lists(value, here)
        elif isinstance(value, list):
            yield here, [item for item in value if hasattr(item, "window")]


def _window(entry: Any) -> tuple[Bound, Bound]:
    if entry.window is None:
        return None, None
    return _moment(entry.window.from_), _moment(entry.window.until)


def _holds(entry: Any, begin: Bound) -> bool:
    """Whether an entry is in force between a bound and the next one; without one before all."""
    first, end = _window(entry)
    if begin is None:
        return first is None
    return (first is None or first <= begin) and (end is None or begin < end)


def _moment(text: str | None) -> Bound:
    return None if text is None else datetime.fromisoformat(text.upper()).astimezone(UTC)


def _text(at: Bound) -> str | None:
    """In UTC, with a fraction where there is one."""
    if at is None:
        return None
    return at.isoformat(timespec="auto").replace("+00:00", "Z")
