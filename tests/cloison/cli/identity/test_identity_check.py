"""`cloison identity check`: documents in files, questions in lines."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import minted
import pytest
import yaml
from click.testing import CliRunner, Result
from minted import NOON, authority, entry, leaf, signer, token

from cloison.cli import main
from cloison.render.formats import FORMATS

AT = "2027-01-31T12:00:00Z"


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A folder with a bundle, two chains and a token."""
    root = authority()
    texts = {
        "bundle.pem": root.pem,
        "keys.json": json.dumps({"keys": [entry(signer(), kid="k1")]}),
        "good.pem": minted.pem(leaf(root)),
        "foreign.pem": minted.pem(leaf(authority("globex"))),
        "odd.pem": minted.pem(leaf(authority("odd", kind="Ed25519"), kind="Ed25519")),
        "odd-bundle.pem": authority("odd", kind="Ed25519").pem,
        "token": token(signer()) + "\n",
    }
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def run(*arguments: str | Path, text: str = "") -> Result:
    return CliRunner().invoke(main, ["identity", "check", *map(str, arguments)], input=text)


def check(
    files: Path, *names: str, trust: str = "bundle.pem", more: tuple[str, ...] = ()
) -> Result:
    given = [files / name for name in names]
    return run(*given, "--trust", f"acme.example={files / trust}", "--at", AT, *more)


def test_exit_codes_are_those_of_verdicts(files: Path) -> None:
    assert check(files, "good.pem").exit_code == 0
    assert check(files, "good.pem", "foreign.pem").exit_code == 1
    assert check(files, "odd.pem", trust="odd-bundle.pem").exit_code == 4
    assert check(files, "token", trust="keys.json").exit_code == 4, "presented to nobody"
    more = ("--audience", "orders")
    assert check(files, "token", trust="keys.json", more=more).exit_code == 0
    assert check(files, "good.pem", "token", more=more).exit_code == 1


def test_json_says_everything(files: Path) -> None:
    done = check(files, "good.pem", "foreign.pem", more=("-o", "json"))
    document = json.loads(done.stdout)
    assert document["schema"] == "cloison/identity/1" and document["at"] == AT
    assert document["assumes"] == "nothing was revoked"
    good, foreign = document["rows"]
    assert good == {
        "file": str(files / "good.pem"), "kind": "X.509-SVID", "verdict": "accepted",
        "name": minted.WEB, "reasons": [], "remarks": [],
        "since": "2027-01-30T12:00:00Z", "until": "2027-02-01T12:00:00Z",
    }  # fmt: skip
    assert foreign["verdict"] == "refused" and foreign["until"] is None


@pytest.mark.parametrize("output", ["table", "json", "csv", "md", "yaml", "jsonl"])
def test_no_format_tells_a_secret(files: Path, output: str) -> None:
    """A token is one: whoever has it is who it names."""
    (files / "good.pem").write_text(
        minted.private(minted.key("P-256", "leaf")) + (files / "good.pem").read_text()
    )
    for audience in ("orders", "other"):
        more = ("--audience", audience, "-o", output)
        done = check(files, "token", "good.pem", trust="keys.json", more=more)
        said = done.stdout + done.stderr
        secrets = (*token(signer()).split("."), (files / "good.pem").read_text().splitlines()[1])
        assert not any(secret[:24] in said for secret in secrets), said
        assert "Identities" in said or output != "table"


def test_mistakes_are_told_together(files: Path) -> None:
    (files / "none").write_text("hello")
    done = run(
        files / "good.pem", "--trust", "acme.example", "--trust", "ACME=x",
        "--trust", f"b={files / 'none'}", "--trust", f"b2={files / 'gone'}",
    )  # fmt: skip
    assert done.exit_code == 2 and "Traceback" not in done.stderr
    assert done.stderr.count("error[C895]") == 2 and done.stderr.count("error[C896]") == 1
    done = check(files, "none", "good.pem", "gone")
    assert done.exit_code == 2 and "C896" in done.stderr and "C101" in done.stderr
    assert done.stdout == "", "nothing is half told"
    twice = ("--trust", f"acme.example={files / 'bundle.pem'}")
    assert "stands there twice" in check(files, "good.pem", more=twice).stderr


@pytest.mark.parametrize(
    "moment",
    [
        "now",
        "2027-01-31",
        "2027-01-31T12:00:00",
        "2027-02-30T00:00:00Z",
        "1",
        "٢٠٢٧-01-31T12:00:00Z",
    ],
)
def test_a_time_has_a_zone(files: Path, moment: str) -> None:
    done = run(files / "good.pem", "--at", moment)
    assert done.exit_code == 2 and "2027-01-31T09:30:00Z" in done.stderr


