"""CiliumNetworkPolicy and CiliumClusterwideNetworkPolicy as objects: read, defaulted, validated.

Accepts and rejects what Cilium 1.20 does, and unknown fields as well: a misspelt selector would
widen a rule without a word. What its agents reject has no effect in a cluster; here it is a
mistake.

Rules that hold here:

1. `spec` and every item of `specs` are rules of their own, about their own pods.
2. A list of rules that is there and empty counts as absent. A rule without any list is rejected.
3. `enableDefaultDeny` says whether the pods that a rule is about let only pass what some rule
   allows; without it they do in the directions in which the rule has a list, of denials too. It
   says nothing of a direction in which the rule has none.
4. A rule without peers and ports is about nobody; but it is there, so rule 3 counts it.

Source: Cilium 1.20 `pkg/policy/api`, `rule_validation.go`; its engine for rules 2 to 4.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from compiler.policy.ir import Direction
from compiler.policy.origin_kinds import CILIUM_POLICY, CILIUM_WIDE_POLICY, OriginKind
from compiler.sources.cilium.cilium_peers import CiliumPeer, peers
from compiler.sources.cilium.cilium_ports import EVERYTHING, PortRule, icmps, to_ports
from compiler.sources.cilium.cilium_selectors import LabelTerms, selector
from fabric.diagnostics import Diagnostics, Span
from fabric.file.extend import ReadableDocument
from fabric.kubernetes.files.cursor import Cursor
from fabric.kubernetes.files.metadata import metadata

LISTS = (
    ("ingress", Direction.IN, False), ("ingressDeny", Direction.IN, True),
    ("egress", Direction.OUT, False), ("egressDeny", Direction.OUT, True),
)  # fmt: skip
SIDES = {Direction.IN: ("from", "ingress"), Direction.OUT: ("to", "egress")}
PEERS = {
    Direction.IN: ("Endpoints", "Entities", "CIDR", "CIDRSet", "Nodes", "Groups"),
    Direction.OUT: ("Endpoints", "Entities", "CIDR", "CIDRSet", "Nodes", "Groups", "Services",
                    "FQDNs"),
}  # fmt: skip
MODES = ("disabled", "required", "test-always-fail")


@dataclass(frozen=True, slots=True)
class CiliumRule:
    """One item of a list. `peers` None is everybody, no `ports` is nothing at all."""

    direction: Direction
    deny: bool
    index: int
    peers: tuple[CiliumPeer, ...] | None
    ports: tuple[PortRule, ...]
    mode: str
    span: Span


@dataclass(frozen=True, slots=True)
class CiliumSpec:
    """One rule of the API: whom it is about, its items, and per direction that it says anything of
    whether the rest is denied, with the line to blame. `hosts`: it is about nodes."""

    subject: LabelTerms
    hosts: bool
    rules: tuple[CiliumRule, ...]
    closes: dict[Direction, tuple[bool, Span]]
    span: Span


@dataclass(frozen=True, slots=True)
class CiliumPolicy:
    """A policy; `namespace` is None of a clusterwide one."""

    kind: OriginKind
    namespace: str | None
    name: str
    specs: tuple[CiliumSpec, ...]
    span: Span

    @property
    def title(self) -> str:
        """Its name as outputs call it."""
        return self.name if self.namespace is None else f"{self.namespace}/{self.name}"


def cilium_policy(source: ReadableDocument, problems: Diagnostics) -> CiliumPolicy:
    """The policy of an object; mistakes go to `problems`."""
    root = Cursor.of(source, problems)
    root.closed(("apiVersion", "kind", "metadata", "spec", "specs", "status"), "C640")
    about = metadata(root)
    wide = source.value["kind"] == "CiliumClusterwideNetworkPolicy"
    written = [root["spec"], *root["specs"].items()]
    found = [spec(field, wide) for field in written if field]
    if not found:
        root.error("C640", "a policy needs spec or specs")
    return CiliumPolicy(
        CILIUM_WIDE_POLICY if wide else CILIUM_POLICY,
        None if wide else about.namespace,
        about.name,
        tuple(found),
        about.span,
    )


def spec(field: Cursor, wide: bool) -> CiliumSpec:
    """Rule 1."""
    known = "endpointSelector", "nodeSelector", "enableDefaultDeny", "description", "labels", "log"
    field.closed((*known, *(name for name, _, _ in LISTS)), "C640")
    given = [key for key in ("endpointSelector", "nodeSelector") if field[key]]
    if len(given) != 1:
        field.error("C641", "needs endpointSelector or nodeSelector, one of the two")
    hosts = bool(field["nodeSelector"])
    if hosts and not wide:
        field["nodeSelector"].error("C641", "is for clusterwide policies alone")
    rules = [
        found
        for name, direction, deny in LISTS
        for index, item in enumerate(field[name].items())
        for found in [rule(item, direction, deny, index)]
    ]
    if field and not rules and isinstance(field.value, dict):
        names = ", ".join(name for name, _, _ in LISTS)
        field.error("C640", "has no rule, so Cilium rejects it", f"give an item to one of {names}")
    terms = selector(field[given[0]]) if given else ()
    return CiliumSpec(terms, hosts, tuple(rules), closes(field), field.span)


def closes(field: Cursor) -> dict[Direction, tuple[bool, Span]]:
    """Rule 3."""
    said = field["enableDefaultDeny"]
    said.closed(("ingress", "egress"), "C640")
    out: dict[Direction, tuple[bool, Span]] = {}
    for name, direction, _ in LISTS:
        if not field[name].items() or direction in out:
            continue
        side = said[SIDES[direction][1]]
        span = side.key_span if side else field[name].key_span
        out[direction] = (side.flag() if side else True, span)
    return out


def rule(item: Cursor, direction: Direction, deny: bool, index: int) -> CiliumRule:
    """Rule 4, of one item."""
    end = SIDES[direction][0]
    kinds = [kind for kind in PEERS[direction] if not (deny and kind == "FQDNs")]
    gone = f"{end}Requires"
    known = [*(f"{end}{kind}" for kind in kinds), "toPorts", "icmps", gone]
    item.closed(known if deny else [*known, "authentication"], "C640")
    if item[gone]:
        item[gone].error("C642", "is gone from this version of Cilium", "name it in every peer")
    if item["icmps"].items() and item["toPorts"].items():
        item["icmps"].error("C644", "is for rules without toPorts", "make it an item")
    found = peers(item, direction, deny)
    ports = tuple(ports_of(item, direction, deny))
    if found is not None and not item["toPorts"].items() and not item["icmps"].items():
        ports = (EVERYTHING,)
    return CiliumRule(direction, deny, index, found, ports, mode(item), item.span)


def ports_of(item: Cursor, direction: Direction, deny: bool) -> Iterator[PortRule]:
    """The packets that a rule is about; none where it does not say."""
    yield from to_ports(item, deny, direction is Direction.IN)
    yield from icmps(item)


def mode(item: Cursor) -> str:
    """Whether a rule asks for authentication; empty where it does not say."""
    field = item["authentication"]
    if not field:
        return ""
    field.closed(("mode",), "C640")
    text = field["mode"].text()
    if text not in MODES:
        (field["mode"] or field).error("C645", f'"{text}" is not one of {", ".join(MODES)}')
    return text
