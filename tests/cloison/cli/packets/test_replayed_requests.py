"""Logged requests, decided, and compared with what the log says of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from click.testing import CliRunner
from request_sites import http, site

from cloison.cli import main


def run(tmp_path: Path, lines: list[Any], *rules: Any) -> tuple[int, list[dict[str, Any]]]:
    path = site(tmp_path, http(*rules))
    log = tmp_path / "log.jsonl"
    log.write_text("\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines))
    arguments = ["replay", str(path), "--http-log", str(log), "-o", "json"]
    told = CliRunner().invoke(main, arguments)
    assert told.exception is None or isinstance(told.exception, SystemExit), told.output
    return told.exit_code, json.loads(told.stdout)["rows"]


def line(request: str, **more: Any) -> dict[str, Any]:
    ends = {"source": "acme/shop/cart", "destination": "acme/shop/db:8080"}
    return {**ends, "http": request, **more}


def test_each_request_is_decided(tmp_path: Path) -> None:
    lines = [
        line("GET /a"),
        line("PUT /a"),
        line("GET https://h/a"),
        line("GET /a", destination="acme/shop/db:81"),
    ]
    code, rows = run(tmp_path, lines, {"method": "GET", "path": "/a"})
    assert (code, [row["verdict"] for row in rows]) == (0, ["allow", "deny", "deny", "deny"])
    assert [row["line"] for row in rows] == [1, 2, 3, 4]
    assert str(tmp_path) in rows[1]["at"]


def test_what_fares_otherwise_is_a_finding(tmp_path: Path) -> None:
    lines = [line("GET /a", passed=True), line("PUT /a", passed=False)]
    assert run(tmp_path, lines, {"method": "GET"})[0] == 0
    code, rows = run(tmp_path, [*lines, line("PUT /b", passed=True)], {"method": "GET"})
    assert (code, [row["differs"] for row in rows]) == (1, [False, False, True])


def test_what_is_unknown_or_no_request(tmp_path: Path) -> None:
    assert run(tmp_path, [line("GET /a")], {"path": "/(?i)a"})[0] == 4
    code, rows = run(tmp_path, ["{", line("GET /a", source="nobody")], {"path": "/a"})
    assert (code, [row["verdict"] for row in rows]) == (2, ["error", "error"])


def test_it_needs_a_fabric_and_nothing_else(tmp_path: Path) -> None:
    path = site(tmp_path, http({}))
    for more in (["--random", "3"], []):
        arguments = ["replay", *([str(path)] if more else []), "--http-log", "x", *more]
        assert CliRunner().invoke(main, arguments).exit_code == 2


def test_what_must_hold_besides_is_told(tmp_path: Path) -> None:
    rule = {**http({"method": "GET"}), "authentication": {"mode": "required"}}
    log = tmp_path / "log.jsonl"
    log.write_text(json.dumps(line("GET /a")))
    told = CliRunner().invoke(
        main, ["replay", str(site(tmp_path, rule)), "--http-log", str(log), "-o", "json"]
    )
    (row,) = json.loads(told.stdout)["rows"]
    assert row["conditions"] == ["mutual authentication succeeds"]
    assert row["because"].endswith(", if mutual authentication succeeds")


def test_a_logged_header_host_is_the_host(tmp_path: Path) -> None:
    lines = [
        line("GET /a", headers={"Host": "a.io"}),
        line("GET /a"),
        line("GET http://b.io/a", headers={"Host": "a.io"}),
    ]
    _, rows = run(tmp_path, lines, {"host": "a[.]io"})
    assert [row["verdict"] for row in rows] == ["allow", "unknown", "error"]
