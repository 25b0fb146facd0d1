"""Commands that make a rule set, one after the other, as nft carries them out.

Rules that hold here:

1. A listing is a row of `add`s. What is added stands behind what is there, what is inserted before
   it; a table, chain or set that is there already stays and gets what is new.
2. What is deleted or flushed must be there; a mistake is told with its place, and the rest is read.
3. Rules are understood when all commands are done: sets may get elements behind the rules.
4. What nothing can be made of that matters to packets is an error; limits, counters, flow tables
   and helpers by name are told as ignored.

Source: nft(8), RULESET, TABLES, CHAINS, RULES, SETS, MAPS; libnftables-json(5).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from compiler.imports.nft.known_lines import KnownLines, KnownRule
from compiler.imports.nft.rule_set import (
    HOOKS,
    NftChain,
    NftDecision,
    NftDecisionMap,
    NftRule,
    NftRuleSet,
    NftSet,
    NftTable,
)
from compiler.imports.nft.statements import RuleReading, unwrapped
from fabric.diagnostics import Diagnostics, Span

FAMILIES = ("ip", "ip6", "inet", "arp", "bridge", "netdev")
OBJECTS = frozenset((
    "counter", "quota", "limit", "ct helper", "ct timeout", "ct expectation", "synproxy",
    "secmark", "flowtable", "metainfo", "tunnel",
))  # fmt: skip
Written = tuple[Any, Span, str, KnownRule | None]
"""The statements of a rule, its place, its comment, and what is known of it."""
KEYS = frozenset((
    "family", "table", "name", "chain", "expr", "elem", "type", "map", "flags", "timeout", "size",
    "policy", "comment", "handle", "hook", "prio", "dev", "policy_span", "set",
))  # fmt: skip
"""Keys of objects that are read."""
MOST_CALLS = 16
"""How deep the kernel lets chains call each other (NFT_JUMP_STACK_SIZE)."""


@dataclass(frozen=True, slots=True)
class NftCommand:
    """`verb` (add, create, insert, delete, destroy, flush) of a `kind` (table, chain, …), with the
    object as libnftables-json(5) has it. `known` is a rule whose text is that of others, too."""

    verb: str
    kind: str
    body: Mapping[str, Any]
    span: Span
    known: KnownRule | None = None


@dataclass(slots=True)
class Told:
    """What a part of the configuration says that changes nothing (`ignored`, with the reason), or
    that is not modelled (`unknown`: in which table and chain)."""

    ignored: list[tuple[Span, str, str]] = field(default_factory=list)
    unknown: list[tuple[Span, str, str]] = field(default_factory=list)


class Building:
    """A rule set under construction."""

    def __init__(self, found: Diagnostics, known: KnownLines | None = None) -> None:
        self.known = known or KnownLines()
        self.found, self.told, self.made = found, Told(), NftRuleSet()
        self._written: dict[int, tuple[NftTable, list[Written]]] = {}
        self._chains: dict[int, NftChain] = {}
        self._updated: set[tuple[str, str, str]] = set()
        self._readings: dict[int, RuleReading] = {}

    def carry_out(self, commands: Iterable[NftCommand]) -> NftRuleSet:
        """All commands; then every rule is understood."""
        for command in commands:
            try:
                self._one(command)
            except KeyError as error:
                self._wrong(f"there is no {error.args[0]} here", command.span)
            except (TypeError, ValueError) as error:
                self._wrong(str(error), command.span)
        self._sets_that_rules_change()
        for number, (table, rules) in self._written.items():
            self._understand(table, self._chains[number], rules)
        self._calls()
        return self.made

    def _wrong(self, message: str, span: Span) -> None:
        self.found.error(
            "C836", f"nftables: {message}", span, "nft list ruleset prints what is read"
        )

    def _one(self, command: NftCommand) -> None:
        verb, kind, body = command.verb, command.kind, command.body
        others = [f"{key} {value}" for key, value in body.items() if key not in KEYS]
        if kind not in OBJECTS:
            self._ignored(others, command.span, "a key that is not read")
        if kind in OBJECTS:
            words = f"{kind} {' '.join(f'{key} {value}' for key, value in body.items())}"
            self._ignored([words], command.span, "decides nothing by itself")
        elif verb in ("delete", "destroy"):
            self._delete(command)
        elif verb == "flush":
            self._flush(command)
        elif verb not in ("add", "create", "insert"):
            raise ValueError(f'"{verb}" is no command that is read')
        elif kind == "table":
            self._table(body, command.span)
        elif kind == "chain":
            self._chain(body, command.span)
        elif kind == "rule":
            self._rule(command, verb == "insert")
        elif kind in ("set", "map"):
            self._set(body, command.span)
        elif kind == "element":
            held = self._in_table(body).sets[self._name(body, "set")]
            self._elements(held, body.get("elem", []), command.span)
        else:
            raise ValueError(f'"{kind}" is nothing that a rule set has')

    @staticmethod
    def _name(body: Mapping[str, Any], what: str = "name") -> str:
        name = body.get(what)
        if not isinstance(name, str) or not name:
            raise ValueError(f'"{what}" is missing')
        return name

    def _key(self, body: Mapping[str, Any], name: str) -> tuple[str, str]:
        family = body.get("family", "ip")
        if family not in FAMILIES:
            raise ValueError(f'"{family}" is no family of tables')
        return str(family), self._name(body, name)

    def _in_table(self, body: Mapping[str, Any]) -> NftTable:
        key = self._key(body, "table")
        if key not in self.made.tables:
            raise KeyError(f"table {' '.join(key)}")
        return self.made.tables[key]

    def _table(self, body: Mapping[str, Any], span: Span) -> None:
        key = self._key(body, "name")
        table = self.made.tables.setdefault(key, NftTable(*key, span))
        self._named(body, span)
        flags = body.get("flags", [])
        flags = [flags] if isinstance(flags, str) else flags
        if "dormant" in flags:
            table.dormant = True
        elif set(flags) - {"owner", "persist"}:
            table.dormant = None
            self.told.unknown.append(
                (span, f"table {key[1]}", "flags that nft did not print: it may be dormant")
            )

    def _chain(self, body: Mapping[str, Any], span: Span) -> None:
        table, name = self._in_table(body), self._name(body)
        self._named(body, span)
        chain = table.chains.get(name)
        if chain is None:
            chain = table.chains[name] = NftChain(name, span)
            self._chains[id(chain)] = chain
            self._written[id(chain)] = table, []
        if "hook" in body:
            self._hooked(table, chain, body, span)
        if "policy" in body:
            if body["policy"] not in ("accept", "drop"):
                raise ValueError(f'"{body["policy"]}" is no policy')
            chain.policy, chain.policy_span = body["policy"], body.get("policy_span", span)
            if chain.policy == "accept":
                self._ignored(["policy accept"], span, "holds without it")

    def _hooked(
        self, table: NftTable, chain: NftChain, body: Mapping[str, Any], span: Span
    ) -> None:
        hook, priority, kind = body["hook"], body.get("prio", 0), body.get("type", "filter")
        if hook not in HOOKS:
            raise ValueError(f'"{hook}" is no hook')
        if kind not in ("filter", "nat", "route"):
            raise ValueError(f'"{kind}" is no type of a chain')
        if not isinstance(priority, int) or not -(2**31) <= priority < 2**31:
            raise ValueError(f'"{priority}" is no priority')
        chain.hook, chain.priority, chain.kind = hook, priority, kind
        if hook in ("ingress", "egress"):
            devices = body.get("dev")
            devices = [devices] if isinstance(devices, str) else devices
            chain.devices = None if devices is None else tuple(map(str, devices))
            if devices is None:
                self.told.unknown.append(
                    (span, f"chain {chain.name}", "devices that nft did not print")
                )
        chain.policy_span = body.get("policy_span", span)

    def _rule(self, command: NftCommand, first: bool) -> None:
        body, span = command.body, command.span
        table, name = self._in_table(body), self._name(body, "chain")
        if name not in table.chains:
            raise KeyError(f"chain {name}")
        statements = body.get("expr")
        if not isinstance(statements, list):
            raise ValueError("a rule without statements")
        rules = self._written[id(table.chains[name])][1]
        comment = str(body.get("comment") or "")
        rules.insert(0 if first else len(rules), (statements, span, comment, command.known))
        self._named(body, span)
        for statement in statements:
            changed = statement.get("set") if isinstance(statement, dict) else None
            if isinstance(changed, dict) and isinstance(changed.get("set"), str):
                self._updated.add((table.family, table.name, changed["set"].removeprefix("@")))

    def _named(self, body: Mapping[str, Any], span: Span) -> None:
        words = [f"{word} {body[word]}" for word in ("handle", "comment") if word in body]
        self._ignored(words, span, "names it")

    def _ignored(self, words: list[str], span: Span, reason: str) -> None:
        if words:
            self.told.ignored.append((span, ", ".join(words), reason))

    def _set(self, body: Mapping[str, Any], span: Span) -> None:
        table, name = self._in_table(body), self._name(body)
        kinds = body.get("type", [])
        kinds = tuple(map(str, kinds)) if isinstance(kinds, list) else (str(kinds),)
        held = table.sets.setdefault(name, NftSet(name, kinds, span, str(body.get("map", ""))))
        flags = body.get("flags", [])
        if not isinstance(flags, list | str):
            raise ValueError("flags are a list")
        if "dynamic" in flags:
            held.unsure = "packets change it"
        elif "timeout" in flags or "timeout" in body:
            held.unsure = "its elements end by time"
        words = [
            f"{word} {body[word]}"
            for word in ("handle", "size", "policy", "comment", "flags", "timeout")
            if word in body
        ]
        self._ignored(words, span, "names the set, or says how it is kept")
        self._elements(held, body.get("elem", []), span)

    def _elements(self, held: NftSet, elements: Any, span: Span) -> None:
        if not isinstance(elements, list):
            raise ValueError("elements are a list")
        for element in elements:
            key, value = element, None
            if held.maps_to and isinstance(element, list) and len(element) == 2:
                key, value = element
            if unwrapped(key)[1] and not held.unsure:
                held.unsure = "its elements end by time"
            held.keys.append((key, value, span))

    def _delete(self, command: NftCommand) -> None:
        body, soft = command.body, command.verb == "destroy"
        if command.kind == "table":
            key = self._key(body, "name")
            if self.made.tables.pop(key, None) is None and not soft:
                raise KeyError(f"table {' '.join(key)}")
            return
        table, name = self._in_table(body), self._name(body)
        holds: dict[str, Any] = {"chain": table.chains, "set": table.sets, "map": table.sets}
        if command.kind not in holds:
            raise ValueError(f"deleting a {command.kind} is not followed")
        gone = holds[command.kind].pop(name, None)
        if gone is None and not soft:
            raise KeyError(f"{command.kind} {name}")
        self._written.pop(id(gone), None)

    def _flush(self, command: NftCommand) -> None:
        if command.kind == "ruleset":
            family = command.body.get("family")
            for key in [k for k in self.made.tables if family in (None, k[0])]:
                del self.made.tables[key]
        elif command.kind == "table":
            key = self._key(command.body, "name")
            if key not in self.made.tables:
                raise KeyError(f"table {' '.join(key)}")
            for chain in self.made.tables[key].chains.values():
                self._written[id(chain)][1].clear()
        elif command.kind == "chain":
            table, name = self._in_table(command.body), self._name(command.body)
            if name not in table.chains:
                raise KeyError(f"chain {name}")
            self._written[id(table.chains[name])][1].clear()
        elif command.kind in ("set", "map"):
            self._in_table(command.body).sets[self._name(command.body)].keys.clear()
        else:
            raise ValueError(f"flushing a {command.kind} is not followed")

    def _sets_that_rules_change(self) -> None:
        for family, name, changed in self._updated:
            table = self.made.tables.get((family, name))
            if table is not None and changed in table.sets:
                table.sets[changed].unsure = "packets change it"

    def _understand(self, table: NftTable, chain: NftChain, rules: list[Written]) -> None:
        if self.made.tables.get((table.family, table.name)) is not table:
            return
        for statements, span, comment, known in rules:
            reading = self._readings.setdefault(id(table), RuleReading(table.sets, self.known))
            try:
                steps, ignored, unknown = reading.understood(statements, known)
            except KeyError as error:
                self._wrong(f'there is no set "{error.args[0]}" in table {table.name}', span)
                continue
            except (TypeError, ValueError) as error:
                self._wrong(str(error), span)
                continue
            chain.rules.append(NftRule(steps, span, comment))
            self._ignored(ignored, span, "decides nothing")
            self.told.unknown.extend((span, f"chain {chain.name}", text) for text in unknown)

    def _calls(self) -> None:
        """Chains that are called are there, and none calls itself in the end."""
        for table in self.made.tables.values():
            depth: dict[str, int] = {}
            for name in [*table.chains]:
                self._depth(table, name, depth)

    def _depth(self, table: NftTable, start: str, depth: dict[str, int]) -> None:
        """Work out how deep calls below a chain go, without recursion of our own."""
        work, inside = [(start, False)], set()
        while work:
            name, done = work.pop()
            calls = [*called(table.chains[name])]
            if done:
                inside.discard(name)
                depth[name] = 1 + max((depth.get(callee, 0) for callee, _ in calls), default=0)
                continue
            if name in depth or name in inside:
                continue
            inside.add(name)
            work.append((name, True))
            for callee, span in calls:
                target = table.chains.get(callee)
                if target is None or target.hook:
                    what = "is a base chain" if target else "is not there"
                    self._wrong(f'chain "{callee}", which a rule calls, {what}', span)
                    depth[callee] = 0
                    table.chains.setdefault(callee, NftChain(callee, span))
                elif callee in inside:
                    self._wrong(f'chain "{callee}" calls itself in the end', span)
                elif callee not in depth:
                    work.append((callee, False))
        if depth[start] > MOST_CALLS + 1:
            self._wrong(
                f'chains below "{start}" call each other too deep', table.chains[start].span
            )


def called(chain: NftChain) -> Iterable[tuple[str, Span]]:
    """Chains that a chain calls."""
    for rule in chain.rules:
        for step in rule.steps:
            made = step.decisions if isinstance(step, NftDecisionMap) else (step,)
            for one in made:
                if isinstance(one, NftDecision) and one.kind in ("jump", "goto"):
                    yield one.chain, rule.span
