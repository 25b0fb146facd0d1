"""The form of a certificate: which keys it has and what stands in them, to the last leaf.

Nothing is forgiven: a key too many, a number that is a string, `true` for 1, an address that could
be written shorter. So two certificates that say the same are the same bytes, and no later check
meets anything but what is listed here. A check yields what is wrong, `field: why`; of a list it
tells the first item that is wrong and goes on behind the list.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from ipaddress import ip_network
from typing import Any

from compiler.policy.stages import Stages, every
from sim.checker.document import fields
from sim.checker.document.fields import PROTOCOLS
from sim.wording.assumptions import HOLD_UNDER, SCHEMA

Check = Callable[[Any, str], Iterator[str]]
HEX = re.compile(r"0|[1-9a-f][0-9a-f]{0,31}")
SHA256 = re.compile(r"[0-9a-f]{64}")
TOP = {4: 2**32 - 1, 6: 2**128 - 1}


def reasons_of(stages: Stages) -> tuple[str, ...]:
    """What can become of a packet, in the order in which it meets them."""
    policy = [stage.drop for stage in stages]
    far = "underlay_drop", "hairpin_drop", "ttl_drop", "eni_miss_drop", "pa_validation_drop"
    return "delivered", "spoof_drop", "no_route_drop", *policy, *far, "self", "delivered_if"


def known_reasons() -> tuple[str, ...]:
    """Those of any certificate: it does not say which stages its policy has."""
    return reasons_of(every())


def problems(certificate: Any, reasons: tuple[str, ...]) -> list[str]:
    """What is wrong with the form of a certificate in which packets fare in these ways."""
    if not isinstance(certificate, dict):
        return ["the certificate is no JSON object"]
    if certificate.get("schema") != SCHEMA:
        return [f"schema: {_short(certificate.get('schema'))} is not {SCHEMA}"]
    wrong = (
        list(fields.problems(certificate["fields"], "fields")) if "fields" in certificate else []
    )
    if wrong:
        return wrong
    parts = fields.read(certificate).size
    return list(form(reasons, parts)(certificate, ""))


def number(low: int, high: int) -> Check:
    """An integer of a range; JSON's `1.0` and `true` are none."""

    def check(value: Any, at: str) -> Iterator[str]:
        if type(value) is not int or not low <= value <= high:
            yield f"{at}: {_short(value)} is no number from {low} to {high}"

    return check


def matching(pattern: re.Pattern[str], what: str) -> Check:
    """Text of a form."""

    def check(value: Any, at: str) -> Iterator[str]:
        if not isinstance(value, str) or not pattern.fullmatch(value):
            yield f"{at}: {_short(value)} is no {what}"

    return check


def one_of(*allowed: Any) -> Check:
    """One of a few values, of the same type."""

    def check(value: Any, at: str) -> Iterator[str]:
        if not any(type(value) is type(known) and value == known for known in allowed):
            listed = ", ".join(map(repr, allowed))
            yield f"{at}: {_short(value)} is none of {listed}"

    return check


def text(value: Any, at: str) -> Iterator[str]:
    """Any text."""
    if not isinstance(value, str):
        yield f"{at}: {_short(value)} is no text"


def text_or_null(value: Any, at: str) -> Iterator[str]:
    """Any text, or nothing."""
    if value is not None:
        yield from text(value, at)


def moment_or_null(value: Any, at: str) -> Iterator[str]:
    """A moment in UTC as it is written in certificates, or nothing."""
    if value is None:
        return
    try:
        if isinstance(value, str) and value.endswith("Z"):
            found = datetime.fromisoformat(value).replace(tzinfo=None)
            if f"{found.isoformat(timespec='auto')}Z" == value:
                return
    except ValueError:
        pass
    yield f"{at}: {_short(value)} is no moment"


def prefix(value: Any, at: str) -> Iterator[str]:
    """An address range as `ipaddress` writes it."""
    try:
        if isinstance(value, str) and str(ip_network(value)) == value:
            return
    except ValueError:
        pass
    yield f"{at}: {_short(value)} is no prefix"


def items(check: Check) -> Check:
    """A list of any length."""

    def check_all(value: Any, at: str) -> Iterator[str]:
        if not isinstance(value, list):
            yield f"{at}: {_short(value)} is no list"
            return
        for place, item in enumerate(value):
            wrong = next(check(item, f"{at}[{place}]"), None)
            if wrong is not None:
                yield wrong
                return

    return check_all


def rows_once(check: Check) -> Check:
    """The same of several lists; an item that stands in many is looked at once."""
    good: dict[int, Any] = {}

    def check_all(value: Any, at: str) -> Iterator[str]:
        if not isinstance(value, list):
            yield f"{at}: {_short(value)} is no list"
            return
        for place, item in enumerate(value):
            if id(item) not in good:
                wrong = next(check(item, f"{at}[{place}]"), None)
                if wrong is not None:
                    yield wrong
                    return
                good[id(item)] = item

    return check_all


