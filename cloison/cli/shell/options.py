"""Options and arguments that several verbs share, spelt the same everywhere."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from copy import copy
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import click

from cloison.cli.shell import completion
from compiler.targets import DEFAULT
from fabric.values.dialects import DIALECTS

if TYPE_CHECKING:
    from cloison.loading.how import How
    from sim.worlds.world_axis import WorldAxis

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


class AxisOptions(click.Option):
    """Stands for the options of the world axes that a verb takes (`sim.worlds.axes`), which
    `cloison.cli.shell.lazy` puts in its place whenever the verb is looked up: a row more is an
    option more. `takes` says which."""

    def __init__(self, takes: Callable[[WorldAxis], bool]) -> None:
        super().__init__(["--axes"], hidden=True, expose_value=False)
        self.takes = takes

    def options(self) -> Iterator[click.Option]:
        """One for each axis, in the order of the table; its parameter is called like the axis."""
        from sim.worlds.axes import axes

        return (axis_option(axis) for axis in axes() if self.takes(axis))


def axis_option(axis: WorldAxis) -> click.Option:
    """How commands spell an axis."""
    spelt, offers = axis.option, axis.option.offers
    complete = None
    if offers is not None:
        complete = completion.offered(lambda paths: offers(completion.wiring(paths)))
    return click.Option(
        [spelt.name, axis.name],
        multiple=spelt.repeatable,
        metavar=spelt.metavar,
        help=spelt.help,
        shell_complete=complete,
    )


def with_axes(command: click.Command) -> click.Command:
    """A command with the options of axes in it."""
    if not any(isinstance(one, AxisOptions) for one in command.params):
        return command
    made = copy(command)
    parts = [one.options() if isinstance(one, AxisOptions) else (one,) for one in command.params]
    made.params = [option for part in parts for option in part]
    return made


def axis_options(takes: Callable[[WorldAxis], bool]) -> Callable[[F], F]:
    """The options of axes; the command gets their values as one `on`, by name of the axis."""

    def decorate(function: F) -> F:
        @wraps(function)
        def command(*args: Any, **options: Any) -> Any:
            from sim.worlds.axes import axes

            on: dict[str, tuple[str, ...]] = {}
            for axis in axes():
                found = options.pop(axis.name, None)
                if found:
                    typed = (found,) if isinstance(found, str) else found
                    on[axis.name] = tuple(map(axis.option.spoken, typed))
            return function(*args, on=on, **options)

        places: list[click.Parameter] = command.__dict__.setdefault("__click_params__", [])
        places.append(AxisOptions(takes))
        return cast(F, command)

    return decorate


def world_options(function: F) -> F:
    """How the world is built: the options of every axis, `--locked`, `--accept-unevaluated`. The
    command gets them as one `how`."""

    @wraps(function)
    def command(
        *args: Any,
        on: dict[str, tuple[str, ...]],
        locked: bool,
        accept: tuple[str, ...],
        ipblock: Any = "pods",
        host_network: Any = "exempt",
        dialect: Any = None,
        names: str | None = None,
        **others: Any,
    ) -> Any:
        from cloison.loading.how import How

        how = How(
            on,
            "refused" if locked else "kept",
            ipblock,
            host_network,
            accept,
            dialect=dialect,
            names=names,
        )
        return function(*args, how=how, **others)

    return axis_options(lambda axis: True)(locked_option(accept_option(cast(F, command))))


def spelt(names: Iterable[str]) -> str:
    """The options of axes, for messages."""
    from sim.worlds.axes import AXES

    return " and ".join(AXES[name].option.name for name in names)


def unrecorded(how: How) -> list[str]:
    """Axes with values that neither certificates nor labs say."""
    from sim.worlds.axes import AXES

    return [name for name in how.on if not AXES[name].recorded]


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


def authentication_options(function: F) -> F:
    """How an API server knows its users: `--authentication`, `--trust`."""
    function = click.option(
        "--trust",
        "trusted",
        multiple=True,
        metavar="ISSUER=FILE",
        help="The keys of an issuer of tokens: a JWK set (repeatable).",
    )(function)
    return click.option(
        "--authentication",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="The AuthenticationConfiguration of the API server.",
    )(function)


def quiet_option(function: F) -> F:
    """`-q/--quiet`: no progress on stderr."""
    return click.option("-q", "--quiet", is_flag=True, help="No progress on stderr.")(function)


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
