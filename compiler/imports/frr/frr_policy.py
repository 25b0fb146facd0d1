"""Prefix lists and route maps of FRR.

An entry without a number stands five behind the last one (the documents say at the next multiple of
five; 8.4 and 10.3 do not); one of a number that is there takes its place. One that says the same as
another of its list is taken by 10.3 and not by 8.4: what that may change is not known. Lists of
communities and AS paths are told by name and content: whom they match nobody here decides.

Source: FRR user guide, Filtering, Route Maps, BGP (AS Path Access Lists, Community Lists).
"""

from __future__ import annotations

from ipaddress import ip_network

from compiler.imports.device_facts import (
    PrefixEntry,
    PrefixFilter,
    RouteMatch,
    RouteRule,
    RouteRules,
)
from compiler.imports.frr.frr_lines import FrrBlock, FrrFile, FrrLine
from fabric.diagnostics import Span
from fabric.values.inventory import Prefix

STEP = 5
TWICE = "releases of FRR differ in whether they take an entry that a list has under another number"
OTHER_LISTS = (
    ("bgp", "community-list"), ("bgp", "large-community-list"), ("bgp", "extcommunity-list"),
    ("bgp", "as-path"), ("ip", "community-list"), ("ip", "large-community-list"),
    ("ip", "extcommunity-list"), ("ip", "as-path"), ("access-list",), ("ipv6", "access-list"),
    ("mac", "access-list"),
)  # fmt: skip


class FrrPolicy:
    """Lists and maps of a device, while they are read."""

    def __init__(self) -> None:
        self.lists: dict[tuple[str, int], dict[int, PrefixEntry]] = {}
        self.spans: dict[tuple[str, int], Span] = {}
        self.maps: dict[str, dict[int, RouteRuleBlock]] = {}
        self.sayings: list[tuple[str, str]] = []

    def take(self, line: FrrLine, file: FrrFile) -> bool:
        """A line of no block that is about policy; False where it is not."""
        for family, words in ((4, ("ip", "prefix-list")), (6, ("ipv6", "prefix-list"))):
            if line.begins(*words) and len(line.words) > 3:
                return self._entry(line, file, family)
        if line.begins("route-map") and len(line.words) == 4 and not line.no:
            return self._rule(line, file)
        if any(line.begins(*words) for words in OTHER_LISTS) and not line.no:
            self.sayings.append((" ".join(line.words[:2]), " ".join(line.words[2:])))
            return file.use(line)
        return False

    def _entry(self, line: FrrLine, file: FrrFile, family: int) -> bool:
        """`ip prefix-list NAME seq 5 permit 10.0.0.0/8 ge 16 le 24`."""
        name, words = line.words[2], list(line.words[3:])
        if words[:1] == ["description"]:
            return file.ignore(line, "says what a list is for")
        key = (name, family)
        entries = self.lists.setdefault(key, {})
        self.spans.setdefault(key, line.span)
        try:
            number = None
            if words[0] == "seq":
                number = counted(words[1], 4294967295)
                words = words[2:]
            entry = entry_of(words, family)
        except (ValueError, IndexError) as error:
            return file.wrong(line, f"prefix list {name}: {error}")
        alike = [n for n, e in entries.items() if (e.permit, e.prefix, e.least, e.most) == entry]
        if line.no:
            named = alike if number is None else [number] if number in entries else []
            return file.take_back(line, *(entries.pop(gone).span for gone in named))
        if alike and number not in alike:
            if number is None or (number > min(alike) and number not in entries):
                return file.ignore(line, "says what an earlier entry of the list says")
            return file.unknown(line, TWICE)
        number = max(entries, default=0) + STEP if number is None else number
        entries[number] = PrefixEntry(number, *entry, line.span)
        return file.use(line)

    def _rule(self, line: FrrLine, file: FrrFile) -> bool:
        """`route-map NAME permit 10`."""
        _, name, action, text = line.words
        if action not in ("permit", "deny"):
            return file.wrong(line, f"route map {name}: {action} is neither permit nor deny")
        try:
            number = counted(text, 65535)
        except ValueError as error:
            return file.wrong(line, f"route map {name}: {error}")
        rules = self.maps.setdefault(name, {})
        block = rules.setdefault(number, RouteRuleBlock(number, line.span))
        block.permit, block.span = action == "permit", line.span
        return file.enter(line, block)

    def filters(self) -> tuple[PrefixFilter, ...]:
        """All prefix lists."""
        return tuple(
            PrefixFilter(
                name, family, tuple(e for _, e in sorted(entries.items())), self.spans[name, family]
            )
            for (name, family), entries in self.lists.items()
        )

    def route_maps(self) -> tuple[RouteRules, ...]:
        """All route maps."""
        out = []
        for name, rules in self.maps.items():
            ordered = [rules[number].made() for number in sorted(rules)]
            out.append(RouteRules(name, tuple(ordered), min(r.span for r in ordered)))
        return tuple(out)


