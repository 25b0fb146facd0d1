"""Whatever strangers call things, no output lets it drive a terminal, a spreadsheet, a comment
thread or a program that reads our dumps."""

from __future__ import annotations

import csv
import io
import json
import re
import unicodedata
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from cloison.cli import main
from cloison.render.formats import FORMATS, csv_text, markdown
from cloison.render.table import Table
from compiler.targets.catalogue import writers
from fabric.io.strict_json import decoded
from fabric.io.visible import HIDING, lines, visible

EVIL = (
    "x\x1b[2J\x9b31m\u202eb\u2066c\x07\x7f\r\nINJECTED $a_{b$ \u2028| `@all` https://e.example #1"
)
FABRIC = """\
cloison: 1
name: evil
sites: {s: {spines: 1, leaves: 2, hosts_per_pair: 2, borders: 1}}
tenants:
  a:
    vrfs: {m: {prefixes: [10.0.0.0/24], default_route: zone2, advertise: [10.0.0.0/24]}}
    manifests: [MANIFESTS]
  b: {vrfs: {m: {prefixes: [10.1.0.0/24]}}, manifests: [MANIFESTS]}
peerings: [{name: p, between: [a/m, b/m], ports: [443/tcp]}]
zones:
  zone2:
    endpoints: {inet: {addresses: [0.0.0.0/0]}}
    rules: [{name: EVIL, from: "a/*", to: zone2/inet, ports: [443/tcp]}]
expect:
  - {allow: "a/n/p -> zone2/inet:443/tcp"}
  - {deny: "a/n/p -> b/n/p"}
"""
MANIFESTS = """\
{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "n"},
 "spec": {"containers": [{"name": "c", "ports": [{"name": EVIL, "containerPort": 443}]}]}}
---
{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "q", "namespace": "n"},
 "spec": {"containers": [{"name": "c"}]}}
---
{"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
 "metadata": {"name": "np", "namespace": "n"},
 "spec": {"podSelector": {}, "ingress": [{"from": [{"podSelector": {}}]}]}}
---
{"apiVersion": EVIL, "kind": EVIL, "metadata": {"name": EVIL, "namespace": EVIL}}
"""
READING = [
    ["check"],
    ["show", "topology"],
    ["show", "topology", "--links"],
    ["show", "addresses"],
    ["show", "sessions"],
    ["show", "routes"],
    ["show", "tables"],
    ["show", "tables", "--node", "dpu1"],
    ["show", "policy"],
    ["simulate", "-q"],
    ["verify", "-q"],
    ["reach"],
    ["explain", "a/n/p", "b/n/p:443/tcp"],
    ["explain", "a/n/p", "zone2/inet:443/tcp"],
    ["replay", "--pairs", "-q"],
]
PICTURES = ("matrix", "dot")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fabric file whose every free text is hostile, as are the names of its files."""
    return written(tmp_path_factory.mktemp("evil"), MANIFESTS)


@pytest.fixture(scope="module")
def decided(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same without the object of a kind that nobody knows."""
    return written(tmp_path_factory.mktemp("evil"), MANIFESTS.rpartition("---\n")[0])


def written(folder: Path, objects: str) -> Path:
    quoted = json.dumps(EVIL)
    manifests = "m\x1b[31m\u202e\nINJECTED.yaml"
    (folder / manifests).write_text(objects.replace("EVIL", quoted))
    text = FABRIC.replace("EVIL", quoted).replace("MANIFESTS", json.dumps(manifests))
    (folder / "f.yaml").write_text(text)
    return folder


def run(folder: Path, *arguments: str) -> Result:
    head, tail = arguments[:1], arguments[1:]
    if arguments[0] == "show":
        head, tail = arguments[:2], arguments[2:]
    return CliRunner().invoke(main, [*head, str(folder / "f.yaml"), *tail])


def clean(text: str) -> None:
    """Nothing hides, nothing a stranger wrote starts a line."""
    assert {c for c in text if unicodedata.category(c) in HIDING} <= {"\n"}
    assert not re.search(r"^\W*INJECTED", text, re.M), text


@pytest.mark.parametrize("arguments", READING, ids=" ".join)
def test_every_verb_in_every_format(world: Path, arguments: list[str]) -> None:
    tried = 0
    for output in (*FORMATS, *PICTURES):
        done = run(world, *arguments, "-o", output)
        if "is not one of" in done.stderr or "error[C888]" in done.stderr:
            continue
        tried += 1
        assert done.exit_code in (0, 1, 4), done.output
        clean(done.stdout)
        clean(done.stderr)
        if output == "json":
            decoded(done.stdout)
        if output == "jsonl":
            assert all(isinstance(decoded(line), dict) for line in done.stdout.splitlines())
        if output == "csv":
            cells = [cell for row in csv.reader(io.StringIO(done.stdout)) for cell in row]
            assert not [c for c in cells if c.strip()[:1] in ("=", "@", "+")]
    assert tried


