"""`cloison roles diff`: who gains and who loses what by roles."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cloison.cli.roles.role_options import cluster_of, complete_option, tenant_option
from cloison.cli.shell.errors import leave
from cloison.cli.shell.options import output_option, world_options

if TYPE_CHECKING:
    from cloison.loading.how import How


@click.command()
@click.argument("old", metavar="OLD")
@click.argument("new", metavar="NEW")
@tenant_option
@complete_option
@world_options
@output_option()
def command(old: str, new: str, tenant: str | None, complete: bool, how: How, output: str) -> None:
    """Who gains and who loses what between two versions of a cluster's roles.

    OLD and NEW are directories of manifests, or fabric files. A row is a user, a
    group or a service account as bindings name it, with the requests that fare
    otherwise, all of them, and the binding and rule that allow them in NEW or
    allowed them in OLD. Exit code 1 where somebody gains or loses, 4 where that
    is unknown, 0 where nothing changes.
    """
    from cloison.render.formats import say
    from cloison.views.roles.role_changes import RoleChanges

    before, after = (cluster_of((path,), how, tenant, None, complete) for path in (old, new))
    found = RoleChanges.of(before, after)
    say(found.written(output))
    leave(found.verdict)
