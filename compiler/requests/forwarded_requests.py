"""What a proxy sends on of a request: what the next one is asked about.

Rules that hold here:

1. A proxy that looks at a request sends its path on as its rules saw it
   (`compiler.requests.seen_paths`), one request for each reading.
2. Where one of several permits that hold is asked and another asks nothing, the proxy may stand
   there and may not: the request may come on as it was, too.
3. What is inside TLS comes on as it is, unless a proxy handles the TLS; whether that one puts it
   into TLS again is not known, nor what headers hold that its rules add, delete or replace.
4. Of what is refused, or read nobody knows how, nothing is known to come on but what was sent.

Source: Envoy `http_connection_manager_impl.cc` (`:path` is replaced before filters run).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from compiler.requests.asked_requests import ORIGINATED, TERMINATED, EitherAsked, RequestAsked
from compiler.requests.http_rules import HttpRequest, HttpRule
from compiler.requests.request_bounds import ended, looks
from compiler.requests.request_verdicts import RequestVerdict
from compiler.requests.seen_paths import PathRefused, PathUnknown, Profile, readings

Conditions = Sequence[str]


def forwarded(
    requests: Iterable[HttpRequest],
    permits: Sequence[Conditions],
    required: Conditions,
    profile: Profile,
) -> tuple[HttpRequest, ...]:
    """What may come on of one of some requests: `permits` are what each permit of an end asks for
    that holds the packet, `required` what they ask for together."""
    out = (
        one
        for request in requests
        for one in _forwarded(request, permits, required, profile)
    )  # fmt: skip
    return tuple(dict.fromkeys(out))


def _forwarded(
    request: HttpRequest, permits: Sequence[Conditions], required: Conditions, profile: Profile
) -> Iterator[HttpRequest]:
    seen = [one for one in permits if looks(one) and (not request.tls or ended(one))]
    if not seen or not surely_seen(required, request.tls):
        yield request
    if not seen:
        return
    try:
        paths = readings(request.path, profile)
    except (PathRefused, PathUnknown):
        paths = (request.path,)
    request = replace(request, unsure=request.unsure | changed(seen))
    opened = request.tls or any(ORIGINATED in one for one in seen)
    for tls in (False, True) if opened else (False,):
        yield from (replace(request, path=path, tls=tls) for path in paths)


def changed(permits: Iterable[Conditions]) -> frozenset[str]:
    """Headers that a proxy may change for some of these permits."""
    return frozenset(name for rule in rules_of(permits) for name in rule.changes)


def rules_of(permits: Iterable[Conditions]) -> Iterator[HttpRule]:
    """The rules about requests of some permits."""
    for condition in (one for permit in permits for one in permit):
        match condition:
            case RequestAsked():
                yield from condition.rules
            case EitherAsked():
                yield from rules_of(condition.permits)


def surely_seen(required: Conditions, tls: bool) -> bool:
    """Whether a proxy looks at whatever passes."""
    asked = any(isinstance(one, RequestAsked) for one in required)
    return asked and (not tls or TERMINATED in required)


def alike(found: Iterable[RequestVerdict]) -> RequestVerdict:
    """What is said of a request that comes as one of several: what is said of each, or unknown."""
    every = list(found)
    if len({one.holds for one in every}) == 1:
        return every[0]
    unknown = next((one for one in every if one.holds is None), None)
    refused = next(one for one in every if one.holds is not True)
    why = "what the proxy before it sends on is not known: " + (unknown or refused).why
    return replace(unknown or refused, holds=None, why=why)
