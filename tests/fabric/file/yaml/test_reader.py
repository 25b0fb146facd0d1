"""The reader against PyYAML's own composer, its limits, and hostile input."""

from __future__ import annotations

import io
import json
import string
import sys
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from fabric.diagnostics import InputError, Span
from fabric.file.yaml.reader import Document, read_yaml
from fabric.io.decoded_text import read_stdin

TEXT = st.text(alphabet=string.ascii_letters + " :-#'\"é\\{}[],&*!|>%@\n\t", max_size=12)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)


def errors(text: str) -> list[str]:
    with pytest.raises(InputError) as caught:
        read_yaml(text, name="f")
    return [f"{d.code} {d.span}" for d in caught.value.diagnostics]


def test_stdin_is_read_up_to_its_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fabric.io.decoded_text.MAX_BYTES", 10)
    for size in (0, 9, 10, 11):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"x" * size)))
        if size <= 10:
            assert read_stdin() == b"x" * size
        else:
            with pytest.raises(InputError, match="<stdin>"):
                read_stdin()


@given(VALUES.filter(lambda value: value is not None))
def test_reads_json(value: object) -> None:
    (document,) = read_yaml(json.dumps(value, ensure_ascii=False), name="f")
    assert document.value == value


@given(VALUES.filter(lambda value: value is not None))
def test_reads_yaml(value: object) -> None:
    (document,) = read_yaml(yaml.safe_dump(value, allow_unicode=True), name="f")
    assert document.value == value


@given(st.text(alphabet="ab: -[]{},\n*&!'\"|#1<", max_size=60))
@settings(max_examples=300)
def test_spans_are_those_of_pyyaml(text: str) -> None:
    try:
        documents = read_yaml(text, name="f")
    except InputError:
        return
    nodes = [node for node in yaml.compose_all(text, yaml.CSafeLoader) if node.value != ""]
    for document, node in zip(documents, nodes, strict=False):
        check_spans(document, node, ())


def check_spans(document: Document, node: yaml.Node, path: tuple[str | int, ...]) -> None:
    if isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            check_spans(document, item, (*path, index))
    elif isinstance(node, yaml.MappingNode):
        for key, item in node.value:
            if key.value != "<<":
                span = document.key_span((*path, key.value))
                assert (span.line, span.column) == (
                    key.start_mark.line + 1,
                    key.start_mark.column + 1,
                )
                check_spans(document, item, (*path, key.value))
    elif not path or document.value:
        assert place(document.span(path)) == start(node)


def place(span: Span) -> tuple[int, int]:
    return span.line, span.column


def start(node: yaml.Node) -> tuple[int, int]:
    return node.start_mark.line + 1, node.start_mark.column + 1


def test_core_schema() -> None:
    text = "[yes, no, on, off, y, 22:22, 0o17, 0x1F, 010, 1_000, 2024-01-01, .5, 1e3, ~, TRUE]"
    (document,) = read_yaml(text, name="f")
    assert document.value == [
        *("yes", "no", "on", "off", "y", "22:22", 15, 31, 10, "1_000", "2024-01-01"),
        *(0.5, 1000.0, None, True),
    ]


def test_keys_are_text() -> None:
    (document,) = read_yaml("22: a\ntrue: b\n~: c", name="f")
    assert document.value == {"22": "a", "true": "b", "~": "c"}


def test_span_falls_back_to_the_nearest_ancestor() -> None:
    (document,) = read_yaml("a:\n  - b: 1\n", name="f")
    assert str(document.span(("a", 0, "b"))) == "f:2:8"
    assert str(document.key_span(("a", 0, "b"))) == "f:2:5"
    assert str(document.span(("a", 0, "nope", 3))) == "f:2:5"
    assert str(document.span(("a", 9))) == "f:2:3"
    assert str(document.span(("x",))) == "f:1:1"


def test_several_documents_and_empty_ones() -> None:
    assert [d.value for d in read_yaml("---\n---\na: 1\n...\n---\n- b\n", name="f")] == [
        {"a": 1},
        ["b"],
    ]
    assert read_yaml("", name="f") == read_yaml("# only a comment\n", name="f") == []


def test_merge_keys() -> None:
    text = "base: &b {p: 1, q: 1}\nx:\n  <<: [{p: 0}, *b]\n  q: 2\n"
    (document,) = read_yaml(text, name="f")
    assert document.value["x"] == {"q": 2, "p": 0}
    assert str(document.span(("x", "p"))) == "f:3:12"


def test_duplicate_keys_are_all_reported() -> None:
    assert errors("a: 1\na: 2\nb: {c: 1, c: 2}\n") == ["C110 f:2:1", "C110 f:3:11"]


