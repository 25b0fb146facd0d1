"""No word of a configuration may be otherwise without being told.

Every line of what is written for a small fabric is taken away, and its last word changed: what is
read back is never *equal*, but for words that mean the same (`SAME`) and rules of access lists,
which are compared for all packets: another rule may decide nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from nvue_written import FORMATS, TOPOLOGIES, of_file, write

from compiler.program.program import Program
from fabric.diagnostics import InputError
from sim.round_trip.read_back import read_back

PARTS = 80
SAME = (
    r"address-family: ipv[46]-unicast -> $",  # of a static route: its prefix says so
    r"- header: -> ",  # says nothing; what stands below it counts
)
OTHER = {"on": "off", "interface": "blackhole", "permit": "deny", "external": "internal"}


@pytest.fixture(scope="module")
def small() -> Program:
    return of_file(TOPOLOGIES / "small.yaml")


def other_lines(line: str) -> Iterator[str]:
    """A line taken away, and with its last word, or the name before a colon, changed."""
    yield ""
    found = re.search(r"'?([\w./:^$-]*[\w$])'?(?=:?(?: \{\})?\n)", line)
    if found:
        word = found[1]
        new = OTHER.get(word) or re.sub(r"\d(?=\D*$)", lambda m: str((int(m[0]) + 1) % 10), word)
        yield line[: found.start(1)] + (new if new != word else f"{word}x") + line[found.end(1) :]


def edits(text: str) -> Iterator[tuple[str, str]]:
    """What a file may be turned into: which line, and the whole."""
    lines = text.splitlines(keepends=True)
    for at, line in enumerate(lines):
        if not re.match(r"\s*#|\s*'\d+': \{", line):
            for new in other_lines(line):
                yield (
                    f"{at + 1}: {line.strip()} -> {new.strip()}",
                    "".join((*lines[:at], new, *lines[at + 1 :])),
                )


@pytest.mark.slices(PARTS)
@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("name", FORMATS)
def test_no_word_is_otherwise_without_being_told(
    name: str, part: int, small: Program, tmp_path: Path
) -> None:
    names = write(small, name, tmp_path / "fresh").interfaces(small)
    write(small, name, tmp_path / "edited")
    path = tmp_path / "edited" / "dpu1.yaml"
    for what, text in [*edits(path.read_text())][part::PARTS]:
        path.write_text(text)
        try:
            found = read_back(small, tmp_path / "edited", names, tmp_path / "fresh")
        except InputError:
            continue
        assert not found.equal or any(re.match(rf"\d+: {one}", what) for one in SAME), what
