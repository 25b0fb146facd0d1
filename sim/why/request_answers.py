"""What becomes of one request in a flow that policies let through: the answer of those who see it.

Rules that hold here:

1. Every permit on the way that asks for something is asked about the request, at both ends, on
   whichever way the packet takes (`compiler.requests.request_verdicts`).
2. Where one refuses, the request is refused, and the line is that of what asks for another one;
   where one is not known to let it pass, nobody says that it passes.
3. Whoever is asked behind a proxy is asked about what that one sends on
   (`compiler.requests.forwarded_requests`).
4. Of a flow that is denied, or that goes somewhere else, nothing is asked.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from compiler.policy.ir import Direction, Origin
from compiler.program.program import Entry, Program
from compiler.program.walk import behind, required
from compiler.requests.forwarded_requests import alike, forwarded
from compiler.requests.http_rules import HttpRequest, HttpRule
from compiler.requests.request_verdicts import RequestVerdict, of_conditions
from compiler.requests.seen_paths import SAID, Profile
from fabric.building.network import Network
from fabric.diagnostics import Diagnostic, InputError, Span
from fabric.values.inventory import Endpoint
from fabric.values.ports import PROTOCOLS
from sim.pipeline.trace import Trace
from sim.why.blame import Blame, Cause
from sim.why.nearest import title

if TYPE_CHECKING:
    from sim.why.explain import Explanation

WORDS = {True: "passes", False: "refused", None: "unknown"}
SIDES = {Direction.OUT: "egress", Direction.IN: "ingress"}


@dataclass(frozen=True, slots=True)
class RequestStep:
    """What one permit says of a request; `title` and `span` are of what is behind it."""

    side: str
    stage: str
    title: str
    said: RequestVerdict
    span: Span | None = None

    @property
    def spans(self) -> tuple[str, ...]:
        """Where the rules stand that match, or that do not."""
        return tuple(str(rule.span) for rule in self.said.rules if rule.span is not None)

    def row(self) -> dict[str, Any]:
        """The step as JSON."""
        return {
            "side": self.side,
            "stage": self.stage,
            "verdict": WORDS[self.said.holds],
            "because": self.said.why,
            "rule": self.title,
            "asks": [str(rule) for rule in self.said.rules],
            "lines": list(self.spans),
            **({"conditions": list(self.said.open)} if self.said.open else {}),
        }


@dataclass(frozen=True, slots=True)
class RequestAnswer:
    """`verdict` is allow, deny, unknown, or depends (on the way); `steps` those of the way that the
    packet takes, `assumed` how paths are read where rules look at some."""

    request: HttpRequest
    verdict: str
    steps: tuple[RequestStep, ...]
    assumed: tuple[str, ...]

    @property
    def decisive(self) -> RequestStep | None:
        """The step that refuses it, or that is not known to let it pass."""
        bad = [step for step in self.steps if step.said.holds is not True]
        return min(bad, key=lambda step: step.said.holds is None) if bad else None

    def row(self) -> dict[str, Any]:
        """The answer as JSON."""
        return {
            "request": str(self.request),
            "verdict": self.verdict,
            "steps": [step.row() for step in self.steps],
            "assumed": list(self.assumed),
        }


def answered(found: Explanation, request: HttpRequest) -> Explanation:
    """The explanation of a flow, as that of a request in it. Raises `InputError` C902 where the
    flow carries none."""
    if found.flow.protocol != PROTOCOLS["tcp"]:
        what = "requests travel in TCP"
        raise InputError(Diagnostic("C902", what, None, f"ask about {found.target}:80/tcp"))
    if found.computed == "deny":
        return replace(found, others=(), request=RequestAnswer(request, "deny", (), ()))
    network, taken = found.network, found.hashed.trace
    program = found.program
    ways = [
        tuple(request_steps(network, program, choice.trace, request)) for choice in found.choices
    ]
    verdict = _together({_verdict(way) for way in ways})
    if found.computed == "depends" and verdict != "unknown":
        verdict = "deny" if verdict == "deny" else "depends"
    mine = tuple(request_steps(network, program, taken, request))
    if _verdict(mine) != verdict:
        mine = next((way for way in ways if _verdict(way) == verdict), mine)
    ends = (taken.out, taken.into)
    locals_ = [network.endpoints[end.packet.local] for end in ends if end is not None]
    seen = any(step.said.rules for step in mine)
    assumed = tuple(dict.fromkeys(SAID[profile_of(network, e)] for e in locals_)) if seen else ()
    answer = RequestAnswer(request, verdict, mine, assumed)
    return replace(
        found, computed=verdict, others=(), request=answer, blame=_blame(found.blame, answer)
    )


def profile_of(network: Network, endpoint: Endpoint) -> Profile:
    """How the proxies of an endpoint's cluster read paths."""
    tenant = None if network.spec is None else network.spec.tenants.get(endpoint.tenant)
    return "normalised" if tenant is None else tenant.http_paths


