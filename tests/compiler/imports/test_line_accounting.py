"""No line of a configuration is lost: each changes a fact, or is listed with why it does not.

The law, over files that write everything that the reader reads: without any one line, or with any
one line otherwise, facts or list are others. Facts are compared without the places where they
stand, and the list without its numbers, so that no line is seen only because others moved.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from accounted_lines import altered

from compiler.imports.accounting import SECRET, ConfigText, LineBook
from compiler.imports.device_facts import told
from compiler.imports.nvue import nvue_config
from fabric.diagnostics import Diagnostics, InputError

FILES = sorted((Path(__file__).parent / "nvue").glob("*.yaml"))
Outcome = tuple[object, ...]


def outcome(text: str) -> Outcome:
    """What a file comes to, without places."""
    found = Diagnostics()
    try:
        reading = nvue_config.read("device", (ConfigText("device.yaml", text),), found)
    except InputError as error:
        return ("refused", tuple(d.message for d in error.diagnostics))
    if reading is None or found.errors:
        return ("refused", tuple(d.message for d in found.errors))
    assert reading.leftover == ()
    listed = tuple((line.text, line.reason) for line in reading.ignored)
    return (str(told(reading.device)), listed)


def judged(path: Path) -> tuple[Outcome, list[str], list[int]]:
    """What a file comes to, its lines, and the numbers of those that say something."""
    text = path.read_text()
    lines = text.splitlines()
    whole = outcome(text)
    assert whole[0] != "refused"
    return whole, lines, [number for number, line in enumerate(lines) if line.strip()]


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_a_line_that_is_gone_is_missed(path: Path) -> None:
    whole, lines, numbers = judged(path)
    lost = [
        (number + 1, lines[number])
        for number in numbers
        if outcome("\n".join((*lines[:number], *lines[number + 1 :], ""))) == whole
    ]
    assert lost == []


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_a_line_that_is_otherwise_is_seen(path: Path) -> None:
    whole, lines, numbers = judged(path)
    unseen = []
    for number in numbers:
        changed = altered(lines[number])
        if changed is not None:
            text = "\n".join((*lines[:number], changed, *lines[number + 1 :], ""))
            if outcome(text) == whole:
                unseen.append(lines[number].strip())
    assert [line for line in unseen if not line.startswith("password:")] == []
    assert len(unseen) == any("password:" in line for line in lines), "secrets are not shown"


def test_every_line_is_used_or_listed_once() -> None:
    for path in FILES:
        source = ConfigText(str(path), path.read_text())
        reading = nvue_config.read(path.stem, (source,), Diagnostics())
        assert reading is not None
        numbers = [line.number for line in reading.ignored]
        assert numbers == sorted(set(numbers)) and reading.lines == len(source.text.splitlines())
        assert all(line.reason for line in reading.ignored)


def test_what_a_secret_is_nobody_reads() -> None:
    source = ConfigText("dpu1.yaml", FILES[0].read_text())
    reading = nvue_config.read("dpu1", (source,), Diagnostics())
    assert reading is not None
    assert "not-a-password" in source.text
    assert "not-a-password" not in str(reading)
    assert [line.text for line in reading.ignored if line.text == SECRET] == [SECRET]


def test_a_line_of_two_facts_is_used() -> None:
    """One that is ignored for one of them is not listed."""
    book = LineBook(ConfigText("f", "a\nb\n\n# c\nd"))
    book.use(1)
    book.ignore(1, "why")
    book.ignore(2, "first")
    book.ignore(2, "second")
    book.blank("#")
    assert [(line.number, line.reason) for line in book.ignored] == [
        (2, "first"),
        (3, "blank"),
        (4, "comment"),
    ]
    assert book.leftover == (5,)
