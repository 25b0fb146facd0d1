"""What may be read: regular files below the trees that count, and no secret is ever quoted."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from cloison.cli import main
from cloison.render.diagnostics import Excerpts, render
from fabric.building.load import load, load_fabric
from fabric.diagnostics import InputError, Span
from fabric.file.yaml.reader import read_yaml
from fabric.io.reading import read_bytes, rooted, trees_around
from fabric.io.secrets import Secrets
from sim.classify.classbench import read_rules
from sim.classify.timing.trace_files import read as read_trace
from sim.packets.pcap import Reader

FABRIC = """\
cloison: 1
name: f
sites: {s: {spines: 1, leaves: 2, hosts_per_pair: 1, borders: 1}}
tenants: {a: {vrfs: {m: {prefixes: [10.0.0.0/24]}}, manifests: [MANIFEST]}}
"""
POD = "{apiVersion: v1, kind: Pod, metadata: {name: p}, spec: {containers: [{name: c}]}}\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory; what lies beside it is outside."""
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    return here


@pytest.fixture
def special(folder: Path) -> Iterator[list[Path]]:
    """A pipe, a socket, a device, a directory."""
    os.mkfifo(folder / "pipe")
    (folder / "folder").mkdir()
    server = socket.socket(socket.AF_UNIX)
    server.bind("socket")
    with server:
        yield [folder / "pipe", folder / "socket", Path("/dev/zero"), folder / "folder"]


def codes(step: Callable[[], object]) -> set[str]:
    with pytest.raises(InputError) as caught:
        step()
    return {d.code for d in caught.value.diagnostics}


def cloison(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, [*map(str, arguments)])


def fabric(folder: Path, manifest: str, name: str = "f.yaml") -> Path:
    path = folder / name
    path.write_text(FABRIC.replace("MANIFEST", manifest))
    return path


def test_only_regular_files_are_read_wherever_one_is_named(
    special: list[Path], folder: Path
) -> None:
    (folder / "trace").mkdir()
    np.save(folder / "trace" / "src.npy", np.zeros(1, np.uint32))
    for path in special:
        column = folder / "trace" / "dst.npy"
        column.unlink(missing_ok=True)
        column.symlink_to(path)
        assert codes(lambda path=path: read_yaml(path)) == {"C111"}
        assert codes(lambda path=path: read_rules(path)) == {"C111"}
        assert codes(lambda path=path: [*Reader(path)]) == {"C111"}
        assert codes(lambda: read_trace(folder / "trace")) & {"C111", "C112"}
        done = cloison("verify", "--check-certificate", path)
        assert done.exit_code == 2
        if path.name != "folder":  # click knows directories
            assert "C111" in done.stderr
        for verb in ("check", "verify", "compile", "show"):
            more = ("topology",) if verb == "show" else ()
            done = cloison(verb, *more, path)
            assert done.exit_code == 2, done.output
            assert "C111" in done.output


def test_a_manifest_or_what_is_extended_is_a_regular_file(
    special: list[Path], folder: Path
) -> None:
    for path in (special[0], special[1]):
        name = fabric(folder, path.name)
        assert "C111" in cloison("check", name).output
        twin = folder / "twin.yaml"
        twin.write_text(f"cloison: 1\nextends: {path.name}\n")
        assert codes(partial(load_fabric, twin)) == {"C111"}


def test_pipes_in_a_directory_of_manifests_are_told(folder: Path) -> None:
    (folder / "m").mkdir()
    (folder / "m" / "pod.yaml").write_text(POD)
    os.mkfifo(folder / "m" / "pipe.yaml")
    assert "C111" in cloison("check", fabric(folder, "m")).output
    assert "C111" in cloison("reach", folder / "m").stderr


def test_the_working_directory_and_the_fabric_files_own_may_be_read(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "deep").mkdir()
    (folder / "m.yaml").write_text(POD)
    path = fabric(folder / "deep", "../m.yaml")
    assert cloison("check", path).exit_code == 0
    monkeypatch.chdir(folder / "deep")
    refused = cloison("check", path)
    assert refused.exit_code == 2
    assert "C112" in refused.output
    assert "--root DIR" in refused.output
    assert cloison("check", path, "--root", folder).exit_code == 0
    (folder / ".git").mkdir()
    assert cloison("check", path).exit_code == 0


