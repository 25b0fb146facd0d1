"""What must hold between the parts of a fabric file, beyond its shape.

One module per subject. They pass over what cannot be read or does not exist, so that one run
reports as much as possible.
"""

from __future__ import annotations

from fabric.checks import (
    expectations,
    host_states,
    moments,
    numbers,
    overlaps,
    pins,
    running_devices,
    shared_risks,
    sharing,
    sites,
    stored_buckets,
    support_approvers,
    tenants,
    trust_zones,
    values,
    written_nodes,
)
from fabric.checks.known_names import survey
from fabric.diagnostics import Diagnostic, Diagnostics
from fabric.file.spec import FabricSpec

SUBJECTS = (
    values.check,
    moments.check,
    sites.check,
    written_nodes.check,
    tenants.check,
    running_devices.check,
    sharing.check,
    trust_zones.check,
    support_approvers.check,
    stored_buckets.check,
    host_states.check,
    numbers.check,
    pins.check,
    expectations.check,
    shared_risks.check,
    overlaps.check,
)


def check(spec: FabricSpec) -> tuple[Diagnostic, ...]:
    """The warnings about a file; raises one `InputError` with every error."""
    found = Diagnostics()
    names = survey(spec)
    for subject in SUBJECTS:
        subject(spec, names, found)
    found.check()
    return found.warnings
