"""Requests as people write them: `GET /path`, `GET http://host:8080/path?query`, `GET https://host/`.

With a scheme the request has a host, as it is written, and a port; https is inside TLS. A header
`Host` is the host: proxies look at no other (`:authority` in HTTP/2). Beside a URL of another host
nobody knows which of the two is sent: who sends the whole URL (RFC 9112 §3.2.2) means that one, who
sends its path means the header. A method is upper and lower case as it stands. `ValueError` says
what is wrong.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from compiler.requests.http_rules import HttpRequest, HttpRule, headers_of

LINE = re.compile(r"(?P<method>[!#$%&'*+.^_`|~0-9A-Za-z-]{1,40}) +(?P<target>\S+)")
URL = re.compile(r"(?P<scheme>https?)://(?P<host>[^/?#@\s]+)(?P<path>.*)")
PORT = re.compile(r".*[^:]:(\d{1,5})|\[.*\]:(\d{1,5})")
HEADER = re.compile(r"(?P<name>[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}):(?P<value>.*)")
KINDS = re.compile(r"(?P<method>\S+)\s+(?P<path>/\S*)(?:\s+at\s+(?P<host>\S+))?")
KIND = 'write "GET /v1/.*" or "GET|POST /v1/.* at api[.]example"'
DEFAULT = {"http": 80, "https": 443}
MOST = 8000
EXAMPLE = 'write "GET http://host/path" or "GET /path"'


def request_kind(text: str) -> HttpRule:
    """The requests that a line of `expect:` is about, as expressions; `ValueError` for none.

    >>> request_kind("GET|HEAD /v1/.* at a[.]io")
    HttpRule(method='GET|HEAD', path='/v1/.*', host='a[.]io', headers=(), span=None, changes=())
    """
    match = KINDS.fullmatch(text.strip())
    if match is None:
        raise ValueError("it needs a method and a path, and may have a host behind at")
    rule = HttpRule(match["method"], match["path"], match["host"] or "")
    if rule.unread:
        raise ValueError(rule.unread)
    return rule


def request_text(text: str, headers: Iterable[str] = ()) -> tuple[HttpRequest, int | None]:
    """A request, and the port that its URL means, if it has one.

    >>> request_text("GET https://a.io/x?y=1", ["X-A: 1"])
    (HttpRequest(method='GET', path='/x?y=1', host='a.io', headers=(('x-a', '1'),), tls=True), 443)
    >>> request_text("GET /x")[1] is None
    True
    >>> print(request_text("GET /x", ["Host: a.io"])[0])
    GET http://a.io/x
    """
    line = LINE.fullmatch(text.strip())
    if len(text) > MOST:
        raise ValueError(f"it has {len(text):,} characters, {MOST:,} at most")
    if line is None or not text.isprintable():
        raise ValueError("it needs a method and a path or URL")
    url, target = URL.fullmatch(line["target"]), line["target"]
    if url is None and not (target.startswith("/") or target == "*"):
        raise ValueError("a path begins with /, a URL with http:// or https://")
    port = None
    if url is not None:
        number = PORT.fullmatch(url["host"])
        port = int(number[1] or number[2]) if number else DEFAULT[url["scheme"]]
        if not 0 < port < 65536:
            raise ValueError(f"{port} is no port")
        target = url["path"] if url["path"].startswith("/") else "/" + url["path"]
    given: dict[str, str] = {}
    for header in headers:
        match = HEADER.fullmatch(header)
        if match is None or not header.isprintable():
            raise ValueError(f'"{header[:50]}" is no header: write "Name: value"')
        if match["name"].lower() in given:
            raise ValueError(f"header {match['name']} stands there twice")
        given[match["name"].lower()] = match["value"]
    tls = url is not None and url["scheme"] == "https"
    host = url["host"] if url else ""
    if told := given.pop("host", "").strip():
        if re.search(r"[\s/?#@,]", told):
            raise ValueError(f'"{told[:50]}" is no host')
        default = f":{DEFAULT['https' if tls else 'http']}"
        if host and len({one.lower().removesuffix(default) for one in (host, told)}) > 1:
            raise ValueError(f"its URL is of {host}, its header Host of {told}")
        host = told
    request = HttpRequest(line["method"], target, host, headers_of(given), tls, not host)
    return request, port
