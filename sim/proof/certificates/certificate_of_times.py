"""The certificates of a file with windows in one file: one for each set of periods in which the
same is in force, written as they come (`sim.checker.all_times` reads them)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any

from fabric.file.in_force import covered
from fabric.file.spec import FabricSpec
from sim.proof.certificates.certificate_text import pieces
from sim.wording.assumptions import OF_TIMES


class Whole:
    """Certificates that are taken one by one; each is kept as its text."""

    def __init__(self, spec: FabricSpec) -> None:
        self.spec = spec
        self.texts: list[bytes] = []
        self.digests: list[str] = []
        self.digest = ""

    def add(self, certificate: Any) -> None:
        """Take the next one."""
        self.texts.append(b"".join(pieces(certificate)))
        self.digests.append(certificate["digest"])

    def pieces(self, verdict: str) -> Iterator[bytes]:
        """The text of all of them, and a digest of it."""
        beside = {
            "schema": OF_TIMES,
            "fabric": self.spec.name,
            "verdict": verdict,
            "covers": covered(self.spec).row(),
        }
        body = json.dumps(
            {**beside, "certificates": self.digests}, sort_keys=True, separators=(",", ":")
        )
        self.digest = hashlib.sha256(body.encode()).hexdigest()
        yield json.dumps({**beside, "digest": self.digest}, separators=(",", ":"))[:-1].encode()
        yield b',"certificates":['
        for number, text in enumerate(self.texts):
            yield b"," * (number > 0) + text
        yield b"]}\n"
