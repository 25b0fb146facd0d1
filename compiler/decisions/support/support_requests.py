"""Requests for access by support staff, their answers, and what they are at a moment.

Rules that hold here:

1. A request waits for two hours: from its first moment until, but not at, the one where they end.
   Answered in time it is approved or denied, else it expires. An answer is the last word: whoever
   needs access after it asks again.
2. Approved, access lasts eight hours or as many fewer as the approval says, until, but not at,
   the end of its last one. Then it has ended.
3. An approver of that customer answers, and nobody his own request, however his name is written.
4. For a cluster one of two roles is asked for, for a server its login; a reason is given.
5. Where the tools to answer are down, consent in writing counts (`evidence`): it is said of it, and
   everything else holds as well.

Source: the provider's description of support access.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from fabric.values.instants import told

ANSWERED_WITHIN, LONGEST = timedelta(hours=2), timedelta(hours=8)
ROLES = ("teleport-cluster-viewers", "teleport-cluster-super-admins")
LOGINS = ("acc",)
EVIDENCE = ("slack", "email")
State = Literal["pending", "approved", "denied", "expired", "ended"]


@dataclass(frozen=True, slots=True)
class SupportAnswer:
    """`until` is None for a denial."""

    by: str
    at: datetime
    until: datetime | None
    evidence: str = ""


@dataclass(frozen=True, slots=True)
class SupportRequest:
    """`host` is a server under the cluster of `tenant`, empty for the cluster itself."""

    number: int
    requestor: str
    tenant: str
    host: str
    role: str
    reason: str
    created: datetime
    answer: SupportAnswer | None = None

    @property
    def target(self) -> str:
        """As people write it."""
        return f"{self.tenant}/{self.host}" if self.host else self.tenant

    @property
    def expires(self) -> datetime:
        """The moment from which nobody can answer any more."""
        return self.created + ANSWERED_WITHIN

    @property
    def window(self) -> tuple[datetime, datetime] | None:
        """When there is access: from the first moment until, but not at, the second."""
        if self.answer is None or self.answer.until is None:
            return None
        return self.answer.at, self.answer.until

    def state(self, now: datetime) -> State:
        """What it is at a moment (rules 1 and 2)."""
        if self.answer is None or now < self.answer.at:
            return "pending" if now < self.expires else "expired"
        if self.answer.until is None:
            return "denied"
        return "approved" if now < self.answer.until else "ended"


def asked(
    number: int, requestor: str, target: str, role: str, reason: str, now: datetime
) -> SupportRequest:
    """A new request; ValueError where there can be none (rule 4)."""
    tenant, slash, host = target.partition("/")
    known = LOGINS if slash else ROLES
    if not requestor.strip() or not tenant or (slash and not host):
        raise ValueError("say who asks, and for what: TENANT, or TENANT/HOST")
    if role not in known:
        what = "a server's login is" if slash else "a cluster's roles are"
        raise ValueError(f'"{role}" cannot be asked for: {what} {" and ".join(known)}')
    if not reason.strip():
        raise ValueError("a request gives a reason")
    return SupportRequest(number, requestor, tenant, host, role, reason, now)


def answered(
    request: SupportRequest,
    by: str,
    now: datetime,
    approvers: Collection[str] | None,
    lasts: timedelta | None,
    evidence: str = "",
) -> SupportRequest:
    """The request with an answer, an approval that `lasts` or a denial (None); ValueError where it
    cannot be given. Without `approvers` it was found out before who may (a history)."""
    if request.answer is not None:
        word = "denied" if request.answer.until is None else "approved"
        raise ValueError(f"request {request.number} is {word} already, by {request.answer.by}")
    if not request.created <= now < request.expires:
        raise ValueError(f"request {request.number} has expired at {told(request.expires)}")
    if approvers is not None and by not in approvers:
        raise ValueError(f"{by} is no approver of {request.tenant}")
    if by.strip().casefold() == request.requestor.strip().casefold():
        raise ValueError(f"{by} cannot answer a request of his own")
    if evidence and evidence not in EVIDENCE:
        raise ValueError(f"written consent is by {' or '.join(EVIDENCE)}")
    if lasts is None:
        return replace(request, answer=SupportAnswer(by, now, None, evidence))
    if not timedelta(0) < lasts <= LONGEST:
        raise ValueError("access lasts more than nothing, and eight hours at most")
    return replace(request, answer=SupportAnswer(by, now, now + lasts, evidence))
