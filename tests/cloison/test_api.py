"""The public names: pinned, importable, and few."""

from __future__ import annotations

import cloison


def test_exported_names_are_what_is_there() -> None:
    assert sorted(cloison.__all__) == sorted(cloison.HOME) == dir(cloison)
    assert len(cloison.__all__) <= 20
    for name in cloison.__all__:
        assert getattr(cloison, name) is not None
