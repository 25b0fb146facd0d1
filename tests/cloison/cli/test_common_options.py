"""`--color` and `-v`: the same at every verb, on results and on messages."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from cloison.cli import main

ROOT = Path(__file__).parents[3]
SMALL = ROOT / "topologies" / "small.yaml"
ESCAPE = "\x1b["


def run(*arguments: str | Path, **options: object) -> tuple[str, str]:
    done = CliRunner().invoke(main, [str(a) for a in arguments], **options)  # type: ignore[arg-type]
    return done.stdout, done.stderr


@pytest.mark.parametrize("verb", [("show", "topology"), ("show", "routes"), ("verify",)])
def test_tables_have_colours_when_they_are_wanted(verb: tuple[str, ...]) -> None:
    assert ESCAPE not in run(*verb, SMALL)[0]
    assert ESCAPE not in run(*verb, SMALL, "--color", "never", color=True)[0]
    assert ESCAPE in run(*verb, SMALL, "--color", "always")[0]


def test_always_beats_no_color(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert ESCAPE in run("show", "topology", SMALL, "--color", "always")[0]


def test_diagnostics_have_colours_when_they_are_wanted(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("cloison: 1\nname: x\nsites: { a: { leaves: two } }\n")
    assert ESCAPE in run("check", wrong, "--color", "always")[0]
    assert ESCAPE not in run("check", wrong)[0]
    assert ESCAPE in run("verify", wrong, "--color=always")[1]
    assert ESCAPE not in run("verify", wrong)[1]


def test_colours_never_reach_machine_formats() -> None:
    assert json.loads(run("verify", SMALL, "-o", "json", "--color", "always")[0])


@pytest.mark.parametrize(
    ("verb", "phases"),
    [
        (("check",), {"read the fabric file", "build", "read policies"}),
        (("verify",), {"compile policies", "prove", "try failures"}),
        (("show", "routes"), {"fill FIBs"}),
        (("replay", "--pairs"), {"replay", "load kernels"}),
    ],
)
def test_verbose_tells_phases_on_stderr_alone(verb: tuple[str, ...], phases: set[str]) -> None:
    quiet, loud = run(*verb, SMALL), run(*verb, SMALL, "-v")
    told = {line.partition(" s  ")[2].strip() for line in loud[1].splitlines()}
    assert phases <= told
    assert not any(phase in quiet[1] for phase in phases)
    assert not any(f" s  {phase}" in loud[0] for phase in phases)
