"""SARIF 2.1.0 (OASIS, https://docs.oasis-open.org/sarif/sarif/v2.1.0/), for code scanning.

Text is a plain message (§3.11): brackets would make links of it and braces placeholders, so both
are escaped. Readers refuse a result without a place: one about nothing in particular is at the
first line of the file that was asked about. A line of the old side of a comparison is a related
location below a base of its own, never one of a result: it would point into the new text. Unknown
is a result of level `error` whose message says so: `kind: open` would have to be of level `none`,
which many readers do not show.
"""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import quote

from cloison.render.ci.annotation import Annotation, Report
from cloison.render.ci.limits import PACKED, RESULTS, cut, more, packed
from cloison.render.ci.repository_lines import FileLine
from cloison.render.ci.rules import help_text, meaning

SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
BASES = {"repository": "%SRCROOT%", "old": "OLD", "elsewhere": "ELSEWHERE"}
SAID = {
    "repository": "the top of the repository",
    "old": "the top of the repository as the old side of the comparison has it",
    "elsewhere": "where the command ran; not in the repository",
}
LIVE = re.compile(r"([\\\[\]])")
PRINT = "cloison/v1"


def written(report: Report, link: str) -> str:
    """The whole log, as much of it as readers take."""
    most = RESULTS
    while True:
        text = json.dumps(_log(report, link, most), indent=1, allow_nan=False)
        if packed(text) <= PACKED or most == 1:
            return f"{text}\n"
        most //= 2


def _log(report: Report, link: str, most: int) -> dict[str, Any]:
    from importlib.metadata import version

    kept, left = cut(report.annotations, most)
    rules = sorted({a.rule for a in kept})
    notes = [{"level": "warning", "message": message(more(left, link))}] if left else []
    bases = sorted({"repository", *(place.base for a in kept for place in _places(a))})
    run: dict[str, Any] = {
        "tool": {
            "driver": {
                "name": "cloison",
                "version": version("cloison"),
                "rules": [_rule(rule) for rule in rules],
            }
        },
        "automationDetails": {"id": f"{report.name}/{report.subject}"},
        "columnKind": "unicodeCodePoints",
        "invocations": [
            {"executionSuccessful": report.verdict != "error", "toolExecutionNotifications": notes}
        ],
        "originalUriBaseIds": {BASES[b]: {"description": message(SAID[b])} for b in bases},
        "properties": {"verdict": report.verdict},
        "results": [_result(a, rules.index(a.rule), report.path) for a in kept],
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def message(text: str) -> dict[str, str]:
    """A plain message of SARIF."""
    return {"text": LIVE.sub(r"\\\1", text).replace("{", "{{").replace("}", "}}")}


def _rule(rule: str) -> dict[str, Any]:
    plain = help_text(rule)
    return {
        "id": rule,
        "shortDescription": {"text": meaning(rule)},
        "help": {"text": plain, "markdown": plain},
    }


def _places(one: Annotation) -> list[FileLine]:
    return [*([one.at] if one.at else []), *(place for _, place in one.also)]


def _result(one: Annotation, index: int, path: str) -> dict[str, Any]:
    here = _location(one.here or FileLine(path, 1, 1, "repository", path))
    beyond = [(one.title, one.at)] if one.at and not one.here else []
    related = [
        {**_location(place), "id": number, "message": message(what)}
        for number, (what, place) in enumerate((*beyond, *one.also), 1)
    ]
    return {
        "ruleId": one.rule,
        "ruleIndex": index,
        "level": one.level,
        "message": message(f"{one.title}: {one.text}"),
        "partialFingerprints": {PRINT: one.fingerprint},
        "properties": {"verdict": one.said},
        "locations": [here],
        "relatedLocations": related,
    }


def _location(place: FileLine) -> dict[str, Any]:
    where = {
        "uri": quote(place.path.encode("utf-8", "replace"), safe="/"),
        "uriBaseId": BASES[place.base],
    }
    region = {"startLine": place.line, "startColumn": place.column}
    return {"physicalLocation": {"artifactLocation": where, "region": region}}
