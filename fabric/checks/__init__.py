"""What must hold between the parts of a fabric file, beyond its shape.

One module per subject. References are checked even where values cannot be read, so that one run
reports as much as possible; numbers and routes wait until every value can.
"""

from __future__ import annotations

from fabric.checks import expectations, numbers, routes, sharing, sites, tenants, values, zones
from fabric.checks.names import survey
from fabric.diagnostics import Diagnostic, Diagnostics
from fabric.spec import FabricSpec

REFERENCES = (sites.check, tenants.check, sharing.check, zones.check, expectations.check)
VALUES = (numbers.check, routes.check)


def check(spec: FabricSpec) -> tuple[Diagnostic, ...]:
    """The warnings about a file; raises one `InputError` with every error."""
    found = Diagnostics()
    names = survey(spec)
    readable = values.check(spec, found)
    for references in REFERENCES:
        references(spec, names, found)
    if readable:
        for check_values in VALUES:
            check_values(spec, names, found)
    found.check()
    return found.warnings
