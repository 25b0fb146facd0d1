"""YAML by lines: whatever is read plainly is what the reader of all YAML reads, marks and all."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fabric.diagnostics import Diagnostics, InputError
from fabric.file.yaml.plain_yaml import Cut, UnusualTextError, plain_document
from fabric.file.yaml.reader import Document, documents

KEYS = ["a", "b-c", "'10'", "'a b'", "10.0.0.0/8", "fd00::1/128", "x:y", "''", "a::", "null", "é"]
KEYS += ["'<<'", "<<", "- a", "-a", "? a", '"q"', "a b", "a'b", "12", "on", "_", "A" * 199, "#a"]
VALUES = ["", " ", "  ", " {}", " 1", " 0x1f", " 007", " 1.0", " on", " 'on'", ' "on"', " ''", "x"]
VALUES += [
    " a b",
    " a: b",
    " a:",
    " a #b",
    " a#b",
    " a  b",
    " [1]",
    " {a: 1}",
    " &x",
    " *x",
    " !!x",
]
VALUES += [
    " |",
    " >",
    " 10.0.0.0/8",
    " fd00::1",
    " ::1",
    " ::",
    " a::",
    " -",
    " - a",
    " -1",
    " ~",
    " ^$",
]
VALUES += [
    " 'a''b'",
    ' "a\\n"',
    " 'a' b",
    " {} x",
    " null",
    " 1e3",
    " .5",
    " <<",
    " a, b",
    " @a",
    " %",
]
VALUES += [" " + "9" * 401, " a:b", " a :b", "  {}", " {} ", " 'a' ", " x  ", " =", " a=b", " a?b"]
OTHERS = [
    "",
    "   ",
    "# x",
    "    # y",
    "---",
    "...",
    "%YAML 1.2",
    "- ",
    "-",
    "text",
    "\t",
    "- x",
    "{}",
]
LINES = st.one_of(
    st.tuples(st.integers(0, 6), st.sampled_from(KEYS), st.sampled_from(VALUES)).map(
        lambda t: f"{' ' * t[0]}{t[1]}:{t[2]}"
    ),
    st.tuples(st.sampled_from(KEYS), st.sampled_from(VALUES)).map(lambda t: f"- {t[0]}:{t[1]}"),
    st.sampled_from(OTHERS),
)


def plainly(text: str) -> Document | None:
    """What is read by lines."""
    try:
        return plain_document(text, "t")[0]
    except UnusualTextError:
        return None


def by_yaml(text: str) -> Document | None:
    """What the reader of all YAML finds, if nothing is wrong with it."""
    found = Diagnostics()
    try:
        read = documents(text, "t", found)
    except InputError:
        return None
    return read[0] if len(read) == 1 and not found.items else None


@given(st.lists(LINES, min_size=1, max_size=6), st.sampled_from(["", "\n", "\n\n"]))
def test_what_is_read_by_lines_is_what_yaml_is(lines: list[str], end: str) -> None:
    text = "\n".join(lines) + end
    found = plainly(text)
    assert found is None or found == by_yaml(text)


def test_texts_that_are_mostly_plain() -> None:
    """Trees of some depth with a few odd lines: many are read, and all of them as YAML is."""
    read = 0
    for seed in range(1500):
        text = drawn(Random(seed))
        found = plainly(text)
        if found is not None:
            read += 1
            assert found == by_yaml(text), text
    assert 400 < read < 1400


def drawn(random: Random) -> str:
    """A tree, with a line in ten otherwise."""
    lines, depths, deeper = [], [0], False
    listed = random.random() < 0.5
    for number in range(random.randint(1, 14)):
        if deeper and random.random() < 0.8:
            depths.append(depths[-1] + random.choice((2, 2, 2, 4, 1)))
        elif random.random() < 0.4:
            del depths[random.randint(1, len(depths)) :]
        key = random.choice(("a", "b", "'10'", "10.0.0.0/8", "fd00::1/128", f"k{number}"))
        value = random.choice(("", "", "", " {}", " 1", " on", " 'x y'", " a b", ' "z"', " "))
        lead = "" if not listed else "- " if not lines else "  "
        line = f"{lead}{' ' * depths[-1]}{key}:{value}"
        if random.random() < 0.02:
            line = random.choice(
                (line[1:], line + "x", line + " #", "", "# c", " " + line, line[:-1])
            )
        lines.append(line)
        deeper = not value.strip()
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("text", ["'<<':\n  a: 1\n", "x:\n  '<<': {}\n", "x:\n  '<<': 1\n"])
def test_what_may_merge_is_for_the_reader_of_all_yaml(text: str) -> None:
    """Quoted or not, as it is there."""
    assert plainly(text) is None and by_yaml(text) is not None


RULES = """\
- set:
    acl:
      a:
        rule:
          '1': {x: 1}

          '2':
            y: 2
"""


def test_lines_below_a_key_are_cut_out() -> None:
    text = RULES + "        type: ipv4\n    b: 1\n"
    found, cuts = plain_document(text, "t", ("set", "acl", None, "rule"))
    assert cuts == [Cut(38, 93, 4, 10, True)]
    assert found.value == [{"set": {"acl": {"a": {"rule": cuts[0], "type": "ipv4"}}, "b": 1}}]
    assert text[38:93].split("\n")[1].strip() == "'1': {x: 1}"
    assert str(found.span((0, "set", "acl", "a", "type"))) == "t:9:15"
    assert str(found.span((0, "set", "acl", "a", "rule"))) == "t:5:11"


@pytest.mark.parametrize(
    "other",
    [
        RULES.replace("acl", "acls"),
        RULES.replace("rule", "rules"),
        RULES.replace("      a:\n        rule", "      rule"),
        RULES.replace("'1'", "'one'"),
    ],
)
def test_what_stands_elsewhere_is_not_cut_out(other: str) -> None:
    try:
        _, cuts = plain_document(other, "t", ("set", "acl", None, "rule"))
    except UnusualTextError:
        return
    assert cuts == []
