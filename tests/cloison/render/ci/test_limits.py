"""How much of an answer the readers of each format take."""

from __future__ import annotations

import gzip
import json
import random
from base64 import b85encode

from actions_runner import commands

from cloison.render.ci.annotation import Annotation, Report, reported
from cloison.render.ci.limits import COMMENT, PACKED, RESULTS, bounded, cut
from cloison.render.ci.writers import SUMMARY, WRITERS

LINK = "https://ci.example/1"


def many(count: int, words: str = "x", said: str = "fails") -> Report:
    listed = [Annotation("C310", said, "t", f"{words} {n}", f"case {n}") for n in range(count)]  # type: ignore[arg-type]
    return reported("check", "f.yaml", said, [], listed, "f.yaml")


def test_a_runner_shows_ten_of_a_level_and_the_last_says_how_many_more() -> None:
    for count, shown in ((1, 1), (10, 10), (11, 10), (1000, 10)):
        found = [
            c for c in commands(WRITERS["github"].write(many(count), LINK)) if c.name == "error"
        ]
        assert len(found) == shown
        told = [c.data for c in found if "more" in c.data]
        assert told == ([] if count <= 10 else [f"and {count - 9:,} more: {LINK}"])


def test_everything_is_cut_with_how_many_there_are_more() -> None:
    report = many(RESULTS + 5)
    (run,) = json.loads(WRITERS["sarif"].write(report, LINK))["runs"]
    assert len(run["results"]) == RESULTS - 1
    (note,) = run["invocations"][0]["toolExecutionNotifications"]
    assert note["message"]["text"] == f"and 6 more: {LINK}"
    issues = json.loads(WRITERS["gitlab"].write(report, LINK))
    assert len(issues) == RESULTS
    assert issues[-1]["description"] == f"cloison check: and 6 more: {LINK}"
    junit = WRITERS["junit"].write(report, LINK)
    assert junit.count("<testcase") == RESULTS
    assert f'<error type="more" message="and 6 more: {LINK}"' in junit


def test_sarif_is_packed_into_what_is_uploaded() -> None:
    draw = random.Random(7)
    listed = [
        Annotation("C310", "fails", "t", b85encode(draw.randbytes(3120)).decode(), str(n))
        for n in range(6000)
    ]
    text = WRITERS["sarif"].write(reported("check", "f", "fails", [], listed, "f"), LINK)
    assert len(gzip.compress(text.encode())) <= PACKED * 1.01
    assert 0 < len(json.loads(text)["runs"][0]["results"]) < 6000


def test_a_comment_is_never_longer_than_it_may_be() -> None:
    for count in (1, 100, 700, 5000):
        text = SUMMARY(many(count, "word " * 30), LINK)
        assert len(text) <= COMMENT + 1
        assert (f"lines: {LINK}" in text) == (count > 300)
    assert "and 2 lines: here" in bounded(["a" * 40, "", "b" * 90, "c" * 90], "here", 120)
    assert len(bounded(["x" * 70_000], LINK)) <= COMMENT


def test_a_long_message_ends() -> None:
    (run,) = json.loads(WRITERS["sarif"].write(many(1, "y" * 9000), LINK))["runs"]
    assert len(run["results"][0]["message"]["text"]) < 4100


def test_what_says_that_something_is_cut_takes_a_place() -> None:
    assert cut([1, 2, 3], 3) == ([1, 2, 3], 0)
    assert cut([1, 2, 3, 4], 3) == ([1, 2], 2)
