"""`links:` of a fabric file: what single cables have that others of their kind have not.

A key is a link's name as `--down` takes it, either way round, or a pattern that fits several; where
several keys fit a link, the last of them counts.
"""

from __future__ import annotations

from fabric.diagnostics import Diagnostics, did_you_mean
from fabric.file.spec import FabricSpec
from fabric.values.wildcard import HINT, beyond, fits, mistake
from fabric.wiring.multigraph import Multigraph


def set_links(spec: FabricSpec, wiring: Multigraph) -> None:
    """Put settings of single links into the wiring. Raises `InputError` for keys that fit none."""
    if not spec.links:
        return
    problems = Diagnostics()
    known = {
        name: data
        for _, _, key, data in wiring.edges()
        for name in (key, turned(key, data["a"], data["b"]))
    }
    for pattern, settings in spec.links.items():
        span = spec.at_key("links", pattern)
        if (wrong := mistake(pattern, numbers_only=True)) is not None:
            problems.error("C345", f'cannot read "{pattern}": {wrong}', span, HINT)
            continue
        found = [data for name, data in known.items() if fits(name, pattern)]
        if unknown := beyond(pattern, known) if found else (pattern,):
            hint = did_you_mean(unknown[0], known)
            problems.error("C345", f'no link is called "{unknown[0]}"', span, hint)
        for data in found:
            data["speed"] = settings.speed or data["speed"]
    problems.check()


def turned(name: str, a: str, b: str) -> str:
    """A link's name with its upper end first.

    >>> turned("leaf1--spine1#2", "leaf1", "spine1")
    'spine1--leaf1#2'
    """
    return f"{b}--{a}{name.removeprefix(f'{a}--{b}')}"
