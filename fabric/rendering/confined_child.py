"""What runs another program where it can do nothing but read one tree and print: a script.

It is run by its path, in isolated mode (`python -I -S`), by `fabric.rendering.confined_run`, and
imports nothing of ours. Its one argument is a job as JSON; on the descriptor `status` it says
`ran`, or why not: `unable STEP: REASON` where the machine has no such walls, `absent REASON` where
the program cannot be started.

Rules that hold here, with `confine`:

1. Namespaces of its own: users (it is nobody in particular), mounts, processes, network (none, not
   even loopback), IPC, host name. Whatever it starts ends with it.
2. Its root is a new, empty one. Of the machine it sees the folders of programs and libraries
   (`SYSTEM`), the program itself, four harmless devices, and the tree at `/tree`; nothing of it can
   be written. `/tmp` is memory, so much and no more.
3. No privilege is left when the program starts, and none can be gained, nor other namespaces. The
   kernel refuses it keys, sockets of any family but those of networks, of which it has none
   (`FAMILIES`), and the rings of io_uring, by which sockets could be had (`filter_of_calls`).

Without it, and with it: a session keyring of its own, where the kernel grants one; bounds of
processor time, memory, files and their sizes; nothing runs on after whoever asked.

Source: unshare(2), pivot_root(2), mount_setattr(2), user_namespaces(7), prctl(2), seccomp(2),
keyrings(7).
"""

from __future__ import annotations

import ctypes
import errno
import json
import os
import resource
import signal
import struct
import sys
from typing import Any, NoReturn

NEWNS, NEWUTS, NEWIPC = 0x00020000, 0x04000000, 0x08000000
NEWUSER, NEWPID, NEWNET = 0x10000000, 0x20000000, 0x40000000
BIND, REC, PRIVATE, RDONLY = 4096, 16384, 1 << 18, 1
NOSUID, NODEV, NOEXEC, REMOUNT, DETACH = 2, 4, 8, 32, 2
PDEATHSIG, NO_NEW_PRIVS = 1, 38
MOUNT_SETATTR, IO_URING_SETUP, CLONE3 = 442, 425, 435
RECURSIVE = 0x8000
"""Of mount_setattr(2): with all that is mounted below."""
SYSTEM = ("usr", "bin", "sbin", "lib", "lib32", "lib64", "libx32", "opt", "nix")
FILES = ("etc/ld.so.cache", "etc/alternatives", "etc/passwd", "etc/localtime")
DEVICES = ("null", "zero", "random", "urandom")
SOMEBODY = 1000
"""Who the program is inside: nobody who owns anything there but its tree."""
UNABLE = 125
PROCESSES = 256
"""With threads; counted for a namespace, and so not where there is none."""


ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
CALLS = {
    "x86_64": {
        "pivot_root": 155, "unshare": 272, "clone": 56, "setns": 308, "socket": 41,
        "add_key": 248, "request_key": 249, "keyctl": 250,
    },
    "aarch64": {
        "pivot_root": 41, "unshare": 97, "clone": 220, "setns": 268, "socket": 198,
        "add_key": 217, "request_key": 218, "keyctl": 219,
    },
}  # fmt: skip
JOIN_SESSION_KEYRING = 1
FAMILIES = (2, 10, 16)
"""IPv4, IPv6, netlink: those of a namespace of networks. Those of files could reach whoever listens
in a folder of programs, those of virtual machines the host."""
SET_SECCOMP, BY_FILTER = 22, 2
LOAD, EQUAL, AT_LEAST, ANY_BIT, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
ALLOW, REFUSE, KILL = 0x7FFF0000, 0x00050000, 0x80000000
CALL, ARCHITECTURE, FIRST_WORD = 0, 4, 16
"""Where they lie in `struct seccomp_data`."""
OTHER_CALLS = 0x40000000
"""From here on the calls of x32 are numbered."""
Step = tuple[int, int, int, int]


class UnableError(Exception):
    """The machine has not what a step needs."""


libc = ctypes.CDLL(None, use_errno=True)
libc.mount.argtypes = [ctypes.c_char_p] * 3 + [ctypes.c_ulong, ctypes.c_char_p]


