"""report: a world proven, measured, and maybe compared with one before, as a page to hand on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from cloison.render.files import apart, write_text
from cloison.render.pages.html_page import page
from cloison.verbs.proving import proved
from cloison.views.reports.report_page import Diffed, Material, contents
from cloison.views.world import World
from compiler.targets import catalogue
from compiler.targets.usage import usage
from fabric.building.inputs import input_files
from fabric.diagnostics import UndecidedError
from sim.diff.diff import diff
from sim.sweep.runner import SERIAL, Runner

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True, repr=False)
class ReportPage:
    """A report as one page of HTML that fetches nothing. `verdict` is that of the proof."""

    made: Material
    source: str

    @property
    def verdict(self) -> str:
        """holds, fails or unknown."""
        return self.made.proof.verdict

    @property
    def html(self) -> str:
        """The page."""
        of = {"source": self.source, "version": version("cloison")}
        return page("report", {**contents(self.made), **of})

    def save(self, path: str | Path) -> None:
        """Write the page, whole or not at all, and over none of its inputs (`InputError`)."""
        apart(Path(path), input_files(self.made.proof.network.spec))
        write_text(Path(path), self.html)

    def __bool__(self) -> bool:
        """An answer of three kinds is neither true nor false."""
        raise TypeError(f"compare .verdict, which is {self.verdict}: it is not true or false")

    def __repr__(self) -> str:
        return f"Report of {self.made.proof.network.spec.name}: {self.verdict}"


def reporting(
    world: World,
    before: World | None = None,
    *,
    source: str = "a world",
    called: str = "a world before",
    target: str = catalogue.DEFAULT,
    runner: Runner = SERIAL,
    tell: Tell = lambda what: None,
) -> ReportPage:
    """The report of a world; `source` and `called` are what it and the one `before` are called.
    Raises `InputError`."""
    profile = catalogue.profile(target)
    proof, _ = proved(world, runner, tell=tell)
    found: Diffed = None
    if before is not None:
        tell("compare")
        try:
            found = diff(before, world)
        except UndecidedError as error:
            found = error
    tell("measure tables")
    made = Material(proof, profile, usage(world.program, profile), called, found)
    return ReportPage(made, source)
