"""Questions and answers as JSON lines: `reach DIR --flows FILE`.

    {"id": 1, "src": "shop/cart-0", "dst": "shop/db[StatefulSet]", "protocol": "TCP", "port": 5432}
    {"id": 1, "verdict": "allow", "by": [{"direction": "egress", …}, {"direction": "ingress", …}]}

One line out for one line in, in order, at once; blank lines are skipped. What cannot be answered
is `{"id": …, "error": …}`, and counted: a question without an answer is wrong input, as elsewhere.
`by` lists every rule that allows the flow on either side, or every policy that isolates a side that
denies it. The verdict is unknown where something that is not evaluated touches an end; then
`computed` is what the rest says, and `not_evaluated` names it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from cloison.views.policy import policy_object
from cloison.views.unknowns import as_rows
from fabric.diagnostics import InputError
from fabric.io.strict_json import decoded, distinct
from fabric.values.door_names import door_in
from fabric.values.ports import BOTH, GROUPS, KNOWN, MAX_PORT, PROTOCOLS, WITH_PORTS
from sim.reach.questions import Questions, SideCause

SIDES = ("egress", "ingress")


class QuestionError(ValueError):
    """A line that is no question."""


@dataclass(slots=True)
class Answers:
    """Answers lines; `asked` and `failed` count them, the latter those that got no answer."""

    questions: Questions
    asked: int = 0
    failed: int = 0

    def to(self, lines: Iterable[bytes | str]) -> Iterator[str]:
        """The answer to each line."""
        for line in lines:
            if line.strip():
                found = answer(self.questions, line)
                self.asked += 1
                self.failed += "error" in found
                yield json.dumps(found)


def answer(questions: Questions, line: bytes | str) -> dict[str, Any]:
    """One line for one line."""
    try:
        question = decoded(line.decode() if isinstance(line, bytes) else line, distinct)
    except ValueError as error:
        return {"id": None, "error": f"not JSON: {error}"}
    if not isinstance(question, dict):
        return {"id": None, "error": "not a JSON object"}
    try:
        found = questions.ask(text(question, "src"), text(question, "dst"), *transport(question))
    except QuestionError as error:
        return failure(question, str(error))
    except InputError as error:
        first = error.diagnostics[0]
        return failure(question, f"{first.message}; {first.hint}" if first.hint else first.message)
    said: dict[str, Any] = {"id": question.get("id"), "verdict": found.verdict}
    said |= {"computed": found.computed} if found.verdict != found.computed else {}
    said |= {"by": [as_json(cause) for cause in found.causes]}
    said |= {"not_evaluated": as_rows(found.touched_by)} if found.touched_by else {}
    return said


def failure(question: dict[str, Any], message: str) -> dict[str, Any]:
    """The line for a question without an answer."""
    return {"id": question.get("id"), "error": message}


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
