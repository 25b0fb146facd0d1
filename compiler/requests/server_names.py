"""Names that DNS rules and TLS rules of Cilium ask for, as languages.

A name in a DNS rule is compared in lower case, with or without a last dot. A star holds characters
of a label; two and a dot in front hold labels before the rest; a star alone is every name.

Source: Cilium 1.20 `pkg/fqdn/matchpattern`; `serverNames` have the same stars in front.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from compiler.requests.regex_parts import read_regex

NAME = re.compile(r"[-a-z0-9_.*]+")
SIGNS = "[-a-z0-9_]"


def name_regex(pattern: str) -> str | None:
    """The expression of a pattern, over names in lower case without a last dot; None for what is no
    pattern.

    >>> name_regex("**.A.io."), name_regex("a*.io")
    ('[-a-z0-9_]+(\\\\.[-a-z0-9_]+)*\\\\.a\\\\.io', 'a[-a-z0-9_]*\\\\.io')
    """
    text = pattern.strip().lower().removesuffix(".")
    if not NAME.fullmatch(text):
        return None
    labels = rf"{SIGNS}+(\.{SIGNS}+)*"
    if not text.strip("*"):
        return labels
    below = re.match(r"\*{2,}\.", text)
    rest = text[below.end() :] if below else text
    starred = re.sub(r"\*+", "*", rest).replace(".", r"\.").replace("*", f"{SIGNS}*")
    return (labels + r"\." if below else "") + starred


def server_matches(patterns: Iterable[str], name: str) -> bool | None:
    """Whether a name is one of some patterns; None where one of these is not read."""
    found = [name_regex(pattern) for pattern in patterns]
    plain = name.lower().removesuffix(".")
    if any(read_regex(one).matches(plain) for one in found if one is not None):
        return True
    return None if None in found else False
