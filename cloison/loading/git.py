"""What a git repository holds, asked of git itself, with nothing of the repository executed.

A repository may come from a stranger, and so may its configuration. Rules that hold here:

1. Only plumbing is called that runs no hook, filter, pager or editor, and touches neither the index
   nor the working tree: `rev-parse`, `merge-base`, `ls-tree`, `cat-file`, `diff-tree`.
2. No object is fetched: a clone that lacks some is told so.
3. Names of revisions are never options (`--end-of-options`).
4. The repository is the one around a path. What git tells a hook about the one that it runs in
   (`GIT_DIR` and its like) does not count, nor do replacements of objects.

Source: git(1), gitrevisions(7), git-cat-file(1); git's own `protocol.allow` against remote helpers.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import NamedTuple

from fabric.diagnostics import Diagnostic, InputError
from fabric.io.visible import visible

ASK = ("git", "--no-pager", "-c", "protocol.allow=never", "-c", "core.fsmonitor=false",
       "-c", "core.hooksPath=/dev/null")  # fmt: skip
ELSEWHERE = frozenset(f"GIT_{name}" for name in (
    "ALTERNATE_OBJECT_DIRECTORIES", "COMMON_DIR", "CONFIG", "CONFIG_COUNT", "CONFIG_PARAMETERS",
    "DIR", "GRAFT_FILE", "IMPLICIT_WORK_TREE", "INDEX_FILE", "INTERNAL_SUPER_PREFIX", "NAMESPACE",
    "OBJECT_DIRECTORY", "PREFIX", "REPLACE_REF_BASE", "SHALLOW_FILE", "WORK_TREE",
))  # fmt: skip
"""What `git rev-parse --local-env-vars` lists: where another repository is."""
PATIENCE = 120
LINK, SUBMODULE = "120000", "160000"


class GitEntry(NamedTuple):
    """A file, link or submodule of a tree; `size` is 0 for a submodule."""

    mode: str
    name: str
    size: int
    path: str


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository by the top of its working tree."""

    top: Path

    @staticmethod
    def around(path: Path) -> Repository | None:
        """The one that a path lies in, whether or not anything is there."""
        folder = next(f for f in (path.absolute(), *path.absolute().parents) if f.is_dir())
        try:
            done = _git(folder, "rev-parse", "--show-toplevel")
        except FileNotFoundError:
            return None
        top = os.fsdecode(done.stdout.rstrip(b"\n"))
        return Repository(Path(top)) if done.returncode == 0 and top else None

    def commit(self, name: str) -> str | None:
        """The id of the commit that a name stands for."""
        wanted = f"{name}^{{commit}}"
        done = _git(self.top, "rev-parse", "--verify", "--quiet", "--end-of-options", wanted)
        found = done.stdout.decode("ascii", "replace").split()
        return found[-1] if done.returncode == 0 and found else None

    def shallow(self) -> bool:
        """Whether older commits may be missing."""
        done = _git(self.top, "rev-parse", "--is-shallow-repository")
        return done.stdout.strip() == b"true"

    def ancestor(self, one: str, other: str) -> str | None:
        """The best common ancestor of two commits."""
        found = _git(self.top, "merge-base", one, other).stdout.split()
        return found[0].decode() if found else None

    def entries(self, commit: str) -> list[GitEntry]:
        """All that a commit holds, by path."""
        listed = self._told("ls-tree", "-r", "-l", "-z", "--full-tree", commit)
        out = []
        for line in listed.split(b"\0")[:-1]:
            about, _, path = line.partition(b"\t")
            mode, _, name, size = about.split()
            bytes_ = int(size) if size.isdigit() else 0
            out.append(GitEntry(mode.decode(), name.decode(), bytes_, os.fsdecode(path)))
        return out

    def former(self, path: str, old: str, new: str) -> str | None:
        """What a file of `new` was called in `old`, where git sees it renamed."""
        told = self._told(
            "diff-tree", "-r", "-z", "-M", "--diff-filter=R", "--name-status", old, new
        )
        parts = [os.fsdecode(part) for part in told.split(b"\0")]
        return next(
            (was for was, now in zip(parts[1::3], parts[2::3], strict=False) if now == path), None
        )

    def contents(self, names: Sequence[str]) -> Iterator[bytes]:
        """What objects hold, in order, one after the other."""
        with TemporaryFile() as asked:
            asked.write("".join(f"{name}\n" for name in names).encode())
            asked.seek(0)
            command = [*ASK, "-C", str(self.top), "cat-file", "--batch"]
            with subprocess.Popen(
                command,
                stdin=asked,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=_quiet(),
            ) as process:
                assert process.stdout is not None
                for name in names:
                    head = process.stdout.readline().split()
                    if len(head) != 3:
                        raise self.lacking(name)
                    data = process.stdout.read(int(head[2]))
                    if len(data) != int(head[2]) or process.stdout.read(1) != b"\n":
                        raise self.lacking(name)
                    yield data

    def lacking(self, name: str) -> InputError:
        """C891."""
        hint = "a shallow or partial clone: git fetch what is missing"
        return InputError(Diagnostic("C891", f"{self.top} lacks object {name}", hint=hint))

    def _told(self, *words: str) -> bytes:
        done = _git(self.top, *words)
        if done.returncode:
            why = visible(done.stderr.decode("utf-8", "replace").strip().partition("\n")[0])
            raise InputError(Diagnostic("C891", f"git cannot read {self.top}: {why}"))
        return done.stdout


def _git(folder: Path, *words: str) -> subprocess.CompletedProcess[bytes]:
    command = [*ASK, "-C", str(folder), *words]
    try:
        return subprocess.run(
            command, capture_output=True, env=_quiet(), timeout=PATIENCE, check=False
        )
    except subprocess.TimeoutExpired:
        what = f"git does not answer within {PATIENCE} s about {folder}"
        raise InputError(Diagnostic("C891", what)) from None


def _quiet() -> dict[str, str]:
    """The environment of git; rules 2 and 4."""
    return {
        **{name: value for name, value in os.environ.items() if name not in ELSEWHERE},
        "GIT_ALLOW_PROTOCOL": "none",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_TERMINAL_PROMPT": "0",
        "LC_ALL": "C",
    }
