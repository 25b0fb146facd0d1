"""What a program can do behind the walls: read one tree, and print."""

from __future__ import annotations

import ctypes
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from renderers import in_path

from fabric.rendering import confined_run
from fabric.rendering.confined_run import Bounds, Ran, run

WALLS = pytest.mark.skipif(
    bool(os.environ.get("CLOISON_NO_USERNS")), reason="no namespaces for users"
)
SCRIPT = "#!/bin/sh\n"


def ran(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, *words: str, **bounds: float
) -> Ran:
    """What a script does in `inner` of a tree with a file of its own."""
    folder = in_path(monkeypatch, tmp_path / "programs", tool=SCRIPT + text)
    (tmp_path / "tree" / "inner").mkdir(parents=True, exist_ok=True)
    (tmp_path / "tree" / "file.yaml").write_text("said: here\n")
    limits = Bounds(**bounds)  # type: ignore[arg-type]
    return run(["tool", *words], folder / "tool", tmp_path / "tree", "inner", limits)


def without_walls(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The same on a machine that has no namespaces."""
    child = tmp_path / "child.py"
    text = confined_run.CHILD.read_text()
    fault = 'raise UnableError("no namespaces")\n    user, group'
    child.write_text(text.replace("user, group", fault, 1))
    monkeypatch.setattr(confined_run, "CHILD", child)


def test_words_are_what_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = ("two words", "$(id)", "`id`", "*", ";", "--x='y'")
    found = ran(
        tmp_path, monkeypatch, 'for w in "$@"; do echo "<$w>"; done; cat ../file.yaml', *words
    )
    assert found.printed.decode().splitlines() == [*(f"<{w}>" for w in words), "said: here"]
    assert (found.code, found.ended) == (0, "")


def test_its_environment_holds_nothing_of_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hush")
    names = {line.partition("=")[0] for line in ran(
        tmp_path, monkeypatch, "env").printed.decode().splitlines()}  # fmt: skip
    assert names - {"PWD", "OLDPWD", "SHLVL", "_"} == {"PATH", "HOME", "TMPDIR", "LC_ALL"}


@WALLS
def test_there_is_no_network_no_other_file_and_nothing_to_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("hush")
    listening = socket.create_server(("127.0.0.1", 0))
    port = listening.getsockname()[1]
    tries = {
        "secret": f"cat {secret}",
        "home": f"ls {Path.home()}",
        "passwords": "cat /etc/shadow",
        "program": "echo x > /usr/bin/evil",
        "itself": f"echo x > {tmp_path}/programs/tool",
        "tree": "echo x > ../new.yaml",
        "top": "echo x > /new",
        "mounts": "mount -o remount,rw /usr",
        "others": "kill -0 $(ls /proc | grep -E '^[0-9]+$' | sort -n | tail -1) && test $(ls /proc "
                  "| grep -cE '^[0-9]+$') -gt 8",
        "network": f"exec 3<>/dev/tcp/127.0.0.1/{port}",
    }  # fmt: skip
    text = "\n".join(
        f"(bash -c '{way}') >/dev/null 2>&1 && echo {name}" for name, way in tries.items()
    )
    found = ran(tmp_path, monkeypatch, f"{text}\necho done; echo kept > /tmp/x; cat /tmp/x")
    assert found.walls == "", "this machine has no walls: say so by CLOISON_NO_USERNS=1"
    assert found.printed.decode().split() == ["done", "kept"]
    listening.settimeout(0.05)
    with pytest.raises(TimeoutError):
        listening.accept()
    listening.close()
    assert not (tmp_path / "tree" / "new.yaml").exists()


def test_the_same_tries_succeed_where_there_are_no_walls(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So the test before tells something, and the answer says that there are none."""
    (tmp_path / "secret").write_text("hush")
    without_walls(monkeypatch, tmp_path)
    found = ran(tmp_path, monkeypatch, f"cat {tmp_path}/secret; echo x > ../new.yaml")
    assert (found.printed, found.walls) == (b"hush", "no namespaces")
    assert (tmp_path / "tree" / "new.yaml").exists()


@pytest.mark.parametrize("walls", [pytest.param(True, marks=WALLS), False])
def test_who_prints_too_much_or_never_ends_is_ended_with_all_it_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, walls: bool
) -> None:
    if not walls:
        without_walls(monkeypatch, tmp_path)
    much = ran(tmp_path, monkeypatch, "yes 'apiVersion: v1'", printed=2**20)
    assert "more than 1 MiB" in much.ended and len(much.printed) < 2**21
    start = time.monotonic()
    mark = f"sleep 98{tmp_path.stat().st_ino % 10**6}"
    long = ran(tmp_path, monkeypatch, f"{mark} & {mark}", seconds=0.4)
    assert "more than 0.4 s" in long.ended and time.monotonic() - start < 10
    left = [p.read_bytes().replace(b"\0", b" ").decode().strip()
            for p in Path("/proc").glob("[0-9]*/cmdline") if readable(p)]  # fmt: skip
    assert mark not in left


