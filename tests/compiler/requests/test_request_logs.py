"""Logs of requests: each kind, and lines that are none."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compiler.requests import request_logs
from compiler.requests.http_rules import HttpRequest
from compiler.requests.request_logs import LoggedRequest, logged

OWN = b'{"http": "GET /", "source": "a", "destination": "b"'
KEYS = ["flow", "l7", "http", "method", "path", "url", "headers", "IP", "source", "l4", "TCP"]
HUBBLE: dict[str, Any] = {
    "verdict": "DROPPED",
    "IP": {"source": "10.0.0.1", "destination": "10.0.0.2"},
    "l4": {"TCP": {"source_port": 4000, "destination_port": 8080}},
    "source": {"namespace": "shop", "pod_name": "front-0"},
    "destination": {"labels": ["reserved:world"]},
    "l7": {
        "type": "REQUEST",
        "http": {
            "method": "PUT",
            "url": "http://cart/x?y",
            "headers": [{"key": "X-A", "value": "1"}],
        },
    },
}
ENVOY: dict[str, Any] = {
    "method": "GET",
    "path": "/x",
    "authority": "cart:80",
    "response_code": 200,
    "downstream_remote_address": "[fd00::1]:4000",
    "downstream_local_address": "10.0.0.2:8080",
}


def one(found: Any) -> LoggedRequest:
    (line,) = logged([json.dumps(found).encode()])
    return line


def test_our_own() -> None:
    found = one({"source": "a/b", "destination": "a/c:80", "http": "GET /", "headers": {"X": "1"}})
    assert found == LoggedRequest(1, "a/b", "a/c:80", HttpRequest("GET", "/", "", (("x", "1"),)))
    found = one({"source": "a/b", "destination": "fd00::2", "http": "GET https://h/"})
    assert (found.target, found.passed) == ("[fd00::2]:443", None)


def test_flows_of_hubble() -> None:
    request = HttpRequest("PUT", "/x?y", "cart", (("x-a", "1"),))
    wanted = LoggedRequest(1, "shop/front-0", "10.0.0.2:8080", request, False)
    assert one({"flow": HUBBLE}) == one(HUBBLE) == wanted
    assert one(HUBBLE | {"verdict": "FORWARDED"}).passed is True
    assert one(HUBBLE | {"verdict": "AUDIT"}).passed is None
    answer = {**HUBBLE, "l7": {**HUBBLE["l7"], "type": "RESPONSE"}}
    assert one(answer).mistake == "no request of HTTP"


def test_logs_of_envoy() -> None:
    wanted = LoggedRequest(1, "fd00::1", "10.0.0.2:8080", HttpRequest("GET", "/x", "cart:80"), True)
    assert one(ENVOY) == wanted
    assert one(ENVOY | {"response_code": 403}).passed is None
    denied = {
        "response_code": 403,
        "response_code_details": "rbac_access_denied_matched",
    }
    assert one(ENVOY | denied).passed is False


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b"{", "Expecting"),
        (b"[]", "not a JSON object"),
        (b"{}", "neither http"),
        (b"\xff", "utf-8"),
        (b'{"http": "GET /", "source": "a"}', "destination is missing"),
        (b'{"http": "GET", "source": "a", "destination": "b"}', "needs a method"),
        (b'{"http": 1, "source": "a", "destination": "b"}', "http is no text"),
        (OWN + b', "headers": {"x": 1}}', "header is no text"),
        (OWN + b', "passed": "no"}', "neither true nor false"),
        (b'{"l7": {"dns": {}}}', "no request of HTTP"),
        (b'{"l7": 1}', "l7 is no object"),
        (b'{"method": "GET", "path": "/"}', "downstream_remote_address"),
        (b'"' + b"a" * 70000 + b'"', "65,536"),
        (b"[" * 100000, "65,536"),
    ],
)
def test_lines_that_are_none(line: bytes, said: str) -> None:
    (found,) = logged([line])
    assert found.request is None
    assert said in found.mistake, found.mistake


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4)
        ),
        max_leaves=12,
    )
)
def test_no_line_ends_the_others(found: Any) -> None:
    lines = [json.dumps(found).encode(), b"", json.dumps(ENVOY).encode()]
    *_, last = logged(lines)
    assert (last.line, last.mistake) == (3, "")


def test_too_many_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_logs, "MOST_LINES", 2)
    with pytest.raises(ValueError, match="more than 2 lines"):
        list(logged([b"{}"] * 3))
