"""`diff` of revisions: the same answer as of two folders, a checkout that nobody touches, and
repositories of strangers."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import oracles
import pytest
from click.testing import CliRunner, Result
from fabric_files import vrf, write_fabric

from cloison.cli import main

oracles.require("git")
AUTHOR = {f"GIT_{who}_{what}": f"{who}@example.org" for who in ("AUTHOR", "COMMITTER")
          for what in ("NAME", "EMAIL")}  # fmt: skip


def git(folder: Path, *words: str | Path, text: bytes = b"") -> str:
    done = subprocess.run(
        ["git", "-C", str(folder), *map(str, words)], input=text, capture_output=True, check=True,
        env={**os.environ, **AUTHOR, "GIT_CONFIG_GLOBAL": os.devnull},
    )  # fmt: skip
    return done.stdout.decode().strip()


def commit(folder: Path, name: str) -> None:
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", name)
    git(folder, "tag", name)


def policy(*ports: int) -> str:
    rule = {"ports": [{"port": port} for port in ports]}
    return json.dumps({
        "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
        "metadata": {"name": "shut", "namespace": "lab"},
        "spec": {"podSelector": {}, "ingress": [rule]},
    })  # fmt: skip


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A repository with a fabric in a folder, of two revisions: `one` opens a port, `two` another
    one as well."""
    top = tmp_path / "repository"
    folder = top / "net"
    folder.mkdir(parents=True)
    git(top, "init", "-q", "-b", "main")
    pods = ["lab/probe@host1", "lab/web@host2"]
    path = write_fabric(folder, {"red": {**vrf("10.1.0.0/16")}}, {"red": pods})
    with (folder / "red.yaml").open("a") as file:
        file.write("\n---\n" + policy(80) + "\n")
    assert run(path, "check", path).exit_code == 0
    commit(top, "one")
    text = (folder / "red.yaml").read_text()
    (folder / "red.yaml").write_text(text.replace(policy(80), policy(80, 443)))
    commit(top, "two")
    return path


def run(at: Path, *arguments: str | Path) -> Result:
    before = Path.cwd()
    os.chdir(at if at.is_dir() else at.parent)
    try:
        return CliRunner().invoke(main, [str(a) for a in arguments])
    finally:
        os.chdir(before)


def difference(at: Path, *arguments: str | Path) -> Any:
    done = run(at, "diff", "-o", "json", *arguments)
    assert done.exit_code in (0, 1), done.stderr
    return json.loads(done.stdout)


def gained(found: Any) -> list[Any]:
    """What differs, by whom and on what."""
    text = json.dumps(found)
    return re.findall(r"443/tcp", text)


def test_every_way_to_name_revisions(site: Path) -> None:
    name = site.name
    for words in (
        ("one..two", "--", name),
        ("one..", "--", name),
        ("one...two", "--", name),
        ("one", "--", name),
        ("one", name),
        (f"one:net/{name}", name),
        (f"one:/net/{name}", f"two:net/{name}"),
        (f"one:./{name}", f"HEAD:./{name}"),
    ):
        found = difference(site, *words)
        assert gained(found), words
    assert not gained(difference(site, "two", "--", name))
    assert not gained(difference(site.parent.parent, "two..HEAD", "--", f"net/{name}"))


def test_where_both_began(site: Path) -> None:
    """What the other side did since is nobody's change here."""
    git(site.parent, "checkout", "-q", "-b", "side", "one")
    (site.parent / "notes.txt").write_text("unrelated\n")
    commit(site.parent, "three")
    assert gained(difference(site, "two..three", "--", site.name))
    assert not gained(difference(site, "two...three", "--", site.name))
    git(site.parent, "checkout", "-q", "--orphan", "other")
    commit(site.parent, "four")
    done = run(site, "diff", "two...four", "--", site.name)
    assert done.exit_code == 2 and "have no past in common" in done.stderr


