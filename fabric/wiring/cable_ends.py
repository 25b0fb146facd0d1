"""Both ends of a cable as they are written: `leaf1:swp1 -- spine1:swp2`, with ports or without."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from fabric.file.spec import SiteCable
from fabric.wiring.seen_cables import Ends

END = re.compile(r"\s*([^\s:]+)(?::(\S+))?\s*")


def ends_of(cable: str | SiteCable) -> tuple[list[str], Ends | None]:
    """The ends of a cable as they are written, and as nodes and ports if they can be read."""
    texts = cable.between if isinstance(cable, SiteCable) else re.split(r"\s--\s", cable)
    read = [END.fullmatch(text) for text in texts]
    if len(read) != 2 or read[0] is None or read[1] is None:
        return texts, None
    return texts, ((read[0][1], read[0][2]), (read[1][1], read[1][2]))


def told_end(end: Any) -> str:
    """An end as a cable has it."""
    name, port = end
    return f"{name}:{port}" if port else str(name)


def told_ends(ends: Iterable[Any]) -> str:
    """A cable."""
    return " -- ".join(map(told_end, ends))
