"""Views give rows and text to whoever asks: nothing outside of the command line needs click, except
the one door to stdout."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[3] / "cloison"
DOOR = {FOLDER / "render" / "formats.py", FOLDER / "render" / "colour.py"}
BELOW = sorted(
    path for path in FOLDER.rglob("*.py") if "cli" not in path.parts and path not in DOOR
)


@pytest.mark.parametrize("path", BELOW, ids=lambda path: str(path.relative_to(FOLDER)))
def test_below_the_command_line_nothing_prints(path: Path) -> None:
    tree = ast.parse(path.read_text())
    names = [n for node in ast.walk(tree) if isinstance(node, ast.Import) for n in node.names]
    froms = [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    used = {name.name.partition(".")[0] for name in names} | {f.partition(".")[0] for f in froms}
    assert "click" not in used
    assert not any(f.startswith("cloison.cli") for f in froms)
    called = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
    assert "print" not in {f.id for f in called if isinstance(f, ast.Name)}
    assert not {"emit", "show", "say"} & {
        name.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "cloison.render.formats"
        for name in node.names
    }