def test_the_answer_is_that_of_two_folders(site: Path, tmp_path: Path) -> None:
    for revision in ("one", "two"):
        folder = tmp_path / revision
        folder.mkdir()
        for file in ("fabric.yaml", "red.yaml"):
            (folder / file).write_text(git(site.parent, "show", f"{revision}:net/{file}"))
    wanted = run(tmp_path, "diff", "one/fabric.yaml", "two/fabric.yaml")
    found = run(site, "diff", "one..two", "--", site.name)
    as_there = found.stdout.replace("one:/net/", "one/").replace("two:/net/", "two/")
    assert as_there == wanted.stdout and found.exit_code == wanted.exit_code == 1


def test_a_folder_of_manifests_has_revisions(site: Path) -> None:
    """The fabric file is none of them, so it is taken away first."""
    git(site.parent, "mv", "red.yaml", "../red.yaml")
    text = (site.parent.parent / "red.yaml").read_text()
    (site.parent.parent / "k8s").mkdir()
    (site.parent.parent / "k8s" / "all.yaml").write_text(text)
    commit(site.parent.parent, "three")
    (site.parent.parent / "k8s" / "all.yaml").write_text(text.replace(policy(80, 443), policy(80)))
    found = run(site, "diff", "three", "--", "../k8s")
    assert found.exit_code == 1 and "443/tcp" in found.stdout, found.stderr


def test_nothing_is_touched(site: Path) -> None:
    """Neither the checkout nor what git keeps of it; nor is a lock written for a revision."""
    (site.parent / "mine.txt").write_text("not committed\n")

    def seen() -> dict[str, str]:
        top = site.parent.parent
        files = (p for p in sorted(top.rglob("*")) if p.is_file() and not p.is_symlink())
        return {str(p): sha256(p.read_bytes()).hexdigest() for p in files}

    before = seen()
    assert gained(difference(site, "one..HEAD", "--", site.name))
    assert gained(difference(site, "one..two", "--", site.name))
    assert seen() == before


def test_a_renamed_file_is_found_and_told(site: Path) -> None:
    git(site.parent, "mv", site.name, "lab.yaml")
    commit(site.parent, "three")
    done = run(site, "diff", "one..three", "--", "lab.yaml")
    assert done.exit_code == 1 and "net/lab.yaml is net/fabric.yaml in one" in done.stderr
    assert "one:/net/" in done.stdout and "three:/net/" in done.stdout
    gone = run(site, "diff", "one..three", "--", site.name)
    assert gone.exit_code == 2 and "C890" in gone.stderr and 'revision "three"' in gone.stderr


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("nope..two",), '"nope" is no revision of'),
        (("one..--all",), '"--all" is no revision of'),
        (("--", "--help..two"), '"--help" is no revision of'),
        (("nope:net/fabric.yaml",), '"nope" is no revision of'),
        (("one:net/other.yaml",), 'revision "one" has no net/other.yaml'),
        (("nope",), "there is no nope"),
    ],
)
def test_what_is_no_revision(site: Path, words: tuple[str, ...], told: str) -> None:
    done = run(site, "diff", *words, site.name)
    assert done.exit_code == 2 and told in done.stderr
    assert "Traceback" not in done.stderr


def test_a_path_is_a_path_where_it_is_there(site: Path) -> None:
    """A branch of the same name does not hide it."""
    git(site.parent, "branch", "old.yaml", "one")
    (site.parent / "old.yaml").write_text(site.read_text())
    assert not gained(difference(site, "old.yaml", site.name))


def test_a_shallow_clone_says_so(site: Path, tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "-q", "--depth", "1", f"file://{site.parent.parent}", clone)
    done = run(clone / "net" / site.name, "diff", "HEAD~1..HEAD", "--", site.name)
    assert done.exit_code == 2 and "this clone is shallow" in done.stderr


@pytest.mark.usefixtures("shelf")
def test_a_revision_that_is_kept_is_that_revision(site: Path) -> None:
    """The same names stand for something else after a commit."""
    words = "HEAD~1..HEAD", "--", site.name
    first = run(site, "diff", *words)
    assert first.exit_code == 1 and run(site, "diff", *words).stdout == first.stdout
    (site.parent / "notes.txt").write_text("unrelated\n")
    commit(site.parent, "three")
    assert run(site, "diff", *words).exit_code == 0


