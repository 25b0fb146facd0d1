"""`cloison who-can`: everybody who may ask an API server for something."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING

import click

from cloison.cli.roles.role_options import CODES, cluster_of, request_options
from cloison.cli.shell.errors import leave
from cloison.cli.shell.told_lines import tell

if TYPE_CHECKING:
    from cloison.loading.how import How


@click.command()
@click.argument("words", metavar="[VERB RESOURCE] FABRIC|DIR...", nargs=-1, required=True)
@request_options
def command(
    words: tuple[str, ...],
    namespace: str | None,
    name: str | None,
    source: str | None,
    tenant: str | None,
    complete: bool,
    requests: IO[bytes] | None,
    how: How,
    output: str | None,
) -> None:
    """Who may VERB a RESOURCE by Kubernetes' roles: users, groups, service accounts.

    VERB, RESOURCE, FABRIC and DIR are those of can-i. A row is a subject as a
    binding names it, with the lines that allow it; whoever is in a group that is
    listed may as well. With --from END the way from there to the API server is
    told, and where there is none, nobody can. Exit code 0 where somebody can, 1
    where nobody can, 4 where somebody perhaps can.
    """
    from cloison.render.formats import say, written
    from cloison.views.roles.permitted_subjects import SCHEMA, PermittedSubjects, answers
    from compiler.decisions.rbac.known_resources import asked

    if requests is not None:
        cluster = cluster_of(words, how, tenant, source, complete)
        out = output or "jsonl"
        found = answers(cluster, requests, source)
        tell(found, out, lambda rows: written(rows, schema=SCHEMA, output=out, title="Answers"))
        return
    if len(words) < 3:
        raise click.UsageError("say VERB RESOURCE and FABRIC or DIR")
    cluster = cluster_of(words[2:], how, tenant, source, complete)
    request = asked(words[0], words[1], namespace or "", name or "", cluster.roles.groups)
    said = PermittedSubjects.of(cluster, request, source)
    say(said.written(output or "table"))
    leave(CODES[said.verdict])
