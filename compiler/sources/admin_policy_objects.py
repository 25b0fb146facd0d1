"""Cluster-wide policies as objects: read, defaulted and validated, whatever version they are of.

Accepts and rejects what the schemas of policy.networking.k8s.io do, and unknown fields as well. A
peer of an unknown kind is no mistake: a newer version may know it. Such a peer is `closed`.

Source: network-policy-api `apis/v1alpha1`, `apis/v1alpha2` and `apis/v1beta1`, which differ
in no field from each other since the second.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from enum import Enum

from compiler.policy.ir import L4, Action, Direction, LabelSelector
from compiler.sources.network_policy_v1 import LISTS, PORT_NAME, number, prefix, selector
from fabric.diagnostics import Diagnostics, Span
from fabric.file.extend import ReadableDocument
from fabric.kubernetes.files.claimed_kinds import ClaimedKind
from fabric.kubernetes.files.cursor import Cursor
from fabric.kubernetes.files.metadata import metadata, valid_key
from fabric.kubernetes.pods.workloads import PORTED
from fabric.values.inventory import Prefix
from fabric.values.ports import ANY

GROUP = "policy.networking.k8s.io"
CLAIMS = (
    ClaimedKind(GROUP, "AdminNetworkPolicy", ("v1alpha1",), once=True, namespaced=False),
    ClaimedKind(GROUP, "BaselineAdminNetworkPolicy", ("v1alpha1",), once=True, namespaced=False),
    ClaimedKind(
        GROUP, "ClusterNetworkPolicy", ("v1alpha2", "v1beta1"), once=True, namespaced=False
    ),
)
LOWEST = 1000
"""The last priority there is."""
PODS = ("namespaceSelector", "podSelector")
INSIDE, OUTSIDE = ("namespaces", "pods"), ("nodes", "networks", "domainNames")
DOMAIN = re.compile(r"(\*\.)?([a-zA-Z0-9]([-a-zA-Z0-9_]*[a-zA-Z0-9])?\.)+[a-zA-Z0-9]"
                    r"([-a-zA-Z0-9_]*[a-zA-Z0-9])?\.?")  # fmt: skip


class Tier(Enum):
    """Before the NetworkPolicies of namespaces, or behind them."""

    ADMIN = "Admin"
    BASELINE = "Baseline"


@dataclass(frozen=True, slots=True)
class AdminPeer:
    """One item of `from` or `to`: pods by labels of their namespaces and their own, or nodes by
    labels, or blocks of addresses, or names; `closed` is one of an unknown kind."""

    span: Span
    pods: tuple[LabelSelector, LabelSelector] | None = None
    nodes: LabelSelector | None = None
    networks: tuple[tuple[Prefix, Span], ...] = ()
    names: tuple[str, ...] = ()
    closed: bool = False


@dataclass(frozen=True, slots=True)
class AdminRule:
    """One item of `ingress` or `egress`, the one at `index`; no `l4` is everything. `emptied` is
    where it has a list of ports without any."""

    direction: Direction
    index: int
    action: Action
    peers: tuple[AdminPeer, ...]
    l4: tuple[L4, ...]
    span: Span
    emptied: Span | None = None


@dataclass(frozen=True, slots=True)
class AdminPolicy:
    """A policy about the pods of a cluster with these labels of namespace and pod."""

    kind: str
    name: str
    tier: Tier
    priority: int
    subject: tuple[LabelSelector, LabelSelector]
    rules: tuple[AdminRule, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Form:
    """What differs between versions: `tier` (None: the object says it), words of `actions`, most
    items of a list, how ports are written, and which selectors pods are `needed` to have. Keys of
    labels are `valid`, which differs between dialects."""

    tier: Tier | None
    ranked: bool
    actions: dict[str, Action]
    most: int
    ports: str
    port: Callable[[Cursor], L4]
    needed: tuple[str, ...] = ()
    valid: Callable[[str], bool] = valid_key


def admin_policy(
    source: ReadableDocument, problems: Diagnostics, cilium: bool = False
) -> AdminPolicy:
    """The policy of an object; mistakes go to `problems`. What `cilium` reads, it may say too: keys
    of reserved labels, and a protocol without ports."""
    version, kind = source.value["apiVersion"].rpartition("/")[2], source.value["kind"]
    form = FORMS[version, kind]
    if cilium:
        form = replace(form, valid=reserved_too, port=ports_or_none)
    root = Cursor.of(source, problems)
    root.closed(("apiVersion", "kind", "metadata", "spec", "status"), "C630")
    about, spec = metadata(root), root["spec"]
    known = ["subject", "ingress", "egress"]
    known += ["priority"] * form.ranked + ["tier"] * (form.tier is None)
    spec.closed(known, "C630")
    if not spec:
        root.error("C630", "a policy needs spec")
    if kind == "BaselineAdminNetworkPolicy" and about.name not in ("", "default"):
        root["metadata"]["name"].error("C631", 'the one baseline of a cluster is called "default"')
    tier = form.tier or tier_of(spec["tier"])
    return AdminPolicy(
        kind,
        about.name,
        tier,
        priority(spec) if form.ranked else 0,
        subject(spec["subject"], form) if spec["subject"] else missing(spec, "subject"),
        tuple(rules(spec, form, tier)),
        about.span,
    )


def tier_of(field: Cursor) -> Tier:
    """The tier that an object names."""
    known = {tier.value: tier for tier in Tier}
    text = field.text()
    if text not in known:
        field.error("C631", f'"{text}" is not Admin or Baseline')
    return known.get(text, Tier.ADMIN)


def priority(spec: Cursor) -> int:
    """How early a policy is asked; the lowest number first."""
    found = spec["priority"].integer()
    if found is None or not 0 <= found <= LOWEST:
        what = "a policy needs one" if found is None else f"{found} is not one"
        spec["priority"].error("C631", f"{what}: 0 (first) to {LOWEST}")
        return LOWEST
    return found


def missing(spec: Cursor, key: str) -> tuple[LabelSelector, LabelSelector]:
    """Nobody's, and a mistake."""
    spec.error("C632", f"a policy needs {key}", f"every pod is {key}: {{ namespaces: {{}} }}")
    return (), ()


