"""The expected texts that are kept in files: what each kind is made of, and how to make it again.

A golden is an input and, beside it, the text that must come out. `tests/regenerate.py` writes the
texts; a person reads the difference.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

import yaml
from click.testing import CliRunner
from compiled import compile_network

from cloison.cli import main
from cloison.loading.how import How
from cloison.render.diagnostics import render, summary
from cloison.verbs.checking import check_file
from compiler.compile import read_policy
from compiler.lints import lints
from compiler.policy.source import with_unclaimed
from compiler.sources import SOURCES
from compiler.sources.cilium.cilium_policy import policy as cilium_policy
from compiler.sources.network_policy import policy
from compiler.targets import canonical, text
from compiler.targets.catalogue import along, dumper
from fabric.building.build import build
from fabric.building.cluster import CLUSTER, cluster_network
from fabric.building.load import load_fabric
from fabric.diagnostics import Diagnostic, InputError
from fabric.file.spec import Dialect

TESTS = Path(__file__).parent
ERRORS = TESTS / "fabric" / "errors"
MANIFEST_ERRORS = TESTS / "compiler" / "manifest_errors"
LINTS = TESTS / "compiler" / "lints" / "cases"
DUMPS = TESTS / "compiler" / "dumps"
NODE_FILES = TESTS / "compiler" / "node_files"
ANSWERS = TESTS / "cloison" / "answers"


def diagnostics(path: Path) -> str:
    """What `cloison check` says about a fabric file, run in the file's own directory."""
    with inside(path.parent):
        name = Path(path.name)
        found = check_file(name, name.read_text(), How(drawn="forgotten"))
        return f"{render(found)}\n{summary(found)}\n"


def manifest_diagnostics(path: Path) -> str:
    """What is wrong with a file of Kubernetes manifests, policies included."""
    with inside(path.parent):
        try:
            cilium = path.stem.startswith("c64")
            dialect: Dialect = "cilium-1.20" if cilium else "kubernetes"
            network = cluster_network([Path(path.name)], dialect=dialect)
            left_out = (record.diagnostic() for record in network.not_evaluated)
            found: tuple[Diagnostic, ...] = (*network.manifests[CLUSTER].warnings, *left_out)
            (cilium_policy if cilium else policy)(network)
        except InputError as error:
            found = error.diagnostics
        return f"{render(found)}\n{summary(found)}\n"


def doubts(path: Path) -> str:
    """What is legal in a file of Kubernetes manifests, and probably not meant."""
    with inside(path.parent):
        network = with_unclaimed(cluster_network([Path(path.name)]), SOURCES)
        found = tuple(lints(network, read_policy(network)))
        return f"{render(found)}\n{summary(found)}\n"


def dumps(path: Path) -> str:
    """What the first DPU of a fabric file enforces: the readable dump, then the document."""
    with inside(path.parent):
        program = compile_network(build(load_fabric(Path(path.name)), lock=False))
        node = program.network.fabric.node("dpu1").index
        return text.render(program, node) + canonical.render(program, node)


def node_files(path: Path) -> str:
    """What makes a machine the first leaf of a fabric file, for every release of FRR."""
    with inside(path.parent):
        program = compile_network(build(load_fabric(Path(path.name)), lock=False))
        node = program.network.fabric.node("leaf1").index
        formats = along(["frr", "frr10"])
        parts = {name: dumper(name, program).render(program, node) for name in formats}
        return "".join(f"--- {name}\n{part}" for name, part in parts.items())


def answer(path: Path) -> str:
    """What a command prints on a terminal of 80 columns, and its exit code; it is run beside
    `topologies`."""
    asked = yaml.safe_load(path.read_text())
    seen = patch("cloison.render.formats.on_terminal", lambda stderr=False: not stderr)
    with inside(TESTS.parent), seen:
        done = CliRunner(env={"COLUMNS": "80"}).invoke(main, shlex.split(asked["run"]))
    shown = f"{done.stdout}--- stderr\n{done.stderr}" if done.stderr else done.stdout
    return f"{shown}--- exit {done.exit_code}\n"


@contextmanager
def inside(folder: Path) -> Iterator[None]:
    """Run in a directory, so that texts hold no path of this machine."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


KINDS: dict[Path, Callable[[Path], str]] = {
    ERRORS: diagnostics,
    MANIFEST_ERRORS: manifest_diagnostics,
    LINTS: doubts,
    DUMPS: dumps,
    NODE_FILES: node_files,
    ANSWERS: answer,
}


def inputs(folder: Path) -> list[Path]:
    """The inputs of one kind; a lock file belongs to its input."""
    return sorted(path for path in folder.glob("*.yaml") if not path.match("*.lock.yaml"))


def expected(path: Path) -> Path:
    """Where the text that must come out is kept."""
    return path.with_suffix(".txt")
