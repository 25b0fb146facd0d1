"""Requests that somebody wrote down, a JSON object a line: our own, Hubble's flows, Envoy's log.

    {"source": "shop/front", "destination": "shop/cart:8080", "http": "GET /carts/1", "headers": {}}
    {"flow": {"source": {…}, "destination": {…}, "l4": {"TCP": {…}}, "l7": {"http": {…}}}}   Hubble
    {"method": "GET", "path": "/", "authority": "h", "downstream_remote_address": "10.0.0.1:1", …}

Rules that hold here:

1. A line is at most `MOST_LINE` bytes, and there are at most `MOST_LINES`; nothing of another line
   is kept. What is no request of these kinds is a `LoggedRequest` with a mistake, and its line.
2. Ends are names or addresses with a port. Envoy's log names the address that the request came from
   and the one that it was sent to (`downstream_local_address`, else `upstream_host`).
3. `passed`: whether it was let through, as far as that was written down; a 403 of Envoy is a
   refusal only where its own flags or details say so, since the server may answer 403 as well.

Source: Cilium `api/v1/flow/flow.proto`; Envoy access logging, JSON format, default operators.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from compiler.requests.http_rules import HttpRequest
from compiler.requests.request_text import request_text
from fabric.io.strict_json import decoded, distinct

MOST_LINE = 2**16
MOST_LINES = 1_000_000
DENIED = "rbac_access_denied", "access_denied", "denied by cilium"


@dataclass(frozen=True, slots=True)
class LoggedRequest:
    """One line: its number, its ends, the request, whether it passed, or why it is none."""

    line: int
    source: str = ""
    target: str = ""
    request: HttpRequest | None = None
    passed: bool | None = None
    mistake: str = ""


def logged(lines: Iterable[bytes]) -> Iterator[LoggedRequest]:
    """Every line that is not empty; raises `ValueError` for too many."""
    for number, line in enumerate(lines, 1):
        if number > MOST_LINES:
            raise ValueError(f"more than {MOST_LINES:,} lines")
        if not line.strip():
            continue
        try:
            if len(line) > MOST_LINE:
                raise ValueError(f"a line of more than {MOST_LINE:,} bytes")
            found = decoded(line.decode(), distinct)
            if not isinstance(found, dict):
                raise ValueError("not a JSON object")
            yield replace(_of(found), line=number)
        except (ValueError, KeyError, TypeError) as error:
            said = f"{error.args[0]} is missing" if isinstance(error, KeyError) else str(error)
            yield LoggedRequest(number, mistake=said)


def _of(found: Mapping[str, Any]) -> LoggedRequest:
    if "http" in found:
        return _own(found)
    flow = _object(found.get("flow", found), "flow")
    if "l7" in flow:
        return _hubble(flow)
    if "method" in found and "path" in found:
        return _envoy(found)
    raise ValueError("neither http, an l7 flow of Hubble, nor a method and a path")


def _own(found: Mapping[str, Any]) -> LoggedRequest:
    headers = _object(found.get("headers", {}), "headers")
    request, port = request_text(_text(found, "http"), _lines(headers.items()))
    passed = found.get("passed")
    if passed not in (None, True, False):
        raise ValueError("passed is neither true nor false")
    return LoggedRequest(
        0, _text(found, "source"), _at(_text(found, "destination"), port), request, passed
    )


def _hubble(flow: Mapping[str, Any]) -> LoggedRequest:
    l7 = _object(flow["l7"], "l7")
    if l7.get("type") == "RESPONSE" or "http" not in l7:
        raise ValueError("no request of HTTP")
    http = _object(l7["http"], "http")
    listed = http.get("headers", [])
    if not isinstance(listed, list):
        raise ValueError("headers is no list")
    each = [_object(header, "header") for header in listed]
    headers = _lines((header["key"], header["value"]) for header in each)
    request, port = request_text(f"{_text(http, 'method')} {_text(http, 'url')}", headers)
    tcp = _object(_object(flow.get("l4", {}), "l4").get("TCP", {}), "TCP")
    port = tcp.get("destination_port") or port
    if port is not None and type(port) is not int:
        raise ValueError("destination_port is no number")
    ends = [_end(flow, side) for side in ("source", "destination")]
    passed = {"FORWARDED": True, "DROPPED": False}.get(str(flow.get("verdict")))
    return LoggedRequest(0, ends[0], _at(ends[1], port), request, passed)


def _end(flow: Mapping[str, Any], side: str) -> str:
    """A pod by its name, anybody else by the address."""
    about = _object(flow.get(side, {}), side)
    if about.get("pod_name") and about.get("namespace"):
        return f"{about['namespace']}/{about['pod_name']}"
    return _text(_object(flow["IP"], "IP"), side)


def _envoy(found: Mapping[str, Any]) -> LoggedRequest:
    path, host = _text(found, "path"), found.get("authority") or ""
    text = f"{_text(found, 'method')} {path}"
    request = replace(request_text(text)[0], host=str(host), unsaid=not host)
    remote = found.get("downstream_remote_address") or ""
    local = found.get("downstream_local_address") or found.get("upstream_host") or ""
    if not remote or not local:
        raise ValueError("downstream_remote_address and downstream_local_address are missing")
    details = f"{found.get('response_code_details')} {found.get('response_flags')}".lower()
    refused = any(word in details for word in DENIED)
    code = found.get("response_code")
    passed = False if refused else True if isinstance(code, int) and code != 403 else None
    return LoggedRequest(0, str(remote).rpartition(":")[0].strip("[]"), str(local), request, passed)


def _at(name: str, port: int | None) -> str:
    """A destination with a port, if it has none."""
    bare = name.count(":") > 1 and not name.startswith("[")
    if port is None or (":" in name and not bare):
        return name
    return f"[{name}]:{port}" if bare else f"{name}:{port}"


def _object(value: Any, what: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"{what} is no object")
    return value


def _text(found: Mapping[str, Any], key: str) -> str:
    value = found[key]
    if not isinstance(value, str) or not value:
        raise ValueError(f"{key} is no text")
    return value


def _lines(pairs: Iterable[tuple[Any, Any]]) -> list[str]:
    out = []
    for name, value in pairs:
        if not isinstance(name, str) or not isinstance(value, str):
            raise ValueError("a header is no text")
        if not name.startswith(":"):
            out.append(f"{name}: {value}")
    return out
