"""Which lines of a text hold somebody's secrets, so that no message quotes them.

Mistakes are often in documents that cannot be parsed, so this reads words and no structure: a
document in which some value says `Secret` (also `SecretList`, `SealedSecret`), and single lines
that name a password, token or key. Quoting too little costs an excerpt; too much, a credential.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from itertools import pairwise

SEPARATOR = re.compile(r"^(---|\.\.\.)(\s|$)", re.M)
SECRET = re.compile(r"[:?]\s*(?:[!&]\S*\s+)*[\"']?\w*Secret")
CREDENTIAL = re.compile(
    r"(pass(word|wd|phrase)|secret|token|api[-_]?key|credentials?|private[-_]?key)\w*[\"']?\s*[:=,]"
    r"|://[^/\s:@]*:[^/\s@]+@"
    r"|-----BEGIN",
    re.I,
)


class Secrets:
    """The lines of one text that are not to be shown."""

    def __init__(self, text: str) -> None:
        places = [0, *(found.start() for found in SEPARATOR.finditer(text)), len(text)]
        self.starts = [text.count("\n", 0, place) + 1 for place in places[:-1]]
        self.secret = [
            SECRET.search(text, first, last) is not None for first, last in pairwise(places)
        ]
        self.lines = text.split("\n")

    def __contains__(self, line: int) -> bool:
        """Whether a line (from 1) is one of them.

        >>> secrets = Secrets("a: 1\\n---\\nkind: Secret\\ndata: x\\n---\\npassword: b")
        >>> [line for line in range(1, 7) if line in secrets]
        [2, 3, 4, 6]
        """
        if self.secret[max(bisect_right(self.starts, line) - 1, 0)]:
            return True
        there = 0 < line <= len(self.lines)
        return there and CREDENTIAL.search(self.lines[line - 1]) is not None
