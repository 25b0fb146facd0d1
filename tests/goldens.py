"""The expected texts that are kept in files: what each kind is made of, and how to make it again.

A golden is an input and, beside it, the text that must come out. `tests/regenerate.py` writes the
texts; a person reads the difference.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from cloison.render_diagnostics import render, summary
from compiler.frontends.network_policy import policy
from fabric.cluster import CLUSTER, cluster_network
from fabric.diagnostics import Diagnostic, InputError
from fabric.load import load

TESTS = Path(__file__).parent
ERRORS = TESTS / "fabric" / "errors"
MANIFEST_ERRORS = TESTS / "compiler" / "manifest_errors"


def diagnostics(path: Path) -> str:
    """What `cloison check` says about a fabric file, run in the file's own directory."""
    with inside(path.parent):
        name = Path(path.name)
        try:
            found = load(name)[1]
        except InputError as error:
            found = error.diagnostics
        return f"{render(found)}\n{summary(found)}\n"


def manifest_diagnostics(path: Path) -> str:
    """What is wrong with a file of Kubernetes manifests, policies included."""
    with inside(path.parent):
        try:
            network = cluster_network([Path(path.name)])
            found: tuple[Diagnostic, ...] = network.manifests[CLUSTER].warnings
            policy(network)
        except InputError as error:
            found = error.diagnostics
        return f"{render(found)}\n{summary(found)}\n"


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
}


def inputs(folder: Path) -> list[Path]:
    """The inputs of one kind."""
    return sorted(folder.glob("*.yaml"))


def expected(path: Path) -> Path:
    """Where the text that must come out is kept."""
    return path.with_suffix(".txt")