def test_tags_do_not_execute() -> None:
    assert errors("a: !!python/object/apply:os.system [echo]") == ["C106 f:1:4"]
    assert errors("a: !!python/name:os.system x") == ["C106 f:1:4"]
    assert errors("!!binary a2luZA==: Pod") == ["C106 f:1:1"], "kind, to who decodes it"
    for key in ("!!str kind", "! kind"):
        (document,) = read_yaml(f"{key}: Pod", name="f")
        assert document.value == {"kind": "Pod"}
    (document,) = read_yaml("a: &a {b: 1}\nc:\n  !!merge <<: *a\n", name="f")
    assert document.value["c"] == {"b": 1}, "as yq writes it"
    assert errors("!!merge kind: Pod") == ["C106 f:1:1"]
    (document,) = read_yaml("a: !!str 1\nb: ! 2\nc: !!int 3", name="f")
    assert document.value == {"a": "1", "b": "2", "c": 3}


def test_limits() -> None:
    ten = ",".join(["{}"] * 10)
    bomb = "a: &a0 [1,2,3]\n" + "\n".join(
        f"b{i}: &a{i + 1} [{ten.format(*[f'*a{i}'] * 10)}]" for i in range(30)
    )
    assert errors(bomb)[0].startswith("C108 f:7:")
    assert errors("[" * 100_000) == ["C108 f:1:201"]
    assert errors("{a: " * 100_000) == ["C108 f:1:801"]
    assert errors("- " * 100_000) == ["C108 f:1:401"]
    assert errors("".join(f"{' ' * i}a:\n" for i in range(1500))) == ["C108 f:201:201"]
    assert errors("[" * 200 + "1" + "]" * 200) == ["C108 f:1:201"]
    assert errors("[" * 200 + "a: b" + "]" * 200) == ["C108 f:1:201"]
    assert read_yaml("[" * 199 + "1" + "]" * 199, name="f")
    deep = "a: &a " + "[" * 150 + "]" * 150 + "\nb: " + "[" * 150 + "*a" + "]" * 150
    assert errors(deep) == ["C108 f:2:151"] or errors(deep)[0].startswith("C108 f:2")
    assert errors("a: &x [*x]") == ["C105 f:1:8"]
    assert errors("9" * 5000) == ["C107 f:1:1"]
    assert read_yaml("a: 1e999", name="f")[0].value == {"a": float("inf")}


def test_unreadable_files(tmp_path: Path) -> None:
    (tmp_path / "latin1.yaml").write_bytes("a: é\nb: ü\n".encode("latin-1"))
    (tmp_path / "nul.yaml").write_bytes(b"a: b\n\x00")
    (tmp_path / "utf16.yaml").write_bytes("a: b".encode("utf-16")[:-1])
    (tmp_path / "binary").write_bytes(bytes(range(256)))
    found = {}
    for name in ("latin1.yaml", "nul.yaml", "utf16.yaml", "binary", "missing", "."):
        with pytest.raises(InputError) as caught:
            read_yaml(tmp_path / name)
        (diagnostic,) = caught.value.diagnostics
        found[name] = (
            diagnostic.code,
            diagnostic.span
            and (
                diagnostic.span.line,
                diagnostic.span.column,
            ),
        )
    assert found == {
        "latin1.yaml": ("C103", (1, 4)),
        "nul.yaml": ("C103", (2, 1)),
        "utf16.yaml": ("C103", (1, 9)),
        "binary": ("C103", (2, 118)),
        "missing": ("C101", None),
        ".": ("C111", None),
    }


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_files_say_how_they_are_encoded(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "f.yaml").write_bytes("a: é\n---\n\ufeffb: ü\n".encode(encoding))
    read = read_yaml(tmp_path / "f.yaml")
    assert [d.value for d in read] == [{"a": "é"}, {"b": "ü"}]
    assert read[1].span(("b",)).column == 4


def test_escapes_as_json_writes_them(tmp_path: Path) -> None:
    value = {"a": "\U0001f600", "b": "\\ud83d\\ude00", "c": ["é\\", 'x"\U0001d11e']}
    (tmp_path / "f.json").write_text(json.dumps(value))
    assert read_yaml(tmp_path / "f.json")[0].value == value
    (tmp_path / "half.json").write_text(json.dumps("\ud83d"))
    with pytest.raises(InputError):
        read_yaml(tmp_path / "half.json")


def test_a_byte_order_mark_and_windows_line_ends_are_fine(tmp_path: Path) -> None:
    (tmp_path / "f.yaml").write_bytes(b"\xef\xbb\xbfa: 1\r\nb: [x]\r\n")
    (document,) = read_yaml(tmp_path / "f.yaml")
    assert document.value == {"a": 1, "b": ["x"]}
    assert document.span(("b", 0)).line == 2


@given(st.binary(max_size=200))
@settings(max_examples=300)
def test_garbage_is_an_input_error_or_a_value(raw: bytes) -> None:
    try:
        read_yaml(raw.decode("utf-8", "surrogateescape"), name="f")
    except InputError as error:
        assert all(d.code.startswith("C1") and d.message for d in error.diagnostics)
