"""Which releases of FRR tests ask, and what is particular about each.

8.4 is what Debian 12 installs. 10.3 is Debian trixie's, unpacked into a folder by `.ci/frr-10` and
run by chroot; `CLOISON_FRR_10` names the folder where it is not in the cache of CI. A machine that
has neither skips, or fails where no oracle may be missing.
"""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from oracles import require, require_root, unavailable

DAEMONS = "/usr/lib/frr"
SEEN = ("/proc", "/sys", "/dev")
"""What a chroot sees of the machine."""
NOTHING_FIRST = re.compile(r"\{\s*,")
"""10.3 begins some objects with a comma."""


@dataclass(frozen=True, slots=True)
class Release:
    """A release of FRR: where its files are, and its daemons in the order of starting."""

    name: str
    root: Path
    daemons: tuple[str, ...]

    @property
    def etc(self) -> Path:
        """Where its daemons look for configurations, seen from outside."""
        return self.root / "etc/frr"

    @property
    def run(self) -> Path:
        """Where its sockets and pid files are, seen from outside."""
        return self.root / "run/frr"

    @property
    def user(self) -> str:
        """Who owns both: in its own root there is nobody else."""
        return "frr" if self.root == Path("/") else "root"

    def command(self, *words: str) -> tuple[str, ...]:
        """A command of this release; sockets of its daemons are where it looks for them."""
        return words if self.root == Path("/") else ("chroot", str(self.root), *words)

    def mounts(self, namespaces: Path) -> list[str]:
        """What a daemon's own mount namespace needs: `namespaces` is all that it sees of VRFs, and
        what it writes for the case of a crash, or as mgmtd's history, goes with it."""
        seen = [] if self.root == Path("/") else [f"{each} {self.root}{each}" for each in SEEN]
        pairs = (*seen, f"{namespaces} {self.root}/run/netns")
        lost = ["/var/tmp", *(["/var/lib/frr"] if "mgmtd" in self.daemons else [])]
        written = [f"mount -t tmpfs none {self.root}{folder}" for folder in lost]
        return [*(f"mount --rbind {pair}" for pair in pairs), *written]

    def mended(self, text: str) -> str:
        """What it prints, as JSON."""
        return NOTHING_FIRST.sub("{", text)

    def require(self) -> None:
        """Skip (or fail) unless this very release can run here."""
        require("ip", "nsenter", "unshare", "chroot")
        require_root()
        if not (self.root / DAEMONS[1:] / "bgpd").exists():
            unavailable(f"no FRR {self.name} below {self.root}")
        asked = self.command(f"{DAEMONS}/bgpd", "--version")
        said = subprocess.run(asked, capture_output=True, text=True).stdout
        if not said.startswith(f"bgpd version {self.name}"):
            unavailable(f"FRR below {self.root} is not {self.name}: {said.partition(chr(10))[0]}")


def _unpacked() -> Path:
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Path(os.environ.get("CLOISON_FRR_10") or cache / "cloison-ci" / "frr-10").resolve()


FRR_8 = Release("8.4", Path("/"), ("zebra", "staticd", "bgpd"))
FRR_10 = Release("10.3", _unpacked(), ("mgmtd", "zebra", "bgpd"))
RELEASES = (FRR_8, FRR_10)
