"""What an expression of a rule asks: axes of packets with masks, and what must be so before.

Expressions come as libnftables-json(5) has them. `NotModelledError`: no axis has what is asked,
and the rule may match or not.

Source: libnftables-json(5), EXPRESSIONS; nft(8), PAYLOAD EXPRESSIONS.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from compiler.imports.nft.nft_values import PROTOCOL_NUMBERS, TOP, one
from compiler.imports.nft.rule_set import NAMES, KeyTable, NftMatch

PORTED = ("tcp", "udp", "sctp", "dccp", "udplite")
ADDRESSES = {"ip": 4, "ip6": 6}
META = {
    "nfproto": "family", "protocol": "family", "l4proto": "protocol", "iifname": "iif",
    "iif": "iif", "oifname": "oif", "oif": "oif", "mark": "mark",
}  # fmt: skip
RAW = {("th", 0, 16): "sport", ("th", 16, 16): "dport"}


class NotModelledError(ValueError):
    """An expression asks what no axis says; `needs` must be so all the same."""

    def __init__(self, text: str, needs: tuple[NftMatch, ...] = ()) -> None:
        super().__init__(text)
        self.needs = needs


@dataclass(frozen=True, slots=True)
class Subject:
    """Axes that are asked, each with a mask or None, and what must be so before."""

    axes: tuple[str, ...]
    masks: tuple[int | None, ...]
    needs: tuple[NftMatch, ...]


def only(axis: str, *values: int) -> NftMatch:
    """The match that an axis has one of these values."""
    return NftMatch(KeyTable((axis,), tuple(((v, v),) for v in values)))


def subject(expression: Any) -> Subject:
    """What an expression asks."""
    if not isinstance(expression, dict) or len(expression) != 1:
        raise NotModelledError(shown(expression))
    (kind, body), *_ = expression.items()
    if kind == "concat" and isinstance(body, list) and body:
        parts = [subject(part) for part in body]
        return Subject(
            tuple(axis for part in parts for axis in part.axes),
            tuple(mask for part in parts for mask in part.masks),
            tuple(need for part in parts for need in part.needs),
        )
    if kind == "&" and isinstance(body, list) and len(body) == 2:
        return _masked(body[0], body[1], expression)
    axis, needs = _axis(kind, body, expression)
    return Subject((axis,), (None,), needs)


def _masked(inner: Any, mask: Any, whole: Any) -> Subject:
    found = subject(inner)
    if len(found.axes) != 1 or found.axes[0] in NAMES or found.masks != (None,):
        raise NotModelledError(shown(whole), found.needs)
    try:
        return Subject(found.axes, (one(found.axes[0], mask),), found.needs)
    except ValueError:
        raise NotModelledError(shown(whole), found.needs) from None


def _axis(kind: str, body: Any, whole: Any) -> tuple[str, tuple[NftMatch, ...]]:
    if isinstance(body, dict):
        if kind == "payload" and "base" in body:
            raw = body.get("base"), body.get("offset"), body.get("len")
            if raw in RAW:
                return RAW[raw], ()
        elif kind == "payload":
            return _payload(body.get("protocol"), body.get("field"), whole)
        elif kind == "meta" and body.get("key") in META:
            return META[body["key"]], ()
        elif kind == "ct" and body.get("key") == "state" and "dir" not in body:
            return "state", ()
    raise NotModelledError(shown(whole))


def _payload(protocol: Any, name: Any, whole: Any) -> tuple[str, tuple[NftMatch, ...]]:
    if protocol in ADDRESSES:
        family = ADDRESSES[protocol]
        needs = (only("family", family),)
        if name in ("saddr", "daddr"):
            return f"{name}{family}", needs
        if name == ("protocol" if family == 4 else "nexthdr"):
            return "protocol", needs
        raise NotModelledError(shown(whole), needs)
    if protocol in ("tcp", "udp", "sctp", "dccp", "udplite", "ah", "esp", "comp"):
        needs = (only("protocol", PROTOCOL_NUMBERS[protocol]),)
        if protocol in PORTED and name in ("sport", "dport"):
            return str(name), needs
        raise NotModelledError(shown(whole), needs)
    if protocol in ("icmp", "icmpv6"):
        family = 4 if protocol == "icmp" else 6
        both = (only("family", family), only("protocol", PROTOCOL_NUMBERS[protocol]))
        raise NotModelledError(shown(whole), both)
    if protocol == "th" and name in ("sport", "dport"):
        return str(name), ()
    if protocol == "ether" and name in ("saddr", "daddr"):
        return ("smac" if name == "saddr" else "dmac"), ()
    raise NotModelledError(shown(whole))


def compared(axis: str, operator: str, value: Any) -> tuple[int, int] | None:
    """The values that `<`, `>`, `<=` or `>=` asks for; None when there is none."""
    at, top = one(axis, value), TOP[axis]
    low, high = {"<": (0, at - 1), "<=": (0, at), ">": (at + 1, top), ">=": (at, top)}[operator]
    return (low, high) if low <= high else None


def shown(expression: Any) -> str:
    """An expression as people recognise it, short.

    >>> shown({"payload": {"protocol": "ip", "field": "dscp"}}), shown({"limit": {"rate": 10}})
    ('ip dscp', 'limit rate 10')
    """
    text = " ".join(_words(expression, 0))
    return text if len(text) <= 80 else text[:77] + "..."


def _words(value: Any, depth: int) -> list[str]:
    if depth > 6:
        return ["..."]
    if isinstance(value, dict):
        out = []
        for key, inner in value.items():
            known = key in ("payload", "match", "protocol", "field", "key", "left", "right", "set")
            out += ([] if known else [str(key)]) + _words(inner, depth + 1)
        return out
    if isinstance(value, list):
        return [word for inner in value[:8] for word in _words(inner, depth + 1)]
    return [] if value is None else [str(value)]
