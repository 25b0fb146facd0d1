"""Approvals of changes: YAML that people review, and which says what it approves to the packet.

    cloison_approvals: 1
    approvals:
      - reason: the gateway asks the database
        approved_by: alice@example.org
        expires: "2027-01-31T00:00:00Z"
        access:
          - change: gained
            family: 4
            from: [{vrf: acme/main, name: acme/edge/gateway-0, addresses: [10.1.0.7/32]}]
            to: [{vrf: acme/main, name: acme/data/db-0, addresses: [10.1.0.9/32]}]
            ports: [tcp 5432]
        other: [new peer acme/edge/gateway]

Rules that hold here:

1. What is written is all that binds, and everything that binds is written: no digest stands for it.
2. An approval whose time is over, or that says none, is no approval.
3. Whoever approves has a name and a reason.
4. A file is a stranger's: every mistake in it is told with its line (C894).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

from fabric.diagnostics import Diagnostic, Diagnostics, InputError, Span
from fabric.file.yaml.reader import Document, read_yaml
from fabric.values.interval_sets import Intervals
from fabric.values.ports import ALL_PORTS, NAMES
from sim.blocks.port_sets import Box
from sim.diff.access_regions import AccessRegion, End, end_of
from sim.diff.parts import KINDS
from sim.reach.outside_ranges import range_words

VERSION = 1
NUMBERS = {name: number for number, name in NAMES.items()}
SPAN = r"(\d+)(?:-(\d+))?"
PORTS = re.compile(
    rf"(?:({'|'.join(sorted(NUMBERS))})|protocols? {SPAN})(?: {SPAN})?(?: from {SPAN})?"
)
KEYS = {"reason", "approved_by", "expires", "access", "other"}
ACCESS = {"change", "family", "own_node", "from", "to", "ports"}
Place = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Approval:
    """What one person approved: changes of access, and other differences by their words."""

    reason: str
    approved_by: str
    expires: datetime
    access: tuple[AccessRegion, ...]
    other: tuple[str, ...] = ()
    span: Span | None = None

    def is_over(self, at: datetime) -> bool:
        """Whether its time has passed."""
        return at >= self.expires

    def __str__(self) -> str:
        return f"{self.reason} ({self.approved_by}, until {moment_text(self.expires)})"


def moment(text: str) -> datetime:
    """A moment as RFC 3339 writes it; `ValueError` when it is none, or in no time zone."""
    found = datetime.fromisoformat(text)
    if "T" not in text.upper() or found.tzinfo is None:
        raise ValueError(text)
    return found


def moment_text(at: datetime) -> str:
    """A moment in UTC."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def read_approvals(path: Path) -> tuple[Approval, ...]:
    """The approvals of a file; `InputError` lists its mistakes."""
    found = read_yaml(path)
    if not found:
        return ()
    problems = Diagnostics()
    document = found[0]
    value = document.value
    if len(found) > 1 or not isinstance(value, dict) or value.get("cloison_approvals") != VERSION:
        what = "no file of approvals"
        hint = "it is one document that starts with: cloison_approvals: 1"
        raise InputError(Diagnostic("C894", what, document.span(), hint))
    reader = _ApprovalReader(document, problems)
    reader.known(value, {"cloison_approvals", "approvals"}, ())
    out = [
        reader.approval(item, ("approvals", n))
        for n, item in enumerate(reader.listed(value, "approvals", ()))
    ]
    problems.check()
    return tuple(one for one in out if one is not None)


class _ApprovalReader:
    """Values of a document, and what is wrong with them."""

    def __init__(self, document: Document, problems: Diagnostics) -> None:
        self.document, self.problems = document, problems

    def wrong(self, what: str, place: Place) -> None:
        self.problems.error("C894", what, self.document.span(place))

    def known(self, value: Any, keys: set[str], place: Place) -> bool:
        if not isinstance(value, dict):
            self.wrong(f"a mapping of {', '.join(sorted(keys))} is expected", place)
            return False
        for key in value:
            if key not in keys:
                self.wrong(f"nothing is called {key!r} here", (*place, key))
        return True

    def listed(self, value: dict[str, Any], key: str, place: Place) -> list[Any]:
        found = value.get(key, [])
        if not isinstance(found, list):
            self.wrong(f"{key} is a list", (*place, key))
            return []
        return found

    def words(self, value: dict[str, Any], key: str, place: Place) -> str:
        found = value.get(key)
        if not isinstance(found, str) or not found.strip():
            self.wrong(f"{key} is missing, or no text", (*place, key))
            return ""
        return found

    def approval(self, value: Any, place: Place) -> Approval | None:
        if not self.known(value, KEYS, place):
            return None
        reason, by = (self.words(value, key, place) for key in ("reason", "approved_by"))
        expires = datetime.min.replace(tzinfo=UTC)
        try:
            expires = moment(self.words(value, "expires", place))
        except ValueError:
            self.wrong("expires is a moment such as 2027-01-31T00:00:00Z", (*place, "expires"))
        access = [
            self.region(item, (*place, "access", n))
            for n, item in enumerate(self.listed(value, "access", place))
        ]
        other = self.listed(value, "other", place)
        if not all(isinstance(words, str) for words in other):
            self.wrong("other is a list of texts", (*place, "other"))
        regions = tuple(one for one in access if one is not None)
        span = self.document.span(place)
        return Approval(reason, by, expires, regions, tuple(map(str, other)), span)

    def region(self, value: Any, place: Place) -> AccessRegion | None:
        if not self.known(value, ACCESS, place):
            return None
        kind, version, own = (value.get(k) for k in ("change", "family", "own_node"))
        if kind not in KINDS:
            self.wrong(f"change is one of {', '.join(KINDS)}", (*place, "change"))
        if version not in (4, 6) or isinstance(version, bool):
            self.wrong("family is 4 or 6", (*place, "family"))
            return None
        if own not in (None, True, False):
            self.wrong("own_node is true or false", (*place, "own_node"))
        source, target = (self.end(value, key, version, place) for key in ("from", "to"))
        ports = [
            self.box(item, (*place, "ports", n))
            for n, item in enumerate(self.listed(value, "ports", place))
        ]
        boxes = tuple(box for box in ports if box is not None)
        return AccessRegion(str(kind), version, own is True, source, target, boxes)

    def end(self, value: dict[str, Any], key: str, version: int, place: Place) -> End:
        found: list[tuple[tuple[str, str], tuple[int, int]]] = []
        for n, item in enumerate(self.listed(value, key, place)):
            here = (*place, key, n)
            if not self.known(item, {"vrf", "name", "addresses"}, here):
                continue
            owner = self.words(item, "vrf", here), self.words(item, "name", here)
            for m, text in enumerate(self.listed(item, "addresses", here)):
                span = addresses(text, version)
                if span is None:
                    self.wrong(f"no IPv{version} prefix or range", (*here, "addresses", m))
                else:
                    found.append((owner, span))
        return end_of(found)

    def box(self, text: Any, place: Place) -> Box | None:
        try:
            return parsed_box(text)
        except ValueError:
            self.wrong('ports are written like "tcp 443" or "protocols 0-5"', place)
            return None