def readable(path: Path) -> bool:
    """Whether a process is still there."""
    try:
        path.read_bytes()
    except OSError:
        return False
    return True


def test_files_that_it_writes_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = ran(
        tmp_path, monkeypatch, "yes > $HOME/much 2>/dev/null; wc -c < $HOME/much", file=2**20
    )
    assert int(found.printed) <= 2**20


def test_what_it_says_on_stderr_is_cut_and_its_exit_code_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = ran(tmp_path, monkeypatch, "yes x | head -c 300000 >&2; exit 7", said=1000)
    assert (found.code, len(found.said), found.ended) == (7, 1000, "")
    assert ran(tmp_path, monkeypatch, "kill -KILL $$").code == -9


def test_a_program_that_cannot_start_is_no_wall_that_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = in_path(monkeypatch, tmp_path / "programs", tool="#!/no/such/shell\n")
    (tmp_path / "tree").mkdir()
    with pytest.raises(OSError, match="No such file"):
        run(["tool"], folder / "tool", tmp_path / "tree", ".")


KEYS = {"x86_64": (248, 249, 250, 56), "aarch64": (217, 218, 219, 220)}
ASKING = """#!/usr/bin/python3
import ctypes, os, socket
libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long
add, request, keyctl, clone = CALLS
name = b"cloison-test"

def tried(what, call):
    start = os.getpid()
    result = call()
    if os.getpid() != start or os.getppid() == start:
        os._exit(0)
    print(what) if result >= 0 else None

tried("reads a key", lambda: libc.syscall(keyctl, 10, -3, b"user", name, 0))
tried("asks for a key", lambda: libc.syscall(request, b"user", name, None, 0))
tried("adds a key", lambda: libc.syscall(add, b"user", name + b"-more", b"x", 1, -3))
tried("takes calls of x32", lambda: libc.syscall(0x40000000 | 39))
tried("takes rings", lambda: libc.syscall(425, 1, ctypes.create_string_buffer(256)))
for family, kind in ("UNIX", 1), ("UNIX", 2), ("VSOCK", 1), ("ALG", 5), ("PACKET", 2):
    try:
        socket.socket(getattr(socket, "AF_" + family), kind)
        print("opens", family)
    except OSError:
        pass
try:
    print("lists keys" if name.decode() in open("/proc/keys").read() else "", end="")
except OSError:
    pass
socket.socket(socket.AF_INET)
socket.socketpair()
tried("is another user by clone", lambda: libc.syscall(clone, 0x10000000 | 17, 0, 0, 0, 0))
tried("is another user", lambda: libc.unshare(0x10000000))
print("done")
"""


@contextmanager
def key_of_ours() -> Iterator[tuple[int, ...]]:
    """A key of this thread, as long as it is wanted, and the numbers of the calls."""
    calls = KEYS[os.uname().machine]
    libc = ctypes.CDLL(None)
    libc.syscall(calls[2], 1, None)
    key = libc.syscall(calls[0], b"user", b"cloison-test", b"hush", 4, -3)
    yield calls
    if key >= 0:
        libc.syscall(calls[2], 9, key, -3)


@pytest.mark.skipif(os.uname().machine not in KEYS, reason="other numbers of calls")
@pytest.mark.skipif(not Path("/usr/bin/python3").exists(), reason="the script is in Python")
@pytest.mark.parametrize("walls", [pytest.param(True, marks=WALLS), False])
def test_the_kernel_refuses_keys_other_users_and_sockets_that_leave_the_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, walls: bool
) -> None:
    """Keys of the caller are out of reach without walls as well; some of the rest is not then, so
    the tries tell something."""
    if not walls:
        without_walls(monkeypatch, tmp_path)
    with key_of_ours() as calls:
        folder = in_path(
            monkeypatch, tmp_path / "programs", tool=ASKING.replace("CALLS", str(calls))
        )
        (tmp_path / "tree").mkdir()
        found = run(["tool"], folder / "tool", tmp_path / "tree", ".")
    said = found.printed.decode().splitlines()
    assert bool(found.walls) != walls and said[-1:] == ["done"], found.said
    assert not {"reads a key", "asks for a key"} & {*said}
    assert not walls or said == ["done"]
    assert walls or "opens UNIX" in said
