"""Worlds that commands keep: the same answers to the byte, nothing that is stale, nothing that is
foreign, and everything that was read is known of."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from fabric_files import pods, vrf, write_fabric

from cloison import kept_worlds, own_code
from cloison.api import build
from cloison.cli import main
from cloison.how import How
from cloison.keeping import keeping
from cloison.kept_worlds import Request, found
from cloison.views.world import World
from fabric.budget import multiplied
from fabric.io import sealed_files

ROOT = Path(__file__).parents[2]
TOPOLOGIES = ROOT / "topologies"
Told = tuple[int, str, str]
TIMES = re.compile(r"[0-9.,]+ Mpps|\"(seconds|[a-z_]+_second)\": ([0-9.]+|[{][^}]*[}])|[0-9.]+ s\b")
COMPILING = re.compile("compiling the simulator's kernels.*\n")


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A place of its own, where everything is worth keeping."""
    monkeypatch.setenv("CLOISON_CACHE", "on")
    monkeypatch.setattr("cloison.kept_worlds.home", lambda: tmp_path / "cache" / "cloison")
    monkeypatch.setattr(kept_worlds, "WORTH", -1.0)
    monkeypatch.setattr(kept_worlds, "own_code", lambda: "tests")  # whoever edits meanwhile
    monkeypatch.setattr(own_code, "STARTED", float("inf"))
    return tmp_path / "cache" / "cloison" / "worlds"


PROGRAM = """
import sys
from pathlib import Path
from cloison import kept_worlds, own_code
from cloison.cli import main
kept_worlds.WORTH, own_code.STARTED = -1.0, float("inf")
kept_worlds.home, kept_worlds.own_code = lambda: Path(sys.argv[1]), lambda: "tests"
try:
    main(sys.argv[2:])
finally:
    print(*sorted({"numba", "numpy", "pydantic"} & {*sys.modules}), file=sys.stderr)
"""


