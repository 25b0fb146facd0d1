"""What labs there are: one small file each, written before anything is built.

The folder is that of the runtime data of whoever runs cloison; it does not survive a reboot, and
neither do namespaces.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from fabric.diagnostics import Diagnostic, InputError


@dataclass(frozen=True, slots=True)
class About:
    """What was built: the fabric file, what had failed, and how VRFs are realised."""

    fabric: str
    down: tuple[str, ...]
    vrf_devices: bool


@dataclass(frozen=True, slots=True)
class State:
    """A lab on record."""

    about: About
    spaces: tuple[str, ...]


def folder() -> Path:
    """Where records are kept."""
    base = os.environ.get("XDG_RUNTIME_DIR") or "/run"
    return Path(base, "cloison-labs")


def write(lab: str, about: About, spaces: Sequence[str]) -> None:
    """Put a lab on record, whole or not at all."""
    place = folder()
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = place / f".{lab}"
    path.write_text(json.dumps({"about": asdict(about), "spaces": list(spaces)}))
    path.rename(place / lab)


def read(lab: str) -> State:
    """The record of a lab; InputError when there is none or it is no record of ours."""
    if not re.fullmatch(r"[0-9a-f]{8}", lab) or lab not in labs():
        known = ", ".join(labs()) or "there is none"
        raise InputError(Diagnostic("C720", f'no lab is called "{lab}"', hint=f"known: {known}"))
    try:
        data = json.loads((folder() / lab).read_text())
        about = About(data["about"]["fabric"], tuple(data["about"]["down"]),
                      bool(data["about"]["vrf_devices"]))  # fmt: skip
        spaces = tuple(s for s in data["spaces"] if s.startswith(f"cln-{lab}-"))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        message = f"the record of lab {lab} cannot be read: {error}"
        raise InputError(Diagnostic("C721", message, hint=f"remove {folder() / lab}")) from None
    return State(about, spaces)


def forget(lab: str) -> None:
    """Take a lab off the record."""
    (folder() / lab).unlink(missing_ok=True)


def labs() -> list[str]:
    """Ids of all labs on record, oldest first."""
    found = [p for p in folder().glob("????????") if p.is_file()] if folder().is_dir() else []
    return [p.name for p in sorted(found, key=lambda p: (p.stat().st_mtime_ns, p.name))]