@pytest.mark.usefixtures("shelf")
def test_what_is_not_in_the_repository_is_not_passed_over(site: Path) -> None:
    """Submodules and Git LFS: their contents are elsewhere."""
    top, module = site.parent.parent, site.parent.parent.parent / "module"
    module.mkdir()
    git(module, "init", "-q", "-b", "main")
    (module / "more.yaml").write_text(policy(1))
    commit(module, "first")
    text = site.read_text()
    site.write_text(text.replace("red.yaml", "../k8s"))
    (top / "k8s").mkdir()
    (site.parent / "red.yaml").rename(top / "k8s" / "red.yaml")
    commit(top, "moved")
    assert not gained(difference(site, "moved", "--", site.name))
    git(top, "-c", "protocol.file.allow=always", "submodule", "add", "-q", module, "k8s/module")
    commit(top, "with")
    done = run(site, "diff", "moved..with", "--", site.name)
    assert done.exit_code == 2 and "with:/k8s/module is a submodule" in done.stderr
    again = run(site, "diff", "moved..with", "--", site.name)
    assert again.stderr == done.stderr, "a world that is kept hides nothing"
    git(top, "rm", "-qf", "k8s/module")
    (top / "k8s" / "big.yaml").write_text(
        "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n"
    )
    (top / "logo.png").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:00\n")
    commit(top, "large")
    done = run(site, "diff", "moved..large", "--", site.name)
    assert done.exit_code == 2 and "big.yaml is kept by Git LFS" in done.stderr
    (top / "k8s" / "big.yaml").unlink()
    commit(top, "picture")
    assert not gained(difference(site, "moved..picture", "--", site.name))


def test_a_link_to_what_is_not_in_the_repository_is_not_passed_over(site: Path) -> None:
    top = site.parent.parent
    (site.parent / "red.yaml").rename(top / "real.yaml")
    (site.parent / "red.yaml").symlink_to("../real.yaml")
    commit(top, "linked")
    assert not gained(difference(site, "linked", "--", site.name))
    (top / "real.yaml").write_text("version https://git-lfs.github.com/spec/v1\n")
    commit(top, "large")
    done = run(site, "diff", "linked..large", "--", site.name)
    assert done.exit_code == 2 and "real.yaml is kept by Git LFS" in done.stderr


