"""The public names: pinned, importable, and few."""

from __future__ import annotations

from pathlib import Path

import cloison

SMALL = Path(__file__).parents[3] / "topologies" / "small.yaml"


def test_exported_names_are_what_is_there() -> None:
    assert sorted(cloison.__all__) == sorted(cloison.HOME) == dir(cloison)
    assert len(cloison.__all__) <= 26
    for name in cloison.__all__:
        assert getattr(cloison, name) is not None


def test_check_says_what_the_verb_says(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("cloison: 1\nname: x\nsites: { a: { leaves: two } }\n")
    assert [d.code for d in cloison.check(wrong)] == ["C203"]
    assert [d.code for d in cloison.check(tmp_path / "missing.yaml")] == ["C101"]
    assert [d for d in cloison.check(SMALL) if d.severity == "error"] == []
