"""`cloison access`: asked for, answered, compiled into entries with windows, and over."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from role_clusters import FABRIC, role_fabric

from cloison.cli import main

WITH = FABRIC.replace(
    "zones:\n",
    "access:\n  from: zone0/corp\n  approvers: { acme: [ann, bob], beta: [bea] }\nzones:\n",
).replace("      beta-api: { a", "      corp: { addresses: [198.18.7.0/28] }\n      beta-api: { a")
VIEWERS = "teleport-cluster-viewers"


@pytest.fixture
def fabric(tmp_path: Path) -> Path:
    return role_fabric(tmp_path, fabric=WITH)


def ran(*words: str | Path) -> tuple[int, str]:
    done = CliRunner().invoke(main, [*map(str, words)])
    return done.exit_code, done.stdout if done.exit_code == 0 else done.output


def at(clock: str) -> tuple[str, str]:
    return "--at", f"2027-01-31T{clock}Z"


def rows(fabric: Path, clock: str) -> list[dict[str, Any]]:
    code, text = ran("access", "list", fabric, *at(clock), "-o", "json")
    assert code == 0, text
    found: list[dict[str, Any]] = json.loads(text)["rows"]
    return found


def asked(fabric: Path, target: str = "acme", role: str = VIEWERS, clock: str = "10:00:00") -> None:
    words = ("access", "request", fabric, "sam", target, role, "--reason", "why")
    assert ran(*words, *at(clock))[0] == 0


def approve(fabric: Path, number: int, who: str, clock: str, *more: str) -> tuple[int, str]:
    return ran("access", "approve", fabric, str(number), who, *more, *at(clock))


def test_from_the_request_to_the_end(fabric: Path) -> None:
    asked(fabric)
    asked(fabric, "acme/host2", "acc", "10:30:00")
    asked(fabric, "beta", clock="10:40:00")
    assert approve(fabric, 1, "ann", "11:00:00")[0] == 0
    assert approve(fabric, 2, "bob", "11:10:00", "--hours", "0.5", "--evidence", "email")[0] == 0
    assert ran("access", "deny", fabric, "3", "bea", *at("11:20:00"))[0] == 0
    states = {
        clock: [row["state"] for row in rows(fabric, clock)]
        for clock in ("10:00:00", "10:59:59", "11:30:00", "11:40:00", "18:59:59", "19:00:00")
    }
    assert states == {
        "10:00:00": ["pending"],
        "10:59:59": ["pending", "pending", "pending"],
        "11:30:00": ["approved", "approved", "denied"],
        "11:40:00": ["approved", "ended", "denied"],
        "18:59:59": ["approved", "ended", "denied"],
        "19:00:00": ["ended", "ended", "denied"],
    }
    assert rows(fabric, "12:00:00")[1]["evidence"] == "email"
    code, text = ran("access", "timeline", fabric, "-o", "json")
    assert code == 0
    assert [(row["at"][11:16], row["what"]) for row in json.loads(text)["rows"]] == [
        ("10:00", "asked for"), ("10:30", "asked for"), ("10:40", "asked for"),
        ("11:00", "approved"), ("11:10", "approved"), ("11:20", "denied"),
        ("11:40", "ends"), ("19:00", "ends"),
    ]  # fmt: skip


def test_one_request(fabric: Path) -> None:
    asked(fabric)
    pending = json.loads(ran("access", "show", fabric, "1", *at("10:00:00"), "-o", "json")[1])
    assert (pending["rows"][0]["state"], pending["rows"][0]["entry"]) == ("pending", None)
    approve(fabric, 1, "ann", "11:00:00")
    found = json.loads(ran("access", "show", fabric, "1", *at("12:00:00"), "-o", "json")[1])
    (row,) = found["rows"]
    assert (row["state"], row["entry"]["to"]) == ("approved", "zone0/acme-api")
    assert row["entry"]["window"]["until"] == row["until"] == "2027-01-31T19:00:00Z"
    code, text = ran("access", "show", fabric, "1", *at("19:00:00"))
    assert (code, ": ended" in text, "support-1" in text) == (0, True, True)
    code, text = ran("access", "show", fabric, "2")
    assert (code, "C664" in text) == (2, True)


def test_what_is_refused(fabric: Path) -> None:
    asked(fabric)
    refused = [
        ("sam", "11:00:00", "no approver"),
        ("bea", "11:00:00", "no approver of acme"),
        ("ann", "12:00:00", "has expired"),
        ("ann", "09:00:00", "this is earlier"),
    ]
    for who, clock, why in refused:
        code, text = approve(fabric, 1, who, clock)
        assert (code, why in text, "C664" in text) == (2, True, True), text
    assert "there is no request 7" in approve(fabric, 7, "ann", "11:00:00")[1]
    assert approve(fabric, 1, "ann", "11:00:00", "--hours", "9")[0] == 2
    for target, role in (("gamma", VIEWERS), ("acme/host99", "acc"), ("acme", "acc")):
        words = ("access", "request", fabric, "sam", target, role, "--reason", "x", *at("11:00:00"))
        code, text = ran(*words)
        assert (code, "C664" in text) == (2, True), text
    assert [row["state"] for row in rows(fabric, "11:00:00")] == ["pending"]


def test_nobody_approves_his_own_even_if_he_may_approve(tmp_path: Path) -> None:
    fabric = role_fabric(tmp_path, fabric=WITH.replace("acme: [ann, bob]", "acme: [ann, sam]"))
    asked(fabric)
    code, text = approve(fabric, 1, "sam", "11:00:00")
    assert (code, "of his own" in text) == (2, True)


def test_an_approval_opens_what_it_says_while_it_lasts_and_nothing_else(fabric: Path) -> None:
    asked(fabric)
    asked(fabric, "acme/host2", "acc", "10:30:00")
    asked(fabric, "beta", clock="10:40:00")
    approve(fabric, 1, "ann", "11:00:00")
    approve(fabric, 2, "bob", "11:10:00", "--hours", "1")
    made = fabric.with_name("now.yaml")
    made.write_text(ran("access", "compile", fabric)[1])

    def verdict(target: str, clock: str) -> str:
        code, text = ran("explain", made, "zone0/corp", target, *at(clock), "-o", "json")
        assert code == 0, text
        found: str = json.loads(text)["verdict"]
        return found

    clocks = ("10:59:59", "11:00:00", "18:59:59", "19:00:00")
    assert [verdict("zone0/acme-api:6443", c) for c in clocks] == ["deny", "allow", "allow", "deny"]
    assert verdict("zone0/acme-api:443", "12:00:00") == "deny"
    assert verdict("zone0/beta-api:6443", "12:00:00") == "deny"
    clocks = ("11:09:59", "11:10:00", "12:09:59", "12:10:00")
    assert [verdict("acme/@node/host2:22", c) for c in clocks] == ["deny", "allow", "allow", "deny"]
    assert verdict("acme/@node/host1:22", "12:00:00") == "deny"
    closed = fabric.with_name("closed.yaml")
    empty = fabric.with_name("none.sqlite")
    closed.write_text(ran("access", "compile", fabric, "--events", empty)[1])
    words = ["diff", str(closed), str(made), *at("11:30:00"), "-o", "json"]
    document = json.loads(CliRunner().invoke(main, words).stdout)
    changed = {(row["change"], row["source"], row["destination"]) for row in document["rows"]}
    assert changed == {
        ("gained", "zone0/corp", "zone0/acme-api"),
        ("gained", "zone0/corp", "acme/@node/*"),
    }


def test_without_an_approval_nobody_gets_in_at_any_time(fabric: Path) -> None:
    closed = fabric.with_name("closed.yaml")
    text = ran("access", "compile", fabric)[1]
    lines = "expect:\n  - deny: 'zone0/corp -> zone0/*-api'\n  - deny: 'zone0/corp -> acme/*'\n"
    fabric.write_text(fabric.read_text() + lines)
    closed.write_text(text)
    assert CliRunner().invoke(main, ["verify", str(fabric)]).exit_code == 1
    assert CliRunner().invoke(main, ["verify", str(closed)]).exit_code == 0
    asked(fabric)
    approve(fabric, 1, "ann", "11:00:00")
    closed.write_text(ran("access", "compile", fabric)[1])
    done = CliRunner().invoke(main, ["verify", str(closed)])
    assert (done.exit_code, "support-1" in done.output or "2027-01-31" in done.output) == (1, True)


def test_histories_that_somebody_made_otherwise(fabric: Path) -> None:
    asked(fabric)
    path = fabric.with_name("fabric.access.sqlite")
    with sqlite3.connect(path) as store:
        for change in ("DELETE FROM events", "UPDATE events SET who = 'x'"):
            with pytest.raises(sqlite3.IntegrityError, match="events are kept"):
                store.execute(change)
    forged = [
        ("approved", 1, "sam", '{"seconds": 60}', "of his own"),
        ("approved", 1, "ann", '{"seconds": 32400}', "eight hours at most"),
        ("approved", 9, "ann", '{"seconds": 60}', "there is no request 9"),
        ("approved", 1, "ann", "{}", "cannot be"),
        ("opened", 1, "ann", "{}", "it is no event"),
        ("denied", 1, "ann", "[]", "no object"),
        ("denied", 1, "ann", "{", "event 2"),
    ]
    for kind, number, who, body, why in forged:
        other = fabric.with_name("forged.sqlite")
        other.write_bytes(path.read_bytes())
        with sqlite3.connect(other) as store:
            store.execute(
                "INSERT INTO events (at, kind, request, who, body) VALUES (?, ?, ?, ?, ?)",
                ("2027-01-31T11:00:00Z", kind, number, who, body),
            )
        store.close()
        code, text = ran("access", "list", fabric, "--events", other)
        assert (code, "C663" in text, why in text) == (2, True, True), text


def test_an_event_that_lies_before_the_one_before_it(fabric: Path) -> None:
    asked(fabric)
    asked(fabric, "acme/host2", "acc", "10:30:00")
    with sqlite3.connect(fabric.with_name("fabric.access.sqlite")) as store:
        store.execute(
            "INSERT INTO events (at, kind, request, who, body) VALUES (?, ?, ?, ?, ?)",
            ("2027-01-31T10:15:00Z", "approved", 1, "ann", '{"seconds": 60}'),
        )
    store.close()
    code, text = ran("access", "list", fabric)
    assert (code, "event 3" in text) == (2, True)


def test_files_that_are_no_histories(fabric: Path, tmp_path: Path) -> None:
    noise, foreign, empty = (tmp_path / name for name in ("noise", "foreign", "empty"))
    noise.write_bytes(b"SQLite format 3\0" + b"x" * 4096)
    empty.write_bytes(b"")
    with sqlite3.connect(foreign) as store:
        store.execute("CREATE TABLE events (x)")
    words = ("access", "request", fabric, "sam", "acme", VIEWERS, "--reason", "x")
    for path in (noise, foreign):
        for verb in (("access", "list", fabric), words):
            code, text = ran(*verb, "--events", path)
            assert (code, "C663" in text) == (2, True), text
    assert ran("access", "list", fabric, "--events", empty)[0] == 0
    assert ran(*words, "--events", empty)[0] == 0
    assert not ran("access", "compile", fabric)[1].count("support-1")


def test_a_file_in_which_nobody_takes_part(tmp_path: Path) -> None:
    code, text = ran("access", "list", role_fabric(tmp_path))
    assert (code, "C664" in text) == (2, True)


def test_a_cluster_whose_server_is_not_said(tmp_path: Path) -> None:
    silent = WITH.replace("    api_server: zone0/acme-api:6443/tcp\n", "")
    fabric = role_fabric(tmp_path, fabric=silent)
    asked(fabric)
    approve(fabric, 1, "ann", "11:00:00")
    code, text = ran("access", "compile", fabric)
    assert (code, "C660" in text) == (2, True)
