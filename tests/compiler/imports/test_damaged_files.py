"""10,000 damaged and truncated files per reader: clear errors, bounded memory, nothing executed."""

from __future__ import annotations

import os
import tracemalloc
from pathlib import Path
from random import Random

import pytest
from fuzz.importers import FILES, changed, read_one, texts, watch

from compiler.imports.config_formats import CONFIG_FORMATS

PARTS, EACH = 50, 200
MOST = 64 * 2**20
"""Bytes that reading any of them may take: the files have less than 20,000."""


def test_every_format_has_files() -> None:
    assert sorted(FILES) == sorted(CONFIG_FORMATS) and all(texts(name) for name in FILES)


@pytest.mark.slices(PARTS)
@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("name", FILES)
def test_damaged_files_end_in_order(name: str, part: int) -> None:
    """Some are read, others are not, and none needs more than what a file of its size may."""
    read_one(name, texts(name)[0])
    tracemalloc.start()
    try:
        read = 0
        for number in range(EACH):
            random = Random(f"{name}.{part}.{number}")
            read += read_one(name, changed(random, random.choice(texts(name))))
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < MOST
    assert 0 < read < EACH


def test_what_would_be_carried_out_is_seen(tmp_path: Path) -> None:
    """The hook hears what it is there for."""
    hook = watch()
    hook.seen.clear()
    hook.on = True
    try:
        (tmp_path / "x").write_text("x")
        os.system("true")
    finally:
        hook.on = False
    assert any(event.startswith("open ") for event in hook.seen)
    assert any(event.startswith("os.system ") for event in hook.seen)
