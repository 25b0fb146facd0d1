"""Edits of text say what edits of values say, and leave every comment."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from fabric.file.extend import Place, applied
from fabric.file.text_edits import ValueEdit, edited_text
from fabric.file.yaml.reader import read_yaml

TOPOLOGIES = Path(__file__).parents[3] / "topologies"
COMMENT = re.compile(r"(?:^|\s)(#.*)$", re.MULTILINE)

scalars = st.one_of(
    st.integers(-5, 70000),
    st.booleans(),
    st.none(),
    st.sampled_from(["a", "no", "0o7", "a: b", "#x", "-"]),
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abcd"), inner, max_size=3)
    ),
    max_leaves=10,
)
documents = st.dictionaries(st.sampled_from("abcd"), values, min_size=1, max_size=3)


def places(value: Any, here: Place = ()) -> list[Place]:
    """Of everything inside."""
    if isinstance(value, dict):
        inside: Any = value.items()
    else:
        inside = enumerate(value) if isinstance(value, list) else ()
    return [p for step, below in inside for p in ((*here, step), *places(below, (*here, step)))]


def written(value: Any, flow: bool | None) -> str:
    return str(yaml.safe_dump(value, default_flow_style=flow, sort_keys=False))


@given(
    st.lists(documents, min_size=1, max_size=2), st.sampled_from([False, None, True]),
    st.sampled_from(["set", "append", "remove"]), values, st.data(),
)  # fmt: skip
def test_a_text_says_what_the_edit_makes_of_the_value(
    whole: list[Any], flow: bool | None, action: str, value: Any, data: st.DataObject
) -> None:
    text = "---\n".join(
        "".join(f"{line}  # {n}\n" for n, line in enumerate(written(one, flow).splitlines()))
        for one in whole
    )
    if [one.value for one in read_yaml(text, name="")] != whole:
        return  # a comment in a block of text, or what YAML 1.1 and 1.2 read otherwise
    at = data.draw(st.sampled_from(places(whole[-1])))
    if action == "set" and data.draw(st.booleans()):
        at = (*at[:-1], "new") if isinstance(at[-1], str) else at
    edit = ValueEdit(at, action, value)
    last = read_yaml(text, name="")[-1]
    got = edited_text(text, (last.mark.line, last.mark.column), edit)
    try:
        wanted, _ = applied(whole[-1], at, edit)  # type: ignore[arg-type]
    except (KeyError, IndexError, TypeError):
        assert got is None
        return
    if got is not None:
        assert [one.value for one in read_yaml(got, name="")] == [*whole[:-1], wanted]
        if action != "remove":
            kept = COMMENT.findall(got)
            assert [c for c in COMMENT.findall(text) if c not in kept] == []


@pytest.mark.parametrize(
    ("text", "edit", "wanted"),
    [
        ("# top\nx: [1, 2] # x\n", ValueEdit(("x",), "append", 3), "# top\nx: [1, 2, 3] # x\n"),
        ("x: [ 1, 2 ]\n", ValueEdit(("x", 0), "remove"), "x: [ 2 ]\n"),
        ("x:\n  - a: 1 # a\n    b: 2\n", ValueEdit(("x", 0), "remove"), None),
        ("x:\n  - a: 1\n    b: 2\ny: 3\n", ValueEdit(("x", 0), "remove"), "x: []\ny: 3\n"),
        ("x:\n  a: 1 # a\n  # b\n", ValueEdit(("x", "a"), "set", 5), "x:\n  a: 5 # a\n  # b\n"),
        ("x:\n  a: 1\n", ValueEdit(("x", "c"), "set", [{"d": 1}]), "x:\n  a: 1\n  c:\n  - d: 1\n"),
        ("a: &a [1]\nb: *a\n", ValueEdit(("b",), "append", 2), None),
        ("a: 1\r\nb: [1]\r\n", ValueEdit(("b",), "append", 2), "a: 1\r\nb: [1, 2]\r\n"),
        ("l:\n- {a: 1}\n", ValueEdit(("l",), "append", {"a": 3}), "l:\n- {a: 1}\n- {a: 3}\n"),
        ("x:\ny: 1\n", ValueEdit(("x",), "set", {"a": 1}), "x:\n  a: 1\ny: 1\n"),
        ("x:\n- 1\n- 2", ValueEdit(("x",), "set", [1, 2, 3, 4]), "x:\n- 1\n- 2\n- 3\n- 4"),
    ],
)  # fmt: skip
def test_what_is_written(text: str, edit: ValueEdit, wanted: str | None) -> None:
    assert edited_text(text, (0, 0) if text[0] != "#" else (1, 0), edit) == wanted


def test_items_of_lists_of_objects_are_found_where_they_begin() -> None:
    text = "kind: List\nitems:\n- kind: A\n  n: 1 # one\n- kind: A\n  n: 2\n"
    edit = ValueEdit(("n",), "set", 7)
    assert edited_text(text, (4, 2), edit) == text.replace("n: 2", "n: 7")
    assert edited_text(text, (2, 2), edit) == text.replace("n: 1", "n: 7")
    assert edited_text(text, (3, 2), edit) is None


@pytest.mark.parametrize("name", ["demo.yaml", "small.yaml"])
def test_files_as_people_write_them_keep_every_line_but_one(name: str) -> None:
    text = (TOPOLOGIES / name).read_text()
    (document,) = read_yaml(text, name="")
    begins = document.mark.line, document.mark.column
    edit = ValueEdit(("leaks",), "append", {"name": "also", "ports": ["9/tcp"]})
    got = edited_text(text, begins, edit)
    assert got is not None
    assert [line for line in got.splitlines() if line not in text.splitlines()]
    assert [line for line in text.splitlines() if line not in got.splitlines()] == []
