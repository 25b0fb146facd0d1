"""What `verify --by requirement` says: the lines that prove each requirement, and what they leave.

Numbers are those that lines say (`requirement: [SEC11-01]`). What a number asks, the catalogue
knows (`cloison/catalogue`): by it or by what stands before its dash, which is the requirement that
a numbered test belongs to. A requirement holds where all its lines do; that they prove the whole of
it, nobody but who wrote them can say, which is why each comes with what they cannot prove.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from cloison.render.table import Table
from cloison.views.reports.report_text import section
from fabric.io.strict_json import decoded
from fabric.io.visible import lines
from sim.proof.prove import Proof
from sim.wording.verdicts import worst

NONE = "(none)"
"""What stands for lines that say no requirement."""


@cache
def catalogue() -> Mapping[str, Any]:
    """The requirements that are known, with their source."""
    found: Mapping[str, Any] = decoded((files("cloison") / "catalogue/ai_clouds.json").read_text())
    return found


def known(number: str) -> Mapping[str, Any] | None:
    """What the catalogue has of a number, or of the requirement whose test it is."""
    there: Mapping[str, Any] = catalogue()["requirements"]
    return there.get(number) or there.get(number.partition("-")[0])


def document(proof: Proof) -> list[dict[str, Any]]:
    """A row per requirement that lines name, in order of their numbers, and one of the lines that
    name none; then those of the catalogue that no line names, whose verdict is null."""
    of: dict[str, list[dict[str, Any]]] = {}
    said = dict(zip((o.claim.number for o in proof.outcomes), proof.verdicts(), strict=True))
    for place, line in enumerate(proof.network.spec.expect):
        span = proof.network.spec.at("expect", place)
        kind = next(k for k in ("allow", "deny", "only") if getattr(line, k) is not None)
        row = {
            "expect": f"{kind}: {getattr(line, kind)}",
            "verdict": said.get(place, "fails"),  # one from before a change that says nothing now
            "owner": line.owner,
            "line": None if span is None else str(span),
        }
        for number in dict.fromkeys(line.requirement) or [NONE]:
            of.setdefault(number, []).append(row)
    rows = []
    for number in sorted(of, key=lambda n: (n == NONE, n)):
        found = known(number)
        rows.append(
            {
                "requirement": None if number == NONE else number,
                "verdict": worst([row["verdict"] for row in of[number]]),
                **_said(found),
                "expectations": of[number],
            }
        )
    asked = {number.partition("-")[0] for number in of}
    for number, found in catalogue()["requirements"].items():
        if number not in asked:
            rows.append(
                {"requirement": number, "verdict": None, **_said(found), "expectations": []}
            )
    return rows


def _said(found: Mapping[str, Any] | None) -> dict[str, Any]:
    return {key: found and found[key] for key in ("asks", "proves", "beyond")}


def report(proof: Proof) -> Iterator[Any]:
    """The same for people: what lines prove, then what no line asks about."""
    every = document(proof)
    rows = tuple(
        {
            "": "FAILS" if row["verdict"] == "fails" else row["verdict"],
            "requirement": row["requirement"] or NONE,
            "lines": len(row["expectations"]),
            "asks": row["asks"] or "",
            "not proven by lines": row["beyond"] or "",
            "fails": lines(
                *(r["expect"] for r in row["expectations"] if r["verdict"] != "holds"),
            ),
        }
        for row in every
        if row["verdict"] is not None
    )
    shown = ["", "requirement", "lines", "asks", "not proven by lines"]
    shown += ["fails"] if any(row["fails"] for row in rows) else []
    yield from section(Table(rows, "Requirements", tuple(shown)))
    left = [row["requirement"] for row in every if row["verdict"] is None]
    source = catalogue()
    if left:
        yield f"No line is about {', '.join(left)} ({source['title']} {source['version']})."
        yield ""
