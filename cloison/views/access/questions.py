"""Questions in JSON lines, and their answers: `reach DIR --flows FILE`.

    {"id": 1, "src": "shop/cart-0", "dst": "shop/db[StatefulSet]", "protocol": "TCP", "port": 5432}
    {"id": 1, "verdict": "allow", "by": [{"direction": "egress", …}, {"direction": "ingress", …}]}

One line out for one line in, in order, at once; blank lines are skipped. What cannot be answered
is `{"id": …, "error": …}`, and counted: a question without an answer is wrong input, as elsewhere.
`by` lists every rule that allows the flow on either side, or every policy that isolates a side that
denies it. The verdict is unknown where something that is not evaluated touches an end; then
`computed` is what the rest says, and `not_evaluated` names it. Formats other than JSON lines have
the answers as rows, when all are there; what people read has the question beside the answer.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from cloison.render.formats import FORMATS
from cloison.views.access.connectivity import named
from cloison.views.caveats.unknowns import as_rows, with_records
from cloison.views.network.policy import policy_object
from fabric.diagnostics import Diagnostic, InputError
from fabric.io.strict_json import decoded, distinct
from fabric.values.door_names import door_in
from fabric.values.ports import BOTH, GROUPS, KNOWN, MAX_PORT, PROTOCOLS, WITH_PORTS
from sim.reach.questions import FlowAnswer, Questions, SideCause

SCHEMA = "cloison/answers/1"
SIDES = ("egress", "ingress")
COLUMNS = {key: key for key in ("id", "source", "destination", "port", "verdict", "because")}


NO_ANSWER = "no answer"


class QuestionError(ValueError):
    """A line that is no question."""


@dataclass(frozen=True, slots=True)
class Answered:
    """A question, as far as it is one, and its answer: or why there is none."""

    question: dict[str, Any]
    found: FlowAnswer | None = None
    error: str = ""

    def data(self) -> dict[str, Any]:
        """The line for the line."""
        known = {"id": self.question.get("id")}
        if self.found is None:
            return {**known, "error": self.error}
        said: dict[str, Any] = {**known, "verdict": self.found.verdict}
        doubtful = self.found.verdict != self.found.computed
        said |= {"computed": self.found.computed} if doubtful else {}
        said |= {"by": [as_json(cause) for cause in self.found.causes]}
        touched = self.found.touched_by
        return said | ({"not_evaluated": as_rows(touched)} if touched else {})

    def text(self) -> dict[str, Any]:
        """The same for people, who want to read what was asked."""
        of = self.question
        row = {
            key: of.get(k) for key, k in (("id", "id"), ("source", "src"), ("destination", "dst"))
        }
        protocol = of.get("protocol", "TCP") if of else None
        row["port"] = "/".join(str(x) for x in (of.get("port"), protocol) if x is not None)
        if self.found is None:
            return {**row, "verdict": NO_ANSWER, "because": self.error}
        doubtful = self.found.verdict != self.found.computed
        computed = f" (computed: {self.found.computed})" if doubtful else ""
        because = "; ".join(dict.fromkeys(map(cause_text, self.found.causes)))
        return {**row, "verdict": f"{self.found.verdict}{computed}", "because": because}


@dataclass(slots=True)
class Answers:
    """Answers lines; `asked` and `failed` count them, the latter those that got no answer."""

    questions: Questions
    asked: int = 0
    failed: int = 0

    def to(self, lines: Iterable[bytes | str]) -> Iterator[Answered]:
        """The answer to each line."""
        for line in lines:
            if line.strip():
                found = answer(self.questions, line)
                self.asked += 1
                self.failed += found.found is None
                yield found

    def lines(self, lines: Iterable[bytes | str]) -> Iterator[str]:
        """The answer to each line, as a line, at once."""
        return (f"{json.dumps(answered.data())}\n" for answered in self.to(lines))

    def report(
        self, lines: Iterable[bytes | str], output: str, lints: Iterable[Diagnostic] = ()
    ) -> str:
        """All answers in a format of `FORMATS`."""
        found = [*self.to(lines)]
        data = FORMATS[output].cells == "data"
        touched = [record for one in found if one.found for record in one.found.touched_by]
        return with_records(
            [*dict.fromkeys(touched)],
            [one.data() if data else one.text() for one in found],
            network=self.questions.network, schema=SCHEMA, output=output, columns=COLUMNS,
            beside={"without_answer": self.failed}, more=lints,
        )  # fmt: skip


def answer(questions: Questions, line: bytes | str) -> Answered:
    """One line for one line."""
    try:
        question = decoded(line.decode() if isinstance(line, bytes) else line, distinct)
    except ValueError as error:
        return Answered({}, None, f"not JSON: {error}")
    if not isinstance(question, dict):
        return Answered({}, None, "not a JSON object")
    try:
        found = questions.ask(text(question, "src"), text(question, "dst"), *transport(question))
    except QuestionError as error:
        return Answered(question, None, str(error))
    except InputError as error:
        first = error.diagnostics[0]
        why = f"{first.message}; {first.hint}" if first.hint else first.message
        return Answered(question, None, why)
    return Answered(question, found)


def text(question: dict[str, Any], key: str) -> str:
    """A field that must be text."""
    value = question.get(key)
    if not isinstance(value, str) or not value:
        raise QuestionError(f'"{key}" must be text: namespace/pod, namespace/workload[Kind], ip:…')
    return value


def transport(question: dict[str, Any]) -> tuple[int, int | str]:
    """Protocol number and destination port, which may be a name; 0 where there are no ports."""
    name = question.get("protocol", "TCP")
    if isinstance(name, str) and name.lower() in PROTOCOLS:
        protocol = PROTOCOLS[name.lower()]
    elif isinstance(name, str) and name.lower() == BOTH:
        protocol = GROUPS[BOTH][0]
    elif type(name) is int and 0 <= name <= 255:
        protocol = name
    else:
        raise QuestionError(f'"protocol" must be one of {KNOWN.upper()}, or 0-255')
    port = question.get("port")
    door = door_in(text(question, "dst"))
    if port is None and door is not None and not door.has_ports:
        return protocol, 0
    if protocol not in WITH_PORTS:
        return protocol, 0
    if isinstance(port, str) and port.isascii() and port.isdecimal() and len(port) < 6:
        port = int(port)
    if type(port) is int and 1 <= port <= MAX_PORT:
        return protocol, port
    if isinstance(port, str) and port:
        return protocol, port
    raise QuestionError(f'"port" must be a number, 1 to {MAX_PORT}, or a port\'s name')


def cause_text(cause: SideCause) -> str:
    """One element of `because`: the policy, as `reach` names it, and what it has to do with it."""
    side, origin = SIDES[cause.direction], cause.origin
    assumed = " (assumed)" if cause.assumed else ""
    if origin is None:
        return f"{cause.reason}{assumed}"
    name = named(origin) if origin.kind.policy else origin.name
    return f"{side} {name}{f': {cause.reason}' if cause.reason else ''}{assumed}"


def as_json(cause: SideCause) -> dict[str, Any]:
    """One element of `by`."""
    origin = cause.origin
    out: dict[str, Any] = {
        "direction": SIDES[cause.direction],
        "effect": "allow" if cause.allow else "deny",
        "policy": None,
        "rule": None,
        "at": None,
        "reason": cause.reason,
    }
    if origin is not None and origin.kind.policy:
        out["policy"] = policy_object(origin)
        out["rule"] = origin.rule
        out["at"] = None if origin.span is None else str(origin.span)
    elif origin is not None:
        out["reason"] = origin.name
    if cause.assumed:
        out["assumed"] = ["address"]
    return out
