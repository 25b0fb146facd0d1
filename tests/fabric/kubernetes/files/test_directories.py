"""Which files of a directory are manifests, and what becomes of those that are not."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from fabric.diagnostics import InputError
from fabric.kubernetes.manifests import Manifests, load_manifests

POD = "{apiVersion: v1, kind: Pod, metadata: {name: NAME, namespace: shop}}\n"


def folder(tmp_path: Path, files: dict[str, str]) -> Manifests:
    """What the manifests below a directory say, one pod beside the given files."""
    for name, text in {"seen.yaml": POD.replace("NAME", "seen"), **files}.items():
        path = tmp_path / "cluster" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return load_manifests([tmp_path / "cluster"])


@pytest.mark.parametrize("name", [".draft.yaml", ".later/x.yml", "a/.b/c.json", "..x.yaml"])
def test_hidden_names_are_read_as_kubectl_reads_them(tmp_path: Path, name: str) -> None:
    found = folder(tmp_path, {name: POD.replace("NAME", "hidden")})
    assert {p.name for p in found.pods} == {"seen", "hidden"}


@pytest.mark.parametrize("name", [".git/x.yaml", "sub/.git/y.yaml", ".#seen.yaml", "x.yaml.bak"])
def test_what_no_tool_applies_is_left_out(tmp_path: Path, name: str) -> None:
    found = folder(tmp_path, {name: POD.replace("NAME", "hidden")})
    assert [p.name for p in found.pods] == ["seen"]
    assert not found.not_evaluated


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("kustomization.yaml", "resources: [seen.yaml]\nnamespace: other\n"),
        ("kustomization.yml", "patches: [{path: p.json}]\n"),
        ("overlay/Kustomization", "resources: [../base]\n"),
        ("kustomization.yaml", "{apiVersion: kustomize.config.k8s.io/v1beta1, resources: []}\n"),
        ("any.yaml", "{apiVersion: kustomize.config.k8s.io/v1beta1, kind: Kustomization}\n"),
        ("helmfile.yaml", "releases: [{name: db, chart: stable/db}]\n"),
        ("Chart.yaml", "{apiVersion: v2, name: shop, version: 1.0.0}\n"),
    ],
)
def test_recipes_are_not_evaluated_whatever_they_say_of_themselves(
    tmp_path: Path, name: str, text: str
) -> None:
    found = folder(tmp_path, {name: text})
    assert [w.code for w in found.warnings] == ["C603"]
    assert [(r.kind, r.name, r.scope) for r in found.not_evaluated] == [
        ("Template", name.rpartition("/")[2], "cluster")
    ]


@pytest.mark.parametrize("text", ["{apiversion: v1, Kind: Pod}\n", "{KIND: NetworkPolicy}\n"])
def test_an_object_in_other_capitals_is_a_mistake_and_not_skipped(
    tmp_path: Path, text: str
) -> None:
    with pytest.raises(InputError, match="apiVersion and kind"):
        folder(tmp_path, {"x.yaml": text})


def test_data_of_other_tools_is_skipped_with_a_warning(tmp_path: Path) -> None:
    found = folder(tmp_path, {".tool.yaml": "jobs: [a]\n", "list.json": "[1, 2]"})
    assert [w.code for w in found.warnings] == ["C602"]
    assert "1 × lists, 1 × settings of other tools" in found.warnings[0].message
    assert not found.not_evaluated


@pytest.mark.parametrize(
    ("names", "code", "kind"),
    [
        (["rules.yaml.j2"], "C603", "Template"),
        (["a/rules.yml.tmpl", "b.json.gotmpl"], "C603", "Template"),
        (["rules.jsonnet"], "C603", "Template"),
        (["dump/netpol.yaml.gz"], "C617", "Folder"),
        (["x.json.gpg"], "C617", "Folder"),
        (["chart-1.0.tgz"], "C617", "Folder"),
        (["all.tar.gz"], "C617", "Folder"),
        (["old.yaml.bak"], "C618", None),
        (["RULES.YAML"], "C618", None),
        (["README.md", "notes.txt", "values.gz", "a.j2", "lib.libsonnet", "Makefile"], None, None),
    ],
)
def test_what_may_make_or_hold_manifests_is_told_once_and_names_it(
    tmp_path: Path, names: list[str], code: str | None, kind: str | None
) -> None:
    found = folder(tmp_path, dict.fromkeys(names, "- anything\n"))
    assert [p.name for p in found.pods] == ["seen"]
    assert [w.code for w in found.warnings] == [code] * (code is not None)
    assert all(name in w.message for w in found.warnings for name in names)
    assert [(r.kind, r.scope) for r in found.not_evaluated] == [(kind, "cluster")] * (
        kind is not None
    )


def test_many_such_files_are_counted(tmp_path: Path) -> None:
    found = folder(tmp_path, {f"r{n}.yaml.j2": "" for n in range(9)})
    (warning,) = found.warnings
    assert "r0.yaml.j2" in warning.message and "and 6 more" in warning.message


def test_a_folder_that_is_a_link_elsewhere_is_told_and_one_inside_is_read_once(
    tmp_path: Path,
) -> None:
    elsewhere = tmp_path / "policies"
    elsewhere.mkdir()
    (elsewhere / "p.yaml").write_text(POD.replace("NAME", "away"))
    (tmp_path / "cluster" / "v1").mkdir(parents=True)
    (tmp_path / "cluster" / "current").symlink_to("v1")
    (tmp_path / "cluster" / "round").symlink_to(".")
    assert not folder(tmp_path, {"v1/x.yaml": POD.replace("NAME", "x")}).warnings
    (tmp_path / "cluster" / "policies").symlink_to(elsewhere)
    found = folder(tmp_path, {})
    assert {p.name for p in found.pods} == {"seen", "x"}
    assert [w.code for w in found.warnings] == ["C617"]
    assert [(r.kind, r.name, r.category) for r in found.not_evaluated] == [
        ("Folder", "policies", "unread")
    ]


def test_a_folder_that_cannot_be_read_is_a_mistake(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.scandir

    def scandir(path: str) -> object:
        if Path(path).name == "shut":
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    with pytest.raises(InputError, match="shut cannot be read"):
        folder(tmp_path, {"shut/p.yaml": POD})
