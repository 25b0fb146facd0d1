"""Which files of a folder are devices, and what is passed over."""

from __future__ import annotations

from pathlib import Path

import pytest

from compiler.imports.config_folder import read_folder
from fabric.diagnostics import InputError

ONE = "- set:\n    system:\n      hostname: one\n"


def test_a_file_and_a_folder_are_devices(tmp_path: Path) -> None:
    (tmp_path / "dpu1.yaml").write_text(ONE)
    (tmp_path / "dpu2").mkdir()
    (tmp_path / "dpu2" / "startup.yaml").write_text(ONE)
    (tmp_path / "values.yaml").write_text("replicas: 3\n")
    (tmp_path / "notes.txt").write_text("- set:\n")
    found = read_folder(tmp_path)
    assert [(d.name, d.hostname) for d in found.devices] == [("dpu1", "one"), ("dpu2", "one")]
    assert [(p.device, Path(p.path).name) for p in found.passed] == [
        ("notes", "notes.txt"),
        ("values", "values.yaml"),
    ]
    assert (found.files, found.lines) == (2, 6)


def test_a_long_comment_and_a_deep_folder_hide_nothing(tmp_path: Path) -> None:
    """But what is hidden is none of a site's."""
    (tmp_path / "dpu1.yaml").write_text("# saved by hand\n\n" * 1000 + ONE)
    deep = tmp_path / "dpu2" / "root" / "etc" / "nvue.d" / "kept"
    deep.mkdir(parents=True)
    (deep / "startup.yaml").write_text(ONE)
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "old.yaml").write_text(ONE)
    found = read_folder(tmp_path)
    assert [(d.name, d.hostname) for d in found.devices] == [("dpu1", "one"), ("dpu2", "one")]
    assert found.passed == ()


def test_a_file_by_itself_is_read_whatever_it_begins_with(tmp_path: Path) -> None:
    path = tmp_path / "dpu1.conf"
    path.write_text("system:\n  hostname: one\n")
    (device,) = read_folder(path, ("nvue",)).devices
    assert device.hostname == "one"


def test_two_devices_of_one_name(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(ONE)
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "startup.yaml").write_text(ONE)
    with pytest.raises(InputError, match="two devices are called a") as refused:
        read_folder(tmp_path)
    assert refused.value.diagnostics[0].code == "C832"


def test_a_folder_without_any(tmp_path: Path) -> None:
    (tmp_path / "values.yaml").write_text("replicas: 3\n")
    with pytest.raises(InputError, match="holds no configuration") as refused:
        read_folder(tmp_path)
    assert refused.value.diagnostics[0].code == "C830"


def test_mistakes_of_all_devices_are_told_together(tmp_path: Path) -> None:
    for name in ("a", "b"):
        text = "- set:\n    router:\n      bgp:\n        autonomous-system: x\n"
        (tmp_path / f"{name}.yaml").write_text(text)
    (tmp_path / "c.yaml").write_text("- set: {a: [}\n")
    with pytest.raises(InputError) as refused:
        read_folder(tmp_path)
    assert [d.code for d in refused.value.diagnostics] == ["C831", "C831", "C104"]


def test_links_that_lead_elsewhere_are_not_followed(tmp_path: Path) -> None:
    site = tmp_path / "site"
    (site / ".git").mkdir(parents=True)
    (tmp_path / "secret.yaml").write_text(ONE)
    (site / "dpu1.yaml").symlink_to(tmp_path / "secret.yaml")
    with pytest.raises(InputError) as refused:
        read_folder(site)
    assert refused.value.diagnostics[0].code == "C112"
