"""Laws of every format of CI: valid by its published schema, commanding nobody, never greener than
the answer, whatever strangers call their things."""

from __future__ import annotations

import json
import re
import unicodedata
from collections import Counter
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from actions_runner import commands
from codeclimate_types import problems
from hypothesis import example, given
from hypothesis import strategies as st
from jsonschema import Draft7Validator
from lxml import etree

from cloison.render.ci.annotation import ORDER, Annotation, Report, diagnosed, reported
from cloison.render.ci.repository_lines import FileLine, clean, place
from cloison.render.ci.writers import SUMMARY, WRITERS
from fabric.diagnostics import Diagnostic, Span

SCHEMAS = Path(__file__).parent / "schemas"
SARIF = Draft7Validator(json.loads((SCHEMAS / "sarif-schema-2.1.0.json").read_text("utf-8")))
JUNIT = etree.XMLSchema(etree.parse(SCHEMAS / "junit-10.xsd"))
LINK = "https://ci.example/1"
HOSTILE = [
    "a\n::error file=x::injected",
    "a\r::add-mask::b",
    "::stop-commands::x",
    "##[error]injected",
    "a\u2028::debug::b",
    "]]><injected/>",
    "<img src=x onerror=alert(1)>",
    "--><!--",
    "a%0A::error::b",
    "%25%0D",
    "x,line=9,title=y::z",
    "\x00\x1b[31m\x07\ufffe\uffff\ud800",
    "[click](javascript:alert(1)) ![x](http://e.example/a)",
    "@everyone #1 http://e.example",
    "{0} {{1}} [a](1)",
    "a | b ` c `` d",
    "&amp;&#10;&lt;",
    "a: b, c=d",
    "\u202e\u200b",
    "",
]
texts = st.sampled_from(HOSTILE) | st.text(max_size=40)
paths = texts.map(lambda t: Path(f"net/{t}").as_posix())
places = st.builds(
    lambda path, line, base: FileLine(path, line, 1 + line % 7, base, clean(f"{path}:{line}")),
    paths, st.integers(1, 9999), st.sampled_from(["repository", "old", "elsewhere"]),
)  # fmt: skip
annotations = st.builds(
    Annotation,
    rule=st.sampled_from(["C310", "C611", "gained", "expectation", "unknown"]),
    said=st.sampled_from(ORDER),
    title=texts.map(clean),
    message=texts.map(clean),
    case=texts.map(clean),
    at=st.none() | places,
    also=st.lists(st.tuples(texts.map(clean), places), max_size=2).map(tuple),
)
reports = st.builds(
    reported,
    st.sampled_from(["check", "verify", "diff"]),
    texts,
    st.sampled_from(["holds", "fails", "unknown", "error"]),
    st.lists(texts, max_size=3),
    st.lists(annotations, max_size=5),
    paths.map(clean),
)


def evil(said: str = "fails") -> Report:
    """Everything at once."""
    listed = [
        Annotation(
            "C310",
            said,
            clean(t),
            clean(t),
            clean(t),
            FileLine(f"n/{t}", 1, 1, "repository", clean(t)),
        )  # type: ignore[arg-type]
        for t in HOSTILE
    ]
    return reported("check", HOSTILE[0], said, HOSTILE, listed, "f.yaml")


def sarif(report: Report) -> Any:
    found = json.loads(WRITERS["sarif"].write(report, LINK))
    assert not [*SARIF.iter_errors(found)]
    return found["runs"][0]


def junit(report: Report) -> Any:
    text = WRITERS["junit"].write(report, LINK)
    found = etree.fromstring(text.encode())
    JUNIT.assertValid(found)
    return found


def gitlab(report: Report) -> Any:
    found = json.loads(WRITERS["gitlab"].write(report, LINK))
    assert not [p for issue in found for p in problems(issue)]
    return found


def github(report: Report) -> Any:
    text = WRITERS["github"].write(report, LINK)
    found = commands(text)
    assert len(found) == len(text.splitlines()) == text.count("\n")
    return found


@given(reports)
@example(evil())
def test_sarif(report: Report) -> None:
    run = sarif(report)
    assert len(run["results"]) == len(report.annotations)
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    for one, result in zip(report.annotations, run["results"], strict=True):
        assert rules[result["ruleIndex"]] == result["ruleId"] == one.rule
        assert result["level"] == ("warning" if one.said == "doubt" else "error")
        text = result["message"]["text"]
        assert not re.search(r"(?<!\\)(?:\\\\)*[\[\]]", text), "a link"
        assert not re.search(r"(?<!\{)(?:\{\{)*\{(?!\{)", text), "a placeholder"
        at = result["locations"][0]["physicalLocation"]["artifactLocation"]
        assert at["uriBaseId"] == "%SRCROOT%"
        assert re.fullmatch(r"[A-Za-z0-9_.~/%-]*", at["uri"])
        others = (r["physicalLocation"]["artifactLocation"] for r in result["relatedLocations"])
        assert {a["uriBaseId"] for a in (at, *others)} <= {*run["originalUriBaseIds"]}
    assert run["invocations"][0]["executionSuccessful"] == (report.verdict != "error")


