"""Write every golden text again: `python tests/regenerate.py`, then read `git diff`."""

from __future__ import annotations

from goldens import KINDS, expected, inputs


def main() -> None:
    """Inputs stay, texts are replaced; texts without an input are removed."""
    for folder, produce in KINDS.items():
        paths = inputs(folder)
        for path in paths:
            expected(path).write_text(produce(path), "utf-8")
        for stale in {*folder.glob("*.txt")} - {expected(path) for path in paths}:
            stale.unlink()


if __name__ == "__main__":
    main()
