"""HTTP requests, and what a rule of Cilium asks of them.

Rules that hold here:

1. Method, path and host are expressions that match the whole text, as it is sent: upper and lower
   case differ. What is left out is not looked at.
2. The path is what stands in the request, *with its query*; the host is what `Host` or `:authority`
   holds, with a port if there is one.
3. Of a header its name counts, in upper or lower case alike, and its whole value. `mismatch` other
   than nothing changes or logs requests, and refuses none. A value that stands in a Secret is not
   known here.
4. A request whose host nobody says has one all the same: what asks for a host is unknown of it.
5. An expression that is not read (`compiler.requests.regex_parts`) leaves its rule unknown.

Source: Cilium 1.20 `pkg/policy/api/http.go`, `pkg/envoy` (rules become header matchers of Envoy on
:method, :path and :authority, with safe_regex, which matches all of a value).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from compiler.requests.regex_parts import RegexParts, Unread, read_regex
from fabric.diagnostics import Span

METHOD = re.compile(r"[A-Z|]+")
PATH = re.compile(r"/[^\s\"]*")
WORD = re.compile(r"[^\s\",]+")
ABSENT = ""
"""What stands for a header that a request does not have; of one that it has, "=" and its value."""
PARTS = ("method", "path", "host")


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """One request; `tls`: it is inside TLS. `headers` are sorted by name, in lower case. `unsaid`:
    it has a host, of which nobody says what it is; `unsure` are headers (lower case) of which it is
    not known what they hold, since a proxy may have changed them."""

    method: str
    path: str
    host: str
    headers: tuple[tuple[str, str], ...] = ()
    tls: bool = False
    unsaid: bool = field(default=False, compare=False, repr=False)
    unsure: frozenset[str] = field(default=frozenset(), compare=False, repr=False)

    def value(self, axis: str) -> str:
        """What it has on an axis: method, path, host, or a header's name behind a colon.

        >>> HttpRequest("GET", "/", "a", (("x-a", "1"),)).value(":x-a")
        '=1'
        """
        if not axis.startswith(":"):
            found: str = getattr(self, axis)
            return found
        return next((f"={value}" for name, value in self.headers if f":{name}" == axis), ABSENT)

    def __str__(self) -> str:
        scheme = "https" if self.tls else "http"
        url = f"{scheme}://{self.host}{self.path}" if self.host else self.path
        url += " inside TLS" if self.tls and not self.host else ""
        held = ", ".join(name for name, _ in self.headers)
        return f"{self.method} {url}{f' with header {held}' if held else ''}"


@dataclass(frozen=True, slots=True)
class HeaderAsk:
    """A header that a request must have, with a value if it is told. `known`: whether what it must
    hold is known. What it must hold is never printed: it may be a secret."""

    name: str
    value: str | None = None
    known: bool = True

    def __str__(self) -> str:
        return plain(self.name)


@dataclass(frozen=True, slots=True)
class HttpRule:
    """One item of `http`; empty texts ask for nothing. `span` is where it stands, which does not
    make it another rule; `changes` are headers (lower case) that its proxy may change."""

    method: str = ""
    path: str = ""
    host: str = ""
    headers: tuple[HeaderAsk, ...] = ()
    span: Span | None = field(default=None, compare=False)
    changes: tuple[str, ...] = ()

    def __str__(self) -> str:
        method = self.method and _said("method", self.method, METHOD)
        said = " ".join(filter(None, (method, self.path and _said("path", self.path, PATH))))
        said = said or "anything"
        if self.host:
            said += f" at {plain(self.host)}"
        held = ", ".join(map(str, self.headers))
        return said + (f" with header {held}" if held else "")

    @property
    def rank(self) -> tuple[str, str]:
        """What rules are sorted by."""
        return str(self), repr(self.headers)

    @property
    def unread(self) -> str:
        """Why it is unknown what it asks for, if so."""
        for part in PARTS:
            text = getattr(self, part)
            if text and isinstance(found := parts_of(text), str):
                return f"its {part} {json.dumps(text)} is not read: {found}"
        secret = next((ask.name for ask in self.headers if not ask.known), None)
        return f"what header {secret} must hold is not known" if secret else ""

    def holds(self, request: HttpRequest) -> bool | None:
        """Whether it holds a request; None where that is unknown."""
        found: list[bool | None] = []
        for part in PARTS:
            if text := getattr(self, part):
                parts = parts_of(text)
                known = isinstance(parts, RegexParts) and (part != "host" or not request.unsaid)
                found.append(parts.matches(request.value(part)) if known else None)  # type: ignore
        for ask in self.headers:
            held = request.value(f":{ask.name.lower()}")
            if ask.name.lower() in request.unsure:
                found.append(None)
            elif not ask.known:
                found.append(False if held == ABSENT and not _is_host(ask.name) else None)
            else:
                found.append(held != ABSENT and ask.value in (None, held[1:]))
        if False in found:
            return False
        return None if None in found else True


def _said(part: str, text: str, plain: re.Pattern[str]) -> str:
    return text if plain.fullmatch(text) else f"{part} {json.dumps(text)}"


def plain(text: str) -> str:
    """A word as it is, any other text in quotes.

    >>> print(plain("a.io"), plain("a or b"))
    a.io "a or b"
    """
    return text if WORD.fullmatch(text) else json.dumps(text)


@lru_cache(maxsize=512)
def parts_of(text: str) -> RegexParts | str:
    """An expression, read; or why it is not."""
    try:
        return read_regex(text)
    except Unread as error:
        return str(error)


def header_line(text: str) -> HeaderAsk:
    """An item of `headers`: a name, and behind the first space a value; a colon behind the name
    says nothing.

    >>> header_line("X-Token: a b").value, header_line("X-Token").value
    ('a b', None)
    """
    name, space, value = text.partition(" ")
    return header_ask(name.rstrip(":"), value) if space else header_ask(text, None)


def header_ask(name: str, value: str | None, known: bool = True) -> HeaderAsk:
    """What is asked of a header. Of `Host` and of what HTTP/2 puts in its place it is not known
    which of the two a proxy looks at.

    >>> header_ask("HOST", "a").known, header_ask(":path", "/").known, header_ask("X", "a").known
    (False, False, True)
    """
    return HeaderAsk(name, value, known and not _is_host(name))


def _is_host(name: str) -> bool:
    """Whether requests hold a header in another place than among their headers."""
    return name.lower() == "host" or name.startswith(":")


def headers_of(given: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Headers of a request as it has them; values without blanks around them."""
    return tuple(sorted((name.lower(), value.strip()) for name, value in given.items()))
