"""What the user guide of FRR says that configurations do is what is read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from said_by_documents import asked, lines_of, wanted

from compiler.imports.accounting import ConfigText
from compiler.imports.frr import frr_conf
from fabric.diagnostics import Diagnostics

CASES: list[dict[str, Any]] = yaml.safe_load(
    (Path(__file__).parents[1] / "documents/frr.yaml").read_text()
)


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_what_the_documents_say(case: dict[str, Any]) -> None:
    found = Diagnostics()
    reading = frr_conf.read("d", (ConfigText("d.conf", case["configuration"]),), found)
    assert reading is not None and not found.items and not reading.leftover
    for said in case["says"]:
        assert asked(reading.device, said) == wanted(said), said
        if "vrf" in said and said.keys() & {"import", "export", "leaks", "networks", "static"}:
            assert said.get("line", 0) in (0, *lines_of(reading.device, said)), said
