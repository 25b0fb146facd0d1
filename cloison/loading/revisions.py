"""Files as revisions of a repository have them: `main:fabric.yaml`, `main..HEAD -- fabric.yaml`.

Rules that hold here:

1. What a path names is that path. Only where nothing is there, it may be `REV:PATH` or, of two
   arguments, `A..B PATH` (A:PATH and B:PATH), `A...B PATH` (from where both began) or `A PATH`
   (A:PATH and the file as it lies there now).
2. The tree of a revision is laid out in a folder of its own and read below the revision's name;
   the working tree is not touched. Links count inside the tree, nothing outside of it is read.
3. A submodule has no contents here, and Git LFS keeps those of a file elsewhere: whoever reads such
   a thing gets C893, and not a world without it.
4. A file that git sees renamed is read by its former name, and told.
5. Allocations that the lock file of a revision lacks are drawn and forgotten (`fabric.plan.draws`).
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

from cloison.loading.git import LINK, SUBMODULE, GitEntry, Repository
from cloison.loading.keeping import keeping
from fabric.diagnostics import Diagnostic, InputError
from fabric.io.dependencies import Record, recording
from fabric.io.mounts import made_from, mount_of, mounted
from fabric.io.reading import there
from fabric.io.visible import visible

PLAIN = re.compile(r"[A-Za-z0-9][-A-Za-z0-9._/~^@{}]*")
RANGE = re.compile(r"(.*?)(\.\.\.?)(.*)")
READ = (".yaml", ".yml", ".json", ".csv")
SMALL = 2**20
"""Bytes; in trees of more than `MOST_BYTES` larger files are laid out only if they are called as
manifests or tables are."""
MOST, MOST_BYTES = 300_000, 2**30
LFS = b"version https://git-lfs.github.com/spec/"
Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Revised:
    """A path in a revision: both as they are written, the commit, the path from the top."""

    repository: Repository
    name: str
    commit: str
    path: str

    @property
    def mount(self) -> Path:
        """What its tree is called."""
        plain = PLAIN.fullmatch(self.name) and ".." not in self.name
        return Path(f"{self.name if plain else self.commit[:12]}:")


Named = Path | Revised


@contextmanager
def laid_out(old: Path, new: Path, tell: Tell) -> Iterator[tuple[Path, Path]]:
    """The paths of what two arguments mean; inside the block they can be read."""
    sides = meant(old, new)
    with ExitStack() as stack:
        yield _read_at(sides[0], sides, stack, tell), _read_at(sides[1], sides, stack, tell)


def meant(old: Path, new: Path) -> tuple[Named, Named]:
    """What two arguments name (rule 1)."""
    if not there(old) and str(old) != "-":
        repository = Repository.around(new)
        found = RANGE.fullmatch(str(old))
        if repository and found and not _is_way_up(str(old)):
            a, b = (side or "HEAD" for side in found.group(1, 3))
            inside = _inside(repository, new)
            one, other = (_revised(repository, name, inside) for name in (a, b))
            if found[2] == "...":
                base = repository.ancestor(one.commit, other.commit)
                if base is None:
                    raise _unknown(
                        repository, f'"{visible(a)}" and "{visible(b)}" have no past in common'
                    )
                one = Revised(repository, base[:12], base, inside)
            return one, other
        if repository and repository.commit(str(old)):
            return _revised(repository, str(old), _inside(repository, new)), new
    return _named(old), _named(new)


def at_base(path: Path, old: Path) -> Path:
    """A file as the revision has it that `old` is read from, if it is read from one; a change says
    nothing about itself. What neither its path nor a link leads into that repository is no part of
    it, and read as it is."""
    mount, place = mount_of(old), made_from(old)
    if mount is None or place is None:
        return path
    here = Path(os.path.normpath(Path.cwd() / path))
    for way in (here, here.parent.resolve() / here.name, here.resolve()):
        for top in (place, place.resolve()):
            if way.is_relative_to(top):
                return mount / way.relative_to(top)
    return path


def _is_way_up(text: str) -> bool:
    return ".." in PurePosixPath(text).parts


def _named(path: Path) -> Named:
    """A path, or REV:PATH."""
    name, colon, inside = str(path).partition(":")
    if not (colon and name and inside) or there(path):
        return path
    repository = Repository.around(Path())
    if repository is None:
        return path
    here = inside.startswith(("./", "../"))
    return _revised(
        repository, name, _inside(repository, Path(inside)) if here else inside.strip("/")
    )


def _inside(repository: Repository, path: Path) -> str:
    """A path from the top of its repository."""
    real = Path(os.path.normpath(path.parent.resolve() / path.name))
    return str(real.relative_to(repository.top.resolve()))


def _revised(repository: Repository, name: str, inside: str) -> Revised:
    commit = repository.commit(name)
    if commit is None:
        raise _unknown(repository, f'"{visible(name)}" is no revision of {repository.top}')
    return Revised(repository, name, commit, os.path.normpath(inside))


def _unknown(repository: Repository, what: str) -> InputError:
    """C890."""
    shallow = "this clone is shallow: git fetch --unshallow, or fetch that revision"
    hint = shallow if repository.shallow() else None
    return InputError(Diagnostic("C890", what, hint=hint))


def _read_at(side: Named, sides: tuple[Named, Named], stack: ExitStack, tell: Tell) -> Path:
    """Where a side is read, its tree written out."""
    if not isinstance(side, Revised):
        return side
    entries = side.repository.entries(side.commit)
    inside = _known_as(side, entries, sides, tell)
    folder = Path(stack.enter_context(TemporaryDirectory(prefix="cloison-")))
    absent = write_tree(side, entries, folder)
    if absent:
        stack.enter_context(keeping(False))
        stack.enter_context(_refused(side, absent))
    stack.enter_context(mounted(side.mount, folder, side.repository.top))
    return side.mount / inside


def _known_as(
    side: Revised, entries: list[GitEntry], sides: tuple[Named, Named], tell: Tell
) -> str:
    """What the path of a side is called in its tree; rule 4."""
    if side.path == "." or any(
        e.path == side.path or e.path.startswith(f"{side.path}/") for e in entries
    ):
        return side.path
    other = sides[1]
    later = other.commit if isinstance(other, Revised) else side.repository.commit("HEAD")
    was = side.repository.former(side.path, side.commit, later) if later else None
    if was is None:
        what = f'revision "{visible(side.name)}" has no {visible(side.path)}'
        raise InputError(Diagnostic("C890", what, hint="REV:PATH names one of another name"))
    tell(f"{visible(side.path)} is {visible(was)} in {visible(side.name)}")
    return was


def write_tree(side: Revised, entries: list[GitEntry], folder: Path) -> dict[Path, str]:
    """Write a tree into an empty folder. Returns what is absent in it, and why; rule 3.

    Links come last, so that nothing is written through one."""
    files = [e for e in entries if e.mode not in (LINK, SUBMODULE)]
    links = [e for e in entries if e.mode == LINK]
    large: list[GitEntry] = []
    if sum(e.size for e in files) > MOST_BYTES:
        large = [e for e in files if e.size > SMALL and not e.path.endswith(READ)]
        files = [e for e in files if e.size <= SMALL or e.path.endswith(READ)]
    if len(entries) > MOST or sum(e.size for e in (*files, *links)) > MOST_BYTES:
        most = f"{MOST:,} files or {MOST_BYTES >> 30} GiB"
        what = f'revision "{visible(side.name)}" is larger than {most}'
        raise InputError(Diagnostic("C892", what))
    why = f"is larger than {SMALL >> 20} MiB, in a large tree"
    absent = {side.mount / e.path: why for e in large}
    for entry in entries:
        if any(part in ("", ".", "..") or part.lower() == ".git" for part in entry.path.split("/")):
            what = f"{side.repository.top} has a file that is called {visible(entry.path)}"
            raise InputError(Diagnostic("C891", what))
        if entry.mode == SUBMODULE:
            (folder / entry.path).mkdir(parents=True)
            absent[side.mount / entry.path] = "is a submodule"
    try:
        for entry, data in zip(
            files, side.repository.contents([e.name for e in files]), strict=True
        ):
            path = folder / entry.path
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("xb") as file:
                file.write(data)
            if data.startswith(LFS):
                absent[side.mount / entry.path] = "is kept by Git LFS"
        for entry, data in zip(
            links, side.repository.contents([e.name for e in links]), strict=True
        ):
            (folder / entry.path).parent.mkdir(parents=True, exist_ok=True)
            (folder / entry.path).symlink_to(os.fsdecode(data))
    except (OSError, ValueError) as error:
        what = f'revision "{visible(side.name)}" cannot be laid out: {visible(str(error))}'
        raise InputError(Diagnostic("C891", what)) from None
    return absent


@contextmanager
def _refused(side: Revised, absent: dict[Path, str]) -> Iterator[None]:
    """C893 where something absent is asked for inside the block, whatever else is wrong."""
    with recording() as record:

        def check() -> None:
            for path in asked_for(record):
                for gone in (path, *path.parents):
                    if why := absent.get(gone):
                        what = f"{gone} {why}: what it holds is not read here"
                        hint = "compare with a folder that has it"
                        raise InputError(Diagnostic("C893", what, hint=hint))

        try:
            yield
        except InputError:
            check()
            raise
        check()


def asked_for(record: Record) -> Iterator[Path]:
    """What was asked about, and where links lead."""
    for (kind, text), answer in record.answers.items():
        yield Path(text)
        if kind == "place":
            yield Path(str(answer))
