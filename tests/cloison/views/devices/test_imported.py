"""What is said of configurations: no more is made than is written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cloison.views.devices import imported
from compiler.imports.config_folder import read_folder
from compiler.imports.device_facts import Device

GOLDEN = Path(__file__).parents[3] / "compiler" / "imports" / "nvue"


@pytest.mark.parametrize("output", ["table", "csv", "json"])
def test_facts_are_told_where_they_are_written(
    output: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Facts of all rules take many times what reading them does."""
    real, devices = imported.told, list[str]()

    def told(fact: Any, lines: bool = False) -> Any:
        devices.extend([fact.name] if isinstance(fact, Device) else [])
        return real(fact, lines)

    monkeypatch.setattr(imported, "told", told)
    text = imported.answer(read_folder(GOLDEN / "dpu1.yaml", ("nvue",)), output, ignored=False)
    assert devices == (["dpu1"] if output == "json" else [])
    if output == "json":
        (facts,) = json.loads(text)["facts"]
        assert facts["acls"][0]["entries"][0]["line"].endswith("dpu1.yaml:12:11")
