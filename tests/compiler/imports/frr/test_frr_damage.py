"""Broken configurations of FRR: clear errors with a place, never a traceback."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from compiler.imports.accounting import ConfigText
from compiler.imports.frr import frr_conf
from fabric.diagnostics import Diagnostics

TEXT = (Path(__file__).parent / "everything.conf").read_text()
WORDS = sorted({word for line in TEXT.splitlines() for word in line.split()})
LETTERS = " \n!.:/*-\x00é0"


def broken(random: Random) -> str:
    """The file with words and letters that somebody cut, mixed up or wrote over."""
    lines = [line.split(" ") for line in TEXT.splitlines()]
    for _ in range(random.randint(1, 6)):
        kind, line = random.random(), random.choice(lines)
        at = random.randrange(len(line))
        if kind < 0.3:
            line[at] = random.choice(WORDS)
        elif kind < 0.5:
            del line[at:]
            line.append(random.choice(("", "no")))
        elif kind < 0.7:
            line.insert(at, random.choice((*WORDS, "999999999999", "-1", "no", "10.0.0.0/99")))
        elif kind < 0.85:
            lines[random.randrange(len(lines))] = [*line]
        else:
            word = line[at]
            cut = random.randrange(len(word) + 1)
            line[at] = word[:cut] + random.choice(LETTERS) + word[cut + 1 :]
    text = "\n".join(" ".join(line) for line in lines)
    return text if random.random() < 0.8 else text[: random.randrange(len(text))]


def test_broken_files_end_in_order() -> None:
    """They are read with every line accounted for, or every mistake has a place in them."""
    mistakes = 0
    for seed in range(800):
        text, found = broken(Random(seed)), Diagnostics()
        reading = frr_conf.read("x", (ConfigText("x.conf", text),), found)
        assert reading is not None and reading.leftover == ()
        mistakes += bool(found.items)
        for item in found.items:
            assert item.code == "C838" and item.span is not None
            assert 1 <= item.span.line <= reading.lines
    assert 40 < mistakes < 800


@pytest.mark.parametrize(
    "line",
    [
        "ip prefix-list p seq 5 permit 10.0.0.0/33",
        "ip prefix-list p seq 5 perhaps 10.0.0.0/8",
        "ip prefix-list p seq 99999999999 permit 10.0.0.0/8",
        "ip prefix-list p seq 5 permit 2001:db8::/32",
        "ip prefix-list p seq 5 permit 10.0.0.0/8 le",
        "route-map m perhaps 10",
        "route-map m permit 70000",
        "router bgp 99999999999",
        "router bgp abc",
        "ip route 10.0.0.0/40 192.0.2.1",
        "vrf red\n vni 99999999",
        "route-map m permit 10\n on-match goto 5",
        "interface eth0\n ip address 10.0.0.300/24",
        "router bgp 1\n bgp router-id 10.0.0.300",
        "router bgp 1\n address-family l2vpn evpn\n  route-target import nothing",
        "router bgp 1\n address-family l2vpn evpn\n  route-target sideways 1:1",
        "router bgp 1\n address-family ipv4 unicast\n  network 10.0.0.0/33",
        "router bgp 1 vrf red\nrouter bgp 2 vrf red",
    ],
)
def test_what_cannot_be_read_is_told_with_its_place(line: str) -> None:
    found = Diagnostics()
    frr_conf.read("x", (ConfigText("x.conf", line + "\n"),), found)
    assert [item.code for item in found.items] == ["C838"]
    assert found.items[0].span is not None
    assert found.items[0].span.line == line.count("\n") + 1