def test_a_root_confines_what_inputs_name_and_where_links_lead(folder: Path) -> None:
    outside = folder.parent / "credentials"
    outside.write_text("https://me:hunter2@example.com\n")
    (folder / "m").mkdir()
    for lure in ("../credentials", str(outside), "/proc/self/environ", "link.yaml", "m"):
        (folder / "link.yaml").unlink(missing_ok=True)
        (folder / "link.yaml").symlink_to(outside)
        (folder / "m" / "x.yaml").unlink(missing_ok=True)
        (folder / "m" / "x.yaml").symlink_to("/proc/self/environ")
        path = fabric(folder, lure)
        for done in (cloison("check", path), cloison("verify", path, "--root", folder)):
            assert done.exit_code == 2, done.output
            assert "C112" in done.output
            assert "hunter2" not in done.output
        twin = folder / "twin.yaml"
        twin.write_text(f"cloison: 1\nextends: {lure}\n")
        assert codes(partial(load_fabric, twin)) <= {"C112", "C111"}


def test_a_fabric_file_or_lock_that_is_a_link_out_of_its_tree_is_not_read(folder: Path) -> None:
    outside = folder.parent / "credentials"
    outside.write_text("cloison: {hunter2: x}\n")
    (folder / "f.yaml").symlink_to(outside)
    assert codes(lambda: load_fabric(Path("f.yaml"))) == {"C112"}
    (folder / "f.yaml").unlink()
    (folder / "real.yaml").write_text(FABRIC.replace("MANIFEST", ""))
    (folder / "f.yaml").symlink_to("real.yaml")
    assert load_fabric(Path("f.yaml")).name == "f"


def test_what_git_keeps_for_itself_is_not_read(folder: Path) -> None:
    (folder / ".git").mkdir()
    (folder / ".git" / "config").write_text("[remote]\n  url = https://x:hunter2@h\n")
    done = cloison("check", fabric(folder, ".git/config"))
    assert done.exit_code == 2
    assert "C112" in done.output
    assert "hunter2" not in done.output


def test_proc_is_never_read_whatever_the_root(folder: Path) -> None:
    with rooted(Path("/")):
        assert codes(lambda: read_bytes(Path("/proc/self/environ"))) == {"C112"}
        assert trees_around(folder).roots == (Path("/"),)


SECRETS = {
    "syntax": "kind: Secret\napiVersion: v1\nstringData:\n  password: p: hunter2\n",
    "alias": "kind: Secret\napiVersion: v1\ndata:\n  x: *hunter2\n",
    "tag": "kind: Secret\napiVersion: v1\ndata:\n  x: !hunter2 y\n",
    "key": "kind: Secret\napiVersion: v1\ndata:\n  hunter2: y\n  hunter2: z\n",
    "json": '{"kind": "Secret", "apiVersion": "v1", "data": {"x": hunter2: y}}',
    "list": "kind: List\napiVersion: v1\nitems:\n- kind: Secret\n  data: {x: hunter2: y}\n",
    "late": "data:\n  x: hunter2: y\nmetadata: {name: x}\nkind: Secret\n",
    "second": "kind: Pod\n---\nkind: Secret\ndata:\n  x: hunter2: y\n",
    "sealed": "kind: SealedSecret\ndata:\n  x: hunter2: y\n",
    "typed": 'kind: !!str "Secret"\ndata:\n  x: hunter2: y\n',
    "environment": "kind: Pod\nenv:\n- {name: DB_PASSWORD, value: a: hunter2: b}\n",
    "address": "kind: ConfigMap\ndata: [https://me:hunter2@h/: x: y]\n",
    "boolean": "kind: Secret\napiVersion: v1\nmetadata: {name: n}\nstringData:\n  name: yes\n",
}


@pytest.mark.parametrize("name", SECRETS)
def test_no_message_quotes_a_secret(name: str, folder: Path) -> None:
    (folder / "m").mkdir()
    (folder / "m" / "x.yaml").write_text(SECRETS[name])
    (folder / "m" / "pod.yaml").write_text(POD)
    path = fabric(folder, "m")
    for arguments in (["reach", "m"], ["check", path], ["check", path, "-o", "json"]):
        done = cloison(*arguments)
        assert "hunter2" not in done.output
        assert "yes is a boolean" not in done.output


def test_other_lines_are_still_quoted(folder: Path) -> None:
    (folder / "x.yaml").write_text("kind: Pod\nspec: a: b\n---\nkind: Secret\n")
    assert "spec: a: b" in cloison("reach", "x.yaml").stderr


def test_hidden_files_are_read_and_not_quoted(folder: Path) -> None:
    (folder / ".netrc").write_text("machine: h: hunter2\n")
    for path in (fabric(folder, ".netrc"), ".netrc"):
        done = cloison("check", path)
        assert "C104" in done.output
        assert "hunter2" not in done.output


