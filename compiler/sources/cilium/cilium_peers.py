"""Peers of Cilium's rules: everything that `from…` and `to…` may list.

Rules that hold here:

1. A rule lists peers of one kind. One that lists none and has ports is about everybody; with
   neither it is about nobody.
2. A list of endpoints, entities or CIDRs that is there and empty means nobody. What an empty list
   of another kind means is not defined, so it is refused.
3. A CIDR may be an address, one of a set with exceptions is a prefix; host bits are ignored.

Source: Cilium 1.20 `pkg/policy/api` (ingress.go, egress.go, cidr.go, fqdn.go, service.go) and
`rule_validation.go`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from ipaddress import ip_address, ip_network

from compiler.policy.ir import Direction
from compiler.sources.cilium.cilium_selectors import LabelTerms, selector
from compiler.sources.network_policy_v1 import inside
from fabric.diagnostics import Span
from fabric.kubernetes.files.cursor import Cursor
from fabric.values.address_sets import refusal
from fabric.values.inventory import Prefix
from fabric.values.ip import prefix as prefix_of

ENTITIES = (
    "all", "world", "world-ipv4", "world-ipv6", "cluster", "host", "remote-node", "kube-apiserver",
    "health", "init", "ingress", "unmanaged", "none",
)  # fmt: skip
DOMAIN = re.compile(r"[-a-zA-Z0-9_]+(\.[-a-zA-Z0-9_]+)*\.?")
PATTERN = re.compile(r"(\*\*\.)?[-a-zA-Z0-9_.*]+")
LONGEST = 255


@dataclass(frozen=True, slots=True)
class EndpointPeer:
    """Identities by labels."""

    terms: LabelTerms
    span: Span


@dataclass(frozen=True, slots=True)
class EntityPeer:
    """A class of identities by its name."""

    name: str
    span: Span


@dataclass(frozen=True, slots=True)
class BlockPeer:
    """Addresses of a prefix, but for some."""

    prefix: Prefix
    excepts: tuple[Prefix, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class GroupPeer:
    """A CiliumCIDRGroup by its name, or those with some labels, but for some addresses."""

    name: str
    terms: LabelTerms | None
    excepts: tuple[Prefix, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class ServicePeer:
    """Services by name or by labels, of one namespace or of all."""

    name: str
    terms: LabelTerms | None
    namespace: str
    span: Span


@dataclass(frozen=True, slots=True)
class DomainPeer:
    """A domain name, or a pattern of some."""

    name: str
    pattern: str
    span: Span


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A peer that nobody here can evaluate, and why."""

    what: str
    outside: bool
    span: Span


CiliumPeer = (
    EndpointPeer | EntityPeer | BlockPeer | GroupPeer | ServicePeer | DomainPeer | Unreadable
)


def peers(item: Cursor, direction: Direction, deny: bool) -> tuple[CiliumPeer, ...] | None:
    """Who is at the other end; None is everybody or nobody (rule 1)."""
    read = dict(readers(direction, deny))
    given = [key for key in read if item[key]]
    full = [key for key in given if item[key].items()]
    if len(full) > 1:
        item.error("C642", f"{full[0]} and {full[1]} are two rules", "make them items")
    for key in given:
        if key not in full and not key.endswith(("Endpoints", "Entities", "CIDR", "CIDRSet")):
            item[key].error("C642", "what an empty list means is not defined", "leave it out")
    if not given:
        return None
    if len(full) < len(given):
        return ()
    return tuple(found for key in full for field in item[key].items() for found in read[key](field))


def readers(
    direction: Direction, deny: bool
) -> Iterator[tuple[str, Callable[[Cursor], Iterator[CiliumPeer]]]]:
    """The lists that a rule may have, and who reads their items."""
    end = "from" if direction is Direction.IN else "to"
    yield f"{end}Endpoints", endpoints
    yield f"{end}Entities", entity
    yield f"{end}CIDR", cidr
    yield f"{end}CIDRSet", cidr_set
    yield f"{end}Nodes", nodes
    yield f"{end}Groups", groups
    if direction is Direction.OUT:
        yield "toServices", service
        if not deny:
            yield "toFQDNs", domain


def endpoints(field: Cursor) -> Iterator[CiliumPeer]:
    """Identities by labels."""
    if not field:
        field.error("C641", "needs a selector", "all are {}")
        return
    yield EndpointPeer(selector(field), field.span)


