"""ClassBench files: read and written rules are the same, and mistakes are told with their place."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from rule_sets.catalogue import generate

from fabric.diagnostics import CapacityError, InputError
from sim.classify.classbench import MAX_ERRORS, lines, parse, read_rules, write_rules
from sim.classify.engines.linear import scan
from sim.classify.ruleset import RuleSet
from sim.classify.traces import trace

GOOD = "@10.0.0.0/8 0.0.0.0/0 0 : 65535 80 : 80 0x06/0xFF"
WORD = (1 << 64) - 1


def mistakes(text: str) -> list[str]:
    with pytest.raises(InputError) as caught:
        parse(text, "f")
    return [f"{d.code} {d.span} {d.message}" for d in caught.value.diagnostics]


def test_a_line_is_a_rule() -> None:
    rules = parse(
        f"# two rules\n\n{GOOD}\t0x0000/0x0200\r\n"
        "vni=0x1F  @2001:0db8:0:0:0:0:0:1/32\t::1/128 1:2 3 : 4 6/0\n"
    )
    assert len(rules) == 2
    assert rules.vni.tolist() == [-1, 31]
    assert (rules.src4.off.tolist(), rules.src6.off.tolist()) == ([0, 1, 1], [0, 0, 1])
    assert (rules.src4.first.tolist(), rules.src4.length.tolist()) == ([10 << 24], [8])
    assert (rules.src6.hi.tolist(), rules.src6.lo.tolist()) == ([0x20010DB8 << 32], [0])
    assert (rules.dst6.lo.tolist(), rules.dst6.length.tolist()) == ([1], [128])
    assert (rules.sport.first.tolist(), rules.sport.last.tolist()) == ([0, 1], [65535, 2])
    assert (rules.dport.first.tolist(), rules.dport.last.tolist()) == ([80, 3], [80, 4])
    assert rules.protocol.tolist() == [[1 << 6, 0, 0, 0], [WORD] * 4]


def test_nothing_is_no_rules() -> None:
    assert len(parse("")) == 0
    assert list(lines(parse("# nothing\n"))) == []


@pytest.mark.parametrize("name", ["acl-1k", "fw-1k", "policy-1k", "policy6-1k"])
def test_what_is_written_is_read(name: str, tmp_path: Path) -> None:
    rules = generate(name)
    write_rules(rules, tmp_path / "rules")
    again = read_rules(tmp_path / "rules")
    assert len(again) == rules.rows
    assert "".join(lines(again)) == (tmp_path / "rules").read_text()
    packets = trace(rules, "corner", 300, 6 if "6-" in name else 4)
    assert ((scan(again, packets) < 0) == (scan(rules, packets) < 0)).all()


def test_rules_of_one_row_come_back_as_they_were(tmp_path: Path) -> None:
    rules = generate("fw-1k")
    write_rules(rules, tmp_path / "rules")
    again = read_rules(tmp_path / "rules")
    packets = trace(rules, "uniform", 1000)
    assert (scan(again, packets) == scan(rules, packets)).all()


@pytest.mark.parametrize(
    "line, told",
    [
        (GOOD[1:], "C741 f:1:1 no rule: expected a source prefix: @10.0.0.0/8"),
        ("@10.0.0.0/8", "C741 f:1:1 no rule: expected a source prefix: @10.0.0.0/8"),
        (GOOD.replace("0 : 65535", "0-65535"), "C741 f:1:23 no rule: expected a source port range"),
        (GOOD + " 0x0/0x0 7", "C741 f:1:59 no rule: expected the end of the line"),
        (GOOD.replace("0x06/", "0x06 "), "C741 f:1:41 no rule: expected a protocol and its mask"),
        (GOOD.replace("/8", "/33"), 'C742 f:1:2 "10.0.0.0/33" is not a prefix'),
        (GOOD.replace("10.0.", "010.0."), 'C742 f:1:2 "010.0.0.0/8" is not a prefix'),
        (GOOD.replace("/8", "/-1"), 'C742 f:1:2 "10.0.0.0/-1" is not a prefix'),
        (GOOD.replace("/8", ""), 'C742 f:1:2 "10.0.0.0" is not a prefix'),
        (GOOD.replace("10.0.0.0", ":::"), 'C742 f:1:2 ":::/8" is not a prefix'),
        (GOOD.replace("65535", "65536"), 'C742 f:1:27 "65536" is not a port, 0 to 65535'),
        (GOOD.replace("0xFF", "0x100"), 'C742 f:1:41 "0x06/0x100" is not a protocol and its mask'),
        (GOOD.replace("0x06", "tcp"), 'C742 f:1:41 "tcp/0xFF" is not a protocol and its mask'),
        ("vni=16777216 " + GOOD, 'C742 f:1:5 "16777216" is not a VNI, 0 to 16777215'),
        ("vni=-1 " + GOOD, 'C742 f:1:5 "-1" is not a VNI'),
        (GOOD.replace("0.0.0.0/0", "::/0"), "C742 f:1:1 source and destination differ in IP"),
        (GOOD.replace("80 : 80", "80 : 79"), "C742 f:1:1 the destination port range ends before"),
        (GOOD + " " * 1000, "C741 f:1:1 a line of 1,049 characters is no rule"),
    ],
)
def test_mistakes_are_told_with_their_place(line: str, told: str) -> None:
    (found,) = mistakes(line)
    assert found.startswith(told)


def test_many_mistakes_are_told_at_once_but_not_all() -> None:
    assert len(mistakes("\n".join([GOOD.replace("/8", "/33"), "x", GOOD, "y"]))) == 3
    assert len(mistakes("nonsense\n" * 1000)) == MAX_ERRORS
    assert len(mistakes((GOOD.replace("80 : 80", "80 : 79") + "\n") * 1000)) == MAX_ERRORS


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(b"\xff\xfe@")
    for name, code in (("missing", "C743"), ("binary", "C743"), (".", "C111")):
        with pytest.raises(InputError) as caught:
            read_rules(tmp_path / name)
        assert caught.value.diagnostics[0].code == code


def test_random_text_never_ends_in_a_traceback() -> None:
    rng = np.random.default_rng(0)
    pieces = [
        "@",
        "/",
        " ",
        "\t",
        ":",
        "0",
        "65535",
        "vni=",
        "10.0.0.1",
        "0x",
        "FF",
        "\n",
        "é",
        "²",
    ]
    for _ in range(300):
        text = GOOD + "\n" + "".join(rng.choice(pieces, 40))
        try:
            assert isinstance(parse(text), RuleSet)
        except InputError as error:
            assert all(d.span is not None for d in error.diagnostics)


def test_what_lines_cannot_hold_is_refused() -> None:
    rules = generate("acl-1k")
    rules.state[0] = 1
    with pytest.raises(CapacityError, match="state"):
        list(lines(rules))
