"""Which files of a directory are manifests, and which others may make some.

Rules that hold here:

1. Directories are read recursively in sorted order, as `kubectl apply -R -f` does: `.yaml`, `.yml`
   and `.json`, hidden names too; what lies in a `.git` and the locks of an editor (`.#name`) are
   left out. A path that names a file is read whatever it is called; `-` is stdin.
2. A folder that is a link is not followed, as by kubectl; other tools do. Unless it leads into the
   directory itself, nobody knows what counts: it is told (C617), as are a packed manifest and an
   archive.
3. Templates and programs go by their names: `x.yaml.j2`, `x.jsonnet` (C603).
4. Names that look like manifests and that no tool applies (`x.yaml.bak`) are a warning (C618);
   others (`README.md`) nothing.
5. A folder that cannot be read is an error.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from fabric.diagnostics import Diagnostics, Span
from fabric.io.dependencies import asked, entries, place
from fabric.io.reading import there

SUFFIXES = (".yaml", ".yml", ".json")
RECIPES = frozenset({
    "Chart.yaml", "Chart.yml", "helmfile.yaml", "helmfile.yml", "kustomization.yaml",
    "kustomization.yml", "Kustomization",
})  # fmt: skip
PROGRAMS = (".jsonnet", ".cue", ".pkl", ".dhall")
TEMPLATES = (
    ".j2", ".jinja", ".jinja2", ".tmpl", ".tpl", ".template", ".gotmpl", ".erb", ".mustache",
    ".hbs", ".in", ".ytt",
)  # fmt: skip
PACKED = (".gz", ".bz2", ".xz", ".zst", ".zip", ".gpg", ".age", ".enc", ".sops")
ARCHIVES = (".tar", ".tgz", ".tbz2", ".txz", ".tzst", ".zip")
"""Files of several, such as a chart as `helm package` writes it."""
KEPT = (".bak", ".orig", ".old", ".save", ".disabled", ".off", ".txt", ".example", ".sample")
"""After the suffix of a manifest."""
UNFOLLOWED, PASSED_OVER = "C617", "C618"
SHOWN = 3


def files(paths: Sequence[Path | str], problems: Diagnostics) -> Iterator[tuple[Path, bool]]:
    """Files to read, and whether each was named (rule 1)."""
    for given in map(Path, paths):
        if not is_directory(given):
            if str(given) != "-" and not there(given):
                problems.error("C601", f"there is no {given}")
            else:
                yield given, True
            continue
        found, links = below(given, problems)
        passed_over(given, found, links, problems)
        inside = [path for path in found if is_manifest(path)]
        if not inside:
            hint = f"looked for {', '.join(SUFFIXES)}"
            problems.error("C614", f"{given} holds no Kubernetes manifests", None, hint)
        yield from ((path, False) for path in inside)


def below(directory: Path, problems: Diagnostics) -> tuple[list[Path], list[Path]]:
    """The files below a directory, and the folders there that are links elsewhere."""

    found: list[Path] = []
    links: list[Path] = []
    real, todo = place(directory), [directory]
    while todo:
        here = todo.pop()
        try:
            inside = [entry for entry in entries(here) if entry[0] != ".git"]
        except OSError as error:
            problems.error("C101", f"{here} cannot be read: {error.strerror}")
            continue
        folders = [(here / name, linked) for name, folder, linked in inside if folder]
        todo += [path for path, linked in folders if not linked]
        ways = [path for path, linked in folders if linked]
        links += [path for path in ways if not place(path).is_relative_to(real)]
        names = [name for name, folder, _ in inside if not folder]
        found += [here / name for name in names if not name.startswith(".#")]
    return sorted(found), sorted(links)


def is_manifest(path: Path) -> bool:
    """Whether the name of a file in a directory says that it is to be read."""
    return path.suffix in SUFFIXES or path.name in RECIPES


def passed_over(
    directory: Path, found: Sequence[Path], links: Sequence[Path], problems: Diagnostics
) -> None:
    """What may have been meant, and is not read (rules 2 to 4)."""
    made = [p for p in found if p.suffix in PROGRAMS or _manifest_and(p, TEMPLATES)]
    packed = [p for p in found if p.suffix in ARCHIVES or _manifest_and(p, PACKED, ARCHIVES)]
    kept = [
        p
        for p in found
        if _manifest_and(p, KEPT) or (p.suffix.lower() in SUFFIXES and not is_manifest(p))
    ]
    for code, which, what, hint in (
        ("C603", made, "not read, for it makes manifests", "render them first"),
        (UNFOLLOWED, links, "a link to a folder, not followed", "name the folders as well"),
        (UNFOLLOWED, packed, "packed, not read", "unpack them first"),
        (PASSED_OVER, kept, "not read, as by kubectl", None),
    ):
        if which:
            names = [str(path.relative_to(directory)) for path in which]
            more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
            told = f"{what}: {', '.join(names[:SHOWN])}{more}"
            problems.warn(code, told, Span(str(which[0]), 1), hint)


def _manifest_and(path: Path, suffixes: Sequence[str], more: Sequence[str] = ()) -> bool:
    return path.suffix in suffixes and Path(path.stem).suffix in (*SUFFIXES, *more)


def is_directory(path: Path) -> bool:
    """Whether there is a directory; a name that is too long for one names none."""
    return there(path) and bool(asked("directory", path))
