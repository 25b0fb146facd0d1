"""GitLab's code quality report: a list of issues, as Code Climate's engines write them.

Every issue needs a file: one about nothing in particular is at the first line of the file that was
asked about. Its description is a line without markup.
"""

from __future__ import annotations

import json
from typing import Any

from cloison.render.ci.annotation import Annotation, Report
from cloison.render.ci.limits import RESULTS, cut, more

SEVERITY = {"error": "blocker", "fails": "major", "unknown": "major", "doubt": "minor"}


def written(report: Report, link: str) -> str:
    """The whole file, as much of it as there is room for."""
    kept, left = cut(report.annotations, RESULTS)
    rows = [_issue(report, one) for one in kept]
    if left:
        one = Annotation("more", "fails", report.name, more(left, link), "more", fingerprint="more")
        rows.append(_issue(report, one))
    return f"{json.dumps(rows, indent=1, allow_nan=False)}\n"


def _issue(report: Report, one: Annotation) -> dict[str, Any]:
    path, line = (one.here.name, one.here.line) if one.here else (report.path, 1)
    return {
        "type": "issue",
        "check_name": one.rule,
        "description": f"{one.title}: {one.text}",
        "categories": ["Security"],
        "severity": SEVERITY[one.said],
        "fingerprint": one.fingerprint,
        "location": {"path": path, "lines": {"begin": line, "end": line}},
    }
