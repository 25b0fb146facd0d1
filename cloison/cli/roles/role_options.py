"""Options of verbs about roles, and the cluster that they mean."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from cloison.cli.shell import completion
from cloison.cli.shell.options import output_option, world_options

if TYPE_CHECKING:
    from cloison.loading.how import How
    from cloison.views.roles.api_cluster import ApiCluster

F = TypeVar("F", bound=Callable[..., Any])
CODES = {"allowed": "holds", "denied": "fails", "unknown": "unknown"}
"""Verdicts as `cloison.cli.shell.errors` knows them."""


def tenant_option(function: F) -> F:
    """`--tenant`: whose cluster."""
    return click.option("--tenant", metavar="TENANT", help="FABRIC only: whose cluster.")(function)


def complete_option(function: F) -> F:
    """`--complete`: nothing is missing from the input."""
    return click.option(
        "--complete",
        is_flag=True,
        help="The input is all that the cluster has: roles that are not in it do not exist.",
    )(function)


def request_options(function: F) -> F:
    """Which object, where, of which cluster, and from where."""
    options = (
        click.option("-n", "--namespace", metavar="NS", help="Where; without: in all of them."),
        click.option("--name", metavar="NAME", help="Of the object; without: of any."),
        click.option(
            "--from",
            "source",
            metavar="END",
            shell_complete=completion.endpoints,
            help="FABRIC only: ask for the way from there to the API server, too.",
        ),
        tenant_option,
        complete_option,
        click.option(
            "--requests",
            type=click.File("rb"),
            metavar="FILE|-",
            help="Answer questions, one JSON object per line.",
        ),
        world_options,
        output_option(
            default=None,
            help="Format of the result on stdout [default: table; jsonl with --requests].",
        ),
    )
    for option in reversed(options):
        function = option(function)
    return function


def cluster_of(
    paths: tuple[str, ...], how: How, tenant: str | None, source: str | None, complete: bool
) -> ApiCluster:
    """The cluster that is meant; what is doubtful about it goes to stderr."""
    from cloison.cli.shell.said_beside import tell_warnings, told
    from cloison.views.roles.api_cluster import ApiCluster

    found = ApiCluster.read([Path(path) for path in paths], how, tenant, source, complete)
    if found.world is not None:
        told(found.world)
    tell_warnings(found.roles.warnings)
    return found