def row(*checks: Check) -> Check:
    """A list of this length."""

    def check_all(value: Any, at: str) -> Iterator[str]:
        if not isinstance(value, list) or len(value) != len(checks):
            yield f"{at}: {_short(value)} is no list of {len(checks)}"
            return
        for place, (check, item) in enumerate(zip(checks, value, strict=True)):
            yield from check(item, f"{at}[{place}]")

    return check_all


def record(**checks: Check) -> Check:
    """An object with exactly these keys."""
    return maybe({}, checks)


def maybe(optional: Mapping[str, Check], needed: Mapping[str, Check]) -> Check:
    """An object with exactly the keys that are needed, and maybe those that are optional."""
    checks = {**needed, **optional}

    def check_all(value: Any, at: str) -> Iterator[str]:
        if not isinstance(value, dict):
            yield f"{at}: {_short(value)} is no object"
            return
        dot = f"{at}." if at else ""
        yield from (f"{dot}{key}: is missing" for key in needed if key not in value)
        unknown = sorted(key for key in value if key not in checks)
        yield from (f"{dot}{_short(key)}: no certificate has this key" for key in unknown[:3])
        for key, check in checks.items():
            if key in value:
                yield from check(value[key], f"{dot}{key}")

    return check_all


def _short(value: Any) -> str:
    """A value as people see it; never all of a large one."""
    if isinstance(value, list | dict):
        return f"{'an object' if isinstance(value, dict) else 'a list'} of {len(value)}"
    shown = f'"{value}"' if isinstance(value, str) else str(value)
    return shown if len(shown) <= 60 else f"{shown[:57]}..."


def _range(version: int) -> Check:
    if version == 4:
        return row(number(0, TOP[4]), number(0, TOP[4]))
    address = matching(HEX, "hexadecimal address")
    return row(address, address)


def _address(value: Any, at: str) -> Iterator[str]:
    """Of either family; which one a map is of follows from its sources."""
    check = matching(HEX, "hexadecimal address") if isinstance(value, str) else number(0, TOP[4])
    yield from check(value, at)


def _source(value: Any, at: str) -> Iterator[str]:
    anything = number(0, 2**31)
    version = value[1] if isinstance(value, list) and len(value) == 4 else None
    ranges = items(_range(6 if type(version) is int and version == 6 else 4))
    yield from row(anything, one_of(4, 6), ranges, anything)(value, at)


def _port(value: Any, at: str) -> Iterator[str]:
    """A range of ports: protocol, destination and source ports."""
    yield from row(number(-1, PROTOCOLS - 1), PORT, PORT, PORT, PORT)(value, at)


PORT, INDEX = number(0, 65535), number(0, 2**31)


def form(reasons: tuple[str, ...], parts: int = 1) -> Check:
    """Certificates in which packets fare in these ways, and what else they carry is cut into so
    many parts (`sim.checker.document.fields`)."""
    protocol = number(0, parts * PROTOCOLS - 1)
    besides = {} if parts == 1 else {"fields": fields.problems}
    needed = dict(
        schema=text,
        fabric=text_or_null,
        verdict=one_of("holds", "fails", "unknown"),
        inputs=items(record(path=text, sha256=matching(SHA256, "SHA-256"))),
        down=items(text),
        routing=matching(SHA256, "SHA-256"),
        assumptions=items(text),
        exempt=items(text),
        not_evaluated=items(
            record(
                kind=text,
                api_version=text,
                tenant=text,
                namespace=text_or_null,
                name=text,
                category=text,
                scope=one_of("workload", "namespace", "node", "cluster", "fabric", "addresses"),
                accepted=one_of(True, False),
                under=text_or_null,
            )
        ),
        replies=text,
        vrfs=items(text),
        endpoints=items(
            maybe(
                {"runs": items(text)},
                {
                    "name": text,
                    "workload": text_or_null,
                    "aliases": items(text),
                    "also": items(text),
                    "group": text,
                    "vrf": text,
                    "assumed": items(text),
                    "prefixes": items(prefix),
                    "v4": items(_range(4)),
                    "v6": items(_range(6)),
                },
            )
        ),
        outcomes=items(
            record(
                verdict=one_of("allow", "deny", "depends", "exempt"),
                reasons=items(one_of(*reasons)),
            )
        ),
        profiles=items(items(row(protocol, protocol, PORT, PORT, PORT, PORT, INDEX))),
        maps=items(
            rows_once(
                row(_address, _address, INDEX, items(number(-1, 2**31)), items(number(-1, 2**31)))
            )
        ),
        sources=items(_source),
        cells=items(row(text, text, one_of("open", "closed"))),
        claims=items(
            maybe(
                {"targets": items(record(ports=items(_port), endpoints=items(INDEX)))},
                {
                    "claim": text,
                    "hold_under": items(one_of(*HOLD_UNDER)),
                    "holds": one_of(True, False),
                    "pairs": number(0, 2**62),
                    "fails_without": text_or_null,
                },
            )
        ),
        failures_tried=number(0, 2**31),
        findings=items(record(kind=one_of("expectation", "import", "isolation"), title=text)),
        digest=matching(SHA256, "SHA-256"),
        **besides,
    )
    period = maybe({}, {"from": moment_or_null, "until": moment_or_null})
    return maybe({"hairpins": items(text), "times": items(period)}, needed)