def entry_of(words: list[str], family: int) -> tuple[bool, Prefix | None, int, int]:
    """Action, prefix (None: any), least and longest length of an entry."""
    action, text, *rest = words
    if action not in ("permit", "deny"):
        raise ValueError(f'"{action}" is neither permit nor deny')
    top = 32 if family == 4 else 128
    prefix = None if text == "any" else ip_network(text, strict=False)
    if prefix is not None and prefix.version != family:
        raise ValueError(f"{text} is no prefix of IPv{family}")
    least, most = (0, top) if prefix is None else (prefix.prefixlen, prefix.prefixlen)
    if len(rest) % 2 or not {*rest[::2]} <= {"ge", "le"}:
        raise ValueError(f"{' '.join(rest)[:40]} is neither ge nor le")
    limits = {
        word: counted(number, top) for word, number in zip(rest[::2], rest[1::2], strict=True)
    }
    if "ge" in limits:
        least, most = limits["ge"], top
    return action == "permit", prefix, least, limits.get("le", most)


def counted(text: str, most: int) -> int:
    """A number from 0 to `most`."""
    if not (text.isascii() and text.isdigit()) or int(text[:12]) > most:
        raise ValueError(f'"{text[:20]}" is no number up to {most}')
    return int(text)


class RouteRuleBlock(FrrBlock):
    """A rule of a route map."""

    def __init__(self, number: int, span: Span) -> None:
        self.number, self.span, self.permit = number, span, True
        self.matches: list[RouteMatch] = []
        self.sets: list[RouteMatch] = []
        self.goto: int | None = None
        self.calls = ""

    def take(self, line: FrrLine, file: FrrFile) -> bool:
        """`match`, `set`, `on-match`, `continue`, `call`, `description`."""
        first = line.words[0]
        if first in ("match", "set") and len(line.words) > 1:
            if line.no:
                return file.unknown(line, "a condition that is taken back")
            return self._condition(line, file, first == "match")
        if line.begins("on-match", "next") or line.words == ("continue",):
            self.goto = None if line.no else self.number + 1
            return file.use(line)
        if (line.begins("on-match", "goto") or first == "continue") and not line.no:
            try:
                self.goto = counted(line.words[-1], 65535)
            except ValueError as error:
                return file.wrong(line, f"route map: {error}")
            if self.goto <= self.number:
                return file.wrong(
                    line, f"route map: {self.goto} does not stand behind {self.number}"
                )
            return file.use(line)
        if first == "call" and len(line.words) == 2:
            self.calls = "" if line.no else line.words[1]
            return file.use(line)
        if first == "description":
            return file.ignore(line, "says what a rule is for")
        return False

    def _condition(self, line: FrrLine, file: FrrFile, asked: bool) -> bool:
        """What a rule asks for, or sets: of one command it has the last one alone."""
        mine, kept = condition(line), self.matches if asked else self.sets
        before = [one for one in kept if command(one, asked) == command(mine, asked)]
        kept[:] = [*(one for one in kept if one not in before), mine]
        return file.replaces(line, *(one.span for one in before))

    def made(self) -> RouteRule:
        """The rule."""
        on = self.goto is not None
        matches, sets = tuple(self.matches), tuple(self.sets)
        return RouteRule(
            self.number, self.permit, matches, sets, on, self.span, self.goto, self.calls
        )


def command(one: RouteMatch, asked: bool) -> str:
    """The command that a condition is an argument of, or what is set: another of it takes its place
    (FRR 8.4).

    >>> at = Span("f", 1)
    >>> command(RouteMatch("extcommunity", "rt 65000:1", at), asked=False)
    'extcommunity rt'
    >>> command(RouteMatch("ip address prefix-list", "A", at), asked=True)
    'ip address prefix-list'
    """
    words = (*one.kind.split(), *one.value.split())
    if words[0] in COMMUNITIES if asked else words[0] in SET_ONCE:
        return words[0]
    return one.kind if asked else " ".join(words[:2] if words[0] in SET_TWICE else words)


COMMUNITIES = ("community", "large-community", "extcommunity")
SET_ONCE = (
    "community", "large-community", "metric", "tag", "weight", "local-preference", "origin",
)  # fmt: skip
SET_TWICE = ("extcommunity", "as-path")
"""Commands of which the second word is a part."""


def condition(line: FrrLine) -> RouteMatch:
    """What a rule asks for, or sets: the last word is the value of the words before it."""
    words = line.words[1:]
    if line.words[0] == "set" or len(words) == 1:
        return RouteMatch(words[0], " ".join(words[1:]), line.span)
    return RouteMatch(" ".join(words[:-1]), words[-1], line.span)
