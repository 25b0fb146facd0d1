"""What must hold between the parts of a fabric file, beyond its shape."""

from __future__ import annotations

from fabric.diagnostics import Diagnostic, Diagnostics
from fabric.spec import FabricSpec


def check(spec: FabricSpec) -> tuple[Diagnostic, ...]:
    """Warnings; raises one `InputError` with every error."""
    found = Diagnostics()
    found.check()
    return found.warnings