def addresses(text: Any, version: int) -> tuple[int, int] | None:
    """First and last address of a prefix or range; None when it is none of this family."""
    try:
        first, dash, last = str(text).partition("-")
        if dash:
            low, high = ip_address(first), ip_address(last)
            good = low.version == high.version == version and int(low) <= int(high)
            return (int(low), int(high)) if good else None
        net = ip_network(first)
    except ValueError:
        return None
    ends = int(net.network_address), int(net.broadcast_address)
    return ends if net.version == version else None


def parsed_box(text: Any) -> Box:
    """Layer 4 as it is written here.

    >>> parsed_box("tcp 443"), box_text(parsed_box("protocols 2-5 from 7"))
    (Box(protocols=(6, 6), dport=(443, 443), sport=(0, 65535), fields=()), 'protocols 2-5 from 7')
    """
    found = PORTS.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        raise ValueError(text)
    name, *spans = found.groups()
    protocols = (NUMBERS[name],) * 2 if name else _span(spans[0], spans[1], 255)
    dport = ALL_PORTS if spans[2] is None else _span(spans[2], spans[3], ALL_PORTS[1])
    sport = ALL_PORTS if spans[4] is None else _span(spans[4], spans[5], ALL_PORTS[1])
    return Box(protocols, dport, sport)


def _span(first: str, last: str | None, most: int) -> tuple[int, int]:
    low, high = int(first), int(last or first)
    if not low <= high <= most:
        raise ValueError(f"{low}-{high}")
    return low, high


def box_text(box: Box) -> str:
    """The same the other way round: exact, so that what is read is what was written. What further
    fields limit is told, and is nothing that can be read again."""
    low, high = box.protocols
    name = NAMES.get(low) if low == high else None
    text = name or (f"protocol {low}" if low == high else f"protocols {low}-{high}")
    if box.dport != ALL_PORTS:
        text += f" {_range(box.dport)}"
    text = text if box.sport == ALL_PORTS else f"{text} from {_range(box.sport)}"
    return f"{text} with {' and '.join(map(str, box.fields))}" if box.fields else text


def _range(span: tuple[int, int]) -> str:
    return str(span[0]) if span[0] == span[1] else f"{span[0]}-{span[1]}"


def written(approvals: Iterable[Approval]) -> str:
    """Approvals as text of a file; `InputError` C898 for what cannot be written in it."""
    from fabric.file.yaml.written_yaml import written_yaml

    every = [*approvals]
    if any(box.fields for one in every for region in one.access for box in region.ports):
        what = "further fields of headers tell packets of this change apart"
        raise InputError(Diagnostic("C898", f"{what}: it cannot be approved"))
    rows = [
        {
            "reason": one.reason,
            "approved_by": one.approved_by,
            "expires": moment_text(one.expires),
            "access": [region_row(region) for region in one.access],
            "other": list(one.other),
        }
        for one in every
    ]
    document = {"cloison_approvals": VERSION, "approvals": rows}
    return written_yaml(document, allow_unicode=False, default_flow_style=None, width=100)


def region_row(region: AccessRegion) -> dict[str, Any]:
    """A region as data."""
    return {
        "change": region.kind,
        "family": region.version,
        **({"own_node": True} if region.own else {}),
        "from": _end_rows(region.source, region.version),
        "to": _end_rows(region.target, region.version),
        "ports": [box_text(box) for box in region.ports],
    }


def _end_rows(end: End, version: int) -> list[dict[str, Any]]:
    return [
        {"vrf": vrf, "name": name, "addresses": [*_spelt(version, ranges)]}
        for (vrf, name), ranges in end
    ]


def _spelt(version: int, ranges: Intervals) -> Iterator[str]:
    for low, high in ranges:
        yield from range_words(version, low, high)
