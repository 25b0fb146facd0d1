"""How the proxy that decides reads a path before its rules do: named profiles.

`normalised`, Cilium's default (`http-normalize-path`): segments `.` and `..` are taken out, also
where their dots are written `%2e`; slashes that follow each other are one, a backslash is a slash;
what holds an escaped slash (`%2F`, `%5C`) is redirected, what holds a `#` or `%00` is refused. The
server gets what the rules saw. `as-sent`: nothing is changed, and what the server makes of it is
the server's.

What Envoy's releases do not agree on (whether `%61` becomes `a`, whether parameters behind two dots
count) has a reading for each: an answer is one where all readings have it.

Source: Cilium `pkg/defaults`, Envoy `path_normalization` and its tests; RFC 3986 §5.2.4, §6.2.2.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal

from compiler.requests.languages import Language, of_regex

Profile = Literal["normalised", "as-sent"]
SAID: dict[Profile, str] = {
    "normalised": "paths are normalised before rules see them, as Cilium does unless "
    "http-normalize-path is false (RFC 3986, slashes merged, escaped slashes redirected)",
    "as-sent": "rules see paths as they are sent (http_paths: as-sent)",
}
SLASHES = re.compile(r"%2f|%5c", re.IGNORECASE)
ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})")
DOTS = re.compile(r"((?:\.|%2[eE]){1,2})(;.*)?")
PLAIN = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")


class PathRefused(ValueError):  # noqa: N818
    """The proxy answers such a path itself, with the reason."""


class PathUnknown(ValueError):  # noqa: N818
    """It is unknown how a path is read, with the reason."""


def readings(path: str, profile: Profile) -> tuple[str, ...]:
    """What rules see of a path with its query; raises `PathRefused` and `PathUnknown`.

    >>> readings("/a/%2e%2e//b?x=/../", "normalised"), readings("/a/../b", "as-sent")
    (('/b?x=/../',), ('/a/../b',))
    >>> readings("/%61/..;x/c", "normalised")
    ('/%61/..;x/c', '/a/..;x/c', '/c')
    """
    if profile == "as-sent" or path == "*":
        return (path,)
    before, mark, query = path.partition("?")
    if "#" in path:
        raise PathRefused("a path that holds # is refused")
    if not before.startswith("/"):
        raise PathUnknown("it does not begin with a slash")
    if SLASHES.search(before):
        raise PathRefused("a path with an escaped slash is redirected")
    if "%00" in before:
        raise PathRefused("a path that holds %00 is refused")
    if "%" in ESCAPE.sub("", before):
        raise PathUnknown("an escape in it is none")
    before = before.replace("\\", "/")
    ways = (before, ESCAPE.sub(_plainly, before))
    found = {normal(way, parameters) for way in ways for parameters in (False, True)}
    return tuple(sorted(one + mark + query for one in found))


def _plainly(match: re.Match[str]) -> str:
    sign = chr(int(match[1], 16))
    return sign if sign in PLAIN else match[0]


def normal(path: str, parameters: bool) -> str:
    """A path without segments of dots and without empty ones; with `parameters` a segment of dots
    may have some."""
    out: list[str] = []
    last = path.rpartition("/")[2]
    for part in path.split("/"):
        dots = DOTS.fullmatch(part)
        if dots is not None and (parameters or not dots[2]):
            if len(ESCAPE.sub(".", dots[1])) == 2:
                del out[-1:]
        elif part:
            out.append(part)
    ends = DOTS.fullmatch(last)
    folder = not last or (ends is not None and (parameters or not ends[2]))
    return "/" + "/".join(out) + ("/" if folder and out else "")


@lru_cache(maxsize=1)
def normal_paths() -> Language:
    """Paths with queries that are what any reading of them is: those that rules see."""
    shape = of_regex(r"(/[^/?#\\]+)*/?(\?[^#]*)?|\*") & of_regex(r"[/*].*")
    dots = of_regex(r"[^?]*/(\.|%2[eE]){1,2}(;[^/?]*)?([/?].*)?")
    escaped = of_regex(r"[^?]*%(2[fF]|5[cC]|00).*")
    return (shape - dots) - escaped
