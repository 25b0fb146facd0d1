"""What `cloison can-i` says: permission and path together, each with its lines.

    {"id": 1, "subject": "user:jane", "verb": "get", "resource": "pods", "namespace": "shop"}
    {"id": 1, "verdict": "allowed", "reason": "rule", "because": "…", "at": ["…"], …}

A question that has a `group` says the resource in its parts, as a SubjectAccessReview does:
nothing is made of it. `user` with `groups` says who somebody is in the same way.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import IO, TYPE_CHECKING, Any

from cloison.render.formats import FORMATS, written
from cloison.views import asked_lines
from cloison.views.asked_lines import Question, decision_row, text_of
from cloison.views.roles.api_cluster import DIRECT, ApiCluster, ways
from compiler.decisions.decision import Ruling, Verdict, together
from compiler.decisions.rbac.api_requests import ApiRequest, ApiSubject, subject
from compiler.decisions.rbac.asked_access import account_of, around, decided, somebody, spans
from compiler.decisions.rbac.impersonation import impersonated, impersonating
from compiler.decisions.rbac.known_resources import as_sent, asked
from fabric.io.visible import lines

if TYPE_CHECKING:
    from cloison.views.token_bearers import TokenReader
    from compiler.identity.oidc_token import TokenUser

SCHEMA = "cloison/can-i/1"
QUESTION = (
    *("subject", "user", "groups", "verb", "resource", "subresource", "group", "name"),
    *("namespace", "path", "from", "token", "as", "as_groups"),
)
PARTS = ("identity", "behalf", "permission", "path", "pods")
IDENTIFIED: dict[str, tuple[Verdict, str]] = {
    "accepted": ("allowed", "authenticated"),
    "refused": ("denied", "not_authenticated"),
    "unknown": ("unknown", "authentication_unknown"),
}
"""What it means to be whom a token names."""
COLUMNS = ("part", "verdict", "because", "at")


@dataclass(frozen=True, slots=True)
class AskedPermission:
    """`path` is None where nobody said from where; then `pods` has the ways from the workloads that
    run as a service account."""

    cluster: ApiCluster
    who: ApiSubject
    request: ApiRequest
    source: str | None
    permission: Ruling
    path: Ruling | None
    pods: tuple[tuple[str, Ruling], ...] = ()
    identity: Ruling | None = None
    behalf: Ruling | None = None

    @staticmethod
    def of(
        cluster: ApiCluster, who: ApiSubject, request: ApiRequest, source: str | None
    ) -> AskedPermission:
        """The answer; raises `InputError` where nobody knows what is meant."""
        permission = decided(cluster.roles, who, request)
        if source is not None:
            path = cluster.path(source)
            return AskedPermission(cluster, who, request, source, permission, path)
        account = account_of(who.user)
        pods = tuple(ways(cluster, *account)) if account else ()
        return AskedPermission(cluster, who, request, None, permission, None, pods)

    @staticmethod
    def of_bearer(
        cluster: ApiCluster, bearer: TokenUser, request: ApiRequest, source: str | None
    ) -> AskedPermission:
        """The same for whom a token names: what roles deny somebody whose name or groups are not
        all known is unknown."""
        who = subject(bearer.user or "", bearer.groups)
        found = AskedPermission.of(cluster, who, request, source)
        verdict, reason = IDENTIFIED[bearer.verdict]
        because = "; ".join(bearer.reasons) or f"the token of {bearer.issuer} names {who.what}"
        permission = found.permission
        if not bearer.named and permission.verdict == "denied":
            permission = replace(permission, verdict="unknown", reason="not_all_groups")
        identity = Ruling(verdict, reason, because, bearer.lines)
        return replace(found, permission=permission, identity=identity)

    def on_behalf(self, user: str, groups: tuple[str, ...]) -> AskedPermission:
        """The same of a request on another's behalf; raises `InputError` without a user."""
        who = impersonated(user, groups)
        behalf = impersonating(self.cluster.roles, self.who, user, groups)
        if self.identity and self.identity.verdict != "allowed" and behalf.verdict == "denied":
            behalf = replace(behalf, verdict=self.identity.verdict)
        found = AskedPermission.of(self.cluster, who, self.request, self.source)
        return replace(found, identity=self.identity, behalf=behalf)

    @property
    def ruling(self) -> Ruling:
        """Both together: what permission allows and the network does not is denied."""
        parts = (self.identity, self.behalf, self.permission, self.path)
        return together(part for part in parts if part is not None)

    def around(self) -> list[dict[str, Any]]:
        """How he gets it done who may not by himself: a row per step."""
        found = around(self.cluster.roles, self.who, self.request)
        return [{"step": one.text, "at": [str(at) for at in spans(one.grant)]} for one in found]

    @property
    def assumed(self) -> tuple[str, ...]:
        """What nobody looked at."""
        told = self.cluster.roles.assumed
        if self.who.user and self.identity is None and account_of(self.who.user) is None:
            told = (*told, f"{self.who.what} is in no group but those that are said")
        return (*told, DIRECT if self.path else "whoever asks gets to the API server")

    def row(self) -> dict[str, Any]:
        """As data."""
        return {
            **decision_row(self.ruling),
            "subject": self.who.what,
            "request": self.request.what,
            "cluster": self.cluster.name or None,
            "from": self.source,
            "to": self.cluster.server or None,
            "identity": None if self.identity is None else decision_row(self.identity),
            "behalf": None if self.behalf is None else decision_row(self.behalf),
            "permission": decision_row(self.permission),
            "path": None if self.path is None else decision_row(self.path),
            "pods": [{"workload": name, **decision_row(way)} for name, way in self.pods],
            "around": self.around(),
            "assumed": list(self.assumed),
        }

    @property
    def headline(self) -> str:
        """One line."""
        where = f" from {self.source}" if self.source else ""
        whose = f" of {self.cluster.name}" if self.cluster.name else ""
        said = {"allowed": "yes", "denied": "no", "unknown": "unknown"}[self.ruling.verdict]
        but = "; but there is a way around" if self.around() else ""
        return f"{said}: {self.who.what}, to {self.request.what}{whose}{where}{but}"

    def written(self, output: str) -> str:
        """In a format: a row per part."""
        parts: list[tuple[str, Ruling]] = [("identity", self.identity)] if self.identity else []
        parts += [("impersonation", self.behalf)] if self.behalf else []
        parts.append(("permission", self.permission))
        parts += [("path", self.path)] if self.path else []
        parts += [(f"path of {name}", way) for name, way in self.pods]
        rows = [{"part": part, **decision_row(said)} for part, said in parts]
        if FORMATS[output].cells == "text":
            for row in rows:
                row["at"] = lines(*row["at"])
                row["because"] = lines(row["because"], *(f"if {c}" for c in row["conditions"]))
            for step in self.around():
                at = lines(*step["at"])
                rows.append({"part": "way around", "because": step["step"], "at": at})
            rows.append({"part": "assumed", "because": lines(*self.assumed)})
        meta = {k: v for k, v in self.row().items() if k not in PARTS}
        return written(
            rows, schema=SCHEMA, output=output, title=self.headline, columns=COLUMNS, meta=meta
        )


