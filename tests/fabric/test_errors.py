"""Every mistake has its text: one golden per code, and no file makes anything but an InputError."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest
from goldens import ERRORS, diagnostics, expected, inputs
from hypothesis import given, settings
from hypothesis import strategies as st

from fabric.building.load import load, load_fabric
from fabric.diagnostics import InputError

ROOT = Path(__file__).parents[2]
TOPOLOGIES = ROOT / "topologies"
OURS = (
    "fabric/file/yaml/reader.py",
    "fabric/building/load.py",
    "fabric/file/shape.py",
    "fabric/file/ranges.py",
)
RICH = (TOPOLOGIES / "demo.yaml").read_text("utf-8")
SCRAPS = [
    *("", "~", "x", "-1", "99999999999999999999", "1e999", "[]", "{}", "[[]]", "{a: {}}", "null"),
    *("22:22", "0.0.0.0/0", "::/0", "*", '"*"', "a/b/c/d", "nodes", "zone0/main", "65000:1"),
    *("host1", "pool", "\t", "- ", ": ", "&a", "*a", "!!set", "|", ">", "'", '"', "{", "}", "#"),
    *("<<: {}", "é", "\x85", "t{1..3}", "t{3..1}", "{n}", "--- ", "...", "%YAML 1.1"),
]


@pytest.mark.parametrize("path", inputs(ERRORS), ids=lambda p: p.stem)
def test_exact_text(path: Path) -> None:
    assert diagnostics(path) == expected(path).read_text("utf-8")


@pytest.mark.parametrize("path", inputs(ERRORS), ids=lambda p: p.stem)
def test_a_golden_shows_its_code(path: Path) -> None:
    wanted = re.match(r"c(\d{3})_", path.stem)
    assert wanted is None or f"[C{wanted[1]}]" in expected(path).read_text("utf-8")


def test_every_code_of_these_rooms_has_a_golden() -> None:
    files = [*(ROOT / "fabric" / "checks").glob("*.py"), *(ROOT / name for name in OURS)]
    used = {code for file in files for code in re.findall(r'"(C\d{3})"', file.read_text())}
    shown = {
        code
        for path in ERRORS.glob("*.txt")
        for code in re.findall(r"\[(C\d{3})]", path.read_text())
    }
    unreadable = {"C101", "C102"}  # no text file has these: see test_unreadable_files
    assert used - shown - unreadable == set()


def test_every_code_is_documented_once_and_exists() -> None:
    documented = re.findall(
        r"^\| (C\d{3}) \|", (ROOT / "docs" / "errors.md").read_text("utf-8"), re.M
    )
    packages = ("fabric", "compiler", "sim", "cloison")
    files = [file for package in packages for file in (ROOT / package).rglob("*.py")]
    used = {
        code
        for file in files
        for code in re.findall(r'"(C\d{3})"', file.read_text())
        if file.name != "render_diagnostics.py"
    }
    assert documented == sorted(set(documented))
    assert set(documented) == used


def attempt(text: str) -> None:
    """Load a text; whatever is wrong must come out as diagnostics with a message."""
    try:
        load(TOPOLOGIES / "mutant.yaml", text)
    except InputError as error:
        assert error.diagnostics
        assert all(d.message and re.fullmatch(r"C\d{3}", d.code) for d in error.diagnostics)


@given(st.integers(0, 2**32))
@settings(max_examples=150)
def test_mutants_of_a_valid_file(seed: int) -> None:
    chance = random.Random(seed)
    lines = RICH.splitlines()
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(lines))
        words = re.split(r"([\s:,\[\]{}]+)", lines[at])
        match chance.randrange(6):
            case 0:
                words[chance.randrange(len(words))] = chance.choice(SCRAPS)
            case 1:
                words = [chance.choice(lines)]
            case 2:
                words = []
            case 3:
                words = ["  ", *words]
            case 4:
                words = [lines[at], "\n", lines[at]]
            case _:
                del words[chance.randrange(len(words)) :]
        lines[at] = "".join(words)
    attempt("\n".join(lines))


KEYS = (
    *("cloison", "name", "vtep", "sites", "hosts", "pools", "pins", "tenants", "zones", "peerings"),
    *("leaks", "expect", "vrfs", "prefixes", "zone0", "zone2", "endpoints", "rules", "from", "to"),
    *("extends", "patch", "at", "set", "a", "b", "ports", "addresses", "acme", "t{1..2}"),
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 2**40) | st.floats() | st.sampled_from(SCRAPS),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner),
    max_leaves=20,
)


@pytest.mark.slices(2)
@given(st.dictionaries(st.sampled_from(KEYS), VALUES))
@settings(max_examples=150)
def test_any_value_in_any_place(value: dict[str, object]) -> None:
    import json

    attempt(json.dumps({"cloison": 1, "name": "x", "sites": {"s": {}}} | value))


@given(st.text(max_size=200))
@settings(max_examples=100)
def test_garbage(text: str) -> None:
    attempt(text)


def test_a_file_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "latin").write_bytes(b"name: \xe9")
    for path in (tmp_path, tmp_path / "missing", tmp_path / "latin", Path("/bin/sh"), "a\0b"):
        with pytest.raises(InputError):
            load_fabric(path)


def test_the_valid_files_are_valid() -> None:
    for name in ("small", "demo", "large"):
        assert load(TOPOLOGIES / f"{name}.yaml")[1] == ()
