"""`compile --check`: what a folder of dumps has otherwise."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from fabric_files import vrf, write_fabric

from cloison.cli import main


def cloison(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, [str(a) for a in arguments])


@pytest.fixture
def dumped(tmp_path: Path) -> tuple[Path, Path]:
    """A fabric, and its dumps in two formats."""
    path = fabric(tmp_path)
    made = cloison(
        "compile", path, "-o", tmp_path / "out", "--format", "nftables", "--format", "frr"
    )
    assert made.exit_code == 0, made.stderr
    return path, tmp_path / "out"


def fabric(folder: Path, hosts: int = 2) -> Path:
    return write_fabric(
        folder,
        {"red": {**vrf("10.1.0.0/16")}, "blue": {**vrf("10.2.0.0/16")}},
        {"red": ["lab/probe@host1"], "blue": ["shop/web@host2"]},
        sites={"s": {"hosts_per_pair": hosts}},
    )


def rows(*arguments: str | Path) -> list[dict[str, Any]]:
    found = cloison(*arguments, "--output", "json")
    data = json.loads(found.stdout)
    assert data["schema"] == "cloison/drift/1"
    assert found.exit_code == (1 if data["rows"] else 0)
    return list(data["rows"])


def test_a_leaf_alone_is_compared_in_the_formats_that_are_there(dumped: tuple[Path, Path]) -> None:
    path, out = dumped
    done = cloison("compile", path, "--check", out, "--node", "leaf1")
    said = "0 of 2 dumps (frr, linux, nftables) are not as they would be written.\n"
    assert (done.exit_code, done.stdout) == (0, said)
    with (out / "frr" / "leaf1.conf").open("a") as file:
        file.write("! more\n")
    assert cloison("compile", path, "--check", out, "--node", "leaf1").exit_code == 1


def test_what_was_just_written_is_as_it_would_be(dumped: tuple[Path, Path]) -> None:
    path, out = dumped
    before = {p: p.read_bytes() for p in out.rglob("*.*")}
    done = cloison("compile", path, "--check", out)
    assert (done.exit_code, done.stdout) == (
        0,
        f"0 of {len(before)} dumps (frr, linux, nftables) are not as they would be written.\n",
    )
    assert rows("compile", path, "--check", out) == []
    assert {p: p.read_bytes() for p in out.rglob("*.*")} == before


def test_an_edited_line_a_missing_and_a_stale_file(dumped: tuple[Path, Path]) -> None:
    path, out = dumped
    edited, gone = out / "nftables" / "dpu1.nft", out / "frr" / "leaf1.conf"
    lines = edited.read_text().splitlines(keepends=True)
    was = lines[5]
    lines[5] = "# by hand\n"
    edited.write_text("".join(lines))
    gone.unlink()
    stale = out / "nftables" / "dpu9.nft"
    stale.write_text((out / "nftables" / "dpu2.nft").read_text().replace("dpu2", "dpu9"))
    (out / "nftables" / "notes.nft").write_text("mine\n")
    before = {p: p.read_bytes() for p in out.rglob("*.*")}
    found = {row["file"]: row for row in rows("compile", path, "--check", out)}
    assert set(found) == {str(edited), str(gone), str(stale)}
    told = found[str(edited)]
    assert (told["what"], told["line"], told["lines"]) == ("differs", 6, 1)
    assert (told["there"], told["wanted"]) == ("# by hand", was.rstrip("\n"))
    assert found[str(gone)]["what"] == "missing" and found[str(stale)]["what"] == "stale"
    text = cloison("compile", path, "--check", out)
    assert text.exit_code == 1
    assert "2 of " in text.stdout and "1 of nodes that are no more." in text.stdout
    assert text.stdout.endswith("beside them and is no dump: nftables/notes.nft\n")
    assert {p: p.read_bytes() for p in out.rglob("*.*")} == before, "nothing is written"


def test_links_and_folders_beside_dumps_are_said(dumped: tuple[Path, Path]) -> None:
    """Who installs a folder follows a link in it, and a dump that lost its head."""
    path, out = dumped
    (out / "frr" / "more").mkdir()
    (out / "frr" / "old.conf").symlink_to("leaf1.conf")
    done = cloison("compile", path, "--check", out, "--output", "json")
    beside = json.loads(done.stdout)["passed_over"]
    assert beside == [str(out / "frr" / "more"), str(out / "frr" / "old.conf")]


def test_only_a_node_or_a_format(dumped: tuple[Path, Path]) -> None:
    path, out = dumped
    (out / "nftables" / "dpu1.nft").write_text("")
    (out / "frr" / "dpu1.conf").unlink()
    assert len(rows("compile", path, "--check", out)) == 2
    assert rows("compile", path, "--check", out, "--node", "dpu2") == []
    (row,) = rows("compile", path, "--check", out, "--format", "frr")
    assert (row["format"], row["what"]) == ("frr", "missing")


@pytest.mark.parametrize("instead", [lambda p: p.write_text(""), lambda p: p.symlink_to("gone")])
def test_what_stands_in_place_of_a_folder_has_no_dumps(
    dumped: tuple[Path, Path], instead: Callable[[Path], None]
) -> None:
    path, out = dumped
    (out / "frr").rename(out / "before")
    instead(out / "frr")
    found = rows("compile", path, "--check", out)
    assert {(row["format"], row["what"]) for row in found} == {("frr", "missing")}
    assert len(found) == len(list((out / "before").iterdir()))


def test_a_changed_policy_shows_at_the_dpus_that_enforce_it(tmp_path: Path) -> None:
    path = fabric(tmp_path)
    assert cloison("compile", path, "-o", tmp_path / "out", "--format", "nftables").exit_code == 0
    policy = {
        "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
        "metadata": {"name": "shut", "namespace": "lab"}, "spec": {"podSelector": {}},
    }  # fmt: skip
    with (tmp_path / "red.yaml").open("a") as file:
        file.write(f"\n---\n{json.dumps(policy)}\n")
    found = rows("compile", path, "--check", tmp_path / "out")
    assert [Path(row["file"]).stem for row in found] == ["dpu1"]


def test_where_nothing_is_to_compare(tmp_path: Path) -> None:
    path = fabric(tmp_path)
    empty = tmp_path / "empty"
    empty.mkdir()
    done = cloison("compile", path, "--check", empty)
    assert done.exit_code == 2 and "C874" in done.stderr
    both = cloison("compile", path, "--check", empty, "-o", empty)
    assert both.exit_code == 2
    odd = tmp_path / "odd" / "frr"
    odd.mkdir(parents=True)
    (odd / "leaf1.conf").mkdir()
    kinds = {row["what"] for row in rows("compile", path, "--check", tmp_path / "odd")}
    assert kinds == {"missing", "unreadable"}
