"""`cloison can-i`: whether somebody may ask an API server for something, and gets there."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING

import click

from cloison.cli.roles.role_options import CODES, cluster_of, request_options
from cloison.cli.shell.errors import leave
from cloison.cli.shell.told_lines import tell

if TYPE_CHECKING:
    from cloison.loading.how import How


@click.command()
@click.argument("words", metavar="[SUBJECT VERB RESOURCE] FABRIC|DIR...", nargs=-1, required=True)
@click.option(
    "--group", "groups", multiple=True, metavar="GROUP", help="SUBJECT is in it (repeat)."
)
@request_options
def command(
    words: tuple[str, ...],
    groups: tuple[str, ...],
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

    SUBJECT is user:jane (or jane), group:devs or serviceaccount:shop/web. VERB
    is get, list, create, impersonate, …; RESOURCE as rules write it: pods,
    pods/exec, deployments.apps/scale, widgets.example.org, or a path such as
    /healthz. DIR are manifests with roles and bindings (several, or files);
    FABRIC is a fabric file, whose tenants have some.

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
    from compiler.decisions.rbac.asked_access import somebody
    from compiler.decisions.rbac.known_resources import asked

    if requests is not None:
        cluster = cluster_of(words, how, tenant, source, complete)
        out = output or "jsonl"
        tell(answers(cluster, requests, source), out, lambda rows: answered(rows, out))
        return
    if len(words) < 4:
        raise click.UsageError("say SUBJECT VERB RESOURCE and FABRIC or DIR")
    who = somebody(words[0], groups)
    cluster = cluster_of(words[3:], how, tenant, source, complete)
    request = asked(words[1], words[2], namespace or "", name or "", cluster.roles.groups)
    found = AskedPermission.of(cluster, who, request, source)
    say(found.written(output or "table"))
    leave(CODES[found.ruling.verdict])