def subject(field: Cursor, form: Form) -> tuple[LabelSelector, LabelSelector]:
    """The pods that a policy is about."""
    field.closed(INSIDE, "C630")
    if len(field.fields()) != 1:
        field.error("C632", "names namespaces or pods, one of the two")
    return pods(field, form)


def pods(item: Cursor, form: Form) -> tuple[LabelSelector, LabelSelector]:
    """Pods by their namespaces alone, or by their own labels too."""
    if item["namespaces"]:
        return selector(item["namespaces"], form.valid), ()
    item["pods"].closed(PODS, "C630")
    for key in form.needed if item["pods"] else ():
        if not item["pods"][key]:
            item["pods"].error("C632", f"needs {key}", f"all are {key}: {{}}")
    both = (item["pods"][key] for key in ("namespaceSelector", "podSelector"))
    namespaces, own = (selector(field, form.valid) for field in both)
    return namespaces, own


def rules(spec: Cursor, form: Form, tier: Tier) -> Iterator[AdminRule]:
    """Both lists of rules."""
    for direction, (name, side) in LISTS.items():
        items = spec[name].items()
        limited(spec[name], form)
        for index, item in enumerate(items):
            item.closed(("name", "action", side, form.ports), "C630")
            action = action_of(item, form, tier)
            peers = tuple(peer(p, direction, form) for p in item[side].items())
            if not peers:
                item.error("C633", f"a rule needs {side}, with an item in it")
            for field in (item[side], item[form.ports]):
                limited(field, form)
            item["name"].check(lambda text: len(text) <= 100, "C633", "at most 100 characters")
            l4 = tuple(form.port(p) for p in item[form.ports].items())
            if form.ports == WIDE.ports and item[form.ports] and not l4:
                item[form.ports].error("C633", "needs an item; without the key it means everything")
            named = any(p.name is not None for p in l4)
            if named and any(p.nodes is not None or p.networks or p.names for p in peers):
                item[form.ports].error("C634", "only pods call ports by names")
            if action is not Action.PERMIT_FINAL and any(p.names for p in peers):
                item["action"].error("C633", "domainNames can only be let through")
            emptied = item[form.ports].span if item[form.ports] and not l4 else None
            yield AdminRule(direction, index, action, peers, l4, item.span, emptied)


def limited(field: Cursor, form: Form) -> None:
    """An error for a list that is longer than the server takes."""
    if len(field.items()) > form.most:
        field.error("C633", f"{len(field.items())} items, {form.most} at most")


def action_of(item: Cursor, form: Form, tier: Tier) -> Action:
    """What a rule does. Behind the baseline there is nothing that one could pass on to, but for
    objects that have both tiers."""
    words = form.actions
    if tier is Tier.BASELINE and form.tier is Tier.BASELINE:
        words = {word: action for word, action in words.items() if action is not Action.PERMIT}
    text = item["action"].text()
    if text not in words:
        what = f'"{text}" is not one of {", ".join(words)}' if text else "a rule needs an action"
        (item["action"] if text else item).error("C633", what)
    return words.get(text, Action.DENY)


