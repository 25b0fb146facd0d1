"""What labs there are: one small file each, written before anything is built.

The folder is that of the runtime data of whoever runs cloison; it does not survive a reboot, and
neither do namespaces.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import asdict, dataclass
from pathlib import Path

from fabric.diagnostics import Diagnostic, InputError


@dataclass(frozen=True, slots=True)
class About:
    """What was built: the fabric file, what had failed, how VRFs are realised, whether rules are
    in force, a digest of all routes and rules, and the moment that was asked for."""

    fabric: str
    down: tuple[str, ...]
    vrf_devices: bool = False
    rules: bool = False
    digest: str = ""
    at: str | None = None


def folder() -> Path:
    """Where records are kept."""
    base = os.environ.get("XDG_RUNTIME_DIR") or "/run"
    return Path(base, "cloison-labs")


def write(lab: str, about: About) -> None:
    """Put a lab on record, whole or not at all."""
    place = folder()
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = place / f".{lab}"
    path.write_text(json.dumps(asdict(about)))
    path.rename(place / lab)


def read(lab: str) -> About:
    """The record of a lab; `InputError` when there is none or it cannot be read."""
    known(lab)
    try:
        data = json.loads((folder() / lab).read_text())
        return About(**data | {"down": tuple(data["down"])})
    except (ValueError, KeyError, TypeError) as error:
        message = f"the record of lab {lab} cannot be read: {error}"
        raise InputError(Diagnostic("C721", message, hint=f"cloison lab down {lab}")) from None


def known(lab: str) -> None:
    """`InputError` unless a lab is on record."""
    if lab not in labs():
        hint = f"known: {', '.join(labs())}" if labs() else "there is none"
        raise InputError(Diagnostic("C720", f'no lab is called "{lab}"', hint=hint))


def forget(lab: str) -> None:
    """Take a lab off the record."""
    (folder() / lab).unlink(missing_ok=True)


def labs() -> list[str]:
    """Ids of all labs on record, oldest first."""
    if not folder().is_dir():
        return []
    found = [path for path in folder().iterdir() if re.fullmatch(r"[0-9a-f]{8}", path.name)]
    return [path.name for path in sorted(found, key=lambda p: (p.stat().st_mtime_ns, p.name))]