def request_steps(
    network: Network, program: Program, taken: Trace, request: HttpRequest, seen: bool = False
) -> Iterator[RequestStep]:
    """Rule 1, of one way; with `seen` the path of the request is what rules see."""
    come: tuple[HttpRequest, ...] = (request,)
    for side in (taken.out, taken.into):
        if side is None:
            continue
        local = network.endpoints[side.packet.local]
        profile = "as-sent" if seen else profile_of(network, local)
        sent = come
        for group, entry in side.steps:
            entries = behind(group, entry, side.packet)
            asked = required(entries)
            sent = forwarded(sent, [one.conditions for one in entries], asked, profile)
            if not asked:
                continue
            said = alike(of_conditions(asked, one, profile) for one in come)
            first = _origin_of(program, entries, said.rules)
            yield RequestStep(
                SIDES[side.packet.direction], group.stage.name, title(first), said, first.span
            )
        come = sent


def behind_request(
    network: Network, program: Program, taken: Trace, request: HttpRequest, otherwise: Blame
) -> Blame:
    """The rules that let a request pass whose path is what they see, or refuse it; what is behind
    the packet where none looks at it, or into its TLS."""
    steps = tuple(request_steps(network, program, taken, request, seen=True))
    answer = RequestAnswer(request, _verdict(steps), steps, ())
    if request.tls and answer.decisive is not None:
        return otherwise
    return _blame(otherwise, answer)


def _origin_of(program: Program, entries: tuple[Entry, ...], rules: tuple[HttpRule, ...]) -> Origin:
    """The origin of the entry that has the first of these rules, else the first origin."""
    spans = {rule.span for rule in rules[:1]}
    for entry in entries:
        held = (r for c in entry.conditions for r in getattr(c, "rules", ()))
        if any(rule.span in spans for rule in held):
            return program.origins[entry.origin]
    return program.origins[entries[0].origin]


def _verdict(steps: tuple[RequestStep, ...]) -> str:
    """Rule 2."""
    said = {step.said.holds for step in steps}
    return "deny" if False in said else "unknown" if None in said else "allow"


def _together(verdicts: set[str]) -> str:
    if len(verdicts) == 1:
        return next(iter(verdicts))
    return "unknown" if "unknown" in verdicts else "depends"


def _blame(otherwise: Blame, answer: RequestAnswer) -> Blame:
    """The line of the rule that lets a request pass, or of those that ask for another one."""
    step = answer.decisive or next((s for s in answer.steps if s.said.rules), None)
    if step is None:
        return otherwise
    word = {True: "lets {} pass", False: "lets {} alone pass", None: "asks for {}"}[step.said.holds]
    causes = [Cause(step.title, word.format(rule), rule.span) for rule in step.said.rules] or [
        Cause(step.title, step.said.why, step.span)
    ]
    before = () if step is answer.decisive else (otherwise.culprit, *otherwise.others)
    return Blame(causes[0], (*causes[1:], *(c for c in before if c not in causes)))