class MountAttributes(ctypes.Structure):
    """`struct mount_attr`."""

    _fields_ = [(name, ctypes.c_uint64) for name in ("set", "clear", "propagation", "userns")]


def main(job: dict[str, Any]) -> NoReturn:
    """Never returns."""
    done(libc.prctl(PDEATHSIG, signal.SIGKILL, 0, 0, 0), "prctl")
    try:
        calls = CALLS.get(os.uname().machine)
        if calls:
            libc.syscall(calls["keyctl"], JOIN_SESSION_KEYRING, None)
        if job["confine"]:
            if not calls:
                raise UnableError(f"calls of {os.uname().machine} are not known")
            apart()
            in_a_child(job)
            walls(job, calls["pivot_root"])
            in_a_child(job)
            refuse(filter_of_calls(calls, ARCHITECTURES[os.uname().machine]))
    except (UnableError, OSError) as error:
        say(job, f"unable {error}")
    start(job)


def in_a_child(job: dict[str, Any]) -> None:
    """Go on in a child, and end as it ends. The first one in a namespace of processes waits for
    another, as no signal of its own ends it."""
    child = os.fork()
    if child:
        os.close(job["status"])
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        os._exit(code if code >= 0 else 128 - code)
    done(libc.prctl(PDEATHSIG, signal.SIGKILL, 0, 0, 0), "prctl")


def apart() -> None:
    """Rule 1."""
    user, group = os.geteuid(), os.getegid()
    every = NEWUSER | NEWNS | NEWPID | NEWNET | NEWIPC | NEWUTS
    done(libc.unshare(every), "namespaces")
    for name, text in (
        ("setgroups", "deny"),
        ("uid_map", f"{SOMEBODY} {user} 1"),
        ("gid_map", f"{SOMEBODY} {group} 1"),
    ):
        with open(f"/proc/self/{name}", "w") as file:
            file.write(text)


def walls(job: dict[str, Any], pivot_root: int) -> None:
    """Rule 2."""
    box = job["box"]
    mount(None, "/", None, REC | PRIVATE)
    mount("tmpfs", box, "tmpfs", NOSUID | NODEV, "size=1m,mode=755")
    for name in SYSTEM:
        if os.path.islink(f"/{name}"):
            os.symlink(os.readlink(f"/{name}"), f"{box}/{name}")
        elif os.path.isdir(f"/{name}"):
            shown(f"/{name}", f"{box}/{name}", 0)
    for name in (*FILES, *(f"dev/{name}" for name in DEVICES)):
        if os.path.exists(f"/{name}"):
            shown(f"/{name}", f"{box}/{name}", NOEXEC)
    for name in ("tmp", "proc"):
        os.mkdir(f"{box}/{name}")
    mount("tmpfs", f"{box}/tmp", "tmpfs", NOSUID | NODEV | NOEXEC, f"size={job['scratch']}")
    libc.mount(b"proc", f"{box}/proc".encode(), b"proc", NOSUID | NODEV | NOEXEC, None)
    if os.path.exists(keys := f"{box}/proc/keys"):
        mount("/dev/null", keys, None, BIND)
    shown(job["tree"], f"{box}/tree", NOEXEC)
    program = job["program"]
    if not os.path.exists(f"{box}{program}"):
        shown(program, f"{box}{program}", 0)
    os.chdir(box)
    done(libc.syscall(pivot_root, b".", b"."), "pivot_root")
    done(libc.umount2(b".", DETACH), "umount")
    os.chdir("/")
    mount(None, "/", None, REMOUNT | BIND | RDONLY | NOSUID | NODEV)


def shown(what: str, at: str, more: int) -> None:
    """A file or folder of the machine at a place of the new root, for reading alone."""
    folder = os.path.isdir(what)
    os.makedirs(at if folder else os.path.dirname(at), exist_ok=True)
    if not folder:
        os.close(os.open(at, os.O_CREAT | os.O_WRONLY, 0o644))
    mount(what, at, None, BIND | REC)
    about = MountAttributes(RDONLY | NOSUID | more, 0, 0, 0)
    size = ctypes.sizeof(about)
    made = libc.syscall(MOUNT_SETATTR, -100, at.encode(), RECURSIVE, ctypes.byref(about), size)
    done(made, f"reading alone of {what}")


