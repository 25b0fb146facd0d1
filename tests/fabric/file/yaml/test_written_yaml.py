"""Text that is written as YAML is text to whoever reads it."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from fabric.file.yaml.reader import read_yaml
from fabric.file.yaml.scalars import resolve
from fabric.file.yaml.written_yaml import written_yaml

LOOKS = st.text("0123456789abfxXoOeE_+-.:", min_size=1, max_size=8)
TAKEN = (
    "12e3", "09", "0o17", "017", "0b11", "0x1f", "-0x1f", "1_000", "1_0e3", ".5e3", "+.inf", ".NaN",
    "190:20:30", "1:30.5", "y", "N", "yes", "Off", "on", "NO", "true", "null", "~", "", "=", "<<",
    "2001-1-1", "2001-12-14t21:59:43.10-05:00", "1,000",
)  # fmt: skip


def python_number(text: str) -> bool:
    """Whether it is a number to another reader of numbers."""
    for read in (float, lambda said: int(said, 0)):
        with suppress(ValueError):
            read(text.replace("_", ""))
            return True
    return False


@given(LOOKS)
def test_what_looks_like_a_number_stays_text(text: str) -> None:
    written = written_yaml([text])
    assert yaml.safe_load(written) == [text]
    plain = written.removeprefix("- ").removesuffix("\n")
    if plain[0] not in "\"'":
        assert resolve(plain) == text and not python_number(text)


@pytest.mark.parametrize("text", TAKEN)
@pytest.mark.parametrize("flow", [True, False])
def test_what_some_reader_takes_for_something_else_is_quoted(
    tmp_path: Path, text: str, flow: bool
) -> None:
    written = written_yaml({"key": text, text: 1}, default_flow_style=flow)
    assert yaml.safe_load(written) == {"key": text, text: 1}
    assert f'"{text}"' in written or f"'{text}'" in written
    (tmp_path / "a.yaml").write_text(written)
    (document,) = read_yaml(tmp_path / "a.yaml")
    assert document.value == {"key": text, text: 1}


@pytest.mark.parametrize(
    "text", ["10.0.0.1", "web", "a:b", "yellow", "1.2.3", "v1", "e3", "10.0.0.0/8"]
)
def test_what_nobody_mistakes_is_plain(text: str) -> None:
    assert written_yaml({"key": text}) == f"key: {text}\n"


def test_there_are_no_aliases() -> None:
    shared = ["a"]
    assert "&" not in written_yaml([shared, shared])
