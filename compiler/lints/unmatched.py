"""What policies of clusters say that can have no effect on any pod that is in the input.

Rules that hold here:

1. A policy may select no pod (C673); of such a policy nothing else is told.
2. A peer's selectors may select no pod (C671). Blocks of addresses may mean somebody outside.
3. A port name counts at the pods that accept the connection: those that the policy selects, for
   egress those that the rule's peers select. If none of them has it, it matches nothing (C672).
4. Where the labels of namespaces are unknown, nothing is told of who is selected by them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from compiler.lints.asked import AskedPolicies, titled, warning
from compiler.lints.known_pods import KnownPods
from compiler.policy.ir import Direction, Rule
from compiler.policy.matcher import PodTerms
from fabric.diagnostics import Diagnostic, did_you_mean
from fabric.values.ports import ANY, NAMES


def lint(asked: AskedPolicies) -> Iterator[Diagnostic]:
    """Every warning, by policy in the order of the files."""
    for (kind, name), (origin, matcher) in asked.idle.items():
        by = matcher.by_labels()
        if by is not None and _unknown(asked, by):
            continue
        why = None if by is None else asked.pods.why(by)
        yield warning("C673", f"{titled(kind, name)} selects no pod", origin.span, why)
    for written, alike in asked.written.items():
        if written.kind.policy and (written.kind, written.name) not in asked.idle:
            yield from peers(asked, str(written), alike)
            yield from port_names(asked.pods, str(written), alike)


def peers(asked: AskedPolicies, where: str, alike: Iterable[Rule]) -> Iterator[Diagnostic]:
    """Rule 2."""
    known = asked.pods
    for rule in alike:
        for matcher in rule.remote:
            by = matcher.by_labels()
            if by is None or _unknown(asked, by):
                continue
            if not known.any(matcher):
                what = f"{where}: this peer selects no pod"
                yield warning("C671", what, rule.origin.span, known.why(by))


def _unknown(asked: AskedPolicies, by: PodTerms) -> bool:
    """Whether nobody tells what labels the namespaces have by which pods are selected."""
    return bool(by.namespaces) and by.cluster in asked.untold


def port_names(known: KnownPods, where: str, alike: list[Rule]) -> Iterator[Diagnostic]:
    """Rule 3."""
    names = {(l4.name, l4.protocol) for l4 in alike[0].l4 if l4.name is not None}
    if not names:
        return
    incoming = alike[0].direction is Direction.IN
    ends = [m for rule in alike for m in (rule.local if incoming else rule.remote)]
    accepting = [pod for matcher in ends for pod in known.selected(matcher, alike[0])]
    has = {(port.name, port.protocol) for pod in accepting for port in pod.ports}
    has |= {(name, ANY) for name, _ in has}
    for name, protocol in sorted(names - has) if accepting else ():
        who = "pod that the policy selects" if incoming else "pod that its peers select"
        of = "" if protocol == ANY else f" ({NAMES.get(protocol, protocol)})"
        hint = did_you_mean(name or "", sorted({n for n, _ in has if n}))
        if (name, ANY) in has:
            hint = "it is there with another protocol"
        what = f'{where}: no {who} has a port called "{name}"{of}'
        yield warning("C672", what, alike[0].origin.span, hint)
