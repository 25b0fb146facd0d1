"""Conditions of permits that somebody can decide who sees the request, or the name.

A condition is text for whoever cannot. These are texts that know what they ask for, so that the
answer for one request, or for all of them, can be worked out of the same verdict. A text does not
say what headers must hold, so two of one text may still ask for different things: they are compared
by what they ask for.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Self

from compiler.requests.http_rules import HttpRule, plain

TERMINATED = "a proxy handles its TLS (terminatingTLS)"
"""Without it nobody sees what is inside TLS."""
ORIGINATED = "a proxy handles its TLS (originatingTLS)"
"""With it what was in clear may go on inside TLS."""


class RequestAsked(str):
    """The request matches one of some rules."""

    rules: tuple[HttpRule, ...]
    __hash__ = str.__hash__

    def __eq__(self, other: object) -> bool:
        alike = str.__eq__(self, other)
        return alike and (not isinstance(other, RequestAsked) or self.rules == other.rules)

    def __ne__(self, other: object) -> bool:
        return not self == other

    @classmethod
    def of(cls, rules: Iterable[HttpRule]) -> Self:
        """The condition of these rules, one at least."""
        given = tuple(rules)
        made = cls(f"the request matches {' or '.join(map(str, given))}")
        made.rules = given
        return made


class QueryAsked(str):
    """The name that a DNS query asks for is one of some patterns of Cilium's."""

    patterns: tuple[str, ...]

    @classmethod
    def of(cls, patterns: Iterable[str]) -> Self:
        """The condition of these patterns, one at least."""
        given = tuple(patterns)
        made = cls(f"the name asked for is {' or '.join(map(plain, given))}")
        made.patterns = given
        return made


class ServerAsked(str):
    """The server name in a TLS handshake is one of these."""

    names: tuple[str, ...]

    @classmethod
    def of(cls, names: Iterable[str]) -> Self:
        """The condition of these names, one at least."""
        given = tuple(names)
        made = cls(f"the TLS server name is {' or '.join(map(plain, given))}")
        made.names = given
        return made


class EitherAsked(str):
    """All conditions of one of several permits hold."""

    permits: tuple[tuple[str, ...], ...]
    __hash__ = str.__hash__

    def __eq__(self, other: object) -> bool:
        alike = str.__eq__(self, other)
        return alike and (not isinstance(other, EitherAsked) or self.permits == other.permits)

    def __ne__(self, other: object) -> bool:
        return not self == other

    @classmethod
    def of(cls, permits: Iterable[tuple[str, ...]]) -> Self:
        """The condition of several permits, each of which asks for something."""
        given = tuple(sorted(dict.fromkeys(permits)))
        made = cls(" or ".join(f"({' and '.join(one)})" for one in given))
        made.permits = given
        return made


def any_of(permits: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    """What must hold for any of several permits to be one: nothing where one asks for nothing, and
    where all ask for the same, that.

    >>> any_of([("a",), ()]), any_of([("a",), ("a",)]), any_of([("a",), ("b", "c")])
    ((), ('a',), ('(a) or (b and c)',))
    """
    if not all(permits):
        return ()
    distinct = dict.fromkeys(tuple(sorted(one)) for one in permits)
    if len(distinct) == 1:
        return next(iter(distinct))
    if all(len(one) == 1 and isinstance(one[0], RequestAsked) for one in distinct):
        found = (one[0] for one in distinct if isinstance(one[0], RequestAsked))
        rules = dict.fromkeys(rule for asked in found for rule in asked.rules)
        return (RequestAsked.of(sorted(rules, key=lambda rule: rule.rank)),)
    return (EitherAsked.of(distinct),)
