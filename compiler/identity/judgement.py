"""What is said of a document that somebody proves an identity with.

*accepted* holds at the moment that was asked about, and until the document or one that vouches for
it expires, unless it is revoked before: SPIFFE knows no revocation but that of a bundle. *unknown*
is what depends on something that is not judged here (an algorithm, a constraint, the name under
which it is presented); it is no acceptance.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Verdict = Literal["accepted", "refused", "unknown"]


@dataclass(frozen=True, slots=True)
class SvidJudgement:
    """`reasons` say why it is not accepted; `remarks` what others may refuse. `since` and `until`
    bound the window in which it is accepted (half open), where there is one."""

    kind: Literal["X.509-SVID", "JWT-SVID"]
    verdict: Verdict
    name: str | None
    reasons: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None


def verdict_of(refused: object, unknown: object) -> Verdict:
    """What reasons of both kinds amount to: who is refused for one of them is."""
    if refused:
        return "refused"
    return "unknown" if unknown else "accepted"
