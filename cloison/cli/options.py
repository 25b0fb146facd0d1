"""Options and arguments that several verbs share, spelt the same everywhere."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar, cast

import click

from cloison.cli import completion
from compiler.targets import DEFAULT

F = TypeVar("F", bound=Callable[..., Any])
FIRST_FORMAT = "table"
"""The first of `cloison.render.formats`, which nobody imports to say a default."""


class NameChoice(click.Choice[str]):
    """One of the names that a table has when somebody asks: until then nobody imports it."""

    def __init__(
        self,
        names: Callable[[], Iterable[str]],
        refuse: Callable[[str], None] = lambda name: None,
    ) -> None:
        self.names, self.refuse, self.case_sensitive = names, refuse, True

    @property
    def choices(self) -> tuple[str, ...]:  # type: ignore[override]
        return tuple(self.names())

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """As click does, but a name that is refused says why: `refuse` raises `InputError`."""
        self.refuse(value)
        return super().convert(value, param, ctx)


def fabric_argument(function: F) -> F:
    """The positional FABRIC: a fabric file."""
    return click.argument("fabric", type=click.Path(path_type=Path))(function)


def output_option(
    *, around: tuple[str, ...] = (), short: bool = True, **others: Any
) -> Callable[[F], F]:
    """`-o/--output FORMAT` of answers that are rows: every format (`cloison.render.formats`), the
    first by default, and pictures of the same rows `around` them: the first behind the default."""

    def every() -> tuple[str, ...]:
        from cloison.render.formats import FORMATS

        first, *rest = FORMATS
        return (first, *around[:1], *rest, *around[1:])

    return _output(NameChoice(every), short, **others)


def whole_option(
    *, markdown: bool = False, more: Callable[[], Iterable[str]] = tuple
) -> Callable[[F], F]:
    """`-o/--output FORMAT` of answers that are no rows (`cloison.render.whole`): every format that
    can write one, and `more`; `markdown`: the answer has one."""

    def every() -> tuple[str, ...]:
        from cloison.render.whole import able

        return (*able(markdown), *more())

    def refuse(name: str) -> None:
        from cloison.render.whole import refuse

        refuse(name, markdown)

    return _output(NameChoice(every, refuse), True)


def _output(choice: NameChoice, short: bool, **others: Any) -> Callable[[F], F]:
    usual = {
        "default": FIRST_FORMAT,
        "show_default": True,
        "help": "Format of the result on stdout.",
    }
    spelt = [*(["-o"] if short else []), "--output"]
    return click.option(*spelt, type=choice, **{**usual, **others})


def target_option(function: F) -> F:
    """`--target`: a capacity profile."""
    return click.option(
        "--target",
        default=DEFAULT,
        shell_complete=completion.targets,
        help=f"Capacity profile [default: {DEFAULT}].",
    )(function)


def world_options(function: F) -> F:
    """How the world is built: `--down`, `--drain`, `--locked`, `--accept-unevaluated`, `--at`. The
    command gets them as one `how`."""

    @wraps(function)
    def command(
        *args: Any,
        down: tuple[str, ...],
        drained: tuple[str, ...],
        locked: bool,
        accept: tuple[str, ...],
        ipblock: Any = "pods",
        host_network: Any = "exempt",
        dialect: Any = None,
        names: str | None = None,
        at: str | None = None,
        **others: Any,
    ) -> Any:
        from cloison.loading.how import How

        how = How(
            down,
            "refused" if locked else "kept",
            ipblock,
            host_network,
            accept,
            drained=drained,
            dialect=dialect,
            names=names,
            at=spoken_moment(at),
        )
        return function(*args, how=how, **others)

    made = down_option(drain_option(locked_option(accept_option(command))))
    return cast(F, at_option(made))


def spoken_moment(text: str | None) -> str | None:
    """What `--at` says, written out. Raises `InputError`."""
    if text is None:
        return None
    from fabric.file.in_force import spoken

    return spoken(text)


def at_option(function: F) -> F:
    """`--at TIME`: the moment at which a file with windows is judged."""
    return click.option(
        "--at",
        metavar="TIME",
        help="Judge this moment, e.g. 2027-01-31T00:00:00Z, or now [default: what the file says].",
    )(function)


def sweep_options(function: F) -> F:
    """`--workers`, `--cluster`: who tries failures. The command gets a `runner`."""

    @wraps(function)
    def command(*args: Any, workers: int, cluster: str | None, **others: Any) -> Any:
        if cluster is not None:
            from sim.sweep.dask_workers import Cluster

            if workers > 1:
                raise click.UsageError("--workers are of this machine, --cluster has its own")
            return function(*args, runner=Cluster(cluster), **others)
        from sim.sweep.processes import Processes

        return function(*args, runner=Processes(workers), **others)

    found = click.option(
        "--cluster",
        metavar="ADDRESS",
        help="Try failures on the workers of this scheduler of dask, e.g. tcp://10.0.0.1:8786.",
    )(command)
    found = click.option(
        "--workers",
        type=click.IntRange(1, 256),
        default=1,
        show_default=True,
        metavar="N",
        help="Try failures in N processes.",
    )(found)
    return cast(F, found)


def locked_option(function: F) -> F:
    """`--locked`: draw nothing that the lock file does not have."""
    return click.option(
        "--locked",
        is_flag=True,
        help="Fail instead of adding an allocation to the lock file.",
    )(function)


def accept_option(function: F) -> F:
    """`--accept-unevaluated KIND`, repeatable: go on as if there were no objects of this kind."""
    return click.option(
        "--accept-unevaluated",
        "accept",
        multiple=True,
        shell_complete=completion.kinds,
        metavar="KIND[.GROUP]",
        help="Let pass objects of this kind that are not evaluated (repeatable).",
    )(function)


def down_option(function: F) -> F:
    """`--down NODE|LINK|SESSION|GROUP`, repeatable: build the network with these failed."""
    return click.option(
        "--down",
        multiple=True,
        shell_complete=completion.failing,
        metavar="NODE|LINK|SESSION|GROUP",
        help="Fail this node, link, BGP session or risk group first (repeatable), e.g. leaf1, "
        "leaf1--spine1 or leaf1~spine1.",
    )(function)


def drain_option(function: F) -> F:
    """`--drain NODE`, repeatable: build the network with these nodes drained."""
    return click.option(
        "--drain",
        "drained",
        multiple=True,
        shell_complete=completion.nodes,
        metavar="NODE",
        help="Drain this node first (repeatable): it is up, and who knows another way takes it.",
    )(function)


def quiet_option(function: F) -> F:
    """`-q/--quiet`: no progress on stderr."""
    return click.option("-q", "--quiet", is_flag=True, help="No progress on stderr.")(function)


DIALECTS = ["kubernetes", "cilium-1.20"]


def dialect_options(function: F) -> F:
    """Whose reading of policies holds: `--dialect`, `--names`."""
    function = click.option(
        "--names",
        metavar="FILE",
        help="Manifests only: the names that pods resolve, with their addresses, for Cilium.",
    )(function)
    return click.option(
        "--dialect",
        type=click.Choice(DIALECTS),
        help="Whose reading of policies holds [default: what the file says, else kubernetes].",
    )(function)


def manifest_options(function: F) -> F:
    """How manifests are read where tools differ: `--ipblock`, `--host-network`."""
    function = click.option(
        "--host-network",
        type=click.Choice(["exempt", "ordinary"]),
        default="exempt",
        show_default=True,
        help="Manifests only: whether policies apply to host-network pods.",
    )(function)
    return click.option(
        "--ipblock",
        type=click.Choice(["pods", "external"]),
        default="pods",
        show_default=True,
        help="Manifests only: whether an ipBlock also matches addresses of pods.",
    )(function)
