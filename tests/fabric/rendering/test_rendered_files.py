"""Tenants whose manifests a program makes."""

from __future__ import annotations

from pathlib import Path

import pytest
from renderers import KUSTOMIZE, POD, in_path, repository

from fabric.building.build import build
from fabric.building.load import load_fabric
from fabric.building.network import Network
from fabric.diagnostics import InputError
from fabric.io.cache_folder import home
from fabric.rendering import confined_run, rendered_files
from fabric.rendering.confined_run import Bounds
from fabric.rendering.render_command import rendering

COMMAND = "kustomize build overlays/prod"


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository, a program that renders it, and a cache of its own."""
    in_path(monkeypatch, tmp_path / "programs", kustomize=KUSTOMIZE)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / ".git").mkdir()
    return repository(tmp_path / "site")


def built(place: Path, *asked: str, keep: bool = False) -> Network:
    """The network of the fabric file there."""
    with rendering(*asked, keep=keep):
        return build(load_fabric(place / "fabric.yaml"), drawn="forgotten")


def refused(place: Path, *asked: str) -> str:
    """What is said of the mistakes there."""
    with pytest.raises(InputError) as error:
        built(place, *asked)
    return "\n".join(map(str, error.value.diagnostics))


def test_what_is_printed_is_read_with_its_places(place: Path) -> None:
    found = built(place, "kustomize")
    assert {e.name for e in found.endpoints if e.kind == "pod"} == {"acme/shop/web", "acme/shop/db"}
    (policy,) = (o for o in found.manifests["acme"].objects if o.value["kind"] == "NetworkPolicy")
    assert str(policy.span()) == f"{place}/$({COMMAND}):10:1"
    assert not found.manifests["acme"].warnings


@pytest.mark.parametrize("asked", [(), ("helm",), ("kustomize build overlays/test",)])
def test_nothing_runs_that_nobody_asked_for(
    place: Path, monkeypatch: pytest.MonkeyPatch, asked: tuple[str, ...]
) -> None:
    monkeypatch.setattr(confined_run.subprocess, "Popen", None)
    said = refused(place, *asked)
    assert "C651" in said and "fabric.yaml:8:13" in said
    assert f"--render '{COMMAND}'" in said


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("echo oops; echo 'no base' >&2; exit 3", "exit code 3: no base"),
        ("echo 'password: hush' >&2; exit 3", "exit code 3"),
        ("true", "printed nothing"),
        ("echo '  '", "printed nothing"),
        ("kill -SEGV $$", "signal 11"),
        ("sleep 60", "more than 0.3 s"),
        ("yes", "more than 1 MiB"),
    ],
)
def test_a_program_that_fails_is_an_error_whatever_it_printed(
    place: Path, monkeypatch: pytest.MonkeyPatch, script: str, why: str
) -> None:
    in_path(monkeypatch, place.parent / "programs", kustomize=f"#!/bin/sh\n{script}\n")
    monkeypatch.setattr(rendered_files, "BOUNDS", Bounds(seconds=0.3, printed=2**20))
    said = refused(place, "kustomize")
    assert "C653" in said and why in said and "hush" not in said


def test_what_it_prints_beside_manifests_is_an_error(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = f"#!/bin/sh\necho 'wrote x: y'; echo ---; cat <<'E'\n{POD}E\n"
    in_path(monkeypatch, place.parent / "programs", kustomize=text)
    assert "C602" in refused(place, "kustomize")


def test_names_with_spaces_and_folders_of_their_own(place: Path) -> None:
    (place / "deploy").mkdir()
    (place / "overlays").rename(place / "deploy" / "over lays")
    (place / "base").rename(place / "deploy" / "base")
    text = (place / "fabric.yaml").read_text()
    step = "[{command: \"kustomize build 'over lays/prod'\", in: deploy}]"
    (place / "fabric.yaml").write_text(text.replace(COMMAND, step))
    found = built(place, "kustomize build")
    assert len(found.manifests["acme"].pods) == 2
    (place / "other").mkdir()
    (place / "other" / "more.yaml").write_text("extends: ../fabric.yaml\n")
    with rendering("kustomize"):
        again = build(load_fabric(place / "other" / "more.yaml"), drawn="forgotten")
    assert [p.name for p in again.manifests["acme"].pods] == ["db", "web"]


@pytest.mark.parametrize("folder", ["../..", "/etc", "overlays/none"])
def test_a_folder_outside_is_refused(place: Path, folder: str) -> None:
    text = (place / "fabric.yaml").read_text()
    (place / "fabric.yaml").write_text(
        text.replace(COMMAND, f"[{{command: kustomize, in: {folder}}}]")
    )
    said = refused(place, "kustomize")
    assert ("C653" if "none" in folder else "C112") in said


def test_links_out_of_the_tree_make_the_answer_unknown(place: Path) -> None:
    (place.parent / "secret.yaml").write_text(POD.replace("NAME", "secret"))
    (place / "overlays" / "prod" / "out.yaml").symlink_to("../../../secret.yaml")
    found = built(place, "kustomize")
    assert [w.code for w in found.manifests["acme"].warnings] == ["C617"]
    assert "overlays/prod/out.yaml" in found.manifests["acme"].warnings[0].message
    assert [(r.kind, r.scope) for r in found.not_evaluated if r.kind == "Folder"] == [
        ("Folder", "cluster")
    ]
    with (place / "overlays" / "prod" / "kustomization.yaml").open("a") as file:
        file.write("- out.yaml\n")
    assert "C653" in refused(place, "kustomize")


def test_it_is_kept_by_what_counts_and_only_where_that_is_wanted(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs: list[str] = []
    real = rendered_files.run
    monkeypatch.setattr(rendered_files, "run", lambda *a: runs.append(a[0][0]) or real(*a))
    built(place, "kustomize")
    cache = home()
    assert cache is not None and not (cache / "renderings").exists() and len(runs) == 1
    for _ in range(2):
        assert len(built(place, "kustomize", keep=True).manifests["acme"].pods) == 2
    assert len(runs) == 2
    (place / "base" / "pods.yaml").write_text(POD.replace("NAME", "web"))
    assert len(built(place, "kustomize", keep=True).manifests["acme"].pods) == 1
    assert len(runs) == 3
    in_path(monkeypatch, place.parent / "programs", kustomize=f"{KUSTOMIZE}# newer\n")
    built(place, "kustomize", keep=True)
    assert len(runs) == 4
    for text in ("#!/bin/sh\n", "#!/bin/ed\n"):
        in_path(monkeypatch, place.parent / "programs", helm=text)
        built(place, "kustomize", keep=True)
    (place.parent / "programs" / "helm").unlink()
    built(place, "kustomize", keep=True)
    assert len(runs) == 6, "programs beside it count, and none was there before"
    kept = next((cache / "renderings").iterdir())
    kept.write_bytes(kept.read_bytes()[:-1])
    for file in (cache / "renderings").iterdir():
        file.write_bytes(file.read_bytes()[:-1])
    built(place, "kustomize", keep=True)
    assert len(runs) == 7


def test_without_walls_the_answer_says_so_and_nothing_is_kept(
    place: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    child = tmp_path / "child.py"
    fault = 'raise UnableError("no namespaces")\n    user, group'
    child.write_text(confined_run.CHILD.read_text().replace("user, group", fault, 1))
    monkeypatch.setattr(confined_run, "CHILD", child)
    for _ in range(2):
        found = built(place, "kustomize", keep=True)
        (warning,) = found.manifests["acme"].warnings
        assert warning.code == "C654" and "no namespaces" in warning.message
    assert not [*(tmp_path / "cache").rglob("renderings/*")]


def test_tenants_of_one_command_share_what_was_read(place: Path) -> None:
    text = (place / "fabric.yaml").read_text()
    more = text[text.index("  acme:") :].replace("acme", "beta").replace("10.0", "10.1")
    (place / "fabric.yaml").write_text(text + more)
    found = built(place, "kustomize")
    assert found.manifests["acme"] is found.manifests["beta"]
