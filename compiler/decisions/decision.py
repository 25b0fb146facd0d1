"""What is said of a request: allowed, denied or unknown, why, and the lines that decide it.

Rules that hold here:

1. *unknown* is no denial: something that may decide otherwise is not evaluated, or was not said.
2. `reason` is one of the stable words of the table that decides; `because` says the same as a
   sentence, which may change.
3. A request needs everything that stands in its way (`together`): it is denied where one thing
   denies it, whatever is not known of the others, and else unknown where one of them is.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from fabric.diagnostics import Span

Verdict = Literal["allowed", "denied", "unknown"]
STRONGEST: tuple[Verdict, ...] = ("denied", "unknown", "allowed")
"""Rule 3: of several verdicts the first that stands here is the one of all."""


@dataclass(frozen=True, slots=True)
class Ruling:
    """`lines` are to blame, the one that decides first. `conditions` are what was asked of the
    request and held, or with *unknown* what the answer depends on."""

    verdict: Verdict
    reason: str
    because: str
    lines: tuple[Span, ...] = ()
    conditions: tuple[str, ...] = ()


def together(decisions: Iterable[Ruling]) -> Ruling:
    """The decision about a request that needs all of these (at least one); rule 3.

    >>> path = Ruling("denied", "no_route", "nothing routes there")
    >>> permit = Ruling("unknown", "condition", "nobody said from where")
    >>> together([permit, path]).reason
    'no_route'
    """
    every = [*decisions]
    verdict = min((one.verdict for one in every), key=STRONGEST.index)
    deciding = [one for one in every if one.verdict == verdict]
    return Ruling(
        verdict,
        deciding[0].reason,
        "; ".join(dict.fromkeys(one.because for one in deciding)),
        tuple(dict.fromkeys(line for one in deciding for line in one.lines)),
        tuple(dict.fromkeys(text for one in deciding for text in one.conditions)),
    )