def elsewhere(shelf: Path, seed: str, *arguments: str) -> subprocess.Popen[bytes]:
    """A command in a process of its own, which counts hashes from another seed."""
    more = {"PYTHONHASHSEED": seed, "CLOISON_CACHE": "on", "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(shelf.parent), *arguments],
        env=os.environ | more,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


@pytest.fixture
def read_anew(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The fabric files and manifests that were read for real."""
    seen: list[str] = []
    made = kept_worlds.begun

    def begun(request: Request, record: Any) -> Any:
        seen.append(" ".join(request.paths))
        return made(request, record)

    monkeypatch.setattr("cloison.loader.begun", begun)
    return seen


def said(*arguments: str) -> Told:
    """What a command answers, but for times."""
    result = CliRunner().invoke(main, arguments)
    return result.exit_code, TIMES.sub("", result.stdout), COMPILING.sub("", result.stderr)


SMALL, DEMO, MANY = (str(TOPOLOGIES / f"{n}.yaml") for n in ("small", "demo", "namespaces"))
WIDE = str(TOPOLOGIES / "broken" / "too-wide-ipblock.yaml")
POLICIES = str(TOPOLOGIES / "manifests" / "demo" / "inference")
COMMANDS = [
    ("check", SMALL),
    ("check", WIDE, "-o", "json"),
    ("verify", SMALL),
    ("verify", WIDE),
    ("verify", MANY, "-o", "json", "--down", "leaf1"),
    ("simulate", SMALL, "-o", "json"),
    ("spof", SMALL),
    ("explain", SMALL, "acme/web/front", "acme/catalog/db:5432"),
    ("explain", MANY, "studio/*", "metal/*", "-o", "json"),
    ("reach", SMALL, "--to", "acme/catalog/db:5432"),
    ("reach", WIDE, "-o", "json"),
    ("reach", POLICIES),
    ("diff", SMALL, SMALL),
    ("diff", DEMO, WIDE, "-o", "md"),
    ("show", "routes", SMALL, "--drain", "leaf1"),
    ("show", "tables", MANY),
    ("show", "policy", SMALL),
    ("show", "addresses", MANY),
    ("show", "sessions", SMALL),
    ("replay", SMALL, "--pairs", "-o", "json"),
]


@pytest.mark.slices(4)
@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_an_answer_is_the_same_with_and_without_what_is_kept(
    command: tuple[str, ...], shelf: Path, read_anew: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    cold = said(*command)
    assert read_anew and any(shelf.iterdir())
    read_anew.clear()
    assert said(*command) == cold
    assert read_anew == []
    monkeypatch.setenv("CLOISON_CACHE", "off")
    assert said(*command) == cold


def test_what_check_said_before_costs_no_more_than_to_look(site: Path, shelf: Path) -> None:
    cold = said("check", str(site))
    out, err = elsewhere(shelf, "0", "check", str(site)).communicate()
    assert (out.decode(), err.decode()) == (cold[1], "\n")


def test_what_one_verb_kept_another_uses(shelf: Path, read_anew: list[str]) -> None:
    said("check", SMALL)
    for command in COMMANDS[2:11:4]:
        read_anew.clear()
        if command[1] == SMALL:
            said(*command)
            assert read_anew == []
    parts = {path.suffix for path in shelf.iterdir()}
    assert parts >= {".record", ".world", ".diagnostics", ".blocks", ".proof"}


def test_manifests_that_are_kept_are_no_fabric(shelf: Path) -> None:
    wrong = said("verify", POLICIES)
    assert wrong[0] == 2
    said("reach", POLICIES)
    assert any(shelf.glob("*.world"))
    assert said("verify", POLICIES) == wrong
    assert said("check", POLICIES)[0] == 2


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A fabric that extends another one and names a folder and a link of manifests, with a lock
    file, in a working tree."""
    folder = tmp_path / "site"
    (folder / ".git").mkdir(parents=True)
    (folder / "a").mkdir()
    (folder / "a" / "pods.yaml").write_text(pods("web/one@host1"))
    (folder / "one").write_text(pods("web/two@host2"))
    (folder / "two").write_text(pods("web/three@host2"))
    (folder / "link.yaml").symlink_to("one")
    tenants = {"a": vrf("10.0.0.0/16"), "b": vrf("10.1.0.0/16")}
    base = write_fabric(folder, tenants, {})
    text = base.read_text().replace("- a.yaml", "- a").replace("- b.yaml", "- link.yaml")
    (folder / "base.yaml").write_text(text)
    base.write_text("extends: base.yaml\npatch: []\n")
    for name in ("a.yaml", "b.yaml"):
        (folder / name).unlink()
    World.of_fabric(base)
    return base


def replaced(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def relinked(site: Path) -> None:
    (site.parent / "link.yaml").unlink()
    (site.parent / "link.yaml").symlink_to("two")


CHANGES: dict[str, Callable[[Path], object]] = {
    "the fabric file": lambda s: s.write_text(s.read_text() + "# more\n"),
    "what it extends": lambda s: replaced(s.parent / "base.yaml", "10.1.0.0", "10.2.0.0"),
    "a manifest": lambda s: replaced(s.parent / "a" / "pods.yaml", "one", "uno"),
    "as long as before, in no time": lambda s: back_dated(s.parent / "a" / "pods.yaml"),
    "a new file": lambda s: (s.parent / "a" / "more.yaml").write_text(pods("web/four@host1")),
    "a new folder": lambda s: (s.parent / "a" / "more").mkdir(),
    "a file less": lambda s: (s.parent / "a" / "pods.yaml").unlink(),
    "another name": lambda s: (s.parent / "a" / "pods.yaml").rename(s.parent / "a" / "p.yaml"),
    "a link leads elsewhere": relinked,
    "where a link leads": lambda s: replaced(s.parent / "one", "two", "due"),
    "a link in place of a file": lambda s: linked(s.parent / "a" / "pods.yaml"),
    "a folder that leads away": lambda s: (s.parent / "a" / "off").symlink_to("/usr"),
    "the lock file": lambda s: (s.parent / "base.lock.yaml").write_text(""),
    "no lock file": lambda s: (s.parent / "base.lock.yaml").unlink(),
    "no working tree": lambda s: (s.parent / ".git").rmdir(),
    "a working tree inside": lambda s: (s.parent / "a" / ".git").mkdir(),
}


def back_dated(path: Path) -> None:
    about = path.stat()
    replaced(path, "one", "uno")
    os.utime(path, ns=(about.st_atime_ns, about.st_mtime_ns))


def linked(path: Path) -> None:
    path.rename(path.parents[1] / "moved")
    path.symlink_to("../moved")


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_of_any_input_makes_what_is_kept_useless(
    change: str, site: Path, shelf: Path
) -> None:
    assert said("check", str(site))[0] == 0
    assert kept(site)
    CHANGES[change](site)
    assert not kept(site)


def kept(path: Path, **how: Any) -> bool:
    """Whether a world is there that would be used."""
    with keeping():
        shelf = found(Request("fabric", (str(path),), How(**how)))
        return shelf is not None and shelf.world() is not None


@pytest.mark.parametrize(
    "how",
    [
        {"down": ("leaf1",)},
        {"drained": ("leaf1",)},
        {"accept": ("ConfigMap",)},
        {"ipblock": "external"},
        {"host_network": "ordinary"},
        {"dual": True},
    ],
    ids=str,
)
def test_every_option_makes_a_world_of_its_own(how: Any, site: Path, shelf: Path) -> None:
    said("check", str(site))
    assert kept(site, drawn="refused")
    assert not kept(site, **how)


def test_so_do_the_working_directory_the_root_and_the_code(
    site: Path, shelf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fabric.io.reading import rooted

    said("check", str(site))
    with rooted(site.parent):
        assert not kept(site)
    with monkeypatch.context() as patch:
        patch.setattr(kept_worlds, "own_code", lambda: "other")
        assert not kept(site)
    assert kept(site)
    monkeypatch.chdir(site.parent)
    assert not kept(site)


def test_what_was_drawn_and_forgotten_is_for_those_who_forget(site: Path, shelf: Path) -> None:
    lock = site.parent / "base.lock.yaml"
    text = lock.read_text()
    lock.unlink()
    said("check", str(site))
    assert kept(site, drawn="forgotten")
    assert not kept(site) and not kept(site, drawn="refused")
    assert said("verify", "--locked", str(site))[0] == 2
    said("show", "routes", str(site))
    assert lock.read_text() == text
    assert not kept(site), "what wrote the lock file is not kept"
    said("show", "routes", str(site))
    assert kept(site) and kept(site, drawn="refused")


def test_errors_and_what_stdin_holds_are_not_kept(site: Path, shelf: Path) -> None:
    replaced(site.parent / "base.yaml", "10.1.0.0/16", "10.1.0.0/99")
    assert said("check", str(site))[0] == 2
    assert said("reach", str(site))[0] == 2
    result = CliRunner().invoke(main, ["check", "-"], input=Path(SMALL).read_text())
    assert result.exit_code == 2
    assert not shelf.exists()


def test_old_worlds_stay_beside_new_ones(site: Path, shelf: Path, read_anew: list[str]) -> None:
    text = site.read_text()
    for now in (text, text + "# more\n", text):
        site.write_text(now)
        said("check", str(site))
    assert len(read_anew) == 2
    assert len([*shelf.glob("*.world")]) == 2


@pytest.mark.parametrize("part", ["record", "world", "blocks", "proof", "diagnostics"])
def test_what_is_cut_short_or_damaged_counts_as_none(
    part: str, site: Path, shelf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = ("check" if part == "diagnostics" else "verify", str(site))
    cold = said(*command)
    path = next(shelf.glob(f"*.{part}"))
    whole = path.read_bytes()
    monkeypatch.setattr(sealed_files, "write", lambda *a: None)
    for cut in range(20):
        path.write_bytes(whole[: len(whole) * cut // 20])
        assert sealed_files.read(shelf, path.name) is None
        if cut % 5 == 0:
            assert said(*command) == cold
    flipped = bytearray(whole)
    flipped[len(flipped) // 2] ^= 4
    path.write_bytes(flipped)
    assert said(*command) == cold
    path.unlink()
    assert said(*command) == cold
    path.mkdir()
    assert said(*command) == cold


def test_parts_of_another_reading_of_the_same_files_are_not_mixed(site: Path, shelf: Path) -> None:
    said("verify", str(site))
    before = {path.name: path.read_bytes() for path in shelf.iterdir()}
    world = next(shelf.glob("*.world"))
    world.unlink()
    elsewhere(shelf, "5", "show", "policy", str(site)).communicate()
    assert world.exists()
    with keeping():
        there = found(Request("fabric", (str(site),), How()))
        assert there is not None and there.world() is not None
        owner = there.seal or b""
    same = before[world.name] == world.read_bytes()
    blocks = sealed_files.read(shelf, world.with_suffix(".blocks").name, owner)
    assert (blocks is not None) == same


def test_others_could_have_written(site: Path, shelf: Path) -> None:
    said("check", str(site))
    for place in (next(shelf.glob("*.world")), shelf, shelf.parent):
        mode = place.stat().st_mode
        place.chmod(mode | 0o022)
        assert not kept(site)
        place.chmod(mode)
        assert kept(site)
    away = shelf.rename(shelf.with_name("away"))
    shelf.symlink_to(away)
    assert not kept(site)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to give files away")
def test_others_did_write(site: Path, shelf: Path) -> None:
    said("check", str(site))
    for place in (next(shelf.glob("*.world")), shelf, shelf.parent):
        os.chown(place, 12345, -1)
        assert not kept(site)
        os.chown(place, 0, -1)
    assert kept(site)


def test_nothing_that_cannot_be_written_is_an_error(
    site: Path, shelf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cold = said("verify", str(site))
    shutil.rmtree(shelf.parent)
    shelf.parent.parent.joinpath("cloison").write_text("a file in the way")
    assert said("verify", str(site)) == cold
    shelf.parent.unlink()

    def full(*arguments: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(sealed_files.Sealing, "write", full)
    assert said("verify", str(site)) == cold
    assert [*shelf.iterdir()] == []
    monkeypatch.setattr("cloison.kept_worlds.home", lambda: None)
    assert said("verify", str(site)) == cold


def test_what_lies_among_the_inputs_is_not_run(
    site: Path, shelf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside = site.parent / ".cache" / "cloison"
    said("check", str(site))
    shutil.copytree(shelf.parent, inside)
    monkeypatch.setattr("cloison.kept_worlds.home", lambda: inside)
    assert not kept(site)
    shutil.rmtree(inside)
    said("check", str(site))
    assert not inside.exists()


def test_there_are_never_many(site: Path, shelf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_worlds, "MOST_WORLDS", 2)
    for down in ("leaf1", "leaf2", "spine1"):
        said("show", "policy", str(site), "--down", down)
        for number, path in enumerate(sorted(shelf.iterdir(), key=lambda p: p.stat().st_mtime)):
            os.utime(path, (number, number))
    assert len([*shelf.glob("*.world")]) == 2
    assert not kept(site, down=("leaf1",)) and kept(site, down=("spine1",))
    monkeypatch.setattr(kept_worlds, "MOST_BYTES", 10)
    said("show", "policy", str(site))
    assert [*shelf.iterdir()] == []


def test_what_takes_no_time_is_not_kept(
    site: Path, shelf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_worlds, "WORTH", 1e9)
    said("verify", str(site))
    said("check", str(site))
    assert not shelf.exists()


def test_python_keeps_nothing_unless_it_says_so(site: Path, shelf: Path) -> None:
    build(site)
    assert not shelf.exists()
    with keeping():
        build(site)
    assert kept(site)


def test_two_at_once(site: Path, shelf: Path) -> None:
    both = [elsewhere(shelf, seed, "verify", "-q", str(site)) for seed in "12"]
    told = [(process.communicate()[0], process.returncode) for process in both]
    assert told[0] == told[1]
    code, out, _ = said("verify", "-q", str(site))
    assert (out.encode(), code) == told[0]
    assert not [path for path in shelf.iterdir() if path.name.endswith("~")]


LOOKS = {
    "open": {"content"},
    "scandir": {"entries"},
    "stat": {"exists", "directory", "file", "content"},
    "lstat": {"there"},
    "readlink": set[str](),
}
"""What a look at the file system is for: the kinds of questions that say what it shows. Where links
lead is found out by `lstat` and `readlink` of each step of the way."""


class Watched:
    """What a process asks of the file system, whoever asks."""

    def __init__(self) -> None:
        self.on, self.looks = False, set[tuple[str, str]]()

    def note(self, look: str, path: Any) -> None:
        if self.on and isinstance(path, str | bytes | os.PathLike):
            self.looks.add((look, absolute(os.fsdecode(path))))

    def hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            self.note("open", arguments[0])
        elif event in ("os.listdir", "os.scandir", "os.walk", "glob.glob"):
            self.note("scandir", arguments[0])


def absolute(path: str) -> str:
    return os.path.normpath(Path(path).absolute())


WATCHED = Watched()


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> Iterator[Watched]:
    """Audit hooks cannot be taken away again: there is one, which is mostly off. What has no event
    (stat and links) is listened to where Python's own code calls it."""
    if not getattr(sys, "_cloison_watched", False):
        sys.addaudithook(lambda event, arguments: WATCHED.hear(event, arguments))
        sys._cloison_watched = True  # type: ignore[attr-defined]
    for name in ("stat", "lstat", "readlink"):
        monkeypatch.setattr(os, name, listened(getattr(os, name), name))
    monkeypatch.setattr(os, "access", None)
    WATCHED.looks.clear()
    yield WATCHED
    WATCHED.on = False


def listened(function: Callable[..., Any], name: str) -> Callable[..., Any]:
    def called(path: Any, *arguments: Any, follow_symlinks: bool = True, **named: Any) -> Any:
        of_resolve = sys._getframe(2).f_code.co_name == "resolve"  # it looks for circles
        WATCHED.note("lstat" if of_resolve or not follow_symlinks else name, path)
        if name == "stat":
            named["follow_symlinks"] = follow_symlinks
        return function(path, *arguments, **named)

    return called


@pytest.mark.parametrize(
    "which", ["site", "unlocked", "small", "namespaces", "too-wide", "manifests"]
)
def test_nothing_is_read_that_is_not_in_the_record(
    which: str, site: Path, watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fabric.io.dependencies import recording

    named = {"site": str(site), "unlocked": str(site), "small": SMALL, "namespaces": MANY}
    path = Path({**named, "too-wide": WIDE}.get(which, POLICIES))
    if which == "unlocked":
        (site.parent / "base.lock.yaml").unlink()
    how = How(drawn="forgotten")
    assert World.read([path], how).blocks is not None  # what is imported is imported
    with monkeypatch.context() as patch, recording() as record:
        patch.setattr(os, "environ", Silent(os.environ))
        watched.on = True
        # whether manifests are a fabric file is asked again each time, and not recorded for one
        world = World.read([path], how) if which == "manifests" else World.of_fabric(path, how)
        assert world.blocks is not None
        watched.on = False
    assert record.whole and len(record.answers) > 4
    known = {(kind, absolute(text)) for kind, text in record.answers}
    ways = {Path(text) for kind, text in known if kind == "place"}
    steps = {
        str(step) for way in ways for end in (way, way.resolve()) for step in (end, *end.parents)
    }
    unknown = {
        (look, text)
        for look, text in watched.looks
        if not any((kind, text) in known for kind in LOOKS[look])
        and not (look in ("lstat", "readlink") and text in steps)
        and not text.endswith((".py", ".pyc", "__pycache__"))
    }
    if which == "manifests":
        unknown.discard(("stat", absolute(POLICIES)))  # a folder is no fabric file: asked each time
    assert unknown == set()


class Silent(dict[str, str]):
    """An environment that nobody asks."""

    def __getitem__(self, name: str) -> str:
        raise AssertionError(f"the environment was asked for {name}")

    def get(self, name: str, default: Any = None) -> Any:
        raise AssertionError(f"the environment was asked for {name}")


IN_THE_KEY = {"fabric.io.reading", "fabric.budget"}
SAYS_NOTHING = {
    "fabric.phases": "who hears what is done",
    "fabric.io.dependencies": "the record itself",
    "cloison.keeping": "whether to keep",
    "sim.sweep.processes": "work that a process was given",
    "sim.axes": "axes of Python: no command has others, and `prove` keeps nothing by itself",
}


def test_every_setting_that_is_not_passed_on_is_in_the_key() -> None:
    held = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for package in own_code.PACKAGES
        for path in (ROOT / package).rglob("*.py")
        if re.search(r"= ContextVar\(", path.read_text())
    }
    assert held == IN_THE_KEY | {*SAYS_NOTHING}


def test_a_budget_has_worlds_of_its_own(site: Path, shelf: Path) -> None:
    said("check", str(site))
    with multiplied(0.5):
        assert not kept(site)
    assert said("check", str(site), "--budget", "0.000001")[0] == 2


def test_code_that_is_edited_while_it_runs_keeps_nothing(
    site: Path, shelf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    newest = max(path.stat().st_ctime for path in (ROOT / "cloison").rglob("*.py"))
    monkeypatch.setattr(own_code, "STARTED", newest + own_code.EARLIER)
    said("check", str(site))
    assert not shelf.exists()