def answers(
    cluster: ApiCluster, questions: IO[bytes], source: str | None, reader: TokenReader
) -> Iterator[dict[str, Any]]:
    """The answer to each line; those that do not say from where ask from `source`. `reader` knows
    whom tokens name."""
    return asked_lines.answers(
        questions, lambda one: answer(cluster, one, source, reader), QUESTION
    )


def answer(
    cluster: ApiCluster, question: Question, source: str | None, reader: TokenReader
) -> dict[str, Any]:
    """The answer to a question. Raises ValueError or `InputError`."""
    start = text_of(question, "from") if "from" in question else source
    if "token" in question:
        if also := [key for key in ("subject", "user", "groups") if key in question]:
            raise ValueError(f"a token says who somebody is, and so does {also[0]}")
        bearer = reader.user(text_of(question, "token"))
        found = AskedPermission.of_bearer(cluster, bearer, request_of(cluster, question), start)
    else:
        who = _subject(question)
        found = AskedPermission.of(cluster, who, request_of(cluster, question), start)
    groups = _texts(question, "as_groups")
    if "as" in question or groups:
        found = found.on_behalf(text_of(question, "as") if "as" in question else "", groups)
    return found.row()


def _texts(question: Question, key: str) -> tuple[str, ...]:
    """A part of a question that is a list of texts; none where there is no such part."""
    found = question.get(key, [])
    if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
        raise ValueError(f"{key} is no list of texts")
    return tuple(found)


def _subject(question: Question) -> ApiSubject:
    groups = _texts(question, "groups")
    if "subject" in question and "user" in question:
        raise ValueError("a question has a subject or a user")
    if "user" in question or "subject" not in question:
        user = text_of(question, "user") if "user" in question else ""
        if not (user or groups):
            raise ValueError("subject is missing")
        return subject(user, groups)
    return somebody(text_of(question, "subject"), groups)


def request_of(cluster: ApiCluster, question: Question) -> ApiRequest:
    """What a question asks for. Raises ValueError or `InputError`."""

    def text(key: str) -> str:
        return text_of(question, key) if key in question else ""

    verb = text_of(question, "verb")
    parts = [key for key in ("resource", "subresource", "group", "name") if key in question]
    if "path" in question:
        if parts:
            raise ValueError(f"a path has no {parts[0]}")
        return as_sent(ApiRequest(verb, path=text("path")))
    if "group" in question:
        return as_sent(
            ApiRequest(
                verb, text("group"), text_of(question, "resource"), text("subresource"),
                text("name"), text("namespace"),
            )
        )  # fmt: skip
    if "subresource" in question:
        raise ValueError("with a subresource, say the group")
    return asked(
        verb, text_of(question, "resource"), text("namespace"), text("name"), cluster.roles.groups
    )


def answered(rows: list[dict[str, Any]], output: str) -> str:
    """All answers in another format than lines."""
    shown = [
        {"id": row["id"], "verdict": "no answer", "because": row["error"], **row}
        if "error" in row
        else row
        for row in rows
    ]
    columns = ("id", "verdict", "subject", "request", "because")
    return written(shown, schema=SCHEMA, output=output, title="Answers", columns=columns)