def entity(field: Cursor) -> Iterator[CiliumPeer]:
    """A class of identities."""
    name = field.text()
    if name not in ENTITIES:
        field.error("C642", f'"{name}" is no entity', f"known: {', '.join(ENTITIES)}")
        return
    yield EntityPeer(name, field.span)


def cidr(field: Cursor) -> Iterator[CiliumPeer]:
    """Rule 3, of an address or a prefix."""
    found = block(field, single=True)
    if found is not None:
        yield BlockPeer(found, (), field.span)


def cidr_set(field: Cursor) -> Iterator[CiliumPeer]:
    """Rule 3, of a prefix with exceptions, or of a group of prefixes."""
    field.closed(("cidr", "cidrGroupRef", "cidrGroupSelector", "except"), "C640")
    given = [key for key in ("cidr", "cidrGroupRef", "cidrGroupSelector") if field[key]]
    if len(given) != 1:
        field.error("C643", "needs cidr, cidrGroupRef or cidrGroupSelector, one of them")
        return
    whole = block(field["cidr"]) if field["cidr"] else None
    holes = []
    for hole in field["except"].items():
        found = block(hole)
        if found is None:
            continue
        if whole is not None and not (found == whole or inside(found, whole)):
            hole.error("C643", f"{found} is not inside {whole}")
        holes.append(found)
    if whole is not None:
        yield BlockPeer(whole, tuple(holes), field["cidr"].span)
    elif not field["cidr"]:
        by_labels = field["cidrGroupSelector"]
        terms = selector(by_labels) if by_labels else None
        yield GroupPeer(field["cidrGroupRef"].text(), terms, tuple(holes), field[given[0]].span)


def block(field: Cursor, single: bool = False) -> Prefix | None:
    """A prefix; with `single` an address as well."""
    text = field.text()
    try:
        if re.search(r"/\d+$", text):
            found: Prefix = ip_network(text, strict=False)
        elif single:
            found = prefix_of(str(ip_address(text)))
        else:
            raise ValueError
        if wrong := refusal(text):
            field.error("C643", wrong.message, wrong.hint)
        return found
    except ValueError:
        hint = "write 10.0.0.0/8 or fd00::/8"
        field.error("C643", f'"{text}" is not a CIDR', hint)
    return None


def nodes(field: Cursor) -> Iterator[CiliumPeer]:
    """Nodes by labels, which identities have only where the agent is told so."""
    selector(field)
    what = "it is about labels of nodes, which Cilium refuses unless it is told to read them"
    yield Unreadable(what, False, field.span)


def groups(field: Cursor) -> Iterator[CiliumPeer]:
    """Groups of a cloud."""
    field.closed(("aws",), "C640")
    yield Unreadable("nobody knows the addresses of its groups", True, field.span)


def service(field: Cursor) -> Iterator[CiliumPeer]:
    """Services by name or by labels."""
    field.closed(("k8sService", "k8sServiceSelector"), "C640")
    if len(field.fields()) != 1:
        field.error("C642", "needs k8sService or k8sServiceSelector, one of the two")
        return
    named, chosen = field["k8sService"], field["k8sServiceSelector"]
    named.closed(("serviceName", "namespace"), "C640")
    chosen.closed(("selector", "namespace"), "C640")
    if named:
        name = named["serviceName"].text()
        if not name:
            named.error("C642", "needs serviceName")
        yield ServicePeer(name, None, named["namespace"].text(), field.span)
        return
    if not chosen["selector"]:
        chosen.error("C642", "needs selector")
    terms = selector(chosen["selector"])
    yield ServicePeer("", terms, chosen["namespace"].text(), field.span)


def domain(field: Cursor) -> Iterator[CiliumPeer]:
    """A domain name, or a pattern."""
    field.closed(("matchName", "matchPattern"), "C640")
    if len(field.fields()) != 1:
        field.error("C642", "needs matchName or matchPattern, one of the two")
        return
    name = field["matchName"].check(_is_domain, "C642", "a domain name")
    pattern = field["matchPattern"].check(_is_pattern, "C642", "a pattern of domain names")
    yield DomainPeer(name.lower().rstrip("."), pattern.lower().rstrip("."), field.span)


def _is_domain(text: str) -> bool:
    return len(text) <= LONGEST and DOMAIN.fullmatch(text) is not None


def _is_pattern(text: str) -> bool:
    return len(text) <= LONGEST and PATTERN.fullmatch(text) is not None
