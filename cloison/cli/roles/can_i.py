"""`cloison can-i`: whether somebody may ask an API server for something, and gets there."""

from __future__ import annotations

from pathlib import Path
from typing import IO, TYPE_CHECKING

import click

from cloison.cli.roles.role_options import CODES, cluster_of, request_options
from cloison.cli.shell.errors import leave
from cloison.cli.shell.judged_at import judged_at
from cloison.cli.shell.options import authentication_options
from cloison.cli.shell.told_lines import tell

if TYPE_CHECKING:
    from cloison.loading.how import How


@click.command()
@click.argument("words", metavar="[SUBJECT VERB RESOURCE] FABRIC|DIR...", nargs=-1, required=True)
@click.option(
    "--group", "groups", multiple=True, metavar="GROUP", help="SUBJECT is in it (repeat)."
)
@click.option("--as", "user", metavar="USER", help="SUBJECT asks on that user's behalf.")
@click.option(
    "--as-group", "as_groups", multiple=True, metavar="GROUP", help="The groups of --as (repeat)."
)
@authentication_options
@request_options
def command(
    words: tuple[str, ...],
    groups: tuple[str, ...],
    user: str | None,
    as_groups: tuple[str, ...],
    authentication: Path | None,
    trusted: tuple[str, ...],
    namespace: str | None,
    name: str | None,
    source: str | None,
    tenant: str | None,
    complete: bool,
    requests: IO[bytes] | None,
    how: How,
    output: str | None,
) -> None:
    """Whether SUBJECT may VERB a RESOURCE by Kubernetes' roles, and gets there.

    SUBJECT is user:jane (or jane), group:devs, serviceaccount:shop/web, or
    token:FILE, whom an API server takes the bearer of that token for (identity
    user; --authentication, --trust; at --at, else now). VERB
    is get, list, create, impersonate, …; RESOURCE as rules write it: pods,
    pods/exec, deployments.apps/scale, widgets.example.org, or a path such as
    /healthz. DIR are manifests with roles and bindings (several, or files);
    FABRIC is a fabric file, whose tenants have some.

    With --as USER SUBJECT asks on another's behalf (headers of impersonation): he
    must be allowed to, and the request is decided as that user's.

    With --from END, the end of a packet in the fabric, the answer is about
    permission and path together: both are told, with the line to blame. Without
    it nobody looks at the way; of a service account, the ways from the pods that
    run as it are told, and decide nothing.

    Roles and bindings that API servers make themselves count as well. A binding
    to a role that is not in the input leaves unknown what nothing else allows;
    with --complete it grants nothing. Exit code 0: yes, 1: no, 4: unknown.

    With --requests every line of FILE is a question (docs/formats.md); DIR or
    FABRIC are the only words then.
    """
    from cloison.render.formats import say
    from cloison.views.roles.asked_permission import AskedPermission, answered, answers
    from cloison.views.token_bearers import TokenReader
    from compiler.decisions.rbac.asked_access import somebody
    from compiler.decisions.rbac.known_resources import asked

    reader = TokenReader.of(authentication, trusted, judged_at(how.at))
    if requests is not None:
        cluster = cluster_of(words, how, tenant, source, complete)
        out = output or "jsonl"
        found = answers(cluster, requests, source, reader)
        tell(found, out, lambda rows: answered(rows, out))
        return
    if len(words) < 4:
        raise click.UsageError("say SUBJECT VERB RESOURCE and FABRIC or DIR")
    kind, _, file = words[0].partition(":")
    bearer = reader.of_file(Path(file)) if kind == "token" else None
    if bearer is not None and groups:
        raise click.UsageError("--group is for a subject: a token says its groups itself")
    who = somebody(words[0], groups)
    cluster = cluster_of(words[3:], how, tenant, source, complete)
    request = asked(words[1], words[2], namespace or "", name or "", cluster.roles.groups)
    if bearer is not None:
        said = AskedPermission.of_bearer(cluster, bearer, request, source)
    else:
        said = AskedPermission.of(cluster, who, request, source)
    if user is not None or as_groups:
        said = said.on_behalf(user or "", as_groups)
    say(said.written(output or "table"))
    leave(CODES[said.ruling.verdict])
