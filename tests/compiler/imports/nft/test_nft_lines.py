"""No line of a rule set is lost: each changes a fact, or is listed with why it does not."""

from __future__ import annotations

import json
import subprocess
from ipaddress import ip_address
from pathlib import Path
from random import Random

import pytest
from accounted_lines import altered
from any_rule_sets import RuleSets
from click.testing import CliRunner
from oracles import require, require_root
from said_by_nft import read as read_rules

from cloison.cli import main
from compiler.imports.accounting import ConfigText, Reading
from compiler.imports.acl_verdict import AclPacket, matches
from compiler.imports.device_facts import told
from compiler.imports.nft import nft_listing
from compiler.imports.nft.chain_lists import entries
from compiler.imports.nft.known_lines import KnownLines
from compiler.imports.nft.nft_text import TextReading
from compiler.imports.nft.verdict import NftPacket, decide
from fabric.diagnostics import Diagnostics

PATH = Path(__file__).parent / "everything.nft"
TEXT = PATH.read_text()
LINES = TEXT.splitlines()
SAYING = [n for n, line in enumerate(LINES) if line.strip()]
Outcome = tuple[object, ...]


def read(text: str, found: Diagnostics) -> Reading:
    reading = nft_listing.read("node1", (ConfigText("node1.nft", text),), found)
    assert reading is not None
    return reading


def outcome(text: str) -> Outcome:
    """What a file comes to, without places."""
    found = Diagnostics()
    reading = read(text, found)
    if found.errors:
        return ("refused", tuple(d.message for d in found.errors))
    assert reading.leftover == ()
    listed = tuple((line.text, line.reason) for line in reading.ignored)
    return (str(told(reading.device)), listed)


WHOLE = outcome(TEXT)


def test_the_file_is_read() -> None:
    assert WHOLE[0] != "refused"


@pytest.mark.root
@pytest.mark.oracle("nft")
def test_nft_takes_the_file() -> None:
    require("nft", "unshare")
    require_root()
    setup = "ip link add eth0 type veth peer name eth1 && nft -f -"
    done = subprocess.run(["unshare", "-n", "sh", "-c", setup], input=TEXT, text=True)
    assert done.returncode == 0


@pytest.mark.parametrize("number", SAYING, ids=lambda n: LINES[n].strip())
def test_a_line_that_is_gone_or_otherwise_is_seen(number: int) -> None:
    assert outcome("\n".join((*LINES[:number], *LINES[number + 1 :], ""))) != WHOLE
    changed = altered(LINES[number])
    if changed is not None:
        assert outcome("\n".join((*LINES[:number], changed, *LINES[number + 1 :], ""))) != WHOLE


def test_json_that_is_laid_out_is_held_to_the_same() -> None:
    """Every line of it that has a letter, but for the version of its format."""
    found = Diagnostics()
    listed = [
        {c.kind: {k: v for k, v in c.body.items() if k != "policy_span"} | {"handle": n}}
        for n, c in enumerate(TextReading("x", TEXT, found).commands())
        if c.verb == "add"
    ]
    assert not found.items
    text = json.dumps({"nftables": [{"metainfo": {"version": "1.0.6"}}, *listed]}, indent=1)
    lines, whole = text.splitlines(), outcome(text)
    assert whole[0] != "refused"
    unseen = []
    for n, line in enumerate(lines):
        changed = altered(line)
        if changed is not None:
            other = outcome("\n".join((*lines[:n], changed, *lines[n + 1 :])))
            if other == whole:
                unseen.append(line.strip())
    assert all(line.startswith('"addr"') for line in unseen), "bits behind a mask alone"


def test_every_line_is_accounted_for() -> None:
    reading = read(TEXT, Diagnostics())
    assert reading.lines == len(LINES)
    assert all(line.reason and line.text for line in reading.ignored if line.reason != "blank")
    numbers = {line.number for line in reading.ignored}
    assert {n for n, line in enumerate(LINES, 1) if line.strip().startswith("#")} <= numbers


@pytest.mark.parametrize("seed", range(40))
def test_lists_say_what_their_rules_ask(seed: int) -> None:
    """An entry of which everything is modelled decides as its rule does alone: asked in a chain
    with that rule only, which else does the opposite."""
    drawn = RuleSets(Random(seed))
    rules, _ = read_rules(drawn.text())
    packets = drawn.packets(12)
    for table in rules.tables.values():
        for chain in table.chains.values():
            chain.hook = ""
    for table in rules.tables.values():
        for chain in table.chains.values():
            kept = chain.rules
            for rule, whole in (
                (r, [e for e in entries(chain, KnownLines()) if e.span == r.span]) for r in kept
            ):
                if not whole or any(e.partial or e.action not in ("permit", "deny") for e in whole):
                    continue
                chain.hook, chain.rules = "forward", [rule]
                chain.policy = "drop" if whole[0].action == "permit" else "accept"
                for packet in packets:
                    met = any(matches(e, packet_of(packet)) for e in whole)
                    said = decide(rules, packet).said
                    other = "deny" if chain.policy == "drop" else "permit"
                    wanted = whole[0].action if met and fits(table.family, packet) else other
                    if not fits(table.family, packet):
                        wanted = "permit"
                    assert said == wanted, (rule, packet)
                chain.hook, chain.rules = "", kept


def fits(family: str, packet: NftPacket) -> bool:
    """Whether a table sees packets of the family."""
    return family == "inet" or packet.family == (4 if family == "ip" else 6)


def packet_of(packet: NftPacket) -> AclPacket:
    size = 4 if packet.family == 4 else 16
    ends = [ip_address(a.to_bytes(size, "big")) for a in (packet.source, packet.destination)]
    return AclPacket(*ends, packet.protocol, packet.sport or 0, packet.dport or 0, packet.state)


def test_the_verb_reads_both_formats(tmp_path: Path) -> None:
    (tmp_path / "a.nft").write_text(TEXT)
    (tmp_path / "b.json").write_text('{"nftables": [{"table": {"family": "ip", "name": "t"}}]}')
    (tmp_path / "c.json").write_text('{"something": "else"}')
    done = CliRunner().invoke(main, ["import", "nftables", str(tmp_path)])
    assert done.exit_code == 0, done.output
    assert "between devices is not followed" in done.stdout
    assert "c.json" in done.stdout


def test_rules_alone_are_no_network(tmp_path: Path) -> None:
    """Nobody is there to ask about: that is no answer that nobody reaches anybody."""
    (tmp_path / "a.nft").write_text(TEXT)
    done = CliRunner().invoke(main, ["reach", str(tmp_path)])
    assert done.exit_code == 2 and "C839" in done.stderr
