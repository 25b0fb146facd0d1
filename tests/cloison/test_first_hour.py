"""`docs/first-hour.md`: every command of the page, on a small site of that kind."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from cluster_servers import FAULTS
from three_clusters import write

PAGE = (Path(__file__).parents[2] / "docs" / "first-hour.md").read_text()
BLOCK = re.compile(r"^```(sh|yaml)\n(.*?)^```", re.M | re.S)
BY_HAND = 20
"""Lines that an operator may have to write."""


def steps() -> Iterator[tuple[str, str]]:
    """Blocks of the page: what is written, and what is run."""
    yield from ((found[1], found[2]) for found in BLOCK.finditer(PAGE))


def words(line: str) -> str:
    """A line without its spacing and frame."""
    return " ".join(line.split())


def run(command: str, folder: Path) -> str:
    """What a command says, on both streams."""
    path = f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin"
    done = subprocess.run(
        command, shell=True, cwd=folder, capture_output=True, text=True,
        env={"PATH": path, "HOME": str(Path.home()), "COLUMNS": "120"},
    )  # fmt: skip
    assert done.returncode in (0, 1, 4), done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout + done.stderr


def test_every_command_of_the_page(tmp_path: Path) -> None:
    write(tmp_path, 40, FAULTS)
    site, by_hand, commands = tmp_path / "site.yaml", 0, 0
    for kind, text in steps():
        if kind == "yaml":
            by_hand += len(text.strip().splitlines())
            with site.open("a") as file:
                file.write(text)
            continue
        for part in re.split(r"^\$ ", text, flags=re.M)[1:]:
            command, _, shown = part.partition("\n")
            commands += 1
            said = [words(line) for line in run(command, tmp_path).splitlines()]
            for line in filter(None, map(words, shown.splitlines())):
                assert any(have.startswith(line) for have in said), (command, line, said[:40])
    assert commands == 5 and by_hand <= BY_HAND


def test_with_the_line_gone_everything_holds(tmp_path: Path) -> None:
    """What the page promises in the end: the finding was the line's, and no other is left."""
    write(tmp_path, 40, ("foreign-import",))
    site = tmp_path / "site.yaml"
    site.write_text("".join(text for kind, text in steps() if kind == "yaml").replace(
        ", inventory/lldp", ""))  # fmt: skip
    assert "fails" in run("cloison verify site.yaml", tmp_path)
    config = tmp_path / "configs" / "bf-0037.yaml"
    text = config.read_text()
    config.write_text(text.replace("                  65000:10102: {}\n", ""))
    assert "1 of 1 expectations hold" in run("cloison verify site.yaml", tmp_path)
