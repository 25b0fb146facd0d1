"""Sets of requests: unions of boxes, a language on each axis, and a shortest one of what is left.

Axes are method, path, host, and one for each header that somebody names (behind a colon; the empty
text is a request without the header, "=" stands before the value of one with it). An axis that a
box does not name is not limited. Differences are worked out box by box; more than `MOST` parts, or
automata that get too large, raise `TooLarge`: then nothing is known.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache

from compiler.requests.http_rules import HttpRequest, HttpRule
from compiler.requests.languages import Language, TooLarge, of_regex, of_text

MOST = 2000
METHODS = ("GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH")
"""Methods that are shown before others, and are as short as each other."""
Box = Mapping[str, Language]
Boxes = tuple[Box, ...]
EVERYTHING: Box = {}


@lru_cache(maxsize=64)
def whole(axis: str) -> Language:
    """All texts of an axis: what a request may have there. Spaces and controls are in no method,
    path or host; a path begins with a slash, or is one star, and has no # (Envoy refuses it)."""
    if axis == "method":
        return of_regex(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
    if axis == "path":
        return of_regex("/[^\x00-\x20\x7f#]*|\\*")
    if axis == "host":
        return of_regex("[^\x00-\x20\x7f/?#@]*")
    return of_regex("(=[^\x00-\x08\x0a-\x1f\x7f]*)?")


def rule_box(rule: HttpRule) -> Box:
    """What a rule holds; raises `Unread` and `TooLarge`."""
    box: dict[str, Language] = {}
    for axis in ("method", "path", "host"):
        if text := getattr(rule, axis):
            box[axis] = of_regex(text) & whole(axis)
    for ask in rule.headers:
        axis = f":{ask.name.lower()}"
        held = of_text(f"={ask.value}") if ask.value is not None else of_regex("=.*")
        box[axis] = box.get(axis, whole(axis)) & held
    return box


def exactly(request: HttpRequest) -> Box:
    """One request; headers that it lacks are not limited."""
    box = {axis: of_text(request.value(axis)) for axis in ("method", "path", "host")}
    return box | {f":{name}": of_text(f"={value}") for name, value in request.headers}


def meet(one: Box, other: Box) -> Box | None:
    """What two boxes have in common; None where that is nothing."""
    box = dict(one)
    for axis, language in other.items():
        box[axis] = box[axis] & language if axis in box else language
    return box if all(box.values()) else None


def common(clauses: Iterable[Boxes]) -> Boxes:
    """What several unions have in common."""
    found: list[Box] = [EVERYTHING]
    for boxes in clauses:
        found = [both for one in found for other in boxes
                 if (both := meet(one, other)) is not None]  # fmt: skip
        if len(found) > MOST:
            raise TooLarge(f"more than {MOST:,} parts")
    return tuple(found)


def left(boxes: Iterable[Box], without: Iterable[Box]) -> list[Box]:
    """What of some boxes is in none of the others, as boxes."""
    pieces = [dict(box) for box in boxes if all(box.values())]
    for box in without:
        after: list[dict[str, Language]] = []
        for piece in pieces:
            after += _cut(piece, box)
            if len(after) > MOST:
                raise TooLarge(f"more than {MOST:,} parts")
        pieces = after
    return list(pieces)


def _cut(piece: dict[str, Language], box: Box) -> Iterable[dict[str, Language]]:
    """What of a piece is outside a box, in parts that share nothing."""
    if meet(piece, box) is None:
        return [piece]
    out, rest = [], dict(piece)
    for axis, language in sorted(box.items()):
        mine = rest.get(axis) or whole(axis)
        if beyond := mine - language:
            out.append(rest | {axis: beyond})
        rest[axis] = mine & language
    return out


def shortest(boxes: Iterable[Box]) -> HttpRequest | None:
    """A shortest request of some boxes, the same one each time; None where there is none."""
    found = [_request(box) for box in boxes if all(box.values())]
    return min(found, key=lambda r: (_size(r), str(r), r.headers), default=None)


def _size(request: HttpRequest) -> int:
    held = sum(len(name) + len(value) + 1 for name, value in request.headers)
    method = 1 if request.method in METHODS else len(request.method) + 1
    return method + len(request.path) + len(request.host) + held


def _request(box: Box) -> HttpRequest:
    """Plain parts where a box does not limit them, or holds them."""
    known = (m for m in METHODS if "method" not in box or m in box["method"])
    plain = {"method": next(known, "GET"), "path": "/", "host": ""}
    parts = {axis: text if axis not in box or text in box[axis] else box[axis].shortest()
             for axis, text in plain.items()}  # fmt: skip
    headers = []
    for axis, language in sorted(box.items()):
        if axis.startswith(":") and (value := language.shortest()):
            headers.append((axis[1:], value[1:]))
    method, path, host = (str(parts[axis]) for axis in plain)
    return HttpRequest(method, path, host, tuple(headers))
