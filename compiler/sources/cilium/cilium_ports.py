"""Ports, ICMP types and what a proxy looks at in Cilium's policies.

Rules that hold here:

1. A protocol that is left out, or ANY, is TCP, UDP and SCTP; port 0 is all ports, and of ANY every
   packet there is. `PORTLESS` protocols have none, or 0.
2. What a rule asks of a request (HTTP, DNS), of the name in a TLS handshake, or leaves to a proxy,
   no header tells: it is a condition of the permit.
3. The type of an ICMP packet is a condition as well.
4. Items without ports, or without types, are about no packet.

Source: Cilium 1.20 `pkg/policy/api` (l4.go, http.go, icmp.go, rule_validation.go). Kafka and other
protocols of proxies are gone from this version.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from compiler.policy.ir import L4, Condition
from compiler.requests.asked_requests import (
    ORIGINATED,
    TERMINATED,
    QueryAsked,
    RequestAsked,
    ServerAsked,
)
from compiler.requests.http_rules import HttpRule, header_ask, header_line
from compiler.sources.network_policy_v1 import PORT_NAME
from fabric.kubernetes.files.cursor import Cursor
from fabric.kubernetes.pods.workloads import PORTED
from fabric.values.ports import ANY, ICMP4, ICMP6, MAX_PORT

NUMBER = re.compile(r"0|[1-9]\d{0,4}")
MOST = 40
"""Ports of an item, and fields of an ICMP rule, at most."""
MISMATCHES = ("LOG", "ADD", "DELETE", "REPLACE")
PORTLESS = {"VRRP": 112, "IGMP": 2, "GRE": 47, "IPIP": 4, "IPV6": 41, "ESP": 50, "AH": 51}
FAMILIES = {"IPv4": ICMP4, "IPv6": ICMP6}
TYPES = {
    ICMP4: {
        "EchoReply": 0, "DestinationUnreachable": 3, "Redirect": 5, "Echo": 8, "EchoRequest": 8,
        "RouterAdvertisement": 9, "RouterSelection": 10, "TimeExceeded": 11, "ParameterProblem": 12,
        "Timestamp": 13, "TimestampReply": 14, "Photuris": 40, "ExtendedEchoRequest": 42,
        "ExtendedEchoReply": 43,
    },
    ICMP6: {
        "DestinationUnreachable": 1, "PacketTooBig": 2, "TimeExceeded": 3, "ParameterProblem": 4,
        "EchoRequest": 128, "EchoReply": 129, "MulticastListenerQuery": 130,
        "MulticastListenerReport": 131, "MulticastListenerDone": 132, "RouterSolicitation": 133,
        "RouterAdvertisement": 134, "NeighborSolicitation": 135, "NeighborAdvertisement": 136,
        "RedirectMessage": 137, "RouterRenumbering": 138, "ICMPNodeInformationQuery": 139,
        "ICMPNodeInformationResponse": 140, "InverseNeighborDiscoverySolicitation": 141,
        "InverseNeighborDiscoveryAdvertisement": 142, "HomeAgentAddressDiscoveryRequest": 144,
        "HomeAgentAddressDiscoveryReply": 145, "MobilePrefixSolicitation": 146,
        "MobilePrefixAdvertisement": 147, "DuplicateAddressRequestCodeSuffix": 157,
        "DuplicateAddressConfirmationCodeSuffix": 158, "ExtendedEchoRequest": 160,
        "ExtendedEchoReply": 161,
    },
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class PortRule:
    """Packets of some protocols and ports, and what a permit of these asks for besides; `unless` is
    the same where it is denied: those that are left."""

    l4: tuple[L4, ...]
    conditions: tuple[Condition, ...] = ()
    unless: tuple[Condition, ...] = ()


def widened(condition: Condition) -> Condition:
    """What a condition asks for where any request, or any query, is among those that pass."""
    match condition:
        case RequestAsked():
            span = next((rule.span for rule in condition.rules), None)
            return RequestAsked.of((HttpRule(span=span),))
        case QueryAsked():
            return QueryAsked.of(("*",))
        case _:
            return condition


def to_ports(item: Cursor, deny: bool, incoming: bool) -> Iterator[PortRule]:
    """The items of `toPorts`."""
    for field in item["toPorts"].items():
        allowed = ("ports",) if deny else (
            "ports", "rules", "terminatingTLS", "originatingTLS", "serverNames", "listener",
        )  # fmt: skip
        field.closed(allowed, "C640")
        listed = field["ports"].items()
        if len(listed) > MOST:
            field["ports"].error("C644", f"{len(listed)} ports, {MOST} at most")
        found = [port(p) for p in listed]
        asked = () if deny else tuple(besides(field, incoming))
        l4 = tuple(dict.fromkeys(one for several in found for one in several))
        if l4:
            yield PortRule(l4, asked)


def port(item: Cursor) -> tuple[L4, ...]:
    """One item of `ports`."""
    item.closed(("port", "endPort", "protocol"), "C640")
    protocols = protocols_of(item["protocol"])
    text, end = item["port"].text(), item["endPort"].integer() or 0
    if item["protocol"].value in PORTLESS:
        if end or text not in ("", "0"):
            item["port"].error("C644", f"{item['protocol'].value} has no ports")
        return tuple(map(L4, protocols))
    if not text:
        if not item["port"].value:
            item.error("C644", "needs port", 'all are port: "0"')
        return ()
    if PORT_NAME.fullmatch(text.lower()):
        if end:
            item["endPort"].error("C644", "needs a numeric port")
        return tuple(L4(protocol, name=text.lower()) for protocol in protocols)
    if not NUMBER.fullmatch(text) or int(text) > MAX_PORT:
        item["port"].error("C644", f'"{text}" is neither a port, 0 to {MAX_PORT}, nor its name')
        return ()
    first = int(text)
    if end and not (0 < first <= end <= MAX_PORT):
        item["endPort"].error("C644", f"no ports from {first} to {end}")
        return ()
    if first == 0:
        every = len(protocols) == len(PORTED)
        return (L4(),) if every else tuple(map(L4, protocols))
    return tuple(L4(protocol, first, end or first) for protocol in protocols)


def protocols_of(field: Cursor) -> tuple[int, ...]:
    """Rule 1."""
    text = field.text("ANY", code="C644") or "ANY"
    if text == "ANY":
        return tuple(PORTED.values())
    known = {**PORTED, **PORTLESS}
    if text not in known:
        hint = "types of ICMP are icmps" if text.upper().startswith("ICMP") else None
        field.error("C644", f'"{text}" is not one of ANY, {", ".join(known)}', hint)
    return (known.get(text, PORTED["TCP"]),)


def besides(field: Cursor, incoming: bool) -> Iterator[Condition]:
    """Rule 2."""
    rules, names = field["rules"], field["serverNames"].items()
    rules.closed(("http", "dns"), "C640")
    kinds = [kind for kind in ("http", "dns") if rules[kind]]
    if len(kinds) > 1:
        rules.error("C645", "looks at one protocol, http or dns")
    for kind in kinds:
        if not rules[kind].items():
            rules[kind].error("C645", "needs an item; any request is [{}]")
    if rules["dns"] and incoming:
        rules["dns"].error("C645", "is for egress alone")
    if rules["dns"] and not field["ports"].items():
        rules["dns"].error("C645", "needs ports")
    ranged = any(p["endPort"] for p in field["ports"].items())
    if rules["dns"] and ranged:
        rules["dns"].error("C645", "takes single ports")
    if kinds and any(p["port"].value == "0" for p in field["ports"].items()):
        rules.error("C645", "needs ports other than 0")
    if rules["http"]:
        for p in field["ports"].items():
            if p["protocol"].value != "TCP":
                p.error("C645", "http is in TCP alone", "write protocol: TCP")
    if names and kinds and not field["terminatingTLS"]:
        field["serverNames"].error("C645", "beside rules needs terminatingTLS")
    if rules["http"]:
        yield RequestAsked.of(map(request, rules["http"].items()))
    if rules["dns"]:
        yield QueryAsked.of(map(query, rules["dns"].items()))
    if names:
        yield ServerAsked.of(n.text() for n in names)
    yield from proxied(field, incoming, bool(kinds))


def proxied(field: Cursor, incoming: bool, rules: bool) -> Iterator[Condition]:
    """What is left to a proxy."""
    listener = field["listener"]
    if listener:
        listener.closed(("envoyConfig", "name", "priority"), "C640")
        if incoming:
            listener.error("C645", "is for egress alone")
        if rules:
            listener.error("C645", "is not for items with rules")
        yield f"proxy {listener['name'].text()} lets it pass"
    for key in ("terminatingTLS", "originatingTLS"):
        if field[key]:
            field[key].closed(("secret", "trustedCA", "certificate", "privateKey"), "C640")
            yield TERMINATED if key == "terminatingTLS" else ORIGINATED


def request(item: Cursor) -> HttpRule:
    """An HTTP rule. What `mismatch` says of requests lets them pass."""
    item.closed(("method", "path", "host", "headers", "headerMatches"), "C640")
    method, path, host = (item[key].text() for key in ("method", "path", "host"))
    asked = [header_line(h.text()) for h in item["headers"].items()]
    changes: list[str] = []
    for match in item["headerMatches"].items():
        match.closed(("mismatch", "name", "secret", "value"), "C640")
        if not match["name"].text():
            match.error("C645", "needs name")
        if (mismatch := match["mismatch"].text()) not in ("", *MISMATCHES):
            hint = f"known: {', '.join(MISMATCHES)}"
            match["mismatch"].error("C645", f'"{mismatch}" does nothing', hint)
        if not mismatch:
            value = match["value"].text() or None
            asked.append(header_ask(match["name"].text(), value, not match["secret"]))
        elif mismatch != "LOG":
            changes.append(match["name"].text().lower())
    return HttpRule(method, path, host, tuple(asked), item.span, tuple(changes))


def query(item: Cursor) -> str:
    """The pattern of a DNS rule."""
    item.closed(("matchName", "matchPattern"), "C640")
    if len(item.fields()) != 1:
        item.error("C645", "needs matchName or matchPattern, one of the two")
    return item["matchName"].text() or item["matchPattern"].text()


def icmps(item: Cursor) -> Iterator[PortRule]:
    """Rule 3, of the items of `icmps`."""
    for rule in item["icmps"].items():
        rule.closed(("fields",), "C640")
        fields = rule["fields"].items()
        if len(fields) > MOST:
            rule["fields"].error("C644", f"{len(fields)} fields, {MOST} at most")
        for field in fields:
            field.closed(("family", "type"), "C640")
            family = field["family"].text("IPv4") or "IPv4"
            if family not in FAMILIES:
                field["family"].error("C644", f'"{family}" is not one of {", ".join(FAMILIES)}')
            protocol = FAMILIES.get(family, ICMP4)
            number = icmp_type(field["type"], protocol)
            if number is None:
                continue
            said = f"of {'ICMP' if protocol == ICMP4 else 'ICMPv6'} type {number}"
            yield PortRule((L4(protocol),), (f"it is {said}",), (f"it is not {said}",))


def icmp_type(field: Cursor, protocol: int) -> int | None:
    """The number of an ICMP type, which may be written as its name."""
    value = field.value
    if isinstance(value, str) and value in TYPES[protocol]:
        return TYPES[protocol][value]
    number = int(value) if isinstance(value, str) and NUMBER.fullmatch(value) else value
    if type(number) is int and 0 <= number <= 255:
        return number
    field.error("C644", f'"{value}" is no type of ICMP' if field else "needs a type")
    return None


EVERYTHING = PortRule((L4(ANY),))
