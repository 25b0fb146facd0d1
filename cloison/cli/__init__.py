"""The `cloison` command: a table of verbs, one module each; nothing but click is imported here."""

from __future__ import annotations

import sys
from typing import Any

import click

from cloison.cli.shell.errors import USAGE, reported
from cloison.cli.shell.lazy import LazyGroup
from cloison.loading.brief import brief
from cloison.loading.keeping import keeping

VERBS = {
    "init": ("cloison.cli.files.init", "Write a small fabric to start from."),
    "check": (
        "cloison.cli.files.check",
        "Read a fabric file and all it names; list every mistake.",
    ),
    "show": ("cloison.cli.show", "Topology, addresses, sessions, routes, tables, policy."),
    "simulate": (
        "cloison.cli.packets.simulate",
        "Build, converge, compile, replay, prove, report.",
    ),
    "compile": ("cloison.cli.files.compile", "Compile policies to DPU rule dumps."),
    "verify": (
        "cloison.cli.verification.verify",
        "Prove isolation and every `expect:` line for all packets.",
    ),
    "expect": (
        "cloison.cli.verification.expect_lines",
        "Lines of `expect:` that hold now, to read and keep.",
    ),
    "coverage": (
        "cloison.cli.verification.coverage",
        "Which lines of the input an expectation would notice.",
    ),
    "suggest": (
        "cloison.cli.verification.suggest",
        "Edits that make expectations hold, and what else changes.",
    ),
    "report": (
        "cloison.cli.verification.report_file",
        "Everything about a fabric on one page, to hand on.",
    ),
    "spof": (
        "cloison.cli.verification.spof",
        "Single points of failure: who loses what without each.",
    ),
    "explain": (
        "cloison.cli.packets.explain",
        "Why a flow is allowed or denied, hop by hop, to the line.",
    ),
    "replay": (
        "cloison.cli.packets.replay",
        "Send a capture or generated traffic through the tables.",
    ),
    "reach": (
        "cloison.cli.packets.reach",
        "Who can reach whom, on which ports, and because of what.",
    ),
    "diff": ("cloison.cli.changes.diff", "What gains or loses access between two worlds."),
    "rollout": (
        "cloison.cli.changes.rollout",
        "The order in which a change is safe, if any order is.",
    ),
    "approve": (
        "cloison.cli.changes.approve",
        "Approve what a change gains and loses, to the packet.",
    ),
    "import": (
        "cloison.cli.devices.import_config",
        "What configurations of devices say, line by line.",
    ),
    "review": ("cloison.cli.devices.review", "What is wrong with configurations of devices."),
    "compare": (
        "cloison.cli.devices.compare",
        "What devices have, against what the fabric file wants.",
    ),
    "identity": ("cloison.cli.identity", "Who somebody proves to be: certificates and tokens."),
    "can-i": (
        "cloison.cli.roles.can_i",
        "Whether somebody may ask an API server for something, and gets there.",
    ),
    "who-can": ("cloison.cli.roles.who_can", "Who may ask an API server for something."),
    "storage": ("cloison.cli.storage", "Who may do what with buckets, and gets there."),
    "access": ("cloison.cli.access", "When the provider's staff may reach a customer's."),
    "roles": ("cloison.cli.roles", "What changes by roles of API servers."),
    "plot": (
        "cloison.cli.show.plot",
        "Draw the fabric, a tenant, a path, or the isolation matrix.",
    ),
    "lab": ("cloison.cli.lab", "The same network in kernel namespaces: up, test, down."),
    "bench": ("cloison.cli.speed.bench", "The classifier's speed on rules of yours."),
    "warmup": (
        "cloison.cli.speed.warmup",
        "Compile the kernels once, before anyone waits for them.",
    ),
    "schema": ("cloison.cli.files.schema", "JSON Schema of the fabric file, for editors."),
}

EPILOG = """\b
Exit codes: 0 holds; 1 a finding (violation, difference, failed expectation);
2 wrong usage or input; 3 the target cannot hold the program; 4 unknown:
something that may decide otherwise is not evaluated; 70 a bug in cloison.

Results go to stdout, everything else to stderr. Start with:
cloison init DIR"""


class Front(LazyGroup):
    """The top group: guards the package names, and turns failures into exit codes."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """As a command: the process ends with it, unless the caller says that it goes on."""
        with brief(kwargs.get("standalone_mode", True)):
            return super().__call__(*args, **kwargs)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the verb."""
        for stream in (sys.stdout, sys.stderr):
            if hasattr(stream, "reconfigure"):
                stream.reconfigure(errors="replace")
        with reported(debug=ctx.params["debug"]), keeping():
            try:
                return super().invoke(ctx)
            finally:
                sys.stdout.flush()  # a full disk must be told here, not by the interpreter's exit

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the verb, unless something else would be imported in our packages' place."""
        from cloison.cli.shell.guard import conflict

        if problem := conflict():
            click.echo(f"error: {problem}", err=True)
            ctx.exit(USAGE)
        return super().get_command(ctx, cmd_name)


@click.group(
    cls=Front,
    table=VERBS,
    epilog=EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 80},
)
@click.version_option(package_name="cloison", message="%(package)s %(version)s")
@click.option("--debug", is_flag=True, help="Show tracebacks.")
def main(debug: bool) -> None:
    """Who can reach whom in a multi-tenant GPU cloud, why, and can you prove it?

    cloison reads a fabric file and the policies that go with it, computes what
    the control plane installs and what every DPU enforces, replays traffic
    through it, and proves isolation for all packets.
    """
