"""Worlds that commands keep: the same answers to the byte, and nothing that is stale."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from fabric_files import pods
from kept_site import DEMO, MANY, POLICIES, ROOT, SMALL, WIDE, elsewhere, kept, said

from cloison.cli import main
from cloison.loading import kept_worlds, own_code
from cloison.loading.keeping import keeping
from cloison.loading.kept_worlds import Request
from cloison.verbs.api import build
from fabric.wiring.budget import multiplied


@pytest.fixture
def read_anew(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The fabric files and manifests that were read for real."""
    seen: list[str] = []
    made = kept_worlds.begun

    def begun(request: Request, record: Any) -> Any:
        seen.append(" ".join(request.paths))
        return made(request, record)

    monkeypatch.setattr("cloison.loading.loader.begun", begun)
    return seen


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


@pytest.mark.slices(6)
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


@pytest.mark.parametrize("output", ["table", "json", "yaml", "md"])
def test_what_verify_said_before_is_told_in_every_output(
    output: str, site: Path, shelf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After each other one, in fewer columns, and with an answer under a failure beside it."""
    for other in ("json", "table", "md"):
        assert said("verify", str(site), "-o", other)[0] == 4
    failed = said("verify", str(site), "-o", output, "--down", "leaf1")
    again = said("verify", str(site), "-o", output)
    monkeypatch.setenv("COLUMNS", "40")
    narrow = said("verify", str(site), "-o", output)
    monkeypatch.setenv("CLOISON_CACHE", "off")
    assert said("verify", str(site), "-o", output) == narrow
    monkeypatch.delenv("COLUMNS")
    assert said("verify", str(site), "-o", output, "--down", "leaf1") == failed
    assert said("verify", str(site), "-o", output) == again


def test_what_verify_said_before_costs_no_more_than_to_look(site: Path, shelf: Path) -> None:
    cold = said("verify", str(site))
    out, err = elsewhere(shelf, "0", "verify", str(site)).communicate()
    assert (out.decode(), err.decode()) == (cold[1], "\n")


def test_a_proof_that_is_kept_is_told_without_blocks(
    shelf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cold = said("verify", DEMO, "-o", "json")
    for path in (*shelf.glob("*.blocks"), *shelf.glob("*.verified-*")):
        path.unlink()

    def cut(_: Any) -> Any:
        raise AssertionError("the packet space is cut again")

    monkeypatch.setattr("sim.worlds.world.build_blocks", cut)
    assert '"leads_to"' in cold[1] and said("verify", DEMO, "-o", "json") == cold


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


@pytest.mark.parametrize("change", ["what it extends", "a manifest", "a new file", "the lock file"])
def test_what_verify_said_before_a_change_is_not_said_after_it(
    change: str, site: Path, shelf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = "expect:\n  - allow: a/web/* -> a/web/one\n  - deny: a/* -> b/*\n"
    (site.parent / "base.yaml").write_text((site.parent / "base.yaml").read_text() + lines)
    before = said("verify", str(site))
    assert said("verify", str(site)) == before
    CHANGES[change](site)
    after = said("verify", str(site))
    monkeypatch.setenv("CLOISON_CACHE", "off")
    assert said("verify", str(site)) == after


@pytest.mark.parametrize(
    "how",
    [
        {"on": {"down": ("leaf1",)}},
        {"on": {"drained": ("leaf1",)}},
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


def test_a_budget_has_worlds_of_its_own(site: Path, shelf: Path) -> None:
    said("check", str(site))
    with multiplied(0.5):
        assert not kept(site)
    assert said("check", str(site), "--budget", "0.000001")[0] == 2


def test_code_that_is_edited_while_it_runs_keeps_and_uses_nothing(
    site: Path, shelf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    newest = max(path.stat().st_ctime for path in (ROOT / "cloison").rglob("*.py"))
    with monkeypatch.context() as patch:
        patch.setattr(own_code, "STARTED", newest + own_code.EARLIER)
        said("check", str(site))
        assert not shelf.exists()
    said("check", str(site))
    assert kept(site)
    monkeypatch.setattr(own_code, "STARTED", newest + own_code.EARLIER)
    assert not kept(site)


def test_a_process_begins_before_it_imports() -> None:
    waits = "import time; time.sleep(1.5)"
    program = f"{waits}; from cloison.loading import own_code; print(own_code.STARTED)"
    command = [sys.executable, "-c", program]
    before = time.time()
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert before - 1.1 < float(told) < before + 1.1
