"""What conditions say of one request, where somebody who sees it decides.

Rules that hold here:

1. What is inside TLS is not visible, unless a proxy handles the TLS (`terminatingTLS`) for the very
   permit that asks: a permit that asks for requests is none of what cannot be seen.
2. A server name is seen in TLS alone; it is taken for the host of the request.
3. A request is no DNS query: where only queries pass, it does not.
4. Whatever else a condition asks for is not decided here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from compiler.requests.asked_requests import (
    TERMINATED,
    EitherAsked,
    QueryAsked,
    RequestAsked,
    ServerAsked,
)
from compiler.requests.http_rules import HttpRequest, HttpRule
from compiler.requests.seen_paths import PathRefused, PathUnknown, Profile, readings
from compiler.requests.server_names import server_matches


@dataclass(frozen=True, slots=True)
class RequestVerdict:
    """`holds`: whether the conditions hold of a request, None where that is unknown; `why` in
    words; `rules`, of a permit those that match, else those that do not; `open`: what remains to
    hold besides."""

    holds: bool | None
    why: str = ""
    rules: tuple[HttpRule, ...] = ()
    open: tuple[str, ...] = ()


def of_conditions(
    conditions: Iterable[str], request: HttpRequest, profile: Profile
) -> RequestVerdict:
    """What the conditions of one permit say of a request."""
    given = tuple(conditions)
    found = [_of(one, request, profile, TERMINATED in given) for one in given]
    rules = tuple(rule for one in found for rule in one.rules)
    refused = next((one for one in found if one.holds is False), None)
    if refused is not None:
        return refused
    unknown = next((one for one in found if one.holds is None), None)
    left = tuple(text for one in found for text in one.open)
    if unknown is not None:
        return replace(unknown, open=left)
    why = next((one.why for one in found if one.why), "")
    return RequestVerdict(True, why, rules, left)


def _of(condition: str, request: HttpRequest, profile: Profile, seen: bool) -> RequestVerdict:
    match condition:
        case EitherAsked():
            return _best(of_conditions(one, request, profile) for one in condition.permits)
        case RequestAsked():
            return _of_rules(condition, request, profile, seen)
        case ServerAsked():
            if not request.tls:
                return RequestVerdict(False, "no TLS, so no server name")
            name = request.host.partition(":")[0].lower()
            ok = server_matches(condition.names, name)
            said = f"server name {name or 'of nobody'}"
            return RequestVerdict(ok, said if ok else f"{said} is none of those that pass")
        case QueryAsked():
            return RequestVerdict(False, "it is no DNS query")
        case _:
            return RequestVerdict(True, open=(condition,))


def _of_rules(
    condition: RequestAsked, request: HttpRequest, profile: Profile, seen: bool
) -> RequestVerdict:
    """Rule 1."""
    rules = condition.rules
    if request.tls and not seen:
        return RequestVerdict(False, "not visible inside TLS", rules)
    try:
        paths = readings(request.path, profile)
    except PathRefused as error:
        return RequestVerdict(False, str(error), rules)
    except PathUnknown as error:
        return RequestVerdict(None, str(error), rules)
    found = [_of_reading(rules, replace(request, path=path)) for path in paths]
    if len({one.holds for one in found}) > 1:
        listed = ", ".join(paths)
        return RequestVerdict(None, f"rules may see it as any of {listed}", rules)
    return found[0]


def _of_reading(rules: tuple[HttpRule, ...], request: HttpRequest) -> RequestVerdict:
    said = [(rule.holds(request), rule) for rule in rules]
    matching = tuple(rule for ok, rule in said if ok)
    if matching:
        return RequestVerdict(True, f"{request.path} matches", matching)
    if any(ok is None for ok, _ in said):
        unread = tuple(rule for ok, rule in said if ok is None)
        return RequestVerdict(None, unread[0].unread or _unsure(unread[0], request), unread)
    return RequestVerdict(False, "no rule matches it", rules)


def _unsure(rule: HttpRule, request: HttpRequest) -> str:
    """Why it is unknown whether a rule that is read holds a request."""
    changed = next((a.name for a in rule.headers if a.name.lower() in request.unsure), None)
    if changed is not None:
        return f"a proxy before it may change header {changed}"
    return "the host of the request is not said: write a URL, or a header Host"


def _best(found: Iterator[RequestVerdict]) -> RequestVerdict:
    """Of several permits: one that asks for nothing besides, else one that may, else none."""
    every = list(found)
    sure = [one for one in every if one.holds]
    if sure:
        return min(sure, key=lambda one: len(one.open))
    unknown = next((one for one in every if one.holds is None), None)
    return unknown or every[0]