def asked(files: Path, *questions: Any) -> tuple[int, list[dict[str, Any]]]:
    text = "".join(q if isinstance(q, str) else json.dumps(q) + "\n" for q in questions)
    trust = f"acme.example={files / 'bundle.pem'}"
    done = run("--requests", "-", "--trust", trust, "--at", AT, text=text)
    assert "Traceback" not in done.stderr
    return done.exit_code, [json.loads(line) for line in done.stdout.splitlines()]


def test_lines_are_answered_in_order(files: Path) -> None:
    good, foreign = ((files / name).read_text() for name in ("good.pem", "foreign.pem"))
    keys = json.loads((files / "keys.json").read_text())
    code, found = asked(
        files,
        {"id": 1, "svid": good},
        {"id": 2, "svid": good, "at": "2027-03-01T00:00:00Z"},
        {"id": 3, "svid": foreign, "trust": {"acme.example": authority("globex").pem}},
        {"id": 4, "svid": token(signer()), "trust": {"acme.example": keys}, "audience": "orders"},
        {"id": 5, "spiffe_id": "spiffe://acme.example/web"},
        {"id": 6, "spiffe_id": "spiffe://acme.example/"},
    )
    assert code == 0 and [row["id"] for row in found] == [1, 2, 3, 4, 5, 6]
    verdicts = [row["verdict"] for row in found]
    assert verdicts == ["accepted", "refused", "accepted", "accepted", "accepted", "refused"]
    code, found = asked(files, {"svid": token(signer()), "trust": {"acme.example": keys}})
    assert code == 4 and found[0]["verdict"] == "unknown"


def test_what_is_no_question_has_no_answer(files: Path) -> None:
    questions = (
        "x\n", "[]\n", '{"id": 1}\n', '{"id": 2, "svid": 3}\n', '{"id": 3, "svid": "x"}\n',
        '{"id": 4, "svid": "a.b.c", "trust": 1}\n', '{"id": 5, "svid": "a.b.c", "at": "now"}\n',
        '{"id": 6, "svid": "a.b.c", "trust": {"acme.example": "x"}}\n', '{"id": 7, "what": 1}\n',
        '{"id": 8, "id": 9}\n', '{"id": 10, "svid": "a.b.c", "trust": {"A": "x"}}\n',
        "{" * 9000 + "\n",
        '{"id": 11, "svid": "-----BEGIN CERTIFICATE-----"}\n',
    )  # fmt: skip
    code, found = asked(files, *questions)
    assert code == 2 and len(found) == len(questions) and all("error" in row for row in found)


@pytest.mark.parametrize("output", FORMATS)
def test_questions_are_answered_in_every_format(files: Path, output: str) -> None:
    names = [{"id": n, "spiffe_id": f"spiffe://acme.example/{n}"} for n in ("web", "")]
    text = "".join(map(json.dumps, [*names])).replace("}{", "}\n{") + "\nx\n"
    done = run("--requests", "-", "--at", AT, "-o", output, text=text)
    wanted = [
        json.loads(line)
        for line in run("--requests", "-", "--at", AT, text=text).stdout.splitlines()
    ]
    assert done.exit_code == 2 and len(wanted) == 3
    match FORMATS[output].cells:
        case "data" if output != "jsonl":
            assert yaml.safe_load(done.stdout)["rows"] == wanted
        case "text":
            assert [word in done.stdout for word in ("accepted", "refused", "no answer")] == [
                True, True, True
            ]  # fmt: skip
            assert wanted[1]["reasons"][0] in done.stdout and "not JSON" in done.stdout
        case _:
            assert all(word in done.stdout for word in ("accepted", "refused", "not JSON"))


def test_help_and_reading_load_no_library() -> None:
    """cryptography is there for who judges."""
    program = (
        "import sys; from cloison.cli import main\n"
        "try: main(['identity', 'check', '--help'])\n"
        "finally: print(*sorted({'cryptography', 'joserfc', 'numpy'} & {*sys.modules}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == ""


def test_without_the_libraries_it_says_what_to_install(
    files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "joserfc", None)
    done = check(files, "good.pem")
    assert done.exit_code == 2 and "C897" in done.stderr and "cloison[identity]" in done.stderr
    assert NOON.year == 2027
