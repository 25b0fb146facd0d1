"""Certificates of all times: what is missing, twice, or of another file is told."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from windowed import fabric

from cloison.cli import main
from cloison.views.verification.verified import check, read_certificate
from sim.checker.all_times import digest_of, whole_problems
from sim.checker.consistency import inconsistencies
from sim.proof.certificates.certificate_text import digest
from sim.wording.assumptions import AT_BOUNDS

DAYS = [f"2027-01-{day:02}T00:00:00Z" for day in range(1, 8)]
WINDOWS = {
    ("leaks", 0): {"from": DAYS[1], "until": DAYS[3]},
    ("zones", "zone1", "rules", 0): {"until": DAYS[2]},
    ("expect", 2): {"from": DAYS[1], "until": DAYS[2]},
}


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The fabric and its certificates."""
    folder = tmp_path_factory.mktemp("times")
    path, out = fabric(folder / "f", WINDOWS), folder / "all.json"
    done = CliRunner().invoke(main, ["verify", str(path), "--certificate", str(out)])
    assert done.exit_code in (0, 1), done.output
    return path, out


def test_what_is_written_fits_its_digest(written: tuple[Path, Path]) -> None:
    document = json.loads(written[1].read_text())
    assert len(document["certificates"]) > 1
    assert document["digest"] == digest_of(document)


@pytest.fixture
def found(written: tuple[Path, Path]) -> Any:
    return copy.deepcopy(read_certificate(written[1]))


def sealed(found: Any) -> Any:
    for part in found["certificates"]:
        part["digest"] = digest({k: v for k, v in part.items() if k != "digest"})
    return {**found, "digest": digest_of(found)}


def worst(found: Any) -> str:
    said = {part["verdict"] for part in found["certificates"]}
    return next(word for word in ("fails", "unknown", "holds") if word in said)


def problems(found: Any, path: Path | None = None) -> list[str]:
    return check(sealed(found), path)[0]["problems"]


def test_they_are_consistent_and_valid(written: tuple[Path, Path], found: Any) -> None:
    assert problems(found) == [] == problems(found, written[0])
    assert len(found["certificates"]) == 4
    assert whole_problems(found, inconsistencies) == []


def test_a_moment_that_nobody_speaks_of_is_told(written: tuple[Path, Path], found: Any) -> None:
    gone = found["certificates"].pop(1)
    assert gone["times"] == [{"from": DAYS[1], "until": DAYS[2]}]
    found["verdict"] = worst(found)
    assert problems(found) == [f"times: no certificate is about {DAYS[1]}"]


def test_a_moment_that_two_speak_of_is_told(found: Any) -> None:
    found["certificates"][1]["times"][0]["from"] = DAYS[0]
    assert problems(found) == ["times: two certificates say the same moment"]


def test_times_that_are_stretched_are_not_valid(written: tuple[Path, Path], found: Any) -> None:
    """Consistent by themselves: only the file shows when it changes."""
    found["certificates"][0]["times"][0]["until"] = DAYS[0]
    found["certificates"][1]["times"][0]["from"] = DAYS[0]
    assert problems(found) == []
    said = problems(found, written[0])
    assert "certificates[0].times: the file is what the certificate is about at other times" in said
    assert "certificates[1].times: the file is what the certificate is about at other times" in said


def test_covering_less_than_the_file_speaks_of_is_not_valid(
    written: tuple[Path, Path], found: Any
) -> None:
    found["certificates"] = found["certificates"][1:]
    found["covers"]["from"] = DAYS[1]
    found["verdict"] = worst(found)
    assert problems(found) == []
    assert problems(found, written[0])[0] == "covers: the file speaks of another time"


def test_the_verdict_is_the_worst(found: Any) -> None:
    found["verdict"] = "holds" if found["verdict"] == "fails" else "fails"
    assert problems(found) == ["verdict: not the worst of the certificates"]


@pytest.mark.parametrize("key", ["covers", "fabric", "certificates"])
def test_what_is_changed_does_not_fit_the_digest(found: Any, key: str) -> None:
    if key == "covers":
        found["covers"]["until"] = DAYS[6]
    elif key == "fabric":
        found["fabric"] = "another"
    else:
        found["certificates"].reverse()
    assert "digest: it does not fit the content" in check(found, None)[0]["problems"]


def test_one_certificate_says_when_it_is_true(
    written: tuple[Path, Path], found: Any, tmp_path: Path
) -> None:
    path, one = written[0], found["certificates"][0]
    bare = {k: v for k, v in one.items() if k not in ("times", "digest")}
    silent = bare | {"assumptions": [a for a in one["assumptions"] if a != AT_BOUNDS]}
    stretched = bare | {"times": [{"from": None, "until": DAYS[3]}]}
    for other in (silent, stretched):
        said = check({**other, "digest": digest(other)}, path)[0]["problems"]
        assert any(text.startswith("times: ") for text in said), other.get("times")
    moved = bare | {"times": found["certificates"][1]["times"]}
    assert check({**moved, "digest": digest(moved)}, path)[0]["problems"]
    assert check(one, path)[0]["problems"] == []
    plain = fabric(tmp_path / "plain", {})
    assert any(text.startswith("times: ") for text in check(one, plain)[0]["problems"])


@pytest.mark.parametrize(
    "times",
    [
        [],
        [{"from": "2027", "until": None}],
        [{"from": None, "until": "2027-01-01T00:00:00+00:00"}],
        [{"from": DAYS[1], "until": DAYS[0]}],
        [{"from": None, "until": None}, {"from": None, "until": None}],
    ],
)
def test_times_have_a_form(found: Any, times: Any) -> None:
    one = {k: v for k, v in found["certificates"][0].items() if k != "digest"} | {"times": times}
    wrong = inconsistencies({**one, "digest": digest(one)})
    assert wrong and all(text.startswith("times") for text in wrong)


def test_anything_else_is_no_set_of_certificates(tmp_path: Path) -> None:
    for text in ({"schema": "cloison/certificates-of-times/1"},):
        path = tmp_path / "x.json"
        path.write_text(json.dumps(text))
        found = check(read_certificate(path), None)[0]
        assert found["problems"] and not found["consistent"]


def test_all_are_of_the_same_failures(found: Any) -> None:
    found["certificates"][0]["down"] = ["spine1"]
    assert any("down: certificates of several" in problem for problem in problems(found))
