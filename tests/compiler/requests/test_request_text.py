"""Requests as people write them."""

from __future__ import annotations

import pytest

from compiler.requests.http_rules import HttpRequest
from compiler.requests.request_text import request_text


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("GET /a?b", (HttpRequest("GET", "/a?b", ""), None)),
        ("get  http://a.io", (HttpRequest("get", "/", "a.io"), 80)),
        ("GET http://A.io:8080/x", (HttpRequest("GET", "/x", "A.io:8080"), 8080)),
        ("GET https://a.io/x", (HttpRequest("GET", "/x", "a.io", (), True), 443)),
        ("GET http://[::1]/x", (HttpRequest("GET", "/x", "[::1]"), 80)),
        ("GET http://[::1]:81?y", (HttpRequest("GET", "/?y", "[::1]:81"), 81)),
        ("OPTIONS *", (HttpRequest("OPTIONS", "*", ""), None)),
    ],
)
def test_what_is_read(text: str, wanted: tuple[HttpRequest, int | None]) -> None:
    assert request_text(text) == wanted


@pytest.mark.parametrize(
    "text",
    [
        "",
        "GET",
        "/a",
        "GET a",
        "GET /a b",
        "GET ftp://a/",
        "GET http://a:0/",
        "GET http://a:99999/",
        "GET /\x1b[1m",
        "G(T /",
        "GET /" + "a" * 9000,
        "GET http:///a",
    ],
)
def test_what_is_none(text: str) -> None:
    with pytest.raises(ValueError):
        request_text(text)


@pytest.mark.parametrize("headers", [["a"], ["a b: c"], [": c"], ["A: 1", "a: 2"], ["a: \x00"]])
def test_headers_that_are_none(headers: list[str]) -> None:
    with pytest.raises(ValueError):
        request_text("GET /", headers)


def test_headers() -> None:
    assert request_text("GET /", ["B: 1 ", "a:"])[0].headers == (("a", ""), ("b", "1"))


@pytest.mark.parametrize(
    ("text", "host", "wanted"),
    [
        ("GET /a", "b.io", "b.io"),
        ("GET http://b.io/a", "b.io", "b.io"),
        ("GET http://B.io:80/a", "b.io", "b.io"),
        ("GET http://b.io/a", "", "b.io"),
    ],
)
def test_a_header_host_is_the_host(text: str, host: str, wanted: str) -> None:
    found = request_text(text, [f"Host: {host}"])[0]
    assert (found.host, found.headers) == (wanted, ())


@pytest.mark.parametrize(
    "text", ["GET http://a.io/a", "GET http://b.io:81/a", "GET https://b.io:80/"]
)
def test_a_url_and_a_header_of_two_hosts_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="its header Host"):
        request_text(text, ["host: b.io"])
