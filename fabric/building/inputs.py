"""Which files a network was read from: the fabric file, what it extends, its lock, the manifests,
configurations of devices, and files of names.

Directories count as the files that are read in them, in the order in which they are read; commands
as what they print.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from fabric.diagnostics import Diagnostics
from fabric.file.domain_names import names_file
from fabric.file.expectation_files import expectation_files
from fabric.file.extend import MAX_CHAIN
from fabric.file.render_spec import render_steps
from fabric.file.spec import FabricSpec
from fabric.file.yaml.reader import read_yaml
from fabric.io.dependencies import asked, entries, exists
from fabric.kubernetes.files.folders import files
from fabric.plan import lock
from fabric.plan.placement import rendered_of
from fabric.rendering.render_command import rendering_asked
from fabric.wiring.joined_wiring import table_files


def input_files(spec: FabricSpec) -> tuple[Path, ...]:
    """Every file behind a spec, each once; none when it was not read from a file."""
    if spec.path is None or spec.base is None:
        return ()
    locked = lock.path_of(spec.base)
    found = [*chain(spec.path), *([locked] if exists(locked) else []), *tables(spec)]
    found += [path for path, _ in expectation_files(spec, Diagnostics())]
    found += manifests(spec)
    found += rendered_manifests(spec)
    found += configurations(spec)
    found += filter(None, (names_file(spec, tenant) for tenant in sorted(spec.tenants)))
    return tuple(dict.fromkeys(found))


def chain(path: Path) -> Iterator[Path]:
    """A fabric file, the one that it extends, and so on."""
    for _ in range(MAX_CHAIN + 1):
        yield path
        value = read_yaml(path)[0].value
        if "extends" not in value:
            return
        path = Path(os.path.normpath(path.parent / value["extends"]))


def tables(spec: FabricSpec) -> Iterator[Path]:
    """The tables of wiring of every site."""
    for name in spec.sites:
        yield from (path for path, _ in table_files(spec, name))


def manifests(spec: FabricSpec) -> Iterator[Path]:
    """The manifest files of every tenant."""
    for named in named_manifests(spec):
        yield from (path for path, _ in files(named, Diagnostics()))


def rendered_manifests(spec: FabricSpec) -> Iterator[Path]:
    """What the commands of every tenant print, where they may run."""
    for name, tenant in sorted(spec.tenants.items()):
        if rendering_asked():
            yield from rendered_of(spec, name, render_steps(tenant.render)).paths


def configurations(spec: FabricSpec) -> Iterator[Path]:
    """The files below what `devices:` names, also those that no format claims."""
    folder = spec.path.parent if spec.path else Path()
    waiting = (
        [Path(os.path.normpath(folder / p)) for p in spec.devices.folders] if spec.devices else []
    )
    while waiting:
        path = waiting.pop()
        if not asked("directory", path):
            yield path
            continue
        waiting += (path / name for name, _, _ in sorted(entries(path), reverse=True))


def named_manifests(spec: FabricSpec) -> Iterator[list[Path]]:
    """What every tenant names: files, and directories of files."""
    folder = spec.path.parent if spec.path else Path()
    for _, tenant in sorted(spec.tenants.items()):
        yield [Path(os.path.normpath(folder / path)) for path in tenant.manifests]
