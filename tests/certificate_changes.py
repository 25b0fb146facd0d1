"""Changes to certificates: every leaf, key and item of a JSON value, one at a time."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Iterator
from typing import Any, NamedTuple

Path = tuple[str | int, ...]


class Change(NamedTuple):
    """What to do at a place: replace a value, or change the list or object that stands there."""

    path: Path
    what: str
    value: Any = None

    def __str__(self) -> str:
        place = "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in self.path)
        return f"{place[1:]} {self.what} {str(self.value)[:40]}"


def places(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every value inside a JSON value, itself first."""
    yield path, value
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from places(inner, (*path, key))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from places(inner, (*path, number))


def changes(path: Path, value: Any) -> Iterator[Change]:
    """Every kind of change at one place."""
    if path == ("digest",):
        return
    if isinstance(value, dict):
        yield from (Change((*path, key), "delete") for key in value if (*path, key) != ("digest",))
        yield Change((*path, "more"), "set", "x")
    elif isinstance(value, list):
        yield from (Change((*path, n), "delete") for n in range(len(value)))
        yield from (Change((*path, n), "double") for n in range(len(value)))
        yield from (Change((*path, n), "swap") for n in range(len(value) - 1))
        yield Change((*path, len(value)), "append", None)
        yield Change((*path, len(value)), "append", 0)
    else:
        yield from (Change(path, "set", other) for other in others(value))


def others(value: Any) -> Iterator[Any]:
    """Values that are not this leaf, close ones first."""
    if isinstance(value, bool):
        yield from (not value, int(value))
    elif isinstance(value, int):
        yield from (value + 1, value - 1, float(value), str(value), value + 2**40, bool(value % 2))
    elif isinstance(value, str):
        yield from (value + "x", value[:-1], value.upper(), "", f" {value}", f"0{value}")
    yield from (None, [], {}, "zone2/inet", -1)


def changed(certificate: Any, change: Change) -> Any | None:
    """The certificate with one change and a digest that fits; None when nothing has changed."""
    out = copy.deepcopy(certificate)
    *where, last = change.path
    inside = out
    for step in where:
        inside = inside[step]
    if change.what == "set":
        inside[last] = change.value
    elif change.what == "delete":
        del inside[last]
    elif change.what == "double":
        inside.insert(last, copy.deepcopy(inside[last]))
    elif change.what == "swap":
        inside[last], inside[last + 1] = inside[last + 1], inside[last]
    else:
        inside.append(change.value)
    return None if same(out, certificate) else resealed(out)


def resealed(certificate: Any) -> Any:
    """A certificate whose digest fits, whatever else is wrong with it: the proof's own function
    knows no maps but those that it writes."""
    body = {key: value for key, value in certificate.items() if key != "digest"}
    text = json.dumps(body, sort_keys=True, separators=(",", ":"))
    return body | {"digest": hashlib.sha256(text.encode()).hexdigest()}


def same(a: Any, b: Any) -> bool:
    """Equal with equal types: to Python 1, 1.0 and True are the same."""
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(same, a, b))
    return type(a) is type(b) and a == b
