"""Which requests conditions let pass at most, and at least: for answers about all requests.

Rules that hold here:

1. At most is what passes in clear or inside TLS, if everything that nobody can decide here holds;
   at least is what passes in clear and asks for nothing else.
2. Inside TLS nobody sees a request: where a server name lets it in, any request is.
3. Several conditions hold together; a connection that no proxy ends is in clear at both ends, or in
   TLS at both.
4. A rule that is not read counts as one that holds whatever its other parts hold (at most), and as
   none (at least); `unread` says why.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from compiler.requests.asked_requests import (
    TERMINATED,
    EitherAsked,
    QueryAsked,
    RequestAsked,
    ServerAsked,
)
from compiler.requests.http_rules import PARTS, HttpRule, parts_of
from compiler.requests.languages import Language
from compiler.requests.request_sets import EVERYTHING, Box, Boxes, common, meet, rule_box
from compiler.requests.seen_paths import Profile, normal_paths, possible_paths

Asked = tuple[Sequence[str], Profile]
"""The conditions of one permit, and how the proxies there read paths."""


@dataclass(frozen=True, slots=True)
class RequestBounds:
    """Requests that pass, if anything else holds, and those of them in clear; `unread` is why that
    is more than it may be."""

    boxes: Boxes
    clear: Boxes
    unread: str = ""


def at_most(steps: Iterable[Asked]) -> RequestBounds:
    """Rule 1, of the permits on a way; raises `TooLarge`."""
    asked = [*steps]
    whys: list[str] = []
    ways = [[_may(one, profile, tls, TERMINATED in one, whys) for one, profile in asked]
            for tls in (False, True)]  # fmt: skip
    clear = common(ways[0])
    boxes = (*clear, *common(ways[1]))
    if any(ended(one) for one, _ in asked):
        boxes = common([(*here, *inside) for here, inside in zip(*ways, strict=True)])
    return RequestBounds(boxes, clear, whys[0] if whys else "")


def ended(conditions: Iterable[str]) -> bool:
    """Whether a proxy may end TLS for one of these conditions."""
    return any(
        one == TERMINATED or (isinstance(one, EitherAsked) and any(map(ended, one.permits)))
        for one in conditions
    )


def _may(
    conditions: Sequence[str], profile: Profile, tls: bool, seen: bool, whys: list[str]
) -> Boxes:
    return common(_may_one(one, profile, tls, seen, whys) for one in conditions)


def _may_one(one: str, profile: Profile, tls: bool, seen: bool, whys: list[str]) -> Boxes:
    match one:
        case EitherAsked():
            return tuple(
                box
                for permit in one.permits
                for box in _may(permit, profile, tls, TERMINATED in permit, whys)
            )
        case RequestAsked():
            if tls and not seen:
                return ()
            whys += [rule.unread for rule in one.rules if rule.unread]
            return _seen(map(rule_box, map(known_parts, one.rules)), profile, possible_paths())
        case ServerAsked():
            return (EVERYTHING,) if tls else ()
        case QueryAsked():
            return ()
        case _:
            return (EVERYTHING,)


def at_least(conditions: Sequence[str], profile: Profile) -> Boxes:
    """Rule 1, of one permit; raises `TooLarge`."""
    return common(_must_one(one, profile) for one in conditions)


def _must_one(one: str, profile: Profile) -> Boxes:
    match one:
        case EitherAsked():
            return tuple(box for permit in one.permits for box in at_least(permit, profile))
        case RequestAsked():
            read = [rule_box(rule) for rule in one.rules if not rule.unread]
            return _seen(read, profile, normal_paths())
        case _:
            return ()


def looks(conditions: Iterable[str]) -> bool:
    """Whether a proxy looks at requests for any of these conditions."""
    return any(
        isinstance(one, RequestAsked)
        or (isinstance(one, EitherAsked) and any(map(looks, one.permits)))
        for one in conditions
    )


def known_parts(rule: HttpRule) -> HttpRule:
    """A rule without what is not read of it."""
    texts = (getattr(rule, part) for part in PARTS)
    read = ("" if text and isinstance(parts_of(text), str) else text for text in texts)
    method, path, host = read
    known = tuple(ask for ask in rule.headers if ask.known)
    return HttpRule(method, path, host, known, rule.span)


def _seen(boxes: Iterable[Box], profile: Profile, paths: Language) -> Boxes:
    """Those of them that rules see, where these are the paths that they do."""
    if profile == "as-sent":
        return tuple(box for box in boxes if all(box.values()))
    there = {"path": paths}
    found = (meet(box, there) for box in boxes)
    return tuple(box for box in found if box is not None)