def test_what_git_tells_a_hook_does_not_lead_elsewhere(
    site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There is another world where a hook of that repository looks from."""
    top = site.parent.parent
    git(top, "checkout", "-q", "one")
    (top / site.name).write_text(site.read_text())
    (top / "red.yaml").write_text((site.parent / "red.yaml").read_text().replace("80", "443"))
    commit(top, "both")
    monkeypatch.setenv("GIT_DIR", str(top / ".git"))
    found = difference(site, "both..two", "--", site.name)
    assert gained(found)
    monkeypatch.setenv("GIT_INDEX_FILE", "/nowhere")
    monkeypatch.setenv("GIT_OBJECT_DIRECTORY", "/nowhere")
    assert difference(site, "both..two", "--", site.name) == found


def test_a_replacement_is_not_the_commit(site: Path) -> None:
    git(site.parent, "replace", "one", "two")
    assert gained(difference(site, "one..two", "--", site.name))


def evil(top: Path, marker: Path) -> None:
    """A configuration that runs a program wherever git would."""
    script = top.parent / "evil.sh"
    script.write_text(f"#!/bin/sh\ntouch {marker}\ncat\n")
    script.chmod(0o755)
    for key in (
        "core.fsmonitor", "core.pager", "core.sshCommand", "core.editor", "core.askPass",
        "filter.bad.smudge", "filter.bad.clean", "filter.bad.process", "diff.bad.textconv",
        "diff.external", "diff.bad.command", "uploadpack.packObjectsHook",
    ):  # fmt: skip
        git(top, "config", key, script)
    git(top, "config", "remote.origin.url", f"ext::{script}")
    git(top, "config", "remote.origin.promisor", "true")
    git(top, "config", "extensions.partialClone", "origin")
    git(top, "config", "core.repositoryformatversion", "1")
    hooks = top / ".git" / "hooks"
    for hook in ("post-checkout", "pre-commit", "reference-transaction", "post-index-change"):
        (hooks / hook).write_text(script.read_text())
        (hooks / hook).chmod(0o755)


def test_nothing_of_a_repository_is_executed(site: Path, tmp_path: Path) -> None:
    top, marker = site.parent.parent, tmp_path / "executed"
    (top / ".gitattributes").write_text("*.yaml filter=bad diff=bad\n")
    commit(top, "three")
    git(site.parent, "mv", site.name, "lab.yaml")
    commit(top, "four")
    evil(top, marker)
    found = run(site, "diff", "one..four", "--", "lab.yaml")
    assert found.exit_code == 1, found.stderr
    blob = git(top, "rev-parse", "one:net/fabric.yaml")
    (top / ".git" / "objects" / blob[:2] / blob[2:]).unlink()
    marker.unlink(missing_ok=True)
    lacking = run(site, "diff", "one..four", "--", "lab.yaml")
    assert lacking.exit_code == 2 and "lacks object" in lacking.stderr
    assert not marker.exists()


def tree(top: Path, *entries: tuple[str, str, str]) -> str:
    """A tree that git itself would not make: (mode, name, id)."""
    data = b"".join(
        f"{mode} {name}".encode() + b"\0" + bytes.fromhex(i) for mode, name, i in entries
    )
    return git(top, "hash-object", "-t", "tree", "-w", "--literally", "--stdin", text=data)


def below(top: Path, own: str) -> str:
    return tree(top, ("100644", "x.yaml", own))


def blob(top: Path, text: str) -> str:
    return git(top, "hash-object", "-w", "--stdin", text=text.encode())


Made = Callable[[Path, str], tuple[tuple[str, str, str], ...]]


@pytest.mark.parametrize(
    "entries",
    [
        lambda top, own: (("100644", "..", own),),
        lambda top, own: (("100644", "../x.yaml", own),),
        lambda top, own: (("40000", "..", below(top, own)),),
        lambda top, own: (("40000", ".Git", below(top, own)),),
        lambda top, own: (("120000", "a", blob(top, "/tmp")), ("40000", "a", below(top, own))),
        lambda top, own: (("100644", "a", own), ("100644", "a", own)),
        lambda top, own: (("100644", "a", own), ("40000", "a", below(top, own))),
    ],
)  # fmt: skip
def test_names_that_lead_elsewhere_write_nothing_there(
    site: Path, tmp_path: Path, entries: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "trees").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "trees"))
    top = site.parent.parent
    own = git(top, "rev-parse", "two:net/fabric.yaml")
    net = ("40000", "net", git(top, "rev-parse", "two:net"))
    bad = git(top, "commit-tree", tree(top, *entries(top, own), net), "-m", "bad")
    done = run(site, "diff", bad, "--", site.name)
    assert done.exit_code == 2 and "C891" in done.stderr, done.stderr
    assert "Traceback" not in done.stderr and [*(tmp_path / "trees").iterdir()] == []


@pytest.mark.parametrize(
    "target", ["/etc/passwd", "../../outside.yaml", "../.git/config", "{here}/here.yaml"]
)
def test_a_link_out_of_the_tree_is_not_followed(site: Path, target: str) -> None:
    top = site.parent.parent
    (top.parent / "outside.yaml").write_text(policy(9))
    (site.parent / "red.yaml").unlink()
    (site.parent / "red.yaml").symlink_to(target.format(here=site.parent))
    commit(top, "linked")
    (site.parent / "here.yaml").write_text(policy(9))
    done = run(site, "diff", "two..linked", "--", site.name)
    assert done.exit_code == 2 and ("C112" in done.stderr or "C101" in done.stderr), done.stderr
    assert "root:" not in done.stderr


def test_a_link_inside_the_tree_is(site: Path) -> None:
    (site.parent / "red.yaml").rename(site.parent / "real.yaml")
    (site.parent / "red.yaml").symlink_to("real.yaml")
    commit(site.parent, "linked")
    assert not gained(difference(site, "two..linked", "--", site.name))
