"""What the filters of a device make of one route: permit, deny, or unknown, and which line says so.

Short and slow. Rules that hold here:

1. Of a prefix list the first entry that applies decides, none denies. Entries go by number.
2. Of a route map the first rule whose conditions all match decides, none denies; a rule that goes
   on leaves it to a later one. A map that a rule calls is asked first.
3. Of a route its prefix is known, and what whoever asks knows besides (`Known`). A condition on
   something else may match or not: where both come to the same, that is the answer, else it is
   unknown. So it is with a list or map that is not there: FRR's documents do not say what it does.

Source: FRR user guide, Route Maps, Filtering, BGP (Peer Filtering, Require policy on EBGP).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from compiler.imports.device_facts import (
    Device,
    FilterUse,
    PrefixFilter,
    RouteMatch,
    RouteRule,
)
from fabric.diagnostics import Span
from fabric.values.inventory import Prefix

MOST_CALLS = 8
LISTS = {"ip address prefix-list": 4, "ipv6 address prefix-list": 6}
LENGTHS = {"ip address prefix-len": 4, "ipv6 address prefix-len": 6}


Known = Callable[[Device, RouteMatch], bool | None]
"""Whether a route meets a condition, as far as whoever asks knows more of it than its prefix."""


def nothing_known(device: Device, match: RouteMatch) -> bool | None:
    """Of a route of which the prefix alone is known."""
    return None


@dataclass(frozen=True, slots=True)
class RouteAnswer:
    """`verdict` is permit, deny or unknown; `span` the line because of which, None for a default
    that stands nowhere; `why` what is not known."""

    verdict: str
    span: Span | None
    why: str = ""


def by_list(found: PrefixFilter, prefix: Prefix) -> RouteAnswer:
    """What a prefix list makes of a route (rule 1)."""
    for entry in sorted(found.entries, key=lambda e: e.number):
        inside = entry.prefix is None or (
            entry.prefix.version == prefix.version
            and int(entry.prefix[0]) <= int(prefix[0]) <= int(entry.prefix[-1])
            and prefix.prefixlen >= entry.prefix.prefixlen
        )
        fits = prefix.version == found.family and entry.least <= prefix.prefixlen <= entry.most
        if inside and fits:
            return RouteAnswer("permit" if entry.permit else "deny", entry.span)
    return RouteAnswer("deny", None)


def by_map(
    device: Device, name: str, prefix: Prefix, depth: int = 0, known: Known = nothing_known
) -> RouteAnswer:
    """What a route map makes of a route (rule 2)."""
    rules = next((m.rules for m in device.route_maps if m.name == name), None)
    if rules is None:
        return RouteAnswer("unknown", None, f"route map {name} is not there")
    if depth > MOST_CALLS:
        return RouteAnswer("unknown", None, f"route map {name} is called by itself")
    ordered = sorted(rules, key=lambda rule: rule.number)
    ends: list[RouteAnswer] = []
    doubt: tuple[Span, str] | None = None
    waiting, seen = [0], {0}
    while waiting:
        at = waiting.pop()
        if at >= len(ordered):
            ends.append(RouteAnswer("deny", None))
            continue
        for answer, on, open_ in _by_rule(device, ordered, at, prefix, depth, known):
            doubt = doubt or open_
            if answer is not None:
                ends.append(answer)
            elif on not in seen:
                seen.add(on)
                waiting.append(on)
    verdicts = {answer.verdict for answer in ends}
    if len(verdicts) == 1 and verdicts != {"unknown"}:
        return ends[0]
    unsure = next((a for a in ends if a.verdict == "unknown"), None)
    where, why = doubt or ((unsure.span, unsure.why) if unsure else (None, ""))
    return RouteAnswer("unknown", where, why)


Outcome = tuple[RouteAnswer | None, int, tuple[Span, str] | None]


def _by_rule(
    device: Device, rules: list[RouteRule], at: int, prefix: Prefix, depth: int, known: Known
) -> list[Outcome]:
    """How one rule may end: with an answer or with the next rule, and what is not known."""
    rule, out = rules[at], list[Outcome]()
    matched, doubt = matches(device, rule, prefix, known)
    if matched is not True:
        out.append((None, at + 1, doubt))
    if matched is False:
        return out
    if not rule.permit:
        return [*out, (RouteAnswer("deny", rule.span), 0, doubt)]
    if rule.calls:
        called = by_map(device, rule.calls, prefix, depth + 1, known)
        if called.verdict != "permit":
            span = called.span or rule.span
            out.append((RouteAnswer(called.verdict, span, called.why), 0, doubt))
            return out
    if not rule.goes_on:
        return [*out, (RouteAnswer("permit", rule.span), 0, doubt)]
    if rule.goto is None:
        return [*out, (RouteAnswer("unknown", rule.span, "where the map goes on"), 0, doubt)]
    goto = rule.goto
    later = next((n for n in range(at + 1, len(rules)) if rules[n].number >= goto), None)
    if later is None:
        return [*out, (RouteAnswer("permit", rule.span), 0, doubt)]
    return [*out, (None, later, doubt)]


def changes(
    device: Device, name: str, prefix: Prefix, known: Known = nothing_known
) -> tuple[RouteMatch, ...] | None:
    """What a map that lets a route pass sets on it, in order; None where that is not decided, or
    the map denies."""
    rules = next((m.rules for m in device.route_maps if m.name == name), ())
    ordered, at = sorted(rules, key=lambda rule: rule.number), 0
    found: list[RouteMatch] = []
    while at < len(ordered):
        rule = ordered[at]
        matched, _ = matches(device, rule, prefix, known)
        if matched is None or (matched and (not rule.permit or rule.calls)):
            return None
        if not matched:
            at += 1
            continue
        found += rule.sets
        if not rule.goes_on:
            return tuple(found)
        if rule.goto is None:
            return None
        later = (n for n in range(at + 1, len(ordered)) if ordered[n].number >= (rule.goto or 0))
        at = next(later, -1)
        if at < 0:
            return tuple(found)
    return None


def matches(
    device: Device, rule: RouteRule, prefix: Prefix, known: Known = nothing_known
) -> tuple[bool | None, tuple[Span, str] | None]:
    """Whether all conditions of a rule match; None with what is not known where that decides."""
    doubt: tuple[Span, str] | None = None
    for match in rule.matches:
        found, why = known(device, match), ""
        if found is None:
            found, why = _condition(device, rule, match, prefix)
        if found is False:
            return False, None
        if found is None:
            doubt = doubt or (match.span, why)
    return (None if doubt else True), doubt


def _condition(
    device: Device, rule: RouteRule, match: RouteMatch, prefix: Prefix
) -> tuple[bool | None, str]:
    kind, value = match.kind, match.value
    family = LISTS.get(kind)
    if kind in ("type", "ip-prefix-list"):
        types = {m.value for m in rule.matches if m.kind == "type"}
        family = 6 if types == {"ipv6"} else 4
        if kind == "type":
            listed = any(m.kind == "ip-prefix-list" for m in rule.matches)
            return (True, "") if listed else (None, "match type")
    if family is not None:
        lists = (p for p in device.prefix_filters if (p.name, p.family) == (value, family))
        if (found := next(lists, None)) is None:
            return None, f"prefix list {value} is not there"
        return prefix.version == family and by_list(found, prefix).verdict == "permit", ""
    if kind in LENGTHS and value.isdecimal():
        return (prefix.version, prefix.prefixlen) == (LENGTHS[kind], int(value)), ""
    return None, f"match {kind} {value}"


def by_use(
    device: Device, use: FilterUse, prefix: Prefix, known: Known = nothing_known
) -> RouteAnswer:
    """What one filter makes of a route; without a place of its own it is where it is asked."""
    if use.kind == "route-map":
        found = by_map(device, use.name, prefix, 0, known)
    elif use.kind == "prefix-list":
        kept = (
            p for p in device.prefix_filters if (p.name, p.family) == (use.name, prefix.version)
        )
        held = next(kept, None)
        if held is None:
            found = RouteAnswer("unknown", None, f"prefix list {use.name} is not there")
        else:
            found = by_list(held, prefix)
    else:
        found = RouteAnswer("unknown", None, f"{use.kind} {use.name}")
    return RouteAnswer(found.verdict, found.span or use.span, found.why)
