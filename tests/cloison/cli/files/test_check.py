"""`cloison check` and how diagnostics look."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from cloison.cli import main
from cloison.loading.how import How
from cloison.render.diagnostics import render
from cloison.verbs.checking import check_file
from fabric.diagnostics import Diagnostic, Span

TOPOLOGIES = Path(__file__).parents[4] / "topologies"
WRONG = "cloison: 1\nname: x\nvteps: dpu\nsites: { s: { leafs: 2 } }\n"


def test_a_valid_file() -> None:
    done = CliRunner().invoke(main, ["check", str(TOPOLOGIES / "small.yaml")])
    assert done.exit_code == 0, done.output
    assert done.output.splitlines()[-1].endswith("small.yaml: no errors")


def test_errors_exit_2_and_name_the_place(tmp_path: Path) -> None:
    path = tmp_path / "f.yaml"
    path.write_text(WRONG)
    done = CliRunner().invoke(main, ["check", str(path), str(TOPOLOGIES / "small.yaml")])
    assert done.exit_code == 2
    assert f"{path}:3:1: error[C201]" in done.output
    assert done.output.splitlines()[-1] == "2 files: 2 errors"


def test_warnings_exit_0() -> None:
    text = "cloison: 1\nname: x\nsites: { s: { leaves: 3 } }\n"
    done = CliRunner().invoke(main, ["check", "-"], input=text)
    assert done.exit_code == 0, done.output
    assert "<stdin>:3:23: warning[C333]" in done.output
    assert "    3 | sites: { s: { leaves: 3 } }\n      |                       ^" in done.output


def test_json() -> None:
    done = CliRunner().invoke(main, ["check", "-", "-o", "json"], input=WRONG)
    assert done.exit_code == 2
    answer = json.loads(done.output)
    assert answer["schema"] == "cloison/diagnostics/1"
    assert [(r["code"], r["line"], r["column"]) for r in answer["rows"]] == [
        ("C201", 3, 1),
        ("C201", 4, 15),
    ]
    assert set(answer["rows"][0]) == {
        *("code", "severity", "file", "line", "column", "message", "hint"),
    }


def test_no_line_can_drive_the_terminal() -> None:
    source = "a: \x1b[31mred\u202e\n"
    diagnostic = Diagnostic("C201", "bad \x1b]0;x\x07", Span("f", 1, 4), "no\x9b2J")
    for colour in (False, True):
        text = render([diagnostic], {"f": source}, colour=colour)
        assert not set(text) & {"\x07", "\x9b", "\u202e"}
    assert "\x1b" not in render([diagnostic], {"f": source})


def test_long_lines_are_cut_around_the_caret() -> None:
    source = "x" * 300 + "HERE" + "y" * 300
    text = render([Diagnostic("C201", "m", Span("f", 1, 301))], {"f": source})
    line, caret = text.splitlines()[1:3]
    assert len(line) < 110
    assert line[caret.index("^") :].startswith("HERE")


def test_a_place_that_is_gone() -> None:
    assert render([Diagnostic("C201", "m", Span("/nowhere/f", 9, 9))]) == (
        "/nowhere/f:9:9: error[C201]: m"
    )


def test_schema() -> None:
    done = CliRunner().invoke(main, ["schema"])
    assert done.exit_code == 0
    assert json.loads(done.output)["$schema"].endswith("2020-12/schema")


def test_a_finding_exits_1_and_blames_the_patched_line() -> None:
    path = TOPOLOGIES / "broken" / "wrong-rt-import.yaml"
    done = CliRunner().invoke(main, ["check", str(path)])
    assert done.exit_code == 1, done.output
    assert f"{path}:7:62: finding[C510]" in done.output
    assert done.output.splitlines()[-1].endswith("1 finding")


def test_manifests_and_expectations_are_read_too(tmp_path: Path) -> None:
    (tmp_path / "k8s.yaml").write_text(
        "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\n"
        "metadata: { name: a, namespace: web }\nspec: { podSelector: { matchLabel: {} } }\n---\n"
        "apiVersion: v1\nkind: Pod\nmetadata: { name: p, namespace: web }\n"
        "spec: { containers: [{ name: c, image: i }] }\n"
    )
    path = tmp_path / "f.yaml"
    path.write_text(
        "cloison: 1\nname: x\nsites: { s: {} }\ntenants:\n"
        "  acme: { manifests: [k8s.yaml], vrfs: { main: { prefixes: [10.0.0.0/16] } } }\n"
        'expect:\n  - deny: "acme/web/p -> acme/db/*"\n'
    )
    done = CliRunner().invoke(main, ["check", str(path), "-o", "json"])
    assert done.exit_code == 2, done.output
    rows = json.loads(done.output)["rows"]
    assert {Path(r["file"]).name for r in rows} >= {"f.yaml", "k8s.yaml"}
    assert "C702" in {r["code"] for r in rows}
    assert not [*tmp_path.glob("*.lock.yaml")]


def test_what_is_not_evaluated_is_told(tmp_path: Path) -> None:
    (tmp_path / "k8s.yaml").write_text(
        "apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\n"
        "metadata: { name: fence, namespace: web }\n---\n"
        "apiVersion: v1\nkind: Pod\nmetadata: { name: p, namespace: web }\n"
        "spec: { containers: [{ name: c, image: i }] }\n"
    )
    path = tmp_path / "f.yaml"
    path.write_text(
        "cloison: 1\nname: x\nsites: { s: {} }\ntenants:\n"
        "  acme: { manifests: [k8s.yaml], vrfs: { main: { prefixes: [10.0.0.0/16] } } }\n"
    )
    (told,) = [d for d in check_file(path, path.read_text(), How()) if "fence" in d.message]
    assert told.span is not None and told.span.line == 3


@pytest.mark.parametrize(
    ("severities", "code", "verdict"),
    [
        (("warning", "unknown", "finding", "error"), 2, None),
        (("warning", "unknown", "finding"), 1, "fails"),
        (("unknown", "warning"), 4, "unknown"),
        (("warning",), 0, "holds"),
    ],
)
def test_the_worst_is_what_is_said(
    severities: tuple[str, ...], code: int, verdict: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = [Diagnostic("C201", "so", Span("f", 1, 1), None, severity) for severity in severities]
    monkeypatch.setattr("cloison.verbs.checking.check_file", lambda *_: found)
    done = CliRunner().invoke(main, ["check", "-", "-o", "json"], input="")
    assert (done.exit_code, json.loads(done.output)["verdict"]) == (code, verdict)
