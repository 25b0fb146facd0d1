"""Rules in text are what nft prints of them as JSON; what is not read there may do anything."""

from __future__ import annotations

from typing import Any

import pytest

from compiler.imports.nft.nft_words import words
from compiler.imports.nft.text_rules import rule
from compiler.imports.nft.text_values import Tokens
from fabric.diagnostics import InputError


def statements(text: str) -> list[Any]:
    """The statements of one rule."""
    found, _ = rule(Tokens(words("a.nft", text)))
    return found


def field(protocol: str, name: str) -> dict[str, Any]:
    return {"payload": {"protocol": protocol, "field": name}}


def match(left: Any, right: Any, op: str = "==") -> dict[str, Any]:
    return {"match": {"op": op, "left": left, "right": right}}


DPORT, SADDR = field("tcp", "dport"), field("ip", "saddr")
STATE = {"ct": {"key": "state"}}
RULES: dict[str, list[Any]] = {
    "tcp dport 80 - 90 drop": [match(DPORT, {"range": [80, 90]}), {"drop": None}],
    "tcp dport 80-90 drop": [match(DPORT, {"range": [80, 90]}), {"drop": None}],
    "tcp dport 0x50": [match(DPORT, 80)],
    "tcp dport ! 80": [match(DPORT, 80, "!=")],
    "tcp dport ne 80": [match(DPORT, 80, "!=")],
    "tcp dport >= 80": [match(DPORT, 80, ">=")],
    "tcp dport { 80, 90-99 }": [match(DPORT, {"set": [80, {"range": [90, 99]}]})],
    "ct state established": [match(STATE, "established", "in")],
    "ct state new,established": [match(STATE, ["new", "established"], "in")],
    "ct state != new": [match(STATE, "new", "!=")],
    "ip saddr & 255.0.0.0 == 10.0.0.0": [match({"&": [SADDR, "255.0.0.0"]}, "10.0.0.0")],
    "ct original ip saddr 10.0.0.1": [
        match({"ct": {"key": "ip saddr", "dir": "original"}}, "10.0.0.1")
    ],
    "ct reply ip saddr 10.0.0.1": [match({"ct": {"key": "ip saddr", "dir": "reply"}}, "10.0.0.1")],
    "ip dscp set 1": [{"mangle": {"key": field("ip", "dscp"), "value": 1}}],
    "tcp dport vmap { 80 : accept, * : jump x }": [
        {
            "vmap": {
                "key": DPORT,
                "data": {"set": [[80, {"accept": None}], ["*", {"jump": {"target": "x"}}]]},
            }
        }
    ],
    'iifname "vf-1" accept': [match({"meta": {"key": "iifname"}}, "vf-1"), {"accept": None}],
    "tcp dport 80 frobnicate { 1; 2 } accept": [
        match(DPORT, 80), {"xt": "frobnicate { 1 ; 2 } accept"},
    ],
    "frobnicate accept": [{"xt": "frobnicate accept"}],
}  # fmt: skip


@pytest.mark.parametrize("text", RULES)
def test_what_a_rule_says(text: str) -> None:
    assert statements(text) == RULES[text]


def test_a_line_goes_on_behind_a_backslash_alone() -> None:
    whole = [match(DPORT, 80), {"drop": None}]
    assert statements("tcp dport 80 \\\n drop") == whole
    assert statements("tcp dport 80 \\ \n drop") == whole
    assert statements("tcp dport 80 \n drop") == whole[:1]


def test_what_is_defined_stands_for_something_until_it_is_not() -> None:
    text = "define p = { 80, 90 }\ntcp dport $p"
    tokens = Tokens(words("a.nft", text))
    tokens.lines()
    assert rule(tokens)[0] == [match(DPORT, {"set": [80, 90]})]
    for text in (
        "define p = 80\nundefine p\ntcp dport $p",
        "tcp dport $p",
        'include "b.nft"\ntcp dport 80',
    ):
        with pytest.raises(InputError, match="C836"):
            words("a.nft", text)


@pytest.mark.parametrize("end", ["\r", "\x0b", "\x0c", "\x1c", "\x85", "\u2028"])
def test_what_ends_lines_for_some_programs_is_refused(end: str) -> None:
    """A rule could hide behind it in a comment."""
    with pytest.raises(InputError, match="C836"):
        words("a.nft", f"tcp dport 80 drop # {end} accept")
    assert words("a.nft", "tcp dport 80 drop\r\n").texts[-1] == "\n"
