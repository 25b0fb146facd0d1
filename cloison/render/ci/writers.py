"""The formats of CI, a row each. A writer is imported when it writes: commands name the formats,
and most answers are for people.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from fabric.values.rows import Rows

if TYPE_CHECKING:
    from cloison.render.ci.annotation import Report


@dataclass(frozen=True, slots=True)
class CiFormat:
    """`write` makes text of a report; its second argument says where all of it is, for what is cut.
    `speaks`: whether stderr may say what inputs say, beside it."""

    name: str
    write: Callable[[Report, str], str]
    speaks: bool


def _by(module: str) -> Callable[[Report, str], str]:
    """What the module of that name in this folder writes."""

    def write(report: Report, link: str) -> str:
        found: Any = import_module(f"cloison.render.ci.{module}")
        return str(found.written(report, link))

    return write


WRITERS: Rows[CiFormat] = Rows(
    CiFormat("sarif", _by("sarif"), True),
    CiFormat("junit", _by("junit"), True),
    CiFormat("github", _by("github"), False),
    CiFormat("gitlab", _by("gitlab"), True),
)
SUMMARY = _by("comment")
"""What `--summary` writes: Markdown."""