def filter_of_calls(calls: dict[str, int], architecture: int) -> list[Step]:
    """Rule 3, as a program of BPF: its steps, each a code, how many steps to pass over if so and if
    not, and an operand."""

    def refused(number: int) -> Step:
        return RETURN, 0, 0, REFUSE | number

    steps = [
        (LOAD, 0, 0, ARCHITECTURE),
        (EQUAL, 1, 0, architecture),
        (RETURN, 0, 0, KILL),
        (LOAD, 0, 0, CALL),
        (AT_LEAST, 0, 1, OTHER_CALLS),
        refused(errno.ENOSYS),
    ]
    for name in ("add_key", "request_key", "keyctl", "setns"):
        steps += [(EQUAL, 0, 1, calls[name]), refused(errno.EPERM)]
    # Its flags lie in memory, where no filter sees them: libraries then take clone.
    for call in (CLONE3, IO_URING_SETUP):
        steps += [(EQUAL, 0, 1, call), refused(errno.ENOSYS)]
    namespaces = NEWUSER | NEWNS | NEWPID | NEWNET | NEWIPC | NEWUTS
    for name in ("clone", "unshare"):
        steps += [
            (EQUAL, 0, 4, calls[name]),
            (LOAD, 0, 0, FIRST_WORD),
            (ANY_BIT, 0, 1, namespaces),
            refused(errno.EPERM),
            (RETURN, 0, 0, ALLOW),
        ]
    families = [(EQUAL, len(FAMILIES) - n, 0, family) for n, family in enumerate(FAMILIES)]
    steps += [
        (EQUAL, 0, len(FAMILIES) + 2, calls["socket"]),
        (LOAD, 0, 0, FIRST_WORD),
        *families,
        refused(errno.EAFNOSUPPORT),
    ]
    return [*steps, (RETURN, 0, 0, ALLOW)]


def refuse(steps: list[Step]) -> None:
    """Have the kernel go by a filter from here on, in all that is started."""
    done(libc.prctl(NO_NEW_PRIVS, 1, 0, 0, 0), "prctl")
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in steps))
    about = ctypes.create_string_buffer(struct.pack("HP", len(steps), ctypes.addressof(code)))
    done(libc.prctl(SET_SECCOMP, BY_FILTER, about, 0, 0), "seccomp")


def start(job: dict[str, Any]) -> NoReturn:
    """Rule 3, and the bounds."""
    try:
        done(libc.prctl(NO_NEW_PRIVS, 1, 0, 0, 0), "prctl")
        bounds = {**job["bounds"], **({"RLIMIT_NPROC": PROCESSES} if job["confine"] else {})}
        for name, most in bounds.items():
            kind = getattr(resource, name)
            hard = resource.getrlimit(kind)[1]
            lowest = most if hard == resource.RLIM_INFINITY else min(most, hard)
            resource.setrlimit(kind, (lowest, lowest))
        os.chdir(f"/tree/{job['folder']}" if job["confine"] else f"{job['tree']}/{job['folder']}")
        os.set_inheritable(job["status"], False)
        os.write(job["status"], b"ran")
        os.execve(job["program"], job["words"], job["environment"])
    except (UnableError, OSError, ValueError) as error:
        say(job, f"absent {error}")


def mount(what: str | None, at: str, kind: str | None, flags: int, about: str = "") -> None:
    """mount(2)."""
    texts = [None if text is None else os.fsencode(text) for text in (what, at, kind)]
    done(libc.mount(*texts, flags, os.fsencode(about)), f"mount of {at}")


def done(result: int, step: str) -> None:
    """Raise where the C library says that a step failed."""
    if result < 0:
        number = ctypes.get_errno()
        raise UnableError(f"{step}: {errno.errorcode.get(number, number)}")


def say(job: dict[str, Any], why: str) -> NoReturn:
    """Tell why the program does not run, and end."""
    os.write(job["status"], f" {why}".encode("utf-8", "replace"))
    os._exit(UNABLE)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
