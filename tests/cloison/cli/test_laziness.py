"""What is imported when: `--help` needs click alone, reading a fabric needs no heavy library."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from cloison.cli import VERBS
from cloison.cli.shell.options import FIRST_FORMAT
from cloison.cli.show import THINGS
from cloison.render.formats import FORMATS

SMALL = Path(__file__).parents[3] / "topologies" / "small.yaml"
HEAVY = ("numba", "scapy", "matplotlib", "pyroute2", "pandas", "IPython")
ALSO_OURS = ("numpy", "networkx", "pydantic", "rich", "yaml")


PROGRAM = """\
import contextlib, io, json, sys
from cloison.cli import main
for command in json.loads(sys.argv[1]):
    with contextlib.redirect_stdout(io.StringIO()):
        try:
            main(command)
        except SystemExit as end:
            assert end.code in (0, None), (command, end.code)
    print(json.dumps(sorted(sys.modules)))
"""


def loaded(*commands: tuple[object, ...]) -> list[set[str]]:
    """Modules that are imported after each of these runs of one fresh process."""
    words = json.dumps([[str(word) for word in command] for command in commands])
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, words], capture_output=True, text=True, check=True
    )
    found = [set(json.loads(line)) for line in done.stdout.splitlines()]
    assert len(found) == len(commands)
    return found


def imported(*commands: tuple[object, ...]) -> list[set[str]]:
    """The same without what is inside packages."""
    return [{name.split(".")[0] for name in found} for found in loaded(*commands)]


def test_help_imports_click_alone() -> None:
    (modules,) = imported(("--help",))
    assert "click" in modules
    assert not modules & {*HEAVY, *ALSO_OURS, "fabric", "compiler", "sim"}


def test_help_of_a_verb_is_light() -> None:
    """Even after those of all verbs before it."""
    runs = zip(VERBS, imported(*((verb, "--help") for verb in VERBS)), strict=True)
    assert {verb: found for verb, mods in runs if (found := mods & {*HEAVY, *ALSO_OURS})} == {}


TABLES = {
    "cloison.render.formats", "compiler.targets.catalogue", "compiler.targets.profiles",
    "compiler.policy.stages", "fabric.diagnostics", "fabric.building.network",
}  # fmt: skip
"""Whose rows a command line offers, and what they bring."""
ANSWERING = (
    *("bench", "check", "compare", "diff", "explain", "import", "reach", "replay", "review"),
    *("coverage", "rollout", "simulate", "spof", "suggest", "verify", "can-i", "who-can"),
)
LISTS = {
    **{("show", thing): {"cloison.render.formats"} for thing in THINGS},
    **{(verb,): {"cloison.render.formats"} for verb in ANSWERING},
    ("show", "policy"): {"cloison.render.formats", "compiler.policy.stages"},
    ("compile",): TABLES - {"compiler.policy.stages", "fabric.building.network"},
}
"""Helps that list rows: theirs alone are read."""


def test_help_reads_no_table_that_it_does_not_list() -> None:
    every = [(verb,) for verb in VERBS] + [("show", thing) for thing in THINGS]
    plain = [verb for verb in every if verb not in LISTS]
    (*_, found) = loaded(*((*verb, "--help") for verb in plain))
    assert found & TABLES == set()
    for verb, may in LISTS.items():
        (found,) = loaded((*verb, "--help"))
        assert found & TABLES == may, verb


def test_the_first_format_is_the_default() -> None:
    assert next(iter(FORMATS)) == FIRST_FORMAT


def test_check_needs_no_heavy_library() -> None:
    """Nor algorithms on graphs, which only people want (`Fabric.graph`)."""
    (modules,) = imported(("check", SMALL))
    assert not modules & {*HEAVY, "networkx"}


WITHOUT_KERNELS = [
    ("show", "topology", SMALL),
    ("show", "addresses", SMALL),
    ("show", "sessions", SMALL),
    ("show", "routes", SMALL),
    ("show", "tables", SMALL),
    ("show", "policy", SMALL),
    ("compile", SMALL),
    ("schema",),
    ("explain", SMALL, "acme/web/front", "acme/catalog/api:8080/tcp"),
    ("reach", SMALL),
    ("verify", SMALL),
    ("expect", SMALL, "--from-current"),
    ("diff", SMALL, SMALL),
    ("rollout", SMALL, SMALL),
    ("coverage", SMALL),
    ("suggest", SMALL),
]


def test_what_needs_no_kernel_does_not_import_numba() -> None:
    """Nor does any of those that ran before it in the same process."""
    runs = zip(WITHOUT_KERNELS, imported(*WITHOUT_KERNELS), strict=True)
    assert [run for run, modules in runs if "numba" in modules] == []


def test_import_cloison_is_light_and_resolves_names_when_used() -> None:
    program = (
        "import sys, cloison\n"
        "assert 'numpy' not in sys.modules and 'click' not in sys.modules\n"
        "cloison.load\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
