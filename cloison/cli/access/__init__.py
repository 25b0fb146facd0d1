"""`cloison access …`: when the provider's staff may reach what is a customer's."""

from __future__ import annotations

import click

from cloison.cli.shell.lazy import LazyGroup

VERBS = {
    "request": ("cloison.cli.access.access_request", "Ask for access, and say why."),
    "approve": ("cloison.cli.access.access_approve", "Let in who asked, for a time."),
    "deny": ("cloison.cli.access.access_deny", "Keep out who asked."),
    "list": ("cloison.cli.access.access_list", "Requests, and what each is at a moment."),
    "show": ("cloison.cli.access.access_show", "One request, and what it lets in."),
    "timeline": ("cloison.cli.access.access_timeline", "What happens when."),
    "compile": ("cloison.cli.access.access_compile", "What approvals let in, as a fabric file."),
}


@click.group(cls=LazyGroup, table=VERBS)
def command() -> None:
    """Support access: requests, answers, and what they let in."""
