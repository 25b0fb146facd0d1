"""What `cloison verify` says of a file with windows: which times it judged, and when what is wrong.

Each set of periods in which the same is in force has a proof of its own; what of it is shown is
taken at once, so that one proof is held at a time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from rich.text import Text

from cloison.render.ci.annotation import Report
from cloison.render.table import Table
from cloison.views.annotated import at_times, of_proof
from cloison.views.reports.report import in_words
from cloison.views.reports.report_text import section
from cloison.views.verification import verified
from fabric.diagnostics import Diagnostic
from fabric.io.visible import lines
from fabric.values.window import Window
from sim.proof.prove import Proof
from sim.wording.assumptions import AT_BOUNDS
from sim.wording.verdicts import Verdict, worst

SCHEMA = "cloison/verification-of-times/1"
STYLES = {"holds": "bold green", "fails": "bold red", "unknown": "bold yellow"}


@dataclass(frozen=True, slots=True)
class VerifiedPeriods:
    """What the proof of some periods says: `held` of `asked` expectations hold; `shown` is its
    report, nothing where it holds."""

    periods: tuple[Window, ...]
    verdict: Verdict
    held: int
    asked: int
    said: str
    shown: tuple[Any, ...]
    document: dict[str, Any]
    report: Report

    @property
    def times(self) -> str:
        """The periods as words."""
        return ", ".join(map(str, self.periods))


@dataclass(frozen=True, slots=True, repr=False)
class ProvedTimes:
    """What holds of a file when: a proof of each set of periods in which the same is in force.
    `untried` are the kinds of what was asked and not tried, for which there is no certificate;
    `digest` is that of the certificates that were written."""

    name: str
    subject: str
    periods: tuple[VerifiedPeriods, ...]
    warnings: tuple[Diagnostic, ...]
    untried: tuple[str, ...] = ()
    digest: str | None = None

    @property
    def verdict(self) -> Verdict:
        """Whether everything holds at all times: holds, fails or unknown."""
        return verdict_of(self.periods)

    @property
    def holds(self) -> bool:
        """Whether everything holds at all times."""
        return self.verdict == "holds"

    @property
    def times(self) -> Table:
        """A row per set of periods, with what holds then."""
        return times_table(self.periods)

    def document(self) -> dict[str, Any]:
        """`cloison/verification-of-times/1`, as `verify -o json` writes it."""
        return document(self.name, self.periods, self.digest)

    def report(self) -> Iterator[Any]:
        """Everything to print."""
        return report(self.name, self.periods)

    def annotated(self) -> Report:
        """For CI."""
        return annotated(self.subject, self.periods)

    def __bool__(self) -> bool:
        return self.holds

    def __str__(self) -> str:
        return in_sentence(self.name, self.periods)

    __repr__ = __str__


def taken(
    proof: Proof, periods: tuple[Window, ...], subject: str, *, certificate: Any = None
) -> VerifiedPeriods:
    """What is shown of a proof."""
    verdicts = proof.verdicts()
    said = str(proof.verdict)
    return VerifiedPeriods(
        periods,
        proof.verdict,
        verdicts.count("holds"),
        len(verdicts),
        in_words(proof) if said != "holds" else "isolation holds for all packets",
        () if said == "holds" else tuple(verified.report(proof)),
        verified.document(proof, certificate),
        of_proof(proof, subject),
    )


def verdict_of(found: Iterable[VerifiedPeriods]) -> Verdict:
    """Whether everything holds at all times."""
    return worst([one.verdict for one in found])


def report(name: str, found: Sequence[VerifiedPeriods]) -> Iterator[Any]:
    """Everything to print: the times, then what is wrong, each with when it is so."""
    yield from section(times_table(found))
    for one in found:
        if one.shown:
            yield Text(f"{one.times}:", style="bold")
            yield ""
            yield from one.shown
            yield ""
    yield f"Assumed: {AT_BOUNDS}."
    yield Text(in_sentence(name, found), style=STYLES[verdict_of(found)])


def times_table(found: Sequence[VerifiedPeriods]) -> Table:
    """A row per set of periods."""
    rows = tuple(
        {
            "": one.verdict if one.verdict != "fails" else "FAILS",
            "times": lines(*map(str, one.periods)),
            "expectations": f"{one.held} of {one.asked} hold",
        }
        for one in found
    )
    return Table(rows, "Times", ("", "times", "expectations"))


def in_sentence(name: str, found: Sequence[VerifiedPeriods]) -> str:
    """The verdict, and of what does not hold when that is."""
    verdict = verdict_of(found)
    wrong = [f"{one.said} {one.times}" for one in found if one.verdict == verdict != "holds"]
    count = sum(len(one.periods) for one in found)
    sentence = "; ".join(wrong) or f"holds at all times: {count:,} periods, each for all packets"
    return f"{name}: {sentence}."


def document(name: str, found: Sequence[VerifiedPeriods], digest: str | None) -> dict[str, Any]:
    """`cloison/verification-of-times/1`; `findings` have in `when` the periods in which each is
    true, `periods` the verification of each set of periods."""
    verdict = verdict_of(found)
    return {
        "schema": SCHEMA,
        "name": name,
        "verdict": verdict,
        "holds": verdict == "holds",
        "covers": covers(found).row(),
        "findings": _when(found),
        "assumed": AT_BOUNDS,
        "periods": [
            {"times": [period.row() for period in one.periods], **one.document} for one in found
        ],
        "certificate": digest,
    }


def covers(found: Sequence[VerifiedPeriods]) -> Window:
    """The time that was judged, which has no gaps."""
    every = [period for one in found for period in one.periods]
    firsts, ends = [p.first for p in every], [p.end for p in every]
    return Window(
        None if None in firsts else min(f for f in firsts if f is not None),
        None if None in ends else max(e for e in ends if e is not None),
    )


def _when(found: Sequence[VerifiedPeriods]) -> list[dict[str, Any]]:
    """Findings, each once, with the periods in which it is true."""
    out: dict[tuple[Any, ...], dict[str, Any]] = {}
    for one in found:
        for row in one.document["findings"]:
            key = row["kind"], row["title"], row["blame"], row["line"]
            first = out.setdefault(key, {**row, "when": []})
            first["when"] += [period.row() for period in one.periods]
    return [row | {"number": number} for number, row in enumerate(out.values(), 1)]


def annotated(subject: str, found: Sequence[VerifiedPeriods]) -> Report:
    """For CI: annotations of all periods, each with when it is true."""
    parts = [(one.times, one.report) for one in found]
    return at_times("verify", subject, verdict_of(found), parts)
