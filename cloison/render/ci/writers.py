"""The formats of CI, a row each."""

from __future__ import annotations

from collections.abc import Callable

from cloison.render.ci import comment, github, gitlab, junit, sarif
from cloison.render.ci.annotation import Report

WRITERS: dict[str, Callable[[Report, str], str]] = {
    "sarif": sarif.written,
    "junit": junit.written,
    "github": github.written,
    "gitlab": gitlab.written,
    "md": comment.written,
}
"""Each makes text of a report; the second argument says where all of it is, for what is cut."""
