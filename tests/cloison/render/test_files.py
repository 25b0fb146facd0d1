"""Results are written whole or not at all: disks that are full, processes that are killed."""

from __future__ import annotations

import os
import re
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from forked import run

from cloison.render.files import Together, write_text
from compiler.targets.catalogue import writers

ROOT = Path(__file__).parents[3]
PROGRAM = "from cloison.cli import main; main()"
FABRIC = {
    "cloison": 1,
    "name": "f",
    "sites": {"s": {"spines": 2, "leaves": 2, "hosts_per_pair": 4}},
    "tenants": {
        name: {"vrfs": {"m": {"prefixes": [f"10.{n}.0.0/16"]}}, "manifests": ["m.yaml"]}
        for n, name in enumerate("ab")
    },
    "expect": [{"deny": "a/* -> b/*"}],
}
POD = "{{apiVersion: v1, kind: Pod, metadata: {{name: p{0}}}, spec: {{containers: [{{name: c}}]}}}}"
WRITING = {
    "compile": (["compile", "f.yaml", "-q", "-o", "out"], "out/text/dpu1.txt"),
    "verify": (["verify", "f.yaml", "-q", "--certificate", "c.json"], "c.json"),
    "plot": (["plot", "f.yaml", "-o", "x.svg"], "x.svg"),
    "replay": (["replay", "f.yaml", "-q", "--random", "500", "--dropped", "d.pcapng"], "d.pcapng"),
    "lock": (["show", "addresses", "f.yaml"], "f.lock.yaml"),
}
KILL = """\
import os, pathlib
turn = {}
def at(place, real):
    def patched(*arguments, **more):
        global turn
        if any("kernels-" in str(a) for a in arguments):
            return real(*arguments, **more)
        turn -= 1
        if turn == 0:
            os.kill(os.getpid(), 9)
        return real(*arguments, **more)
    return patched
os.fsync = at("fsync", os.fsync)
os.replace = at("replace", os.replace)
pathlib.Path.replace = at("replace", pathlib.Path.replace)
os.fchmod = at("fchmod", os.fchmod)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "f.yaml").write_text(yaml.safe_dump(FABRIC))
    (tmp_path / "m.yaml").write_text("\n---\n".join(POD.format(n) for n in range(40)))
    return tmp_path


def state(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else b"directory"
        for path in folder.rglob("*")
    }


@pytest.mark.slices(3)
@pytest.mark.parametrize("name", WRITING)
@pytest.mark.parametrize("before", [None, "old"])
def test_a_full_disk_is_told_and_leaves_nothing(
    name: str, before: str | None, folder: Path
) -> None:
    arguments, target = WRITING[name]
    if name != "lock":
        assert run(folder, *WRITING["lock"][0]).returncode == 0
        if before is not None:
            write_text(folder / target, before)
    elif before is not None:
        (folder / target).write_text("vni: {a/m: 10999}\n")
    kept = state(folder)
    size = 64 if name == "lock" else 512
    done = run(folder, *arguments, limits={resource.RLIMIT_FSIZE: size})
    assert done.returncode == 2, done.stderr
    assert Path(target).parts[0] in done.stderr
    assert "File too large" in done.stderr
    assert "internal error" not in done.stderr
    assert state(folder) == kept


@pytest.mark.slices(3)
@pytest.mark.root
@pytest.mark.parametrize("name", WRITING)
def test_a_small_file_system_that_is_full(name: str, folder: Path, tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("mounting needs root")
    arguments, _ = WRITING[name]
    if name != "lock":
        assert run(folder, *WRITING["lock"][0]).returncode == 0
    script = (
        "mkdir small && mount -t tmpfs -o size=64k none small && cp *.yaml small && cd small && "
        "(dd if=/dev/zero of=filler bs=1k 2>/dev/null; true) && ls -A > ../before && "
        '"$@"; code=$?; ls -A > ../after; exit $code'
    )
    words = [sys.executable, "-c", PROGRAM, *arguments]
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", script, "sh", *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    if "unshare" in done.stderr or "mount:" in done.stderr:
        pytest.skip(f"no mount namespace here: {done.stderr}")
    assert done.returncode == 2, done.stderr
    assert "No space left on device" in done.stderr
    assert (folder / "after").read_text() == (folder / "before").read_text()


@pytest.mark.parametrize("arguments", [["show", "addresses", "f.yaml"], ["check", "f.yaml"]])
def test_stdout_that_is_full(arguments: list[str], folder: Path) -> None:
    done = run(folder, *arguments, stdout=Path("/dev/full"))
    assert done.returncode == 2
    said = [line for line in done.stderr.splitlines() if "warning[" not in line]
    assert said == ["error: cannot read or write: No space left on device"]


@pytest.mark.slices(3)
@pytest.mark.parametrize("name", WRITING)
def test_a_killed_writer_leaves_the_old_or_the_new(name: str, folder: Path) -> None:
    arguments, target = WRITING[name]
    if name == "lock":
        (folder / target).write_text("")
    else:
        assert run(folder, *WRITING["lock"][0]).returncode == 0
        write_text(folder / target, "old")
    old = (folder / target).read_bytes()
    killed = 0
    for turn in range(1, 4):
        done = run(folder, *arguments, before=KILL.format(turn))
        found = (folder / target).read_bytes()
        if done.returncode == -signal.SIGKILL:
            killed += 1
            left = list(folder.rglob(f".{Path(target).name}*~"))
            assert found == old or complete(found, target)
            for path in left:
                path.unlink()
        if found != old:
            break
    assert killed
    assert run(folder, *arguments).returncode == 0
    assert complete((folder / target).read_bytes(), target)


def complete(found: bytes, target: str) -> bool:
    """Whether a result ends as such results end."""
    endings = {".txt": b"\n", ".json": b"}\n", ".svg": b"</svg>\n", ".yaml": b"\n", ".pcapng": b""}
    return len(found) > 100 and found.endswith(endings[Path(target).suffix])


def test_files_together_all_or_none(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("old")
    with pytest.raises(ZeroDivisionError), Together() as files:
        files.write(tmp_path / "a", b"new")
        files.write(tmp_path / "deep" / "er" / "b", b"new")
        raise ZeroDivisionError
    assert state(tmp_path) == {"a": b"old"}
    with pytest.raises(OSError, match="Not a directory"), Together() as files:
        files.write(tmp_path / "deep" / "b", b"new")
        files.write(tmp_path / "a" / "b", b"new")
    assert state(tmp_path) == {"a": b"old"}
    with Together() as files:
        files.write(tmp_path / "a", b"new")
        files.write(tmp_path / "deep" / "b", b"new")
    assert state(tmp_path) == {"a": b"new", "deep": b"directory", "deep/b": b"new"}


def test_too_few_open_files_is_told(folder: Path) -> None:
    """In fresh processes: what they import is opened as well."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (20, 20))

    for verb in WRITING:
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, *WRITING[verb][0]],
            cwd=folder, env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True, text=True, check=False, preexec_fn=limit,
        )  # fmt: skip
        if verb == "verify" and done.returncode != 0:
            assert re.search(r"ulimit -n\) is 20, and cloison needs 64", done.stderr)
        assert done.returncode in (0, 2), done.stderr
        assert "internal error" not in done.stderr
        assert "Traceback" not in done.stderr


def test_dumps_of_nodes_that_are_gone_go_too(folder: Path) -> None:
    formats = [f"--format={name}" for name in writers()]
    compile_all = ["compile", "f.yaml", "-q", "-o", "out", *formats]
    assert run(folder, *compile_all).returncode == 0
    ours = {"out/text/dpu9.txt", "out/canonical/dpu9.json", "out/nftables/dpu9.nft",
            "out/frr/dpu9.conf"}  # fmt: skip
    for name in ours:
        known = (folder / name).with_stem("dpu1").read_text()
        (folder / name).write_text(known.replace("dpu1", "dpu9"))
    theirs = {"out/text/notes.txt": "# notes", "out/text/dpu8.txt": "mine", "out/frr/x.conf": ""}
    for name, text in theirs.items():
        (folder / name).write_text(text)
    one = run(folder, "compile", "f.yaml", "-q", "-o", "out", "--node", "dpu1")
    assert one.returncode == 0, one.stderr
    assert ours <= state(folder).keys()
    done = run(folder, *compile_all)
    assert done.returncode == 0, done.stderr
    left = state(folder)
    assert not ours & left.keys()
    assert theirs.keys() <= left.keys()
    assert done.stderr.count("is removed: there is no such node") == 4
