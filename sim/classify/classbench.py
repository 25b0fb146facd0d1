"""ClassBench rule files ↔ `RuleSet`: one line, one rule, the first match wins.

    @10.0.0.0/8 192.0.2.1/32 0 : 65535 443 : 443 0x06/0xFF 0x0000/0x0000
    vni=70001 @2001:db8::/32 ::/0 0 : 65535 0 : 65535 0x00/0x00

That is: source and destination prefix, source and destination port range, protocol value/mask, TCP
flags value/mask, separated by blanks. As in DPDK's test-acl, host bits of prefixes are cut, flags
may be left out and are not looked at, and IPv6 prefixes make a rule for IPv6 packets. `vni=N` in
front is an addition of ours. Blank lines and lines that begin with `#` say nothing.

Files are not trusted: `InputError` lists what is wrong with them, C741 lines that are no rules,
C742 values that cannot be, C743 files that cannot be read.

Source: Taylor and Turner, "ClassBench: A Packet Classification Benchmark" (2007); app/test-acl of
DPDK.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from operator import getitem
from pathlib import Path
from socket import AF_INET, AF_INET6, inet_ntop, inet_pton
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fabric.diagnostics import Diagnostic, Diagnostics, InputError, Span
from fabric.io.reading import read_bytes
from sim.classify.expand import ExpandedRows, expanded
from sim.classify.ruleset import (
    ALL_DSCP,
    ALL_STATES,
    ANY,
    MAX_VNI,
    Prefixes,
    Prefixes6,
    Ranges,
    RuleSet,
    protocols,
    single,
)

MAX_BYTES = 1 << 28
MAX_LINE = 1000
"""Characters; no rule needs 200."""
MAX_ERRORS = 50

PARTS = (
    ("vni=N or a source prefix", r"(?:vni=(?P<vni>\S+)\s+)?"),
    ("a source prefix: @10.0.0.0/8", r"@(?P<src>\S+)\s+"),
    ("a destination prefix: 10.0.0.0/8", r"(?P<dst>\S+)\s+"),
    ("a source port range: 0 : 65535", r"(?P<sport>[0-9]+)\s*:\s*(?P<sport_last>[0-9]+)\s+"),
    ("a destination port range: 80 : 80", r"(?P<dport>[0-9]+)\s*:\s*(?P<dport_last>[0-9]+)\s+"),
    ("a protocol and its mask: 0x06/0xFF", r"(?P<protocol>[0-9A-Za-z]+/[0-9A-Za-z]+)"),
    ("TCP flags and their mask, or nothing: 0x0000/0x0000", r"(?:\s+\w+/\w+)?\s*"),
    ("the end of the line", r"$"),
)
LINE = re.compile("".join(pattern for _, pattern in PARTS))
NUMBER = re.compile("[0-9]+|0[xX][0-9a-fA-F]+")
FIELDS = tuple(LINE.groupindex)


class DistinctTexts(dict[str, int]):
    """Texts that occur again and again, each read once: text → index into `values`."""

    def __init__(self, read: Callable[[str], Any]) -> None:
        super().__init__()
        self.read = read
        self.values_read: list[Any] = []

    def __missing__(self, text: str) -> int:
        self.values_read.append(self.read(text))
        self[text] = len(self.values_read) - 1
        return self[text]


def read_rules(path: Path) -> RuleSet:
    """The rules of a file."""
    try:
        text = read_bytes(path, MAX_BYTES, "C743").decode("ascii")
    except (UnicodeDecodeError, MemoryError) as error:
        why = "it is not text" if isinstance(error, UnicodeDecodeError) else "no memory is left"
        raise InputError(Diagnostic("C743", f"{path} cannot be read: {why}")) from None
    return parse(text, str(path))


def parse(text: str, name: str = "-") -> RuleSet:
    """The rules of a text that errors call `name`.

    >>> rules = parse("vni=7 @10.0.0.0/8 0.0.0.0/0 0 : 65535 80 : 80 0x06/0xFF")
    >>> print(*lines(rules), sep="")
    vni=7 @10.0.0.0/8 0.0.0.0/0 0 : 65535 80 : 80 0x06/0xFF 0x0000/0x0000
    <BLANKLINE>
    """
    problems = Diagnostics()
    readers = {
        "vni": DistinctTexts(_vni),
        "src": (prefixes := DistinctTexts(_prefix)),
        "dst": prefixes,
        "protocol": DistinctTexts(_value_mask),
        **dict.fromkeys(FIELDS[3:7], DistinctTexts(_port)),
    }
    in_order = [readers[field] for field in FIELDS]
    rows: list[list[int]] = []
    for number, line in enumerate(text.split("\n"), 1):
        found = LINE.match(line) if len(line) <= MAX_LINE else None
        if found is None:
            if line.strip() and not line.startswith("#"):
                _no_rule(problems, line, Span(name, number))
        else:
            try:
                rows.append([number, *map(getitem, in_order, found.groups(""))])
            except ValueError:
                _bad_values(problems, found, readers, Span(name, number))
        if len(problems.items) >= MAX_ERRORS:
            break
    problems.check()
    return _rules(np.array(rows, np.int64).reshape(-1, 1 + len(FIELDS)), readers, name)


def write_rules(rules: RuleSet, path: Path) -> None:
    """Rules as a file of rows; see `lines`."""
    with path.open("w", encoding="ascii") as file:
        file.writelines(lines(rules))


def lines(rules: RuleSet) -> Iterator[str]:
    """Rules as lines, IPv4 before IPv6. A rule with lists becomes several lines; `CapacityError`
    where rules look at what lines cannot hold."""
    for version in (4, 6):
        yield from _lines(expanded(rules, version))


def _lines(rows: ExpandedRows) -> Iterator[str]:
    rules = rows.rules
    sides = [_prefix_texts(getattr(rules, f"{side}{rows.version}")) for side in ("src", "dst")]
    ports = [
        column[at].tolist()
        for lists, at in ((rules.sport, rows.sport), (rules.dport, rows.dport))
        for column in (lists.first, lists.last)
    ]
    columns = (rules.vni[rows.rule].tolist(), rows.src.tolist(), rows.dst.tolist(), *ports)
    for vni, src, dst, a, b, c, d, (value, mask) in zip(
        *columns, rows.protocol.tolist(), strict=True
    ):
        key = "" if vni == ANY else f"vni={vni} "
        prefixes = f"@{sides[0][src]} {sides[1][dst]}"
        yield (f"{key}{prefixes} {a} : {b} {c} : {d} 0x{value:02X}/0x{mask:02X} 0x0000/0x0000\n")


def _prefix_texts(lists: Prefixes | Prefixes6) -> list[str]:
    if isinstance(lists, Prefixes):
        family, size, packed = AF_INET, 4, lists.first.astype(">u4").tobytes()
    else:
        packed = np.stack([lists.hi, lists.lo], 1).astype(">u8").tobytes()
        family, size = AF_INET6, 16
    starts = range(0, len(packed), size)
    return [
        f"{inet_ntop(family, packed[at : at + size])}/{length}"
        for at, length in zip(starts, lists.length.tolist(), strict=True)
    ]


def _number(text: str, last: int) -> int:
    """A decimal or 0x number; `ValueError` says what is wrong with it."""
    if not NUMBER.fullmatch(text) or (number := int(text, 0 if "x" in text.lower() else 10)) > last:
        raise ValueError
    return number


def _vni(text: str) -> int:
    return ANY if not text else _number(text, MAX_VNI)


def _port(text: str) -> int:
    return _number(text, 65535)


def _value_mask(text: str) -> tuple[int, int]:
    value, mask = (_number(part, 255) for part in text.split("/"))
    return value & mask, mask


def _prefix(text: str) -> tuple[int, int, int]:
    """IP version, address and length."""
    address, _, length = text.partition("/")
    version = 6 if ":" in address else 4
    try:
        packed = inet_pton(AF_INET6 if version == 6 else AF_INET, address)
    except OSError:
        raise ValueError from None
    return version, int.from_bytes(packed), _number(length, 8 * len(packed))


WANTED: dict[Callable[[str], Any], str] = {
    _vni: f"a VNI, 0 to {MAX_VNI}",
    _port: "a port, 0 to 65535",
    _value_mask: "a protocol and its mask, 0x00/0x00 to 0xFF/0xFF",
    _prefix: "a prefix: 10.0.0.0/8 or 2001:db8::/32",
}


def _no_rule(problems: Diagnostics, line: str, span: Span) -> None:
    """Say which part is the first that is missing."""
    at = 0
    if len(line) > MAX_LINE:
        problems.error("C741", f"a line of {len(line):,} characters is no rule", span)
        return
    for what, pattern in PARTS:
        found = re.compile(pattern).match(line, at)
        if found is None:
            where = Span(span.file, span.line, at + 1)
            problems.error(
                "C741", f"no rule: expected {what}", where, f'here: "{line[at : at + 30]}"'
            )
            return
        at = found.end()


def _bad_values(
    problems: Diagnostics, found: re.Match[str], readers: dict[str, DistinctTexts], span: Span
) -> None:
    for field, text in zip(FIELDS, found.groups(""), strict=True):
        try:
            readers[field].read(text)
        except ValueError:
            where = Span(span.file, span.line, found.start(field) + 1)
            wanted = WANTED[readers[field].read]
            problems.error("C742", f'"{text[:50]}" is not {wanted}', where)


def _rules(rows: NDArray[np.int64], readers: dict[str, DistinctTexts], name: str) -> RuleSet:
    """Rows of a line number and indices into what was read, as columns."""
    n, values = len(rows), {field: known.values_read for field, known in readers.items()}
    index = dict(zip(FIELDS, rows[:, 1:].T, strict=True))
    version = np.array([v for v, _, _ in values["src"]], np.int8)
    port = np.array(values["sport"], np.uint16)
    four, six = ((version[index["src"]] == v) for v in (4, 6))
    first: list[Any] = [port[index[side]] for side in ("sport", "dport")]
    last: list[Any] = [port[index[f"{side}_last"]] for side in ("sport", "dport")]
    problems = Diagnostics()
    for wrong, what in (
        (four != (version[index["dst"]] == 4), "source and destination differ in IP version"),
        (first[0] > last[0], "the source port range ends before it begins"),
        (first[1] > last[1], "the destination port range ends before it begins"),
    ):
        for row in np.flatnonzero(wrong)[:MAX_ERRORS].tolist():
            problems.error("C742", what, Span(name, int(rows[row, 0])))
    problems.check()
    known = Known.of(values["src"])
    src, dst = index["src"], index["dst"]
    return RuleSet(
        np.array(values["vni"], np.int64)[index["vni"]],
        np.full(n, ANY, np.int8),
        np.full(n, ANY, np.int64),
        known.prefixes(src, four),
        known.prefixes(dst, four),
        known.prefixes6(src, six),
        known.prefixes6(dst, six),
        Ranges(single(n), first[0], last[0]),
        Ranges(single(n), first[1], last[1]),
        _protocol_sets(values["protocol"])[index["protocol"]],
        np.full(n, ALL_STATES, np.uint8),
        np.full(n, ALL_DSCP, np.uint64),
    )


@dataclass(frozen=True, slots=True)
class Known:
    """Every distinct prefix of a file, host bits cut; IPv4 in the upper half of `hi`."""

    hi: NDArray[np.uint64]
    lo: NDArray[np.uint64]
    length: NDArray[np.uint8]

    @classmethod
    def of(cls, prefixes: list[tuple[int, int, int]]) -> Known:
        cut = [
            (value << (96 if version == 4 else 0)) >> (128 - n) << (128 - n)
            for version, value, n in prefixes
        ]
        return cls(
            np.array([value >> 64 for value in cut], np.uint64),
            np.array([value & ALL_DSCP for value in cut], np.uint64),
            np.array([n for _, _, n in prefixes], np.uint8),
        )

    def prefixes(self, index: Any, which: Any) -> Prefixes:
        at = index[which]
        return Prefixes(
            _off(which), (self.hi[at] >> np.uint64(32)).astype(np.uint32), self.length[at]
        )

    def prefixes6(self, index: Any, which: Any) -> Prefixes6:
        at = index[which]
        return Prefixes6(_off(which), self.hi[at], self.lo[at], self.length[at])


def _off(which: Any) -> Any:
    """Offsets of lists with one member where `which` says so, and none elsewhere."""
    return np.concatenate([[0], np.cumsum(which)]).astype(np.int64)


def _protocol_sets(value_masks: list[tuple[int, int]]) -> NDArray[np.uint64]:
    return protocols(
        [tuple(n for n in range(256) if n & mask == value) for value, mask in value_masks]
    )
