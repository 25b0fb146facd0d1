"""One networking.k8s.io/v1 NetworkPolicy as an object: read, defaulted and validated.

Accepts and rejects what the API server does (`pkg/apis/networking/validation`), and unknown fields
as well: a misspelt `namespaceSelector` would silently widen a peer.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_network

from compiler.policy.ir import L4, Cidr, Direction, LabelSelector, Matcher, Pods, Requirement
from fabric.diagnostics import Diagnostics, Span
from fabric.file.extend import ReadableDocument
from fabric.kubernetes.files.claimed_kinds import NETWORK_POLICY
from fabric.kubernetes.files.cursor import Cursor
from fabric.kubernetes.files.metadata import metadata, valid_key, valid_value
from fabric.kubernetes.pods.workloads import PORTED
from fabric.values.address_sets import refusal
from fabric.values.inventory import Prefix
from fabric.values.ports import MAX_PORT

CLAIMS = (NETWORK_POLICY,)
TYPES = {"Ingress": Direction.IN, "Egress": Direction.OUT}
LISTS = {Direction.IN: ("ingress", "from"), Direction.OUT: ("egress", "to")}
PEERS = ("podSelector", "namespaceSelector", "ipBlock")
NULLS = {
    "podSelector": "without a value it names nothing; every pod here is podSelector: {}",
    "namespaceSelector": "without a value it names nothing; everywhere is namespaceSelector: {}",
    "ipBlock": "without a value it names nothing; give it a cidr",
}
"""What to write instead of a key without a value, which the API server takes for absent."""
OPERATORS = ("In", "NotIn", "Exists", "DoesNotExist")
PORT_NAME = re.compile(r"(?=.*[a-z])(?!.*--)[a-z0-9]([-a-z0-9]{0,13}[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class PolicyPeer:
    """One item of `from` or `to`: pods by labels, or a block of addresses."""

    labels: LabelSelector
    namespaces: LabelSelector | None
    block: tuple[Prefix, tuple[Prefix, ...]] | None
    span: Span

    def matcher(self, cluster: str, namespace: str, pods_in_blocks: bool) -> Matcher:
        """The peer of a policy that lives in `namespace` of `cluster`."""
        if self.block is not None:
            return Cidr(*self.block, pods_in_blocks, cluster)
        own = namespace if self.namespaces is None else None
        return Pods(cluster, self.labels, own, self.namespaces)


@dataclass(frozen=True, slots=True)
class AllowRule:
    """One item of `ingress` or `egress`. `peers` None is everybody; no `l4` is everything."""

    direction: Direction
    index: int
    peers: tuple[PolicyPeer, ...] | None
    l4: tuple[L4, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class NetworkPolicy:
    """A policy. `isolates` maps its directions to the line that a denial is blamed on."""

    namespace: str
    name: str
    selector: LabelSelector
    isolates: dict[Direction, Span]
    rules: tuple[AllowRule, ...]


def network_policy(
    source: ReadableDocument, problems: Diagnostics, every: bool = False
) -> NetworkPolicy:
    """The policy of an object; mistakes go to `problems`. With `every` its rules isolate, whatever
    types it names."""
    root = Cursor.of(source, problems)
    root.closed(("apiVersion", "kind", "metadata", "spec", "status"), "C620")
    about, spec = metadata(root), root["spec"]
    spec.closed(("podSelector", "policyTypes", "ingress", "egress"), "C620")
    directions = types(spec)
    lists = {direction: spec[name] for direction, (name, _) in LISTS.items()}
    rules = [
        rule(item, direction, index)
        for direction, items in lists.items()
        for index, item in enumerate(items.items())
    ]
    if every:
        spans = {rule.direction: lists[rule.direction].key_span for rule in rules}
        directions = {**spans, **directions}
    return NetworkPolicy(
        about.namespace,
        about.name,
        selector(spec["podSelector"]),
        {d: lists[d].key_span if lists[d] else span for d, span in directions.items()},
        tuple(r for r in rules if r.direction in directions),
    )


def types(spec: Cursor) -> dict[Direction, Span]:
    """Directions that the policy isolates. Without types: Ingress, and Egress iff it has rules."""
    written = spec["policyTypes"].items()
    if not written:
        span = (spec["podSelector"] or spec).key_span
        out = {Direction.IN: span}
        if spec["egress"].value:
            out[Direction.OUT] = span
        return out
    if len(written) > len(TYPES):
        spec["policyTypes"].error("C625", "at most two types, Ingress and Egress")
    found: dict[Direction, Span] = {}
    for item in written:
        name = item.text()
        if name in TYPES:
            found.setdefault(TYPES[name], item.span)
        elif name or not item:
            item.error("C625", f'"{name}" is not Ingress or Egress')
    return found


def rule(item: Cursor, direction: Direction, index: int) -> AllowRule:
    """One rule of a policy."""
    _, key = LISTS[direction]
    item.closed((key, "ports"), "C620")
    listed = tuple(map(peer, item[key].items()))
    l4 = tuple(map(port, item["ports"].items()))
    return AllowRule(direction, index, listed or None, l4, item.span)


def peer(item: Cursor) -> PolicyPeer:
    """One peer; podSelector and namespaceSelector in one item must both hold."""
    item.closed(PEERS, "C620")
    selectors = item["podSelector"] or item["namespaceSelector"]
    if item["ipBlock"]:
        if selectors:
            item.error("C624", "ipBlock cannot be combined with selectors", "make it an item")
        return PolicyPeer((), None, block(item["ipBlock"]), item["ipBlock"]["cidr"].span)
    if not selectors and not refused(item):
        found = next((key for key in PEERS if key in (item.value or {})), None)
        hint = NULLS.get(found) if found else None
        item.error("C624", "a peer needs podSelector, namespaceSelector or ipBlock", hint)
    namespaces = item["namespaceSelector"]
    return PolicyPeer(
        selector(item["podSelector"]), selector(namespaces) if namespaces else None, None, item.span
    )


def refused(item: Cursor) -> bool:
    """Whether the item has been refused already: it is no mapping, or has unknown keys."""
    keys = item.value.keys() if isinstance(item.value, dict) else {""} if item else set()
    return not keys <= set(PEERS)


def block(item: Cursor) -> tuple[Prefix, tuple[Prefix, ...]] | None:
    """CIDR and exceptions, which must lie strictly inside it."""
    item.closed(("cidr", "except"), "C620")
    if not item["cidr"]:
        item.error("C622", "ipBlock needs cidr")
    whole = prefix(item["cidr"])
    holes = []
    for hole in item["except"].items():
        found = prefix(hole)
        if found is None or whole is None:
            continue
        if not inside(found, whole):
            hole.error("C622", f"{found} is not strictly inside {whole}")
        holes.append(found)
    return None if whole is None else (whole, tuple(holes))


def prefix(field: Cursor) -> Prefix | None:
    """A CIDR; host bits are ignored, as the API server does."""
    text = field.text()
    try:
        if re.search(r"/\d+$", text):
            found = ip_network(text, strict=False)
            if wrong := refusal(text):
                field.error("C622", wrong.message, wrong.hint)
            return found
    except ValueError:
        pass
    if field:
        field.error("C622", f'"{text}" is not a CIDR', "write 10.0.0.0/8 or fd00::/8")
    return None


def inside(hole: Prefix, whole: Prefix) -> bool:
    """Whether `hole` is a proper part of `whole`."""
    return (
        hole.version == whole.version
        and hole.prefixlen > whole.prefixlen
        and hole.network_address in whole
    )


def port(item: Cursor) -> L4:
    """One item of `ports`."""
    item.closed(("protocol", "port", "endPort"), "C620")
    name = item["protocol"].text("TCP", code="C626")
    if name not in PORTED:
        item["protocol"].error("C626", f'"{name}" is not one of {", ".join(PORTED)}')
    protocol = PORTED.get(name, PORTED["TCP"])
    first, end = item["port"], item["endPort"]
    if isinstance(first.value, str):
        return named(item, protocol)
    low = number(first)
    if low is None:
        if end and not first:
            end.error("C623", "needs a numeric port")
        return L4(protocol)
    high = number(end) if end else low
    if high is not None and high < low:
        end.error("C623", f"{high} is below port {low}")
    return L4(protocol, low, max(low, high or low))


def named(item: Cursor, protocol: int) -> L4:
    """A port by name."""
    field, text = item["port"], item["port"].text()
    if not PORT_NAME.fullmatch(text):
        hint = "a number is written without quotes" if text.isdecimal() else None
        field.error("C623", f'"{text}" is not a port name', hint)
    if item["endPort"]:
        item["endPort"].error("C623", "needs a numeric port")
    return L4(protocol, name=text)


def number(field: Cursor) -> int | None:
    """A port number."""
    found = field.integer()
    if found is not None and not 1 <= found <= MAX_PORT:
        field.error("C623", f"{found} is not a port, 1 to {MAX_PORT}")
        return None
    return found


def selector(field: Cursor, valid: Callable[[str], bool] = valid_key) -> LabelSelector:
    """A label selector; absent or empty selects everything. Its keys are `valid`."""
    field.closed(("matchLabels", "matchExpressions"), "C620")
    terms = [
        Requirement(key, "In", frozenset((value(field["matchLabels"][key]),)))
        for key in field["matchLabels"].names()
        if key_is_valid(field["matchLabels"][key], key, valid)
    ]
    return (*terms, *(requirement(item, valid) for item in field["matchExpressions"].items()))


def requirement(item: Cursor, valid: Callable[[str], bool]) -> Requirement:
    """One term of `matchExpressions`."""
    item.closed(("key", "operator", "values"), "C620")
    key, operator = item["key"].text(), item["operator"].text()
    key_is_valid(item["key"], key, valid)
    values = frozenset(map(value, item["values"].items()))
    if operator not in OPERATORS:
        item["operator"].error("C621", f'"{operator}" is not one of {", ".join(OPERATORS)}')
        operator = "Exists"
    elif operator.endswith("In") and not values:
        item.error("C621", f"{operator} needs values")
    elif not operator.endswith("In") and values:
        item["values"].error("C621", f"{operator} takes no values")
    return Requirement(key, operator, values)


def value(field: Cursor) -> str:
    """A label value, as text."""
    return field.check(valid_value, "C621", "a label value")


def key_is_valid(field: Cursor, key: str, valid: Callable[[str], bool]) -> bool:
    """Whether a key can be a label's; an error otherwise."""
    if not valid(key):
        field.error("C621", f'"{key}" is not a label key')
    return valid(key)
