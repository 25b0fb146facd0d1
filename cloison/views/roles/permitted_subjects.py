"""What `cloison who-can` says: everybody whom a binding names and who may, with its lines.

Rules that hold here:

1. A row is a subject as bindings name it; whoever is in a group that is listed may as well.
2. Members of `system:masters` may do anything, and parts of Kubernetes what is not written down
   here: both stand beside the rows, so that "nobody" is said of all others.
3. Whoever may not by himself, and may act as somebody who may (`ways_around`), has a row *around*.
   Where nobody else may, whether somebody does is unknown.
4. With `--from` the way is asked about once: it is everybody's from there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any

from cloison.render.formats import FORMATS, written
from cloison.views import asked_lines
from cloison.views.asked_lines import Question, decision_row, text_of
from cloison.views.roles.api_cluster import DIRECT, ApiCluster
from cloison.views.roles.asked_permission import request_of
from compiler.decisions.decision import Ruling, Verdict
from compiler.decisions.rbac.api_requests import MASTERS, ApiRequest
from compiler.decisions.rbac.asked_access import spans, told_grant
from compiler.decisions.rbac.role_semantics import Grant
from compiler.decisions.rbac.ways_around import AroundStep
from fabric.io.visible import lines

SCHEMA = "cloison/who-can/1"
QUESTION = ("verb", "resource", "subresource", "group", "name", "namespace", "path", "from")
COLUMNS = ("subject", "verdict", "because", "at")
ALWAYS = f"members of {MASTERS} may do anything"
PARTS = "parts of Kubernetes itself (its controllers, its nodes) may do more than is written down"


@dataclass(frozen=True, slots=True)
class PermittedSubjects:
    """`found` has for every subject its best grant."""

    cluster: ApiCluster
    request: ApiRequest
    source: str | None
    found: tuple[Grant, ...]
    path: Ruling | None
    around: tuple[tuple[AroundStep, ...], ...] = ()

    @staticmethod
    def of(cluster: ApiCluster, request: ApiRequest, source: str | None) -> PermittedSubjects:
        """The answer; raises `InputError`."""
        best: dict[tuple[str, str], Grant] = {}
        for grant in cluster.roles.table.who(request):
            if (grant.binding.own and grant.rule.doubt) or grant.subject.key == ("Group", MASTERS):
                continue
            known = best.setdefault(grant.subject.key, grant)
            if known.rule.doubt and not grant.rule.doubt:
                best[grant.subject.key] = grant
        found = sorted(best.values(), key=lambda one: (bool(one.rule.doubt), one.subject.key))
        path = None if source is None else cluster.path(source)
        ways = tuple(cluster.roles.around.everybody(request))
        return PermittedSubjects(cluster, request, source, tuple(found), path, ways)

    @property
    def verdict(self) -> Verdict:
        """Whether anybody may, from there."""
        doubts = {bool(one.rule.doubt) for one in self.found}
        if not doubts and self.around and not (self.path and self.path.verdict == "denied"):
            return "unknown"
        if not doubts or (self.path and self.path.verdict == "denied"):
            return "denied"
        sure = False in doubts and (self.path is None or self.path.verdict == "allowed")
        return "allowed" if sure else "unknown"

    @property
    def assumed(self) -> tuple[str, ...]:
        """Rule 2, and what nobody looked at."""
        more = (ALWAYS,) if self.cluster.roles.complete else (ALWAYS, PARTS)
        way = DIRECT if self.path else "whoever asks gets to the API server"
        return (*more, *self.cluster.roles.assumed, way)

    def rows(self) -> list[dict[str, Any]]:
        """A row per subject."""
        return [
            {
                "subject": one.subject.what,
                "kind": "User" if one.subject.kind == "User" else one.subject.kind,
                "verdict": "unknown" if one.rule.doubt else "allowed",
                "because": told_grant(one) + (f": {one.rule.doubt}" if one.rule.doubt else ""),
                "at": [str(place) for place in spans(one)],
            }
            for one in self.found
        ] + [
            {
                "subject": steps[0].who.what,
                "kind": "User" if steps[0].who.user else "Group",
                "verdict": "around",
                "because": "; ".join(one.text for one in steps),
                "at": [str(place) for one in steps for place in spans(one.grant)],
            }
            for steps in self.around
        ]

    def meta(self) -> dict[str, Any]:
        """What stands beside the rows."""
        return {
            "verdict": self.verdict,
            "request": self.request.what,
            "cluster": self.cluster.name or None,
            "from": self.source,
            "to": self.cluster.server or None,
            "path": None if self.path is None else decision_row(self.path),
            "assumed": list(self.assumed),
        }

    @property
    def headline(self) -> str:
        """One line."""
        whose = f" of {self.cluster.name}" if self.cluster.name else ""
        where = f" from {self.source}" if self.source else ""
        many = {"denied": "nobody", "unknown": "perhaps somebody"}.get(self.verdict)
        sure = sum(not one.rule.doubt for one in self.found)
        more = f", and {len(self.around)} by a way around" if self.around else ""
        return f"Who can {self.request.what}{whose}{where}: {many or sure}{more}"

    def written(self, output: str) -> str:
        """In a format."""
        rows = self.rows()
        if FORMATS[output].cells == "text":
            for row in rows:
                row["at"] = lines(*row["at"])
            if self.path is not None:
                at = lines(*map(str, self.path.lines))
                way = {"verdict": self.path.verdict, "because": self.path.because, "at": at}
                rows.append({"subject": "(path)", **way})
            rows.append({"subject": "(assumed)", "because": lines(*self.assumed)})
        return written(
            rows, schema=SCHEMA, output=output, title=self.headline, columns=COLUMNS,
            meta=self.meta(),
        )  # fmt: skip


def answers(
    cluster: ApiCluster, questions: IO[bytes], source: str | None
) -> Iterator[dict[str, Any]]:
    """The answer to each line; those that do not say from where ask from `source`."""

    def answer(question: Question) -> dict[str, Any]:
        start = text_of(question, "from") if "from" in question else source
        said = PermittedSubjects.of(cluster, request_of(cluster, question), start)
        return {**said.meta(), "subjects": said.rows()}

    return asked_lines.answers(questions, answer, QUESTION)
