"""`cloison storage lint`: what is wrong or doubtful in bucket policies."""

from __future__ import annotations

from pathlib import Path

import click

from cloison.cli.shell.errors import FINDING, USAGE
from cloison.cli.shell.options import output_option


@click.command()
@click.argument("fabrics", metavar="[FABRIC]...", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--policy",
    "policies",
    multiple=True,
    metavar="FILE",
    type=click.Path(path_type=Path, allow_dash=True),
    help="A bucket policy (JSON; repeatable).",
)
@click.option("--bucket", metavar="NAME", help="The bucket that they are for.")
@output_option(help="Format of the result on stdout.")
def command(
    fabrics: tuple[Path, ...], policies: tuple[Path, ...], bucket: str | None, output: str
) -> None:
    """List mistakes and doubts in bucket policies, each with its line.

    FABRIC are fabric files, whose buckets have policies; --policy is one alone.

    Mistakes are what a gateway refuses, or gateways read differently; a finding
    is a statement that lets everybody in; doubts are names of nobody, resources
    of other buckets, keys that requests do not have. Exit code 2 when there is
    a mistake, 1 when there is a finding, else 0.
    """
    from cloison.render.formats import say
    from cloison.views.storage.linted_policies import lint_fabric, lint_files, written_lints

    if not (fabrics or policies):
        raise click.UsageError("name fabric files, or policies with --policy")
    found = lint_files(policies, bucket)
    for fabric in fabrics:
        found += lint_fabric(fabric)
    say(written_lints(found, output))
    severities = {one.severity for one in found}
    for severity, code in (("error", USAGE), ("finding", FINDING)):
        if severity in severities:
            raise click.exceptions.Exit(code)
