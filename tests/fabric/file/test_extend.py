"""A fabric file that extends another one: values, places, and what is said about mistakes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from fabric_files import network_of, vrf, write_fabric

from fabric.diagnostics import Diagnostics, InputError
from fabric.file.extend import PatchEdit, ReadableDocument, edit_objects, extended
from fabric.file.yaml.reader import read_yaml

BASE = """\
cloison: 1
name: base
rules:
  - { name: a, to: x }
  - { name: b, to: y }
  - { name: c, to: z }
tenants:
  acme:
    manifests: [manifests/acme]
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)  # what is extended must lie below it
    (tmp_path / "broken").mkdir()
    (tmp_path / "base.yaml").write_text(BASE)
    return tmp_path


def load(
    folder: Path, *edits: str, head: str = ""
) -> tuple[ReadableDocument, tuple[PatchEdit, ...]]:
    lines = "".join(f"  - {edit}\n" for edit in edits)
    path = folder / "broken" / "twin.yaml"
    path.write_text(f"cloison: 1\nextends: ../base.yaml\n{head}patch:\n{lines}")
    return extended(read_yaml(path)[0])


def place(source: ReadableDocument, *path: Any) -> tuple[str, int]:
    span = source.span(path)
    return Path(span.file).name, span.line


def test_a_file_without_extends_stays_as_it_is(folder: Path) -> None:
    document = read_yaml(folder / "base.yaml")[0]
    assert extended(document) == (document, ())


def test_set_replaces_an_item_and_takes_the_blame(folder: Path) -> None:
    source, _ = load(folder, "{ at: [rules, 1], set: { name: b, to: '*' } }")
    assert [rule["to"] for rule in source.value["rules"]] == ["x", "*", "z"]
    assert place(source, "rules", 1) == place(source, "rules", 1, "to") == ("twin.yaml", 4)
    assert place(source, "rules", 0) == ("base.yaml", 4)
    assert place(source, "rules") == ("base.yaml", 4)


def test_set_adds_a_key(folder: Path) -> None:
    source, _ = load(folder, "{ at: [tenants, acme, vni], set: 7 }")
    assert source.value["tenants"]["acme"]["vni"] == 7
    assert place(source, "tenants", "acme", "vni") == ("twin.yaml", 4)
    assert source.key_span(("tenants", "acme")).line == 8


def test_append_adds_at_the_end(folder: Path) -> None:
    source, _ = load(folder, "{ at: [rules], append: { name: d } }", "{ at: [rules], append: {} }")
    assert source.value["rules"][3:] == [{"name": "d"}, {}]
    assert place(source, "rules", 3, "name") == ("twin.yaml", 4)
    assert place(source, "rules", 4) == ("twin.yaml", 5)


def test_remove_moves_the_items_behind(folder: Path) -> None:
    source, _ = load(folder, "{ at: [rules, 0], remove: true }")
    assert [rule["name"] for rule in source.value["rules"]] == ["b", "c"]
    assert place(source, "rules", 0) == ("base.yaml", 5)
    assert place(source, "rules", 1, "to") == ("base.yaml", 6)


def test_edits_apply_in_order(folder: Path) -> None:
    source, _ = load(
        folder, "{ at: [rules, 0], remove: true }", "{ at: [rules, 0, to], set: everywhere }"
    )
    assert source.value["rules"][0] == {"name": "b", "to": "everywhere"}
    assert place(source, "rules", 0, "to") == ("twin.yaml", 5)
    assert place(source, "rules", 0, "name") == ("base.yaml", 5)


def test_paths_and_name_are_the_extending_files(folder: Path) -> None:
    source, _ = load(folder, head="name: twin\n")
    assert source.value["tenants"]["acme"]["manifests"] == ["../manifests/acme"]
    assert source.value["name"] == "twin"
    assert place(source, "tenants", "acme", "manifests", 0) == ("base.yaml", 9)


def test_the_base_is_not_changed(folder: Path) -> None:
    document = read_yaml(folder / "base.yaml")[0]
    load(folder, "{ at: [rules, 0], remove: true }")
    assert len(document.value["rules"]) == 3


MANIFEST = "kind: Service\nmetadata: { name: a, namespace: n }\nspec: { ports: [1, 2] }\n"


