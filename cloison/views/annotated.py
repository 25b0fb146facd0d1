"""Answers of `check`, `verify` and `diff` as annotations: what is wrong, where, and what holds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from cloison.render.ci.annotation import Annotation, Report, diagnosed, reported
from cloison.render.ci.repository_lines import OLD, FileLine, clean, place
from cloison.views.caveats.diagnosed import in_order
from cloison.views.changes.approved import NOT, ApprovalVerdict
from cloison.views.changes.changed import EditGroup, grouped, plain, sentences
from cloison.views.changes.differences import details, heading, led, said
from fabric.diagnostics import Diagnostic, Span
from fabric.kubernetes.unmodelled.unevaluated import pending
from sim.diff.diff import Diff
from sim.proof.prove import Finding, Proof
from sim.worlds.world import World

TimedReport = tuple[str, Report]
"""When a report is true, and the report."""


def of_diagnostics(
    verb: str, subject: str, found: Iterable[Diagnostic], verdict: str, old: Path | None = None
) -> Report:
    """Of diagnostics alone."""
    listed = [diagnosed(d, place(d.span, old)) for d in found]
    passed = [f"{verb} of {subject}"] if verdict == "holds" else []
    return reported(verb, subject, verdict, passed, listed, named(subject))


def named(subject: str) -> str:
    """The file that a question was about, from the top of its repository."""
    found = place(Span(subject, 1))
    return found.name if found else subject


def of_proof(proof: Proof, subject: str) -> Report:
    """Of a proof: a case per expectation, and per finding besides."""
    claims = [str(o.claim) for o in proof.outcomes]
    verdicts = proof.verdicts()
    listed = [_finding(found, claims) for found in proof.findings]
    told = {one.case for one in listed}
    for outcome, verdict in zip(proof.outcomes, verdicts, strict=True):
        case, at = clean(str(outcome.claim)), place(outcome.claim.span)
        if verdict == "fails" and case not in told:
            listed.append(Annotation("expectation", "fails", "expectation fails", case, case, at))
        if verdict == "unknown":
            why = proof.doubts.get(outcome.claim.number)
            what = clean(f"{case}: unknown{f', because of {why}' if why else ''}")
            listed.append(Annotation("unknown", "unknown", "expectation unknown", what, case, at))
    network = proof.network
    listed += [_unknown(why) for why in proof.unknown_because]
    listed += _diagnostics([*network.warnings, *(r.diagnostic() for r in proof.not_evaluated)])
    passed = [c for c, v in zip(claims, verdicts, strict=True) if v == "holds"]
    if proof.verdict == "holds" or not (proof.pending or {*told} - {*map(clean, claims)}):
        passed.append("nothing passes between VRFs without being declared")
    return reported("verify", subject, str(proof.verdict), passed, listed, named(subject))


def _finding(found: Finding, claims: Iterable[str]) -> Annotation:
    case = next((c for c in claims if found.title.startswith(f"{c} fails")), found.title)
    parts = [found.title, f"blame: {found.culprit.title}: {found.culprit.part}"]
    if found.packet:
        parts.insert(1, f"packet: {found.packet}")
    also = tuple(("also", at) for c in found.others if (at := place(c.span)))
    what, at = clean("; ".join(parts)), place(found.culprit.span)
    title = f"{found.kind} {'fails' if found.kind == 'expectation' else 'finding'}"
    return Annotation(found.kind, "fails", title, what, clean(case), at, also)


def _unknown(why: str) -> Annotation:
    return Annotation("unknown", "unknown", "unknown", clean(why), clean(why))


def _diagnostics(found: Iterable[Diagnostic], old: Path | None = None) -> list[Annotation]:
    return [diagnosed(d, place(d.span, old)) for d in in_order(found)]


def at_times(verb: str, subject: str, verdict: str, parts: Iterable[TimedReport]) -> Report:
    """Reports of several times as one: annotations and cases of each, with when they are true."""
    parts = list(parts)
    listed = [
        replace(a, message=f"{times}: {a.message}", case=f"{a.case} ({times})", fingerprint="")
        for times, report in parts
        for a in report.annotations
        if a.rule != "C217"
    ]
    passed = [f"{case} ({times})" for times, report in parts for case in report.passed]
    return reported(verb, subject, verdict, passed, listed, named(subject))


def of_diff(
    found: Diff,
    worlds: Iterable[World],
    subject: str,
    old: Path | None,
    given: ApprovalVerdict | None = None,
) -> Report:
    """Of a comparison: a case per sentence; what either world lacks besides. `old` is the mount of
    the old side. What was approved, all of it, is a case that passes."""
    approved = given is not None and given.accepted
    listed = []
    if not approved:
        listed += [one for group in grouped(found) for one in _changes(found, group, old)]
        listed += _besides(found, old)
    if given is not None and not approved:
        listed += [_beyond(words) for words in given.lines() if words.startswith(NOT)]
    diagnostics = [
        d for world in worlds for d in (*world.network.findings, *world.network.warnings)
    ]
    diagnostics += [r.diagnostic() for r in found.not_evaluated]
    listed += _diagnostics(diagnostics, old)
    if not found.decided and not pending(found.not_evaluated):
        listed += [_unknown(why) for why in found.undecided]
    verdict = said(found) if given is None else given.verdict
    if any(one.said == "fails" for one in listed):
        verdict = "fails"
    passed = ["nothing but what was approved" if given else "no packet fares differently"]
    passed = passed if verdict == "holds" else []
    return reported("diff", subject, verdict, passed, listed, named(subject))


def _beyond(words: str) -> Annotation:
    return Annotation("approval", "fails", "not approved", clean(words), clean(words))


def _changes(found: Diff, group: EditGroup, old: Path | None) -> Iterator[Annotation]:
    edit = group.edit
    for kind, words in sentences(found, group.changes):
        alike = [c for c in group.changes if c.kind == kind]
        shown = "; ".join(f"{label}: {text}" for label, text in details(found, alike))
        message = clean(f"{words} [{heading(found, group)}] {shown}")
        places = [
            (n, at) for n, s in (("after", edit.new), ("before", edit.old)) if (at := place(s, old))
        ]
        at, also = _first(places)
        yield Annotation(kind, "fails", f"access {kind}", message, clean(words), at, also)


def _first(
    places: list[tuple[str, FileLine]],
) -> tuple[FileLine | None, tuple[tuple[str, FileLine], ...]]:
    """The place to point to, if one is in the new text, and the others."""
    at = next((p for _, p in places if p.base != OLD), None) or (places[0][1] if places else None)
    return at, tuple((name, p) for name, p in places if p is not at)


def _besides(found: Diff, old: Path | None) -> Iterator[Annotation]:
    for p in found.presences:
        if p.kind in ("new", "removed"):
            words = clean(f"{plain(found, p.name)} is {p.kind}")
            yield Annotation("peer", "fails", f"{p.kind} peer", words, words)
    for kind, doors in (("Service", found.services), ("host port", found.host_ports)):
        for door in doors:
            words = clean(f"{kind} {plain(found, door.name)} {led(door)}")
            yield Annotation(
                "door", "fails", f"{kind} changed", words, words, place(door.span, old)
            )
    for d in found.gone:
        words = clean(f"{d.code} {d.message}")
        yield Annotation("gone", "fails", "finding gone", words, words, place(d.span, old))
