"""`cloison identity …`: who somebody proves to be."""

from __future__ import annotations

import click

from cloison.cli.shell.lazy import LazyGroup

VERBS = {
    "check": (
        "cloison.cli.identity.identity_check",
        "Whether certificates and tokens prove an identity.",
    ),
}


@click.group(cls=LazyGroup, table=VERBS)
def command() -> None:
    """SPIFFE identities: X.509 certificates and JSON web tokens."""
