"""Rules of one shape are read once, and each is what it is when it is read by itself."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest

from compiler.imports.accounting import ConfigText, Reading
from compiler.imports.device_facts import told
from compiler.imports.nvue import nvue_config
from compiler.imports.nvue.shapes import rule_pool, rule_shapes
from compiler.imports.nvue.shapes.entry_columns import EntryColumns
from fabric.diagnostics import Diagnostics, InputError
from fabric.file.yaml.plain_yaml import UnusualTextError

GOLDEN = Path(__file__).parents[1]
NETWORKS = ("10.0.0.0/8", "10.0.0.1", "'2001:db8::/32'", "192.0.2.0/24", "'::/0'", "0.0.0.0/0")
ODD = (
    *("10.0.0.1/8", "10.0.0.0/33", "10.0.0", "::/0", "'::'", "fd00::", "any", "ANY", "'any'", ""),
    *("FD00::/8", "{}", "[10.0.0.0/8]", "{10.0.0.0/8: {}}", "{10.0.0.0/8: {}, 10.1.0.0/16: {}}"),
    *("010.0.0.0/8", "'10.0.0.0/8", "10.0.0.0/8 # x", "&a 10.0.0.0/8", "10.0.0.0/8x", "abc", "1.5"),
    *("2001:db8:1::/48", "10.0.0.256", "x", "1"),
)
PORTS = ("'80'", "'443'", "443", "'0'", "'65535'", "'22'")
ODD_PORTS = (
    *("'080'", "'65536'", "'1-65535'", "'0-65535'", "'80:90'", "ssh", "ANY", "'80", "80-90", "x"),
)
STRANGE = (
    *("remark: dest-ip: 10.0.0.0/8", "remark: 'dest-ip: 10.0.0.0/8'", "hw-offload: off", "frob: 1"),
    *("# dest-ip: 10.0.0.0/8", "", "  ", "remark: x-port: {'80'", "'7': {}", "action: {deny: {}}"),
    *("match: {ip: {foo-ip: 10.0.0.0/8}}", "remark: source-ip: any", "remark: x -          '12"),
)


def flow(random: Random, odd: float) -> str:
    """What stands behind the number of a rule, in one line."""
    return f" {{action: {{{action(random)}: {{}}}}, match: {{{match(random, odd)}}}}}"


def action(random: Random) -> str:
    """What it does."""
    return random.choice(("permit", "deny", "deny", "permit", "log", "police"))


def network(random: Random, odd: float) -> str:
    """One, mostly a proper one."""
    return random.choice(ODD if random.random() < odd else NETWORKS)


def port(random: Random, odd: float) -> str:
    """One, mostly a proper one."""
    return random.choice(ODD_PORTS if random.random() < odd else PORTS)


def match(random: Random, odd: float) -> str:
    """What it matches."""
    ip = [
        f"{side}-ip: {network(random, odd)}" for side in ("source", "dest") if random.random() < 0.7
    ]
    if random.random() < 0.7:
        many = {port(random, odd): 1 for _ in range(random.choice((1, 1, 1, 2)))}
        ports = ", ".join(f"{one}: {{}}" for one in many)
        ip += ["protocol: tcp", f"{random.choice(('source', 'dest'))}-port: {{{ports}}}"]
    elif random.random() < 0.5:
        ip.append(f"tcp: {{dest-port: {{{port(random, odd)}: {{}}}}}}")
    if random.random() < 0.1:
        ip.append(f"{random.choice(('next', 'source'))}-ip: {network(random, odd)}")
    random.shuffle(ip)
    states = random.choice(("", "conntrack: {new: {}, established: {}}, "))
    return f"{states}ip: {{{', '.join(ip)}}}"


def block(random: Random, odd: float) -> str:
    """The same, a line for each key."""
    lines = ["", "action:", f"  {action(random)}: {{}}", "match:", "  ip:"]
    for side in ("source", "dest"):
        if random.random() < 0.6:
            if random.random() < 0.6:
                lines.append(f"    {side}-ip: {network(random, odd)}")
            else:
                lines += [f"    {side}-ip:", f"      {network(random, odd)}: {{}}"]
        if random.random() < 0.5:
            lines.append(f"    {side}-port:")
            many = {port(random, odd): 1 for _ in range(random.choice((1, 1, 2)))}
            lines += [f"      {one}: {{}}" for one in many]
    lines.append("    protocol: udp")
    if random.random() < odd:
        lines.insert(random.randrange(1, len(lines)), random.choice(STRANGE))
    if random.random() < odd:
        at = random.randrange(1, len(lines))
        lines[at] = random.choice((" ", "  ", "    ")) + lines[at]
    return "\n            ".join(lines)


def drawn(random: Random) -> str:
    """A configuration with a few lists."""
    odd = random.choice((0, 0, 0.02, 0.1))
    tracked = random.choice(("", "    system:\n      reflexive-acl:\n        enable: on\n"))
    quote = random.choice(("'", "'", "'", ""))
    out = f"- set:\n{tracked}    acl:\n"
    for name in range(random.randint(1, 3)):
        out += f"      a{name}:\n        type: {random.choice(('ipv4', 'ipv6'))}\n        rule:\n"
        numbers = random.sample(range(1, 30), random.randint(1, 8))
        if random.random() < 0.8:
            numbers.sort()
        if random.random() < 2 * odd / 3:
            numbers[-1] = random.choice((numbers[0], 65536, 65535, 123456))
        make = random.choice((flow, block))
        for number in numbers:
            out += f"          {quote}{number}{quote}:{make(random, odd)}\n"
            if random.random() < odd:
                out += random.choice(
                    ("\n", "# x\n", " " * 12 + "# y\n", "         z: {}\n", "          z: 1\n")
                )
    out += random.choice(
        (
            "",
            "    interface:\n      lo: {}\n",
            "    interface:\n      lo:\n        type: loopback\n",
        )
    )
    return out if random.random() > odd else out[: random.randrange(len(out))]


def sayings(reading: Reading) -> tuple[Any, ...]:
    """Everything that a reading says, with places."""
    return (told(reading.device, lines=True), reading.ignored, reading.lines, reading.leftover)


def agreed(text: str, kept: dict[object, Any]) -> bool:
    """Whether a text is read plainly; it is what YAML says then, and in any case in the end."""
    source, found = ConfigText("d.yaml", text), Diagnostics()
    plain: Reading | None = None
    with suppress(UnusualTextError, InputError):
        plain = nvue_config.read_plainly("d", source, found, kept)
    both: list[Any] = []
    for slow in (True, False):
        here = Diagnostics()
        try:
            reading = (
                nvue_config.read_as_yaml("d", source, here)
                if slow
                else nvue_config.read("d", (source,), here)
            )
            both.append((here.items, reading and sayings(reading)))
        except InputError as error:
            both.append(error.diagnostics)
    assert both[0] == both[1], text
    if plain is None or found.items:
        return False
    assert ([], sayings(plain)) == both[0], text
    return True


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.yaml")), ids=lambda p: p.stem)
def test_our_own_files_are_read_plainly(path: Path) -> None:
    assert agreed(path.read_text(), {})


@pytest.mark.slices(5)
@pytest.mark.parametrize("part", range(10))
def test_rules_are_what_they_are_alone(part: int) -> None:
    """Of files that share a pool, in any order."""
    kept: dict[object, Any] = {}
    read = sum(agreed(drawn(Random(f"{part}.{number}")), kept) for number in range(60))
    assert 15 < read < 60
    assert sum(bool(shape.fields) for pool in kept.values() for shape in pool.shapes) > 3


@pytest.mark.slices(4)
@pytest.mark.parametrize("part", range(8))
def test_damaged_files_are_what_yaml_is(part: int) -> None:
    """Our own files with letters and lines otherwise."""
    texts = [path.read_text() for path in sorted(GOLDEN.glob("*.yaml"))]
    kept: dict[object, Any] = {}
    read = 0
    for number in range(25):
        random = Random(f"{part}.{number}")
        lines = random.choice(texts).split("\n")
        for _ in range(random.randint(1, 3)):
            at = random.randrange(len(lines))
            line = lines[at]
            cut = random.randrange(len(line) + 1)
            lines[at : at + 1] = random.choice((
                [line, line], [], [line[:cut] + random.choice("x0:'{ #-/") + line[cut:]],
                [" " + line], [line[2:]], [line[:cut] + line[cut + 1 :]], [random.choice(lines)],
            ))  # fmt: skip
        read += agreed("\n".join(lines), kept)
    assert 0 < read < 25


def test_a_full_pool_makes_room(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was read with the old one stays what it is."""
    text = (GOLDEN / "dpu1.yaml").read_text()
    kept: dict[object, Any] = {}
    source = ConfigText("d.yaml", text)
    first = nvue_config.read("d", (source,), Diagnostics(), kept)
    pools = [*kept.values()]
    monkeypatch.setattr(rule_pool, "MOST", 1)
    second = nvue_config.read("d", (source,), Diagnostics(), kept)
    assert first is not None and second is not None and sayings(first) == sayings(second)
    assert pools and all(
        mine is not other for mine, other in zip(pools, kept.values(), strict=True)
    )


