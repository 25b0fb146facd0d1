"""No line of a configuration of FRR is lost: each changes a fact, or is listed with why not.

The law of `test_line_accounting`, over a file that writes everything that the reader reads.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from accounted_lines import altered

from compiler.imports.accounting import SECRET, ConfigText, Reading
from compiler.imports.device_facts import told
from compiler.imports.frr import frr_conf
from fabric.diagnostics import Diagnostics

TEXT = (Path(__file__).parent / "everything.conf").read_text()
LINES = TEXT.splitlines()
SAYING = [n for n, line in enumerate(LINES) if line.strip() not in ("", "!")]
Outcome = tuple[object, ...]


def read(text: str, found: Diagnostics) -> Reading:
    reading = frr_conf.read("leaf1", (ConfigText("leaf1.conf", text),), found)
    assert reading is not None
    return reading


def outcome(text: str) -> Outcome:
    """What a file comes to, without places."""
    found = Diagnostics()
    reading = read(text, found)
    assert reading.leftover == ()
    if found.errors:
        return ("refused", tuple(d.message for d in found.errors))
    listed = tuple((line.text, line.reason) for line in reading.ignored)
    return (str(told(reading.device)), listed)


WHOLE = outcome(TEXT)


def test_the_file_is_read() -> None:
    assert WHOLE[0] != "refused"


@pytest.mark.parametrize("number", SAYING, ids=lambda n: LINES[n].strip())
def test_a_line_that_is_gone_or_otherwise_is_seen(number: int) -> None:
    assert outcome("\n".join((*LINES[:number], *LINES[number + 1 :], ""))) != WHOLE
    changed = altered(LINES[number])
    if changed is not None and "password" not in changed:
        assert outcome("\n".join((*LINES[:number], changed, *LINES[number + 1 :], ""))) != WHOLE


def test_every_line_is_used_or_listed_once() -> None:
    reading = read(TEXT, Diagnostics())
    numbers = [line.number for line in reading.ignored]
    assert numbers == sorted(set(numbers))
    assert reading.lines == len(LINES)
    assert all(line.reason for line in reading.ignored)


def test_what_is_not_modelled_is_told() -> None:
    """Every line that may matter and is not modelled is not known, with its place."""
    told_of = {one.span.line for one in read(TEXT, Diagnostics()).device.unknowns if one.span}
    wanted = ("ip ospf", "bgp confederation", "local-as", "next-hop-self", "aggregate-address",
              "vni 100", "address-family ipv4 vpn", "router ospf", "mpls label")  # fmt: skip
    for words in wanted:
        number = next(n for n, line in enumerate(LINES, 1) if words in line)
        assert number in told_of, words


def test_what_a_secret_is_nobody_reads() -> None:
    reading = read(TEXT, Diagnostics())
    assert "very-hidden" in TEXT and "zebra-secret" in TEXT
    assert "very-hidden" not in str(reading) and "zebra-secret" not in str(reading)
    assert [line.text for line in reading.ignored].count(SECRET) == 2
