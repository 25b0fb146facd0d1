"""Broken rule sets: clear errors with a place, never a traceback, and never more than was there."""

from __future__ import annotations

from random import Random

import pytest
from said_by_nft import packet, read

from compiler.imports.nft import verdict
from compiler.imports.nft.verdict import decide
from fabric.diagnostics import CloisonError, Diagnostics

TEXT = """
table inet t {
\tflags dormant
\tset inside {
\t\ttype ipv4_addr
\t\tflags interval
\t\telements = { 10.0.0.0/16, 10.2.0.1, # one
\t\t\t10.3.0.4-10.3.0.9 }
\t}
\tmap pairs {
\t\ttype ipv4_addr . inet_service : verdict
\t\telements = { 10.0.0.1 . 80 : accept, 10.0.1.0 . 81 : jump web }
\t}
\tchain web {
\t\ttcp dport { 80, 8000-8010 } counter packets 0 bytes 0 accept comment "x"
\t\treturn
\t}
\tchain c {
\t\ttype filter hook forward priority filter + 5; policy drop;
\t\tct state vmap { invalid : drop, established : accept }
\t\tiifname != "lo" ip saddr != @inside tcp dport != { 22, 80 } drop
\t\tip saddr . tcp dport vmap @pairs
\t\tmeta mark set meta mark & 0xff
\t\ttcp dport 22 limit rate 10/second accept
\t\tlog prefix "x " level info
\t}
}
"""
JSON = (
    '{"nftables": [{"metainfo": {"version": "1.0.6"}}, {"table": {"family": "inet", "name": "t",'
    ' "handle": 1}}, {"set": {"family": "inet", "name": "s", "table": "t", "type": "ipv4_addr",'
    ' "flags": ["interval"], "elem": [{"prefix": {"addr": "10.0.0.0", "len": 16}}, "10.2.0.1"]}},'
    ' {"chain": {"family": "inet", "table": "t", "name": "c", "type": "filter", "hook": "forward",'
    ' "prio": 5, "policy": "drop"}}, {"rule": {"family": "inet", "table": "t", "chain": "c",'
    ' "handle": 9, "expr": [{"match": {"op": "==", "left": {"payload": {"protocol": "ip", "field":'
    ' "saddr"}}, "right": "@s"}}, {"counter": {"packets": 0, "bytes": 0}}, {"accept": null}]}}]}'
)
LETTERS = "{}[]();,:.\"'\\#@$&|\n\x00é0-9/ "


def broken(random: Random, text: str) -> str:
    """A text that somebody cut, mixed up or wrote over."""
    out = [*text]
    for _ in range(random.randint(1, 4)):
        at, kind = random.randrange(len(out) + 1), random.random()
        if kind < 0.25:
            del out[at:]
        elif kind < 0.45:
            del out[at : at + random.randint(1, 20)]
        elif kind < 0.65:
            out[at:at] = [random.choice(LETTERS)] * random.randint(1, 5)
        elif kind < 0.85:
            other = random.randrange(len(out) + 1)
            out[at:at] = out[other : other + random.randint(1, 40)]
        elif at < len(out):
            out[at] = chr(random.randrange(1, 0x300))
        out = out or ["x"]
    return "".join(out)


@pytest.mark.parametrize("text", [TEXT, JSON], ids=["text", "json"])
def test_broken_files_end_in_order(text: str) -> None:
    """They are read, or every mistake has a place in them."""
    mistakes = 0
    for seed in range(600):
        made = broken(Random(seed), text)
        found = Diagnostics()
        rules, _ = read(made, found)
        mistakes += bool(found.items)
        for item in found.items:
            assert item.span is not None
            assert 1 <= item.span.line <= made.count("\n") + 1
            assert item.code == "C836"
        decide(rules, packet({"packet": "tcp 10.0.0.1 > 10.0.0.2:22"}))
    assert mistakes > 300


@pytest.mark.parametrize("part", range(1, 40))
def test_a_text_that_ends_early_is_told(part: int) -> None:
    found = Diagnostics()
    read(TEXT[: len(TEXT) * part // 40], found)
    assert found.items


HOSTILE = {
    "deep braces": "table inet t { set s { type ipv4_addr; elements = " + "{" * 50_000,
    "deep lists": '{"nftables": [' + '{"a":[' * 100_000,
    "deep expressions": '{"nftables": [{"rule": ' + '{"&": [' * 400 + "1]}" * 400 + "}]}",
    "doubled definitions": "define a0 = 1 2\n"
    + "".join(f"define a{n} = $a{n - 1} $a{n - 1}\n" for n in range(1, 40)),
    "other files": 'include "/etc/shadow"\n',
    "a name that is not there": "table inet t { chain c { jump nowhere\n} }",
    "a set that is not there": "table inet t { chain c { ip saddr @nowhere drop\n} }",
    "a chain that calls itself": "table inet t { chain c { jump d\n}\nchain d { goto c\n} }",
    "a key twice": '{"nftables": [{"table": {"name": "a", "name": "b"}}]}',
    "something behind": '{"nftables": []} {}',
    "a letter that stands nowhere": "table inet t { chain c { tcp \\ dport 22 drop\n} }",
    "a line that ends for some programs": "table inet t {\x85}",
    "a rule by its number": "table inet t { }\nadd rule inet t c handle 5 drop",
    "a range that ends before it begins": "table inet t { chain c { tcp dport 9-5 drop\n} }",
    "an address that is none": "table inet t { chain c { ip saddr 10.0.0.256 drop\n} }",
    "a hook that is none": "table inet t { chain c { type filter hook nowhere priority 0; } }",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_what_means_harm_is_told_with_its_place(text: str) -> None:
    found = Diagnostics()
    read(text, found)
    assert found.items
    assert all(item.code == "C836" and item.span for item in found.items)


def test_chains_that_fork_without_end_are_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """A packet may go two ways at each of many rules, with a mark of its own on each."""
    monkeypatch.setattr(verdict, "MOST_STEPS", 2000)
    forks = (f"limit rate 1/second meta mark set meta mark | {1 << n:#x}" for n in range(12))
    rules = "\n".join(["type filter hook forward priority 0;", "meta mark set 0", *forks])
    text = f"table inet t {{ chain c {{\n{rules}\n}} }}"
    found, _ = read(text)
    with pytest.raises(CloisonError, match="takes more than"):
        decide(found, packet({"packet": "tcp 10.0.0.1 > 10.0.0.2:22"}))


@pytest.mark.parametrize(("flag", "said"), [("dynamic", "unknown"), ("interval", "deny")])
def test_what_packets_may_change_is_not_known(flag: str, said: str) -> None:
    """A set that is declared so, whether or not a rule of this file changes it."""
    seen = f"set seen {{ type ipv4_addr; flags {flag}; elements = {{ 10.0.0.9 }}; }}"
    hook = "type filter hook forward priority 0; policy drop; ip saddr @seen accept;"
    rules, _ = read(f"table inet t {{ {seen}\n chain c {{ {hook} }} }}")
    assert decide(rules, packet({"packet": "tcp 10.0.0.1 > 10.0.0.2:22"})).said == said
