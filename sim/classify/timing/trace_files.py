"""Packets on disk: a directory of one `.npy` file per column, named after the fields of `Columns`;
and which packets a file of rules is timed on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

import numpy as np

from fabric.diagnostics import Diagnostic, InputError
from fabric.io.reading import MAX_BYTES, opened
from sim.classify.columns import Columns
from sim.classify.ruleset import RuleSet
from sim.classify.traces import KINDS, trace

Traces = dict[int, dict[str, Columns]]
"""By IP version and name."""


def write(columns: Columns, folder: Path) -> None:
    """One `.npy` file per column into `folder`, which is made."""
    folder.mkdir(parents=True, exist_ok=True)
    for field in fields(columns):
        if (column := getattr(columns, field.name)) is not None:
            np.save(folder / f"{field.name}.npy", column, allow_pickle=False)


def read(folder: Path) -> Columns:
    """The columns that lie in `folder`; `InputError` C744 and C740 for what is wrong with them."""
    known = [field.name for field in fields(Columns)]
    problems, found = [], {}
    if not folder.is_dir():
        what = "is a file, not a directory of .npy columns" if folder.exists() else "does not exist"
        raise InputError(Diagnostic("C744", f"{folder} {what}"))
    for path in sorted(folder.glob("*.npy")):
        if path.stem not in known:
            problems.append(Diagnostic("C744", f"{path} is no column", hint=", ".join(known)))
            continue
        try:
            with opened(path, MAX_BYTES, "C744") as file:
                found[path.stem] = np.load(file, allow_pickle=False)
        except InputError as error:
            problems += error.diagnostics
        except Exception as error:  # NumPy's parser of headers raises whatever it meets
            reason = error if isinstance(error, OSError) else "it is no array of numbers"
            problems.append(Diagnostic("C744", f"{path} cannot be read: {reason}"))
    if not found and not problems:
        problems.append(
            Diagnostic("C744", f"{folder} holds no .npy columns", hint="src.npy, dst.npy, …")
        )
    if problems:
        raise InputError(*problems)
    columns = Columns(**{name: found.get(name) for name in known})  # type: ignore[arg-type]
    if not len(columns):
        raise InputError(Diagnostic("C744", f"{folder} holds no packets"))
    return columns


def traces_for(path: Path, rules: RuleSet, folders: Sequence[Path], packets: int) -> Traces:
    """Those of the folders; without any, `packets` of each kind drawn for each IP version that
    rules match. `InputError` where rules of `path` and packets have nothing to say to each other.
    """
    held = {4: len(rules.src4.length), 6: len(rules.src6.length)}
    if not len(rules):
        raise InputError(Diagnostic("C743", f"{path} has no rules"))
    if not folders:
        return {
            version: {kind: trace(rules, kind, packets, version) for kind in KINDS}
            for version, count in held.items()
            if count
        }
    names = [folder.name for folder in folders]
    short = [n if names.count(n) == 1 else str(f) for n, f in zip(names, folders, strict=True)]
    given = {name: read(folder) for name, folder in zip(short, folders, strict=True)}
    versions = sorted({columns.version for columns in given.values()})
    found = {v: {name: c for name, c in given.items() if c.version == v} for v in versions}
    for version, own in found.items():
        if not held[version]:
            message = f"no rule of {path} is for the IPv{version} packets of {', '.join(own)}"
            raise InputError(Diagnostic("C744", message))
    return found
