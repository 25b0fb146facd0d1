"""`cloison roles …`: what roles of API servers allow, beside `can-i` and `who-can`."""

from __future__ import annotations

import click

from cloison.cli.shell.lazy import LazyGroup

VERBS = {
    "diff": ("cloison.cli.roles.roles_diff", "Who gains and who loses what by roles."),
}


@click.group(cls=LazyGroup, table=VERBS)
def command() -> None:
    """Roles and bindings of Kubernetes' API servers."""
