"""What `cloison access …` says: requests of support staff, their answers, and what they let in.

The file says who takes part, and who may answer; the history (`cloison.loading.access_history`)
what was asked for and answered. It lies beside the file unless it is named.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from cloison.loading.access_history import AccessEvent, append, read_history
from cloison.render.formats import FORMATS, written
from compiler.decisions.support.support_entries import entries
from compiler.decisions.support.support_requests import SupportRequest, answered, asked
from fabric.checks.known_names import survey
from fabric.diagnostics import Diagnostic, InputError, did_you_mean
from fabric.file.spec import FabricSpec
from fabric.file.yaml.written_yaml import written_yaml
from fabric.values.instants import told

SCHEMA = "cloison/access/1"
COLUMNS = ("request", "state", "requestor", "target", "role", "reason", "answered_by", "until")
STEPS = ("at", "request", "what", "who", "target")


@dataclass(frozen=True, slots=True)
class SupportDesk:
    """A fabric file with its history."""

    spec: FabricSpec
    history: Path

    @staticmethod
    def of(spec: FabricSpec, history: Path | None) -> SupportDesk:
        """Raises `InputError` where nobody takes part."""
        if spec.access is None:
            what, hint = "nobody takes part in support access here", "write access: in the file"
            raise InputError(Diagnostic("C664", what, None, hint))
        beside = (spec.base or Path("fabric.yaml")).with_suffix(".access.sqlite")
        return SupportDesk(spec, history or beside)

    def requests(self) -> list[SupportRequest]:
        """Every request, in the order in which they were asked for."""
        return [*read_history(self.history).values()]

    def one(self, number: int) -> SupportRequest:
        """A request by its number; raises `InputError`."""
        found = read_history(self.history).get(number)
        if found is None:
            raise InputError(Diagnostic("C664", f"there is no request {number}"))
        return found

    def entry(self, request: SupportRequest) -> dict[str, Any] | None:
        """The entry of Zone 0 that an approval makes; None where there is none."""
        return next(entries(self.spec, [request]), None) if request.window else None

    def request(
        self, who: str, target: str, role: str, reason: str, now: datetime
    ) -> SupportRequest:
        """Ask; raises `InputError`."""

        def make(known: dict[int, SupportRequest]) -> AccessEvent:
            number = max(known, default=0) + 1
            asked(number, who, target, role, reason, now)
            body = {"target": target, "role": role, "reason": reason}
            return AccessEvent(0, now, "requested", number, who, body)

        self._known(target)
        return self._written(now, make)

    def answer(
        self, number: int, by: str, now: datetime, lasts: timedelta | None, evidence: str
    ) -> SupportRequest:
        """Approve for a time, or deny; raises `InputError`."""
        assert self.spec.access is not None
        approvers = self.spec.access.approvers

        def make(known: dict[int, SupportRequest]) -> AccessEvent:
            if number not in known:
                raise ValueError(f"there is no request {number}")
            may = approvers.get(known[number].tenant, [])
            answered(known[number], by, now, may, lasts, evidence)
            body: dict[str, Any] = {"evidence": evidence} if evidence else {}
            if lasts is not None:
                body["seconds"] = lasts.total_seconds()
            return AccessEvent(0, now, "denied" if lasts is None else "approved", number, by, body)

        return self._written(now, make)

    def _written(self, now: datetime, make: Any) -> SupportRequest:
        try:
            return append(self.history, now, make)
        except ValueError as error:
            raise InputError(Diagnostic("C664", str(error))) from None

    def _known(self, target: str) -> None:
        """The customer takes part, and the server is one of its own."""
        assert self.spec.access is not None
        tenant, slash, host = target.partition("/")
        if tenant not in self.spec.access.approvers:
            hint = did_you_mean(tenant, self.spec.access.approvers)
            what = f'"{tenant}" takes no part in support access'
            raise InputError(Diagnostic("C664", what, None, hint))
        known = survey(self.spec).hosts
        if slash and host not in known:
            hint = did_you_mean(host, known)
            raise InputError(Diagnostic("C664", f'no host is called "{host}"', None, hint))

    def patch(self) -> str:
        """The text of a fabric file that extends this one by what approvals let in."""
        path = self.spec.path
        made = [*entries(self.spec, self.requests())]
        at = ["zones", "zone0", "rules"]
        edits: list[dict[str, Any]] = [{"at": at, "append": entry} for entry in made]
        if made and not self.spec.zones.zone0.rules:
            edits = [{"at": at, "set": made}]
        document = {
            "cloison": 1,
            "extends": path.name if path else "fabric.yaml",
            "name": self.spec.name,
            **({"patch": edits} if edits else {}),
        }
        return written_yaml(document, allow_unicode=False)


def row(request: SupportRequest, now: datetime) -> dict[str, Any]:
    """A request as data, as it is at a moment."""
    said, window = request.answer, request.window
    return {
        "request": request.number,
        "state": request.state(now),
        "requestor": request.requestor,
        "target": request.target,
        "role": request.role,
        "reason": request.reason,
        "created": told(request.created),
        "expires": told(request.expires),
        "answered_by": said.by if said else None,
        "answered_at": told(said.at) if said else None,
        "until": told(window[1]) if window else None,
        "evidence": (said.evidence or None) if said else None,
    }


def listed(requests: list[SupportRequest], now: datetime, output: str) -> str:
    """Requests that were asked for by a moment, as they are then."""
    rows = [row(one, now) for one in requests if one.created <= now]
    title = f"Requests for support access at {told(now)}"
    if FORMATS[output].cells == "text":
        for one in rows:
            if one["evidence"]:
                one["answered_by"] += f" (in writing, by {one['evidence']})"
    meta = {"moment": told(now)}
    return written(rows, schema=SCHEMA, output=output, title=title, columns=COLUMNS, meta=meta)


def shown(desk: SupportDesk, request: SupportRequest, now: datetime, output: str) -> str:
    """A request as it is at a moment, field by field, and what it lets in."""
    fields: dict[str, Any] = {**row(request, now), "entry": desk.entry(request)}
    shape = FORMATS[output]
    rows = [fields]
    if shape.cells == "text":
        rows = [{"field": key, "value": value} for key, value in fields.items()]
        rows = [one for one in rows if one["value"] is not None]
        entry = fields["entry"]
        if entry is not None:
            rows[-1]["value"] = written_yaml(entry, default_flow_style=True, width=10**6).strip()
    columns = ("field", "value") if shape.cells == "text" else None
    title = f"Request {request.number} at {told(now)}: {fields['state']}"
    meta = {"moment": told(now)}
    return written(rows, schema=SCHEMA, output=output, title=title, columns=columns, meta=meta)


def timeline(requests: list[SupportRequest], output: str) -> str:
    """What happens when: requests, answers, ends."""
    rows = sorted((step for one in requests for step in _steps(one)), key=lambda s: s["at"])
    shown = [{**step, "at": told(step["at"])} for step in rows]
    title = "Support access, in order"
    return written(shown, schema=SCHEMA, output=output, title=title, columns=STEPS)


def _steps(one: SupportRequest) -> Iterator[dict[str, Any]]:
    def step(at: datetime, what: str, who: str | None) -> dict[str, Any]:
        return {"at": at, "request": one.number, "what": what, "who": who, "target": one.target}

    yield step(one.created, "asked for", one.requestor)
    if one.answer is None:
        yield step(one.expires, "expires, if nobody answers", None)
        return
    yield step(one.answer.at, "denied" if one.window is None else "approved", one.answer.by)
    if one.window is not None:
        yield step(one.window[1], "ends", None)
