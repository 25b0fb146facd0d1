"""Where a line is, from the top of the repository."""

from __future__ import annotations

from pathlib import Path

import pytest

from cloison.render.ci.repository_lines import old_mount, place
from fabric.diagnostics import Span
from fabric.io.mounts import mounted


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    top = tmp_path / "repository"
    (top / ".git").mkdir(parents=True)
    (top / "net").mkdir()
    (top / "net" / "f.yaml").write_text("x")
    (tmp_path / "beside.yaml").write_text("x")
    return top


def where(file: str | Path) -> tuple[str, str]:
    found = place(Span(str(file), 7, 2))
    assert found is not None
    return found.base, found.path


def test_files_are_told_from_the_top(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = checkout / "net" / "f.yaml"
    for folder, file in (
        (checkout, "net/f.yaml"),
        (checkout / "net", "f.yaml"),
        (checkout / "net", "../net/f.yaml"),
        (checkout, whole),
        (Path("/"), whole),
    ):
        monkeypatch.chdir(folder)
        assert where(file) == ("repository", "net/f.yaml"), (folder, file)


def test_a_link_is_the_file_that_it_leads_to(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (checkout / "link.yaml").symlink_to("net/f.yaml")
    (checkout / "out.yaml").symlink_to(checkout.parent / "beside.yaml")
    monkeypatch.chdir(checkout)
    assert where("link.yaml") == ("repository", "net/f.yaml")
    assert where("out.yaml")[0] == "elsewhere"


def test_what_is_nowhere_there_is_elsewhere(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(checkout)
    assert where("../beside.yaml") == ("elsewhere", "../beside.yaml")
    assert where("<stdin>") == ("elsewhere", "<stdin>")
    assert where("a\0b") == ("elsewhere", "a\0b")
    monkeypatch.chdir(checkout.parent)
    assert where("beside.yaml") == ("repository", "beside.yaml")
    assert place(None) is None


def test_a_mounted_revision_is_its_repository(tmp_path: Path) -> None:
    old, new = Path("main:"), Path("HEAD:")
    with mounted(old, tmp_path, tmp_path), mounted(new, tmp_path, tmp_path):
        mine = old_mount(old / "net/f.yaml", new / "net/f.yaml")
        assert mine == old
        for path, base in ((new, "repository"), (old, "old")):
            found = place(Span(str(path / "net/f.yaml"), 7), mine)
            assert found is not None
            assert (found.base, found.path) == (base, "net/f.yaml")
        assert old_mount(new / "net/f.yaml", new / "net/f.yaml") is None
        assert old_mount(old / "f.yaml", Path("f.yaml")) == old