def test_a_shape_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many rules have it."""
    real, calls = rule_shapes.alone, list[int]()
    monkeypatch.setattr(rule_shapes, "alone", lambda *a: calls.append(1) or real(*a))
    body = "{action: {deny: {}}, match: {ip: {dest-ip: 10.%d.%d.0/24}}}"
    rules = "".join(f"          '{n}': {body % divmod(n, 256)}\n" for n in range(1, 500))
    text = f"- set:\n    acl:\n      a:\n        type: ipv4\n        rule:\n{rules}"
    reading = nvue_config.read("d", (ConfigText("d.yaml", text),), Diagnostics())
    assert reading is not None
    entries = reading.device.acls[0].entries
    assert isinstance(entries, EntryColumns) and len(entries) == 499 and len(calls) == 2
    assert [str(entry.destination[0]) for entry in entries[-2:]] == [
        "10.1.242.0/24",
        "10.1.243.0/24",
    ]
    assert entries[3].span.line == 9 and entries[3] == [*entries][3]
    with pytest.raises(IndexError):
        entries[499]


def test_lines_that_rules_ignore_are_listed() -> None:
    """Of every rule of a shape, each with its own number."""
    rule = "          '%d':\n            action: {log: {}, deny: {}}\n            # x\n"
    text = "- set:\n    acl:\n      a:\n        rule:\n" + "".join(rule % n for n in (1, 2, 3))
    reading = nvue_config.read("d", (ConfigText("d.yaml", text),), Diagnostics())
    assert reading is not None and agreed(text, {})
    assert [line.number for line in reading.ignored] == [7, 10, 13]


def test_what_a_value_decides_beside_its_field_is_no_shape(monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader for whom networks of documentation are something else."""
    real = rule_shapes.read_rule

    def read(*arguments: Any) -> Any:
        entry = real(*arguments)
        written = str(entry.source[0]) if entry.source else ""
        return replace(entry, partial="documented") if written.startswith("203.") else entry

    monkeypatch.setattr(rule_shapes, "read_rule", read)
    rule = "          '%d': {action: {deny: {}}, match: {ip: {source-ip: %s}}}\n"
    rules = "".join(rule % (n, net) for n, net in enumerate(("10.0.0.0/8", "203.0.113.9/32"), 1))
    text = f"- set:\n    acl:\n      a:\n        rule:\n{rules}"
    reading = nvue_config.read("d", (ConfigText("d.yaml", text),), Diagnostics())
    assert reading is not None
    assert [entry.partial for entry in reading.device.acls[0].entries] == ["", "documented"]
