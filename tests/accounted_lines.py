"""Lines of configurations, each of which counts: what a file comes to, and lines that differ."""

from __future__ import annotations

import re

DIGIT_OR_LETTER = re.compile(r"[A-Za-z0-9]")


def altered(line: str) -> str | None:
    """The line with its last letter or digit otherwise; None where there is none."""
    places = list(DIGIT_OR_LETTER.finditer(line))
    if not places:
        return None
    at = places[-1].start()
    return line[:at] + ("7" if line[at] != "7" else "8") + line[at + 1 :]
