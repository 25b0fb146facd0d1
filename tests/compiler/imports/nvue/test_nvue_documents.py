"""What NVIDIA's documents say that NVUE does is what is read.

`OPEN` are cases in which the reader says otherwise, with who is right; a row that is right goes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from said_by_documents import asked, wanted

from compiler.imports.accounting import ConfigText
from compiler.imports.nvue import nvue_config
from fabric.diagnostics import Diagnostics

CASES: list[dict[str, Any]] = yaml.safe_load(
    (Path(__file__).parents[1] / "documents/nvue.yaml").read_text()
)
OPEN = {
    "EVPN that is off": "what a device with EVPN off would announce is not nothing",
}


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_what_the_documents_say(case: dict[str, Any]) -> None:
    found = Diagnostics()
    reading = nvue_config.read("d", (ConfigText("d.yaml", case["configuration"]),), found)
    assert reading is not None and not found.errors
    says = case["says"]
    wrong = [said for said in says if asked(reading.device, said) != wanted(said)]
    if case["name"] in OPEN:
        assert wrong, "this is right now: take the row out of OPEN"
    else:
        assert not wrong