@given(st.lists(st.sampled_from(["a: 1", "---", "...", "kind: Secret", "x: y", "--- # z"])))
def test_secrets_are_found_document_by_document(lines: list[str]) -> None:
    text = "\n".join(lines)
    found, document, expected = Secrets(text), [], []
    documents: list[list[int]] = [[]]
    for number, line in enumerate(lines, 1):
        if line.startswith(("---", "...")):
            documents.append([])
        documents[-1].append(number)
    for document in documents:
        if any("Secret" in lines[number - 1] for number in document):
            expected += document
    assert [n for n in range(1, len(lines) + 1) if n in found] == expected


def test_excerpts_read_nothing_that_is_no_regular_file(special: list[Path]) -> None:
    lines = Excerpts({})
    for path in (*special, Path("/proc/self/environ"), Path("missing")):
        assert not lines.line(Span(str(path), 1))


def test_a_patch_of_thousands_of_edits_is_read_and_of_more_refused(folder: Path) -> None:
    fabric(folder, "m.yaml", "base.yaml")
    (folder / "m.yaml").write_text(POD)
    for count, code in ((1500, None), (10_000, None), (10_001, "C113")):
        edit = "  - {at: [tenants, a, vrfs, m, prefixes], append: 10.0.0.0/33}\n"
        head = "cloison: 1\nextends: base.yaml\npatch:\n"
        (folder / "p.yaml").write_text(head + edit.replace("0/33", "0/24") * (count - 1) + edit)
        if code is None:
            with pytest.raises(InputError) as caught:
                load(folder / "p.yaml")
            assert any(d.span and d.span.line == count + 3 for d in caught.value.diagnostics)
            assert render(caught.value.diagnostics[:1])
        else:
            assert codes(lambda: load(folder / "p.yaml")) == {code}


def test_edits_cannot_nest_deeper_than_a_file_may(folder: Path) -> None:
    fabric(folder, "m.yaml", "base.yaml")
    deep = "[" * 150 + "]" * 150
    edits = "".join(
        f"  - {{at: [{', '.join(['name'] + ['0'] * 149 * n)}], set: {deep}}}\n" for n in range(9)
    )
    (folder / "p.yaml").write_text(f"cloison: 1\nextends: base.yaml\npatch:\n{edits}")
    assert "C108" in codes(lambda: load(folder / "p.yaml"))


@pytest.mark.parametrize("members", ["10.0.0.0/16, 'fd00::/48'", "'fd00::/48', 10.0.0.0/16"])
@pytest.mark.parametrize(("length", "drawn"), [(64, "fd00::/64"), (24, "10.0.0.0/24")])
def test_a_pool_of_both_families(folder: Path, members: str, length: int, drawn: str) -> None:
    (folder / "f.yaml").write_text(
        "cloison: 1\nname: x\nsites: {s: {borders: 0}}\n"
        f"pools: {{prefixes: {{p: [{members}]}}}}\n"
        f"tenants: {{a: {{vrfs: {{m: {{prefixes: [{{pool: p, length: {length}}}]}}}}}}}}\n"
    )
    done = cloison("show", "addresses", folder / "f.yaml", "-o", "json")
    assert done.exit_code == 0, done.output
    lock = (folder / "f.lock.yaml").read_text()
    assert f'"{drawn}"' in lock


def test_hidden_directories_above_the_tree_do_not_matter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = tmp_path / ".work" / "tree"
    here.mkdir(parents=True)
    monkeypatch.chdir(here)
    (here / "x.yaml").write_text("kind: Pod\nspec: a: b\n")
    assert "spec: a: b" in cloison("reach", here / "x.yaml").stderr


@pytest.mark.parametrize("name", ["n" * 5000, "a\0b", "loop"])
def test_names_of_no_file_are_told(name: str, folder: Path) -> None:
    (folder / "loop").symlink_to("loop")
    path = folder / "f.yaml"
    path.write_text(FABRIC.replace("MANIFEST", '"' + name.replace("\0", "\\0") + '"'))
    done = cloison("check", path)
    assert done.exit_code == 2
    assert "C601" in done.output or "C101" in done.output
    (folder / "twin.yaml").write_text(f'extends: "{name}"\n'.replace("\0", "\\0"))
    assert codes(lambda: load_fabric(folder / "twin.yaml")) <= {"C290", "C101"}


def test_lists_in_lists_are_read_or_refused(folder: Path) -> None:
    for deep, code in ((10, 0), (11, 2)):
        text = POD.strip()
        for _ in range(deep):
            text = "{apiVersion: v1, kind: List, items: [" + text + "]}"
        (folder / "m.yaml").write_text(text)
        done = cloison("check", fabric(folder, "m.yaml"))
        assert done.exit_code == code, done.output
        assert ("C604" in done.output) == bool(code)