@given(reports)
@example(evil())
@example(evil("unknown"))
def test_junit(report: Report) -> None:
    found = junit(report)
    cases = found.findall("testsuite/testcase")
    bad = {a.case for a in report.annotations if a.said != "doubt"}
    unknown = {a.case for a in report.annotations if a.said in ("unknown", "error")}
    assert {c.get("name") for c in cases if c.find("failure") is None and c.find("error") is None} \
        .isdisjoint(bad)  # fmt: skip
    assert {c.get("name") for c in cases if c.find("error") is not None} == unknown
    assert found.find("testsuite/testcase/skipped") is None
    assert cases, "nothing that passes is nothing that was looked at"
    for key, what in (("failures", "failure"), ("errors", "error")):
        count = str(sum(case.find(what) is not None for case in cases))
        assert found.get(key) == found.find("testsuite").get(key) == count
    assert found.get("tests") == str(len(cases))


@given(reports)
@example(evil())
def test_github(report: Report) -> None:
    """Every line is a command of ours; what inputs say comes out as they say it."""
    *found, last = github(report)
    assert last.name == "notice"
    count = Counter("warning" if a.said == "doubt" else "error" for a in report.annotations)
    assert Counter(c.name for c in found) == {k: min(n, 10) for k, n in count.items()}
    said = {a.text for a in report.annotations}
    for one in found:
        assert {*one.properties} <= {"file", "line", "col", "title"}
        assert one.data.split("\n")[0] in said or f"more: {LINK}" in one.data
        if "file" in one.properties:
            at = (one.properties["file"], one.properties["line"])
            assert at in {(a.here.name, str(a.here.line)) for a in report.annotations if a.here}


@given(reports)
@example(evil())
def test_gitlab(report: Report) -> None:
    found = gitlab(report)
    assert len(found) == len(report.annotations)
    prints = [issue["fingerprint"] for issue in found]
    assert len({*prints}) == len(prints)
    assert all("\n" not in issue["description"] for issue in found)


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.append(tag)


@given(reports)
@example(evil())
def test_comment(report: Report) -> None:
    """Rendered as CommonMark with tables: no link, image, HTML, or mention outside of code."""
    from markdown_it import MarkdownIt

    text = SUMMARY(report, LINK)
    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    inner = [t for token in tokens for t in (token.children or ())]
    assert not {t.type for t in (*tokens, *inner)} & {
        "html_inline",
        "html_block",
        "image",
        "link_open",
    }
    rows = [t for t in tokens if t.type == "tr_open"]
    assert len(rows) == len(report.annotations) + bool(report.annotations)
    words = "".join(t.content for t in inner if t.type == "text")
    assert not re.search(r"(?:^|[^\w`])@\w|https?://|(?:^|\s)#\d", words.replace(LINK, ""))


@pytest.mark.parametrize("write", [SUMMARY, *(row.write for row in WRITERS.values())])
@given(reports)
def test_nothing_hides(write: Callable[[Report, str], str], report: Report) -> None:
    text = write(report, LINK)
    hiding = {c for c in text if unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp", "Cs")}
    assert hiding <= {"\n"}
    assert text.encode() and text.endswith("\n")
    assert text == write(report, LINK)


@given(reports)
def test_no_format_is_greener_than_the_answer(report: Report) -> None:
    """Rule 1, of reports in which nobody said what the verdict is, too."""
    if report.verdict == "holds":
        return
    assert any(r["level"] == "error" for r in sarif(report)["results"])
    found = junit(report)
    assert int(found.get("failures")) + int(found.get("errors")) > 0
    if report.verdict in ("unknown", "error"):
        assert int(found.get("errors")) > 0
    assert any(c.name == "error" for c in github(report))
    assert any(i["severity"] in ("major", "blocker") for i in gitlab(report))


def test_what_is_said_twice_is_told_once_and_what_is_open_does_not_pass() -> None:
    one = Annotation("C310", "fails", "t", "m", "case")
    report = reported("verify", "f", "fails", ["case", "other", "other"], [one, one])
    assert len(report.annotations) == 1
    assert report.passed == ("other",)


def test_a_fingerprint_stays_when_lines_move_and_is_nobody_elses() -> None:
    def prints(line: int, *messages: str) -> list[str]:
        listed = [
            diagnosed(
                Diagnostic("C310", m, Span("f.yaml", line, 2)), place(Span("f.yaml", line, 2))
            )
            for m in messages
        ]
        return [a.fingerprint for a in reported("check", "f", "error", [], listed).annotations]

    assert prints(3, "no a (f.yaml:3:2)") == prints(8, "no a (f.yaml:8:2)")
    assert prints(3, "no a") != prints(3, "no b")
    assert len({*prints(3, "no a (x:1:1)", "no a (x:2:1)")}) == 2


def test_order_is_that_of_verdicts_then_of_files() -> None:
    listed = [
        diagnosed(Diagnostic("C310", "x", span, severity=severity), place(span))
        for severity in ("warning", "unknown", "finding", "error")
        for span in (None, Span("b.yaml", 2), Span("a.yaml", 10), Span("a.yaml", 9))
    ]
    found = reported("check", "f", "error", [], listed).annotations
    assert [a.said for a in found] == [s for s in ORDER for _ in range(4)]
    assert [a.at.shown if a.at else "" for a in found[:4]] == [
        "a.yaml:9:1",
        "a.yaml:10:1",
        "b.yaml:2:1",
        "",
    ]
    assert found == reported("check", "f", "error", [], listed[::-1]).annotations