def test_every_dump(decided: Path, tmp_path: Path) -> None:
    formats = [f"--format={name}" for name in writers()]
    done = run(decided, "compile", "-q", "-o", str(tmp_path / "out"), *formats)
    assert done.exit_code == 0, done.output
    clean(done.output)
    written = [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
    assert {path.suffix for path in written} == {
        f".{writer.suffix}" for writer in writers().values()
    }
    for path in written:
        clean(path.read_text().replace("\t", " "))


def test_pictures(world: Path, tmp_path: Path) -> None:
    for more in ([], ["--matrix"], ["--trace", "a/n/p", "b/n/p:443/tcp"]):
        picture = tmp_path / "x.svg"
        done = run(world, "plot", "-o", str(picture), *more)
        assert done.exit_code in (0, 4), done.output
        ElementTree.fromstring(picture.read_text())
        clean(picture.read_text())


def test_a_picture_takes_no_name_for_mathematics() -> None:
    from cloison.render.plot import draw_matrix

    name = f"{EVIL}\\frac{{"
    picture = draw_matrix({(name, name): ("open", f"{EVIL}, $\\bad$")}, title=name).render("svg")
    ElementTree.fromstring(picture)
    clean(picture.decode())


def test_a_certificate(world: Path, tmp_path: Path) -> None:
    path = tmp_path / "c.json"
    assert run(world, "verify", "-q", "--certificate", str(path)).exit_code in (0, 1, 4)
    clean(path.read_text())
    decoded(path.read_text())


TEXT = st.text() | st.text(st.sampled_from("=+-@|`\\*_<>[]#$~!:/w. \n\t\r\x1b\u202e\u2066xa1"))


@pytest.mark.slices(2)
@given(st.lists(TEXT, max_size=4))
def test_lines_are_ours_alone(parts: list[str]) -> None:
    clean_parts = [visible(part) for part in parts if part]
    assert lines(*parts) == "\n".join(clean_parts)
    for part in clean_parts:
        assert not {c for c in part if unicodedata.category(c) in HIDING}
    assert visible(lines(*parts)) == lines(*parts)


@given(TEXT)
def test_a_spreadsheet_calculates_nothing(value: str) -> None:
    (head, row) = csv.reader(io.StringIO(csv_text([{"name": value}])))
    assert head == ["name"]
    assert row == [] or row[0].strip()[:1] not in tuple("=+-@＝＋－＠")


@given(TEXT)
def test_markdown_is_text(value: str) -> None:
    row = markdown([{"name": value, "next": "y"}]).split("\n")
    assert len(row) == 3
    cells = re.split(r"(?<!\\)(?:\\\\)*\|", row[2])
    assert cells[-2].strip() == "y"
    cell = row[2].removeprefix("| ").removesuffix(" | y |")
    fence = re.match("`+", cell)
    if fence:  # code: no mention, link or reference is made of it
        inside = cell[len(fence[0]) : -len(fence[0])]
        assert cell.endswith(fence[0])
        assert fence[0] not in re.findall("`+", inside)
    else:
        assert not re.search(r"[@#]|://|(?<!\w)www\.|(?<!\\)[<`*_~\[\]]", cell)


@given(st.recursive(st.none() | TEXT | st.floats(), lambda below: st.lists(below, max_size=3)))
def test_json_is_json(value: object) -> None:
    from cloison.render.formats import json_text

    decoded(json_text({"a": value}))


@given(TEXT)
def test_a_notebook_shows_text(value: str) -> None:
    shown = Table(({"name": value},), value)._repr_html_()
    ElementTree.fromstring(f"<x>{shown}</x>".replace("<br>", "<br/>"))
    clean(shown.replace("INJECTED", ""))
    assert "<script" not in shown


@pytest.mark.parametrize(
    "line", ['{"id": 1e999}', '{"id": NaN}', '{"id": [-Infinity]}', '{"id": -1e400, "src": "a"}']
)
def test_answers_to_questions_are_json(line: str, tmp_path: Path) -> None:
    (tmp_path / "m.yaml").write_text(MANIFESTS.split("\n---")[1])
    (tmp_path / "q.jsonl").write_text(line + "\n")
    arguments = ["reach", str(tmp_path / "m.yaml"), "--flows", str(tmp_path / "q.jsonl")]
    done = CliRunner().invoke(main, arguments)
    (answer,) = done.stdout.splitlines()
    assert "is not a value" in decoded(answer)["error"]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ('{"id": 1, "src": "a/b", "src": "a/c"}', "a key twice"),
        ('{"id": {"x": 1, "x": 1}}', "a key twice"),
        (r'{"id": "\ud83d"}', "half of a character"),
        (r'{"id": [{"k\uDE00": 1}]}', "half of a character"),
        (r'{"id": "\ude00\ud83d", "src": "a/b"}', "half of a character"),
    ],
)
def test_lines_that_readers_take_in_several_ways_get_no_answer(
    line: str, why: str, tmp_path: Path
) -> None:
    (tmp_path / "m.yaml").write_text(MANIFESTS.split("\n---")[1])
    (tmp_path / "q.jsonl").write_text(line + "\n")
    arguments = ["reach", str(tmp_path / "m.yaml"), "--flows", str(tmp_path / "q.jsonl")]
    done = CliRunner().invoke(main, arguments)
    (answer,) = done.stdout.splitlines()
    assert why in decoded(answer)["error"]
    assert decoded(answer)["id"] is None


def test_a_whole_pair_is_a_character() -> None:
    pair, written = r'["\ud83d\ude00"]', r'["\\ud800"]'
    assert (decoded(pair), decoded(written)) == (["\U0001f600"], ["\\ud800"])


def test_a_certificate_of_no_json_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "c.json"
    for text in ('{"schema": NaN}', '{"schema": 1e999}', "[" * 100_000):
        path.write_text(text)
        done = CliRunner().invoke(main, ["verify", "--check-certificate", str(path)])
        assert done.exit_code == 2
        assert "C730" in done.stderr


def test_a_notebook_of_a_hostile_world(world: Path) -> None:
    import cloison

    path = world / "f.yaml"
    built = cloison.build(path)
    shown = [built, cloison.simulate(path), cloison.prove(path), cloison.compile(path)]
    shown += [cloison.explain(path, "a/n/p", "b/n/p:443/tcp"), cloison.reach(path), built.policy]
    for thing in shown:
        text = thing._repr_html_()
        clean(text)
        ElementTree.fromstring(f"<x>{text}</x>".replace("<br>", "<br/>"))
        clean(repr(thing))
        clean(str(thing))
