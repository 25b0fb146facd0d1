"""One thing that an answer says about one line: what every format of CI is made of.

Rules that hold here:

1. **No format is greener than its answer.** A report whose verdict is not `holds` has an annotation
   that says so (`reported` adds one where nobody did), and no case of it stands as passed.
2. *Unknown* is a verdict of its own: an error wherever a format knows errors, never skipped.
3. Order is that of the verdicts, the worst first, then of the files; a fingerprint is of what is
   said, so that it stays when lines move.
4. Text is a stranger's: it is one line in which everything that hides is visible, and each format
   escapes what means something in it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Literal

from cloison.render.ci.limits import clipped
from cloison.render.ci.repository_lines import FileLine, clean
from fabric.diagnostics import Diagnostic

Said = Literal["error", "fails", "unknown", "doubt"]
ORDER: tuple[Said, ...] = ("error", "fails", "unknown", "doubt")
"""Wrong input, a finding, not known, and what is legal and doubtful."""
OF_SEVERITY: dict[str, Said] = {
    "error": "error",
    "finding": "fails",
    "unknown": "unknown",
    "warning": "doubt",
}
LEVELS = {"error": "error", "fails": "error", "unknown": "error", "doubt": "warning"}
NUMBERS = re.compile(r":\d+:\d+")


@dataclass(frozen=True, slots=True)
class Annotation:
    """`rule` is a code or a word of `rules.WORDS`; `case` names the test that it is about, `also`
    has further places, each with what it is. `fingerprint` is empty until it is reported."""

    rule: str
    said: Said
    title: str
    message: str
    case: str
    at: FileLine | None = None
    also: tuple[tuple[str, FileLine], ...] = ()
    fingerprint: str = ""

    @property
    def level(self) -> str:
        """error or warning."""
        return LEVELS[self.said]

    @property
    def here(self) -> FileLine | None:
        """The place, if it is in the change's own text."""
        return self.at if self.at is not None and self.at.base == "repository" else None

    @property
    def text(self) -> str:
        """The message; where it cannot point to the line that it is about, with the line."""
        if self.at is not None and self.here is None:
            return clipped(f"{self.message} ({self.at.shown})")
        return clipped(self.message)


@dataclass(frozen=True, slots=True)
class Report:
    """What a verb says about `subject`: `passed` are tests that hold, `verdict` is that of the
    whole; wrong input is `error`."""

    verb: str
    subject: str
    verdict: str
    passed: tuple[str, ...]
    annotations: tuple[Annotation, ...]
    path: str = ""
    """The file that it is about, from the top of the repository."""

    @property
    def name(self) -> str:
        """What is called a run of it."""
        return f"cloison {self.verb}"


def diagnosed(found: Diagnostic, at: FileLine | None) -> Annotation:
    """A diagnostic, which is a test of its own."""
    hint = f" (hint: {clean(found.hint)})" if found.hint else ""
    message = clean(found.message)
    where = f" at {at.name}" if at else ""
    said = OF_SEVERITY[found.severity]
    title = f"{found.code} unknown" if said == "unknown" else f"{found.code} {found.severity}"
    return Annotation(found.code, said, title, f"{message}{hint}", f"{found.code}{where}", at)


def reported(
    verb: str,
    subject: str,
    verdict: str,
    passed: Iterable[str],
    annotations: Iterable[Annotation],
    path: str = "",
) -> Report:
    """A report; rules 1 and 3."""
    listed = sorted(dict.fromkeys(annotations), key=_order)
    if verdict not in ("holds", "computed") and not any(a.said == _worst(verdict) for a in listed):
        said, what = _worst(verdict), f"the verdict of cloison {verb} is: {verdict}"
        listed = sorted([*listed, Annotation(said, said, said, what, "verdict")], key=_order)
    open_ = {a.case for a in listed if a.said != "doubt"}
    good = tuple(dict.fromkeys(clean(case) for case in passed if clean(case) not in open_))
    return Report(verb, clean(subject), verdict, good, tuple(_printed(listed)), clean(path))


def _worst(verdict: str) -> Said:
    return next((said for said in ORDER if said == verdict), "error")


def _order(found: Annotation) -> tuple[object, ...]:
    at = found.at
    place = (at.path, at.line, at.column) if at else ("", 0, 0)
    return ORDER.index(found.said), at is None, place, found.rule, found.title, found.message


def _printed(found: Iterable[Annotation]) -> Iterator[Annotation]:
    """Annotations with fingerprints, no two alike."""
    count: Counter[tuple[str, ...]] = Counter()
    for one in found:
        words = one.title, one.message, one.case
        what = (one.rule, one.said, one.at.path if one.at else "")
        key = *what, *(NUMBERS.sub("", text) for text in words)
        text = "\0".join((*key, str(count[key])))
        count[key] += 1
        yield replace(one, fingerprint=sha256(text.encode("utf-8", "replace")).hexdigest())
