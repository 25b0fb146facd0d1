"""Routing policy of NVUE: prefix lists and route maps, read as FRR evaluates what NVUE writes.

A prefix list without `min-prefix-len` and `max-prefix-len` matches the prefix itself alone; with a
minimum everything inside it of at least that length (FRR: `ip prefix-list`, `ge` and `le`). The
other lists (communities, AS paths) are read as what they are called: which routes they match nobody
here decides, and whoever asks one hears that.
"""

from __future__ import annotations

from compiler.imports.device_facts import (
    PrefixEntry,
    PrefixFilter,
    RouteMatch,
    RouteRule,
    RouteRules,
)
from compiler.imports.nvue.nvue_acl import walk_all
from compiler.imports.nvue.nvue_tree import Branch, said
from compiler.imports.nvue.nvue_values import network

OTHER_LISTS = ("community-list", "large-community-list", "ext-community-list", "as-path-list")
OTHER_RULES = 65_535


class RoutingPolicy:
    """What stands below `set router policy`."""

    def __init__(self) -> None:
        self.filters: list[PrefixFilter] = []
        self.maps: list[RouteRules] = []
        self.sayings: list[tuple[str, str]] = []

    def read(self, branch: Branch) -> None:
        """All of it."""
        for name, below in branch["prefix-list"].each():
            self.filters.append(read_filter(name, below))
        for name, below in branch["route-map"].each():
            self.maps.append(read_map(name, below))
        for kind in OTHER_LISTS:
            for name, below in branch[kind].each():
                written = "; ".join(f"{b.name} {leaf(b)}".strip() for _, b in walk_all(below))
                self.sayings.append((f"{kind} {name}", written))
        branch.close({}, "routes")


def leaf(branch: Branch) -> str:
    """A scalar, as it stands there."""
    return "" if isinstance(branch.value, dict | list) else str(branch.value)


def numbered(branch: Branch) -> list[tuple[int, Branch]]:
    """Rules in order of their numbers."""
    out = []
    for text, below in branch.each():
        if text.isascii() and text.isdigit() and int(text[:9]) <= OTHER_RULES:
            out.append((int(text), below))
        else:
            message = f'{below.name}: "{text[:20]}" is not the number of a rule'
            below.file.found.error("C831", message, below.span)
    return sorted(out, key=lambda item: item[0])


def read_filter(name: str, branch: Branch) -> PrefixFilter:
    """A prefix list."""
    family = 6 if branch["type"].text() == "ipv6" else 4
    longest = 128 if family == 6 else 32
    entries = []
    for number, rule in numbered(branch["rule"]):
        action = rule["action"].text()
        if action not in ("permit", "deny"):
            rule["action"].wrong("permit or deny")
        for text, below in rule["match"].each():
            least = below["min-prefix-len"].number(0, longest)
            most = below["max-prefix-len"].number(0, longest)
            below.close({}, "routes")
            permit = action == "permit"
            if text == "any":
                entries.append(PrefixEntry(number, permit, None, 0, longest, below.span))
                continue
            found, _ = network(below, text)
            if found is None:
                continue
            if found.version != family:
                below.wrong(f"a prefix of IPv{family}")
                continue
            exact = least is None and most is None
            low = found.prefixlen if least is None else least
            high = found.prefixlen if exact else longest if most is None else most
            entries.append(PrefixEntry(number, permit, found, low, high, below.span))
        rule.close({}, "routes")
    branch.close({}, "routes")
    return PrefixFilter(name, family, tuple(entries), branch.span)


def read_map(name: str, branch: Branch) -> RouteRules:
    """A route map."""
    rules = []
    for number, rule in numbered(branch["rule"]):
        actions = dict(rule["action"].each())
        goes_on, goto = exit_policy(number, actions.get("permit"))
        for below in actions.values():
            walk_all(below)
        if len(actions) != 1 or not actions.keys() <= {"permit", "deny"}:
            rule["action"].wrong("permit or deny")
        matches, sets = (conditions(rule[key]) for key in ("match", "set"))
        rule.close({"description": "a remark"}, "routes")
        rules.append(
            RouteRule(number, "permit" in actions, matches, sets, goes_on, rule.span, goto)
        )
    branch.close({}, "routes")
    return RouteRules(name, tuple(rules), branch.span)


def exit_policy(number: int, permit: Branch | None) -> tuple[bool, int | None]:
    """Whether a map goes on behind a rule that permits, and from which number on: with the next
    rule, or the one that is named."""
    if permit is None or not isinstance(permit.value, dict) or not permit.value:
        return False, None
    policy = permit.value.get("exit-policy")
    if not isinstance(policy, dict) or len(policy) != 1 or len(permit.value) != 1:
        return True, None
    if "next-rule" in policy:
        return True, number + 1
    if "exit" in policy:
        return False, None
    written = said(policy.get("rule"))
    goto = int(written) if written.isascii() and written.isdigit() and len(written) < 6 else None
    return True, goto if goto is not None and goto > number else None


def conditions(branch: Branch) -> tuple[RouteMatch, ...]:
    """What a rule asks for, or sets: a key and what stands behind it."""
    out = []
    for key, below in branch.each():
        if isinstance(below.value, dict | list):
            inner = (f"{b.step} {leaf(b)}".strip() for _, b in walk_all(below))
            value = ", ".join(inner)
        else:
            below.read()
            value = str(below.value)
        out.append(RouteMatch(key, value, below.span))
    return tuple(out)
