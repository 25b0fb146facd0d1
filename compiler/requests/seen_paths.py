"""How the proxy that decides reads a path before its rules do: named profiles.

`normalised`, Cilium's default (`http-normalize-path`): a backslash is a slash; segments `.` and
`..` are taken out, also where their dots are written `%2e`, and an empty segment is one to go up
over; only then are slashes that follow each other one. What holds an escaped slash (`%2F`, `%5C`)
is redirected, what holds a `#` or `%00` is refused. The server gets what the rules saw. `as-sent`:
nothing is changed, and what the server makes of it is the server's; a `#` is refused all the same.

What Envoy's releases do not agree on (whether `%61` becomes `a`, which of `"<>^{|}`, backtick and
signs beyond ASCII are escaped, whether parameters behind two dots count) has a reading for each: an
answer is one where all readings have it.

Source: Cilium `pkg/defaults`, Envoy `path_normalization` and its tests; RFC 3986 §5.2.4, §6.2.2.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal

from compiler.requests.languages import Language, of_regex

Profile = Literal["normalised", "as-sent"]
PARAMETERS = "no server takes ..;x in a path for two dots"
"""What is taken for granted of those who get requests."""
SAID: dict[Profile, str] = {
    "normalised": "paths are normalised before rules see them, as Cilium does unless "
    "http-normalize-path is false (RFC 3986, slashes merged, escaped slashes redirected)",
    "as-sent": "rules see paths as they are sent (http_paths: as-sent)",
}
SLASHES = re.compile(r"%2f|%5c", re.IGNORECASE)
ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})")
DOTS = re.compile(r"((?:\.|%2[eE]){1,2})(;.*)?")
PLAIN = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")


ENCODED = re.compile(r'["<>^`{|}]|[^\x00-\x7f]')
"""Signs that Envoy escapes when it makes a path canonical; later releases leave ^ and |."""
ALWAYS = re.compile(r'["<>`{}]|[^\x00-\x7f]')


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
    if "#" in path:
        raise PathRefused("a path that holds # is refused")
    if profile == "as-sent" or path == "*":
        return (path,)
    before, mark, query = path.partition("?")
    if not before.startswith("/"):
        raise PathUnknown("it does not begin with a slash")
    if SLASHES.search(before):
        raise PathRefused("a path with an escaped slash is redirected")
    if "%00" in before:
        raise PathRefused("a path that holds %00 is refused")
    if "%" in ESCAPE.sub("", before):
        raise PathUnknown("an escape in it is none")
    before = before.replace("\\", "/")
    plain = (before, ESCAPE.sub(_plainly, before))
    ways = {w for p in plain for w in (p, ENCODED.sub(_encoded, p), ALWAYS.sub(_encoded, p))}
    found = {normal(way, parameters) for way in ways for parameters in (False, True)}
    return tuple(sorted(one + mark + query for one in found))


def _plainly(match: re.Match[str]) -> str:
    sign = chr(int(match[1], 16))
    return sign if sign in PLAIN else match[0]


def _encoded(match: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in match[0].encode("utf-8", "surrogatepass"))


def normal(path: str, parameters: bool) -> str:
    """A path without segments of dots, and then without empty ones; with `parameters` a segment of
    dots may have some."""
    out: list[str] = []
    parts = path.split("/")[1:]
    for number, part in enumerate(parts, 1):
        dots = DOTS.fullmatch(part)
        if dots is None or (dots[2] and not parameters):
            out.append(part)
            continue
        if len(ESCAPE.sub(".", dots[1])) == 2:
            del out[-1:]
        if number == len(parts):
            out.append("")
    return re.sub("/+", "/", "/" + "/".join(out))


@lru_cache(maxsize=1)
def possible_paths() -> Language:
    """Paths with queries that may be what rules see, by any reading of any path."""
    shape = of_regex(r"(/[^/?#\\]+)*/?(\?[^#]*)?|\*") & of_regex(r"[/*].*")
    dots = of_regex(r"[^?]*/(\.|%2[eE]){1,2}([/?].*)?")
    escaped = of_regex(r"[^?]*%(2[fF]|5[cC]|00).*")
    return (shape - dots) - escaped


@lru_cache(maxsize=1)
def normal_paths() -> Language:
    """Those of them that are normal for every release: whatever is changed in them are escapes."""
    dots = of_regex(r"[^?]*/(\.|%2[eE]){1,2}(;[^/?]*)?([/?].*)?")
    return (possible_paths() & of_regex(r"([^%?]|%[0-9A-Fa-f]{2})*(\?.*)?")) - dots


@lru_cache(maxsize=1)
def sure_paths() -> Language:
    """Those of them that rules see as they are sent, and as nothing else."""
    plain = of_regex(r"[^?]*%(2[dDeE]|3[0-9]|[46][1-9a-fA-F]|[57][0-9aA]|5[fF]|7[eE]).*")
    return (normal_paths() - plain) - of_regex(r"[^?]*[^!#-;=?-\]_a-z~].*")