def peer(item: Cursor, direction: Direction, form: Form) -> AdminPeer:
    """One peer of one kind. What nobody knows is closed, not wrong: see the module."""
    known = INSIDE if direction is Direction.IN else (*INSIDE, *OUTSIDE)
    given = item.fields()
    if len(given) > 1:
        item.error("C632", f"is of one kind, not {len(given)}: make them items")
    if not given or not given.keys() <= set(known):
        return AdminPeer(item.span, closed=True)
    if item["nodes"]:
        return AdminPeer(item.span, nodes=selector(item["nodes"], form.valid))
    if item["networks"]:
        limited(item["networks"], form)
        blocks = [(prefix(block), block.span) for block in item["networks"].items()]
        if not blocks:
            item["networks"].error("C632", "needs a network")
        found = tuple((block, span) for block, span in blocks if block is not None)
        return AdminPeer(item.span, networks=found)
    if item["domainNames"]:
        limited(item["domainNames"], form)
        names = [
            name.check(lambda text: DOMAIN.fullmatch(text) is not None, "C632", "a domain name")
            for name in item["domainNames"].items()
        ]
        if not names:
            item["domainNames"].error("C632", "needs a name")
        return AdminPeer(item.span, names=tuple(names))
    return AdminPeer(item.span, pods=pods(item, form))


def port_v1alpha1(item: Cursor) -> L4:
    """One item of `ports`."""
    kinds = "portNumber", "portRange", "namedPort"
    item.closed(kinds, "C630")
    if len(item.fields()) != 1:
        item.error("C634", f"is one of {', '.join(kinds)}")
    if item["namedPort"]:
        return by_name(item["namedPort"])
    if item["portRange"]:
        item["portRange"].closed(("protocol", "start", "end"), "C630")
        return spread(item["portRange"], protocol_of(item["portRange"]), single=True)
    found = item["portNumber"]
    found.closed(("protocol", "port"), "C630")
    protocol, value = protocol_of(found), number(found["port"])
    if found and not found["port"]:
        found.error("C634", "needs port")
    return L4(protocol) if value is None else L4(protocol, value, value)


def protocol_of(field: Cursor) -> int:
    """The number of a protocol that is written in capitals."""
    name = field["protocol"].text("TCP", code="C634")
    if name not in PORTED:
        field["protocol"].error("C634", f'"{name}" is not one of {", ".join(PORTED)}')
    return PORTED.get(name, PORTED["TCP"])


def port_v1alpha2(item: Cursor) -> L4:
    """One item of `protocols`."""
    kinds = {name.lower(): protocol for name, protocol in PORTED.items()}
    item.closed((*kinds, "destinationNamedPort"), "C630")
    if len(item.fields()) != 1:
        item.error("C634", f"is one of {', '.join((*kinds, 'destinationNamedPort'))}")
    if item["destinationNamedPort"]:
        return by_name(item["destinationNamedPort"])
    name = next((name for name in kinds if item[name]), "tcp")
    item[name].closed(("destinationPort",), "C630")
    target, protocol = item[name]["destinationPort"], kinds[name]
    if not target:
        if item[name]:
            item[name].error("C634", "needs destinationPort")
        return L4(protocol)
    target.closed(("number", "range"), "C630")
    if len(target.fields()) != 1:
        target.error("C634", "is a number or a range")
    if target["range"]:
        target["range"].closed(("start", "end"), "C630")
        return spread(target["range"], protocol)
    value = number(target["number"])
    return L4(protocol) if value is None else L4(protocol, value, value)


def reserved_too(text: str) -> bool:
    """Whether a key can be that of a label of a pod, or of what is none."""
    return valid_key(text.removeprefix("reserved:"))


def ports_or_none(item: Cursor) -> L4:
    """One item of `protocols`, which may be a protocol alone."""
    for name, protocol in PORTED.items():
        if item.value == {name.lower(): {}}:
            return L4(protocol)
    return port_v1alpha2(item)


def by_name(field: Cursor) -> L4:
    """A port by the name that containers give it, of any protocol."""
    text = field.text()
    if not PORT_NAME.fullmatch(text):
        field.error("C634", f'"{text}" is not a port name')
    return L4(ANY, name=text)


def spread(field: Cursor, protocol: int, single: bool = False) -> L4:
    """Ports from `start` to `end`, maybe a `single` one."""
    low, high = (number(field[key]) for key in ("start", "end"))
    for key in ("start", "end"):
        if not field[key]:
            field.error("C634", f"needs {key}")
    if low is None or high is None:
        return L4(protocol)
    if low > high or (low == high and not single):
        field.error("C634", f"{low} is not below {high}")
    return L4(protocol, min(low, high), max(low, high))


ALLOW = {"Allow": Action.PERMIT_FINAL, "Deny": Action.DENY, "Pass": Action.PERMIT}
ACCEPT = {"Accept": Action.PERMIT_FINAL, "Deny": Action.DENY, "Pass": Action.PERMIT}
WIDE = Form(None, True, ACCEPT, 25, "protocols", port_v1alpha2, ("podSelector",))
FORMS = {
    ("v1alpha1", "AdminNetworkPolicy"): Form(
        Tier.ADMIN, True, ALLOW, 100, "ports", port_v1alpha1, PODS
    ),
    ("v1alpha1", "BaselineAdminNetworkPolicy"): Form(
        Tier.BASELINE, False, ALLOW, 100, "ports", port_v1alpha1, PODS
    ),
    ("v1alpha2", "ClusterNetworkPolicy"): WIDE,
    ("v1beta1", "ClusterNetworkPolicy"): WIDE,
}
