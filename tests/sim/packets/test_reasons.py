"""Drop reasons are what people read: each is explained, in pipeline order."""

from __future__ import annotations

import re
from pathlib import Path

from compiler.policy.stages import every
from sim.packets.reasons import reasons

FORMATS = Path(__file__).parents[3] / "docs" / "formats.md"


def test_every_reason_is_explained_in_order() -> None:
    section = FORMATS.read_text().split("Reasons, in the order", 1)[1].split("\n## ", 1)[0]
    rows = [line for line in section.splitlines() if line.startswith("| `")]
    told = [name for row in rows for name in re.findall(r"`(\w+)`", row.split("|")[1])]
    assert told == [reason.label for reason in reasons(every()).in_order]
