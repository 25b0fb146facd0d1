"""Which requests conditions let pass that others did not."""

from __future__ import annotations

from collections.abc import Sequence

from compiler.requests.http_rules import HttpRequest
from compiler.requests.languages import TooLarge
from compiler.requests.regex_parts import Unread
from compiler.requests.request_bounds import at_most, looks
from compiler.requests.request_sets import left, shortest
from compiler.requests.seen_paths import Profile


def gained_and_lost(
    was: Sequence[str], now: Sequence[str], profile: Profile = "normalised"
) -> tuple[HttpRequest | None, HttpRequest | None] | None:
    """A shortest request that passes now and did not, and one that did and does not; None in the
    place of one where there is none, and of both where that is not known."""
    if not looks(was) and not looks(now):
        return None
    try:
        before, after = (at_most([(one, profile)]) for one in (was, now))
        if before.unread or after.unread:
            return None
        return shortest(left(after.boxes, before.boxes)), shortest(left(before.boxes, after.boxes))
    except (TooLarge, Unread):
        return None


def changed_text(was: Sequence[str], now: Sequence[str]) -> str:
    """The same in words; empty where it is not known.

    >>> from compiler.requests.asked_requests import RequestAsked
    >>> from compiler.requests.http_rules import HttpRule
    >>> one, other = (RequestAsked.of([HttpRule("GET", path)]) for path in ("/a/.*", "/a.*"))
    >>> changed_text([one], [other])
    'GET /a gets through now, and nothing is lost'
    """
    found = gained_and_lost(was, now)
    if found is None or found == (None, None):
        return ""
    gained, lost = found
    said = f"{gained} gets through now" if gained else "nothing new gets through"
    return f"{said}, and {f'{lost} no more' if lost else 'nothing is lost'}"
