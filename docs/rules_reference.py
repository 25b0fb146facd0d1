"""Write cloison/render/ci/rules.json from docs/errors.md; `--check` only says whether it is
current."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

PAGE = Path(__file__).parent / "errors.md"
TARGET = Path(__file__).parents[1] / "cloison" / "render" / "ci" / "rules.json"
ROW = re.compile(r"^\| (C\d{3}) \|.*$", re.M)
CELL = re.compile(r"(?<!\\)\|")
KIND = re.compile(r"^[WFU]: ")


def rules() -> str:
    """Meaning and hint of every code."""
    found = {}
    for row in ROW.finditer(PAGE.read_text("utf-8")):
        meaning, hint = (cell.strip() for cell in CELL.split(row[0])[2:4])
        found[row[1]] = [KIND.sub("", meaning), hint]
    return f"{json.dumps(dict(sorted(found.items())), indent=0, ensure_ascii=False)}\n"


if __name__ == "__main__":
    if "--check" in sys.argv:
        sys.exit(TARGET.read_text("utf-8") != rules())
    TARGET.write_text(rules(), "utf-8")
