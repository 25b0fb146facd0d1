"""JUnit XML as Jenkins and GitLab read it (junit-10.xsd of Jenkins' xUnit plugin).

A case per expectation and per finding. What fails is a `<failure>`; *unknown* and wrong input are
an `<error>`, never `<skipped>`; what is doubtful is told as output of a case that passes.
"""

from __future__ import annotations

from xml.etree.ElementTree import Element, SubElement, indent, tostring

from cloison.render.ci.annotation import Annotation, Report
from cloison.render.ci.limits import RESULTS, cut, more


def written(report: Report, link: str) -> str:
    """The whole file, as much of it as readers take."""
    kept, left = cut(report.annotations, RESULTS)
    cases: dict[str, list[Annotation]] = {}
    for one in kept:
        if one.said != "doubt":
            cases.setdefault(one.case, []).append(one)
    found = [_case(report, name, of) for name, of in cases.items()]
    passed, unsaid = cut(report.passed, RESULTS)
    for name in passed:
        _named(found, report, name)
    if left:
        error = SubElement(_named(found, report, "what is left out here"), "error", type="more")
        error.set("message", more(left, link))
    elif not found:
        _named(found, report, f"{report.verb} of {report.subject}")
    counts = {
        "tests": str(len(found)),
        "failures": str(sum(case.find("failure") is not None for case in found)),
        "errors": str(sum(case.find("error") is not None for case in found)),
    }
    top = Element("testsuites", {"name": report.name, **counts})
    suite = SubElement(top, "testsuite", {"name": f"{report.name} {report.subject}", **counts})
    suite.extend(found)
    doubts = [f"{a.level}: {_line(a)}" for a in kept if a.said == "doubt"]
    if unsaid:
        doubts.append(f"{unsaid:,} more cases hold")
    if doubts:
        SubElement(suite, "system-out").text = "\n".join(doubts)
    indent(top)
    return f'<?xml version="1.0" encoding="utf-8"?>\n{tostring(top, encoding="unicode")}\n'


def _named(found: list[Element], report: Report, name: str) -> Element:
    case = Element("testcase", name=name, classname=report.name.replace(" ", "."))
    found.append(case)
    return case


def _case(report: Report, name: str, of: list[Annotation]) -> Element:
    case = Element("testcase", name=name, classname=report.name.replace(" ", "."))
    for one in of:
        kind = "failure" if one.said == "fails" else "error"
        told = SubElement(case, kind, type=one.rule, message=one.title)
        told.text = "\n".join([_line(one), *(f"{what}: {p.shown}" for what, p in one.also)])
    return case


def _line(one: Annotation) -> str:
    where = f"{one.here.name}:{one.here.line}:{one.here.column}: " if one.here else ""
    return f"{where}{one.title}: {one.text}"
