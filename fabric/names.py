"""Names of endpoints and the patterns that select them.

A pattern has up to three `/`-separated segments, each a shell glob. A pattern with fewer segments
than the name selects it if it ends in `*`: `acme/*` is everything of acme, nodes included.
The last segment also matches the name of the workload that a pod belongs to.

>>> matches("acme/*", "acme/web/front-0", "front")
True
>>> matches("acme/web/front", "acme/web/front-0", "front")
True
>>> matches("acme/web", "acme/web/front-0", "front"), matches("*", "acme/@node/host1", None)
(False, True)
"""

from __future__ import annotations

from fnmatch import fnmatchcase


def matches(pattern: str, name: str, workload: str | None) -> bool:
    """Whether `pattern` selects the endpoint called `name` of `workload`."""
    wanted, parts = pattern.split("/"), name.split("/")
    if len(wanted) > len(parts) or (len(wanted) < len(parts) and wanted[-1] != "*"):
        return False
    if not all(fnmatchcase(part, want) for part, want in zip(parts[:-1], wanted, strict=False)):
        return False
    if len(wanted) < len(parts):
        return True
    return fnmatchcase(parts[-1], wanted[-1]) or (
        workload is not None and fnmatchcase(workload, wanted[-1])
    )
