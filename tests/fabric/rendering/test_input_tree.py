"""The tree that a program gets, and its digest."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fabric.diagnostics import InputError
from fabric.rendering import input_tree as module
from fabric.rendering.input_tree import input_tree

NAMES = st.sampled_from(["a", "b c", "ü", "x.yaml", "d/e", "d/f g/h", ".hidden"])


def write(folder: Path, files: dict[str, bytes]) -> Path:
    """A folder with these files."""
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder


@settings(max_examples=40, deadline=None)
@given(
    st.dictionaries(NAMES, st.binary(max_size=4), min_size=1),
    st.dictionaries(NAMES, st.binary(max_size=4), min_size=1),
)
def test_digests_are_equal_where_trees_are_and_a_copy_is_its_original(
    tmp_path_factory: pytest.TempPathFactory, one: dict[str, bytes], other: dict[str, bytes]
) -> None:
    top = tmp_path_factory.mktemp("trees")
    found = [input_tree(write(top / n, files)) for n, files in (("one", one), ("other", other))]
    assert (found[0].digest == found[1].digest) == (one == other)
    (top / "copy").mkdir()
    assert input_tree(top / "one", top / "copy") == found[0] == input_tree(top / "copy")


def test_links_out_by_any_way_are_left_out_and_told(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("hush")
    tree = write(tmp_path / "tree", {"base/p.yaml": b"x", "in/q.yaml": b"y"})
    links = {
        "good": "base/p.yaml", "in/good": "../base", "gone": "base/none.yaml",
        "absolute": str(tree / "base"), "out": "../secret", "way": "../tree/base/p.yaml",
        "folder": "..", "chain": "out", "round": "round",
    }  # fmt: skip
    for name, leads in links.items():
        (tree / name).symlink_to(leads)
    os.mkfifo(tree / "pipe")
    copy = tmp_path / "copy"
    copy.mkdir()
    found = input_tree(tree, copy)
    assert {*found.left_out} == {"absolute", "out", "way", "folder", "chain", "round", "pipe"}
    assert {p.name for p in copy.rglob("*") if p.is_symlink()} == {"good", "gone"}
    assert (copy / "in" / "good" / "p.yaml").read_text() == "x"


def test_what_git_keeps_is_no_part_and_nothing_may_be_executed(tmp_path: Path) -> None:
    tree = write(tmp_path / "tree", {"run.sh": b"x", ".git/config": b"token", "a/.git": b"y"})
    (tree / "run.sh").chmod(0o755)
    (tmp_path / "copy").mkdir()
    input_tree(tree, tmp_path / "copy")
    assert sorted(p.name for p in (tmp_path / "copy").rglob("*")) == ["a", "run.sh"]
    assert not os.access(tmp_path / "copy" / "run.sh", os.X_OK) or not (
        (tmp_path / "copy" / "run.sh").stat().st_mode & 0o111
    )


@pytest.mark.parametrize(("name", "most"), [("MOST", 2), ("MOST_BYTES", 5)])
def test_too_large_a_tree_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, most: int
) -> None:
    tree = write(tmp_path / "tree", {"a": b"123", "b": b"456", "c": b""})
    assert input_tree(tree).digest
    monkeypatch.setattr(module, name, most)
    with pytest.raises(InputError, match="C653"):
        input_tree(tree)
