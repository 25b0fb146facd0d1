"""`cloison identity …`: who somebody proves to be."""

from __future__ import annotations

import click

from cloison.cli.shell.lazy import LazyGroup

VERBS = {
    "check": (
        "cloison.cli.identity.identity_check",
        "Whether certificates and tokens prove an identity.",
    ),
    "user": (
        "cloison.cli.identity.identity_user",
        "Whom an API server takes the bearer of a token for.",
    ),
}


@click.group(cls=LazyGroup, table=VERBS)
def command() -> None:
    """Who somebody proves to be: SPIFFE identities, and users of API servers."""
