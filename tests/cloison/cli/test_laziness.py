"""What is imported when: `--help` needs click alone, reading a fabric needs no heavy library."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from cloison.cli import VERBS

SMALL = Path(__file__).parents[3] / "topologies" / "small.yaml"
HEAVY = ("numba", "scapy", "matplotlib", "pyroute2", "pandas", "IPython")
ALSO_OURS = ("numpy", "networkx", "pydantic", "rich", "yaml")


def imported(*arguments: str) -> set[str]:
    """Top-level modules that a run of the command line has imported."""
    program = (
        "import json, sys\n"
        "from cloison.cli import main\n"
        "try:\n"
        "    main(sys.argv[1:])\n"
        "except SystemExit as end:\n"
        "    assert end.code in (0, None), end.code\n"
        "finally:\n"
        "    print(json.dumps(sorted({m.split('.')[0] for m in sys.modules})), file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=True
    )
    return set(json.loads(done.stderr.splitlines()[-1]))


def test_help_imports_click_alone() -> None:
    modules = imported("--help")
    assert "click" in modules
    assert not modules & {*HEAVY, *ALSO_OURS, "fabric", "compiler", "sim"}


@pytest.mark.parametrize("verb", VERBS)
def test_help_of_a_verb_is_light(verb: str) -> None:
    assert not imported(verb, "--help") & {*HEAVY, *ALSO_OURS}


def test_check_needs_no_heavy_library() -> None:
    """Nor algorithms on graphs, which only people want (`Fabric.graph`)."""
    assert not imported("check", str(SMALL)) & {*HEAVY, "networkx"}


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
    ("diff", SMALL, SMALL),
]


@pytest.mark.parametrize(
    "arguments", WITHOUT_KERNELS, ids=lambda a: "-".join(a[:2]) if a[0] == "show" else a[0]
)
def test_what_needs_no_kernel_does_not_import_numba(arguments: tuple[object, ...]) -> None:
    assert "numba" not in imported(*map(str, arguments))


def test_import_cloison_is_light_and_resolves_names_when_used() -> None:
    program = (
        "import sys, cloison\n"
        "assert 'numpy' not in sys.modules and 'click' not in sys.modules\n"
        "cloison.load\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