def test_an_edit_may_name_a_manifest_object(folder: Path) -> None:
    source, edits = load(
        folder,
        "{ tenant: acme, object: Service/n/a, at: [spec, ports, 1], set: 9 }",
        "{ tenant: globex, object: Service/n/a, at: [spec], remove: true }",
    )
    assert source.value["rules"][0]["name"] == "a"
    problems = Diagnostics()
    (changed,) = edit_objects(read_yaml(MANIFEST, name="m.yaml"), "acme", edits, problems)
    assert changed.value["spec"] == {"ports": [1, 9]}
    assert place(changed, "spec", "ports", 1) == ("twin.yaml", 4)
    assert place(changed, "spec", "ports", 0) == ("m.yaml", 3)
    assert not problems.items


def test_an_edit_of_an_object_that_is_not_there_is_an_error(folder: Path) -> None:
    _, edits = load(folder, "{ tenant: acme, object: Service/n/b, at: [spec], remove: true }")
    problems = Diagnostics()
    edit_objects(read_yaml(MANIFEST, name="m.yaml"), "acme", edits, problems)
    assert [(d.code, d.span.line if d.span else 0) for d in problems.items] == [("C293", 4)]


def test_what_is_no_object_has_no_name_to_be_edited_by(folder: Path) -> None:
    _, edits = load(folder, "{ tenant: acme, object: Service/n/a, at: [spec, ports, 1], set: 9 }")
    strangers = (
        "--- text\n---\n- 1\n--- { kind: Service }\n--- { kind: Service, metadata: 7 }\n---\n"
    )
    problems, objects = Diagnostics(), read_yaml(strangers + MANIFEST, name="m.yaml")
    changed = edit_objects(objects, "acme", edits, problems)
    assert [o is before for o, before in zip(changed, objects, strict=True)][-2:] == [True, False]
    assert changed[-1].value["spec"] == {"ports": [1, 9]}
    assert not problems.items


@pytest.mark.parametrize(
    ("edit", "code"),
    [
        ("{ at: [rules, 9], remove: true }", "C292"),
        ("{ at: [rules, a], set: 1 }", "C292"),
        ("{ at: [nothing, here], set: 1 }", "C292"),
        ("{ at: [name], append: 1 }", "C292"),
        ("{ at: [rules, 0], remove: false }", "C291"),
        ("{ at: [rules, 0], set: 1, append: 2 }", "C291"),
        ("{ at: [], set: 1 }", "C291"),
        ("{ at: rules, set: 1 }", "C291"),
        ("{ at: [rules], object: Service/n/a, set: 1 }", "C291"),
        ("text", "C291"),
    ],
)
def test_mistakes_are_diagnosed_in_the_patch(folder: Path, edit: str, code: str) -> None:
    with pytest.raises(InputError) as caught:
        load(folder, edit)
    (found,) = caught.value.diagnostics
    assert found.code == code
    assert found.span is not None
    assert (Path(found.span.file).name, found.span.line) == ("twin.yaml", 4)


def test_what_cannot_be_extended(folder: Path) -> None:
    with pytest.raises(InputError, match="C290"):
        load(folder, head="leaks: []\n")
    circle = folder / "circle.yaml"
    circle.write_text("extends: circle.yaml\n")
    with pytest.raises(InputError, match="circle"):
        extended(read_yaml(circle)[0])
    missing = read_yaml("extends: nowhere.yaml", name=str(circle))[0]
    with pytest.raises(InputError, match="no such file"):
        extended(missing)


def test_paths_keep_their_meaning_over_several_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those of the first are seen from wherever the last one lies."""
    monkeypatch.chdir(tmp_path)
    write_fabric(tmp_path, {"red": vrf("10.0.0.0/16")}, {"red": ["lab/a@host1"]})
    for folder, name, extends in (
        ("x", "one.yaml", "../fabric.yaml"),
        ("x", "two.yaml", "one.yaml"),
        ("x/y", "three.yaml", "../two.yaml"),
        (".", "four.yaml", "x/y/three.yaml"),
    ):
        path = tmp_path / folder / name
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_text(f"extends: {extends}\n")
        assert [e.name for e in network_of(path).endpoints if e.kind == "pod"] == ["red/lab/a"]
