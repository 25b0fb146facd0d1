"""QEMU: run a command below a stock Debian kernel, on this machine's files, without KVM.

The environment names a folder in which a kernel package is unpacked:

    apt-get download linux-image-6.1.0-NN-amd64 && dpkg -x linux-image-*.deb FOLDER
    CLOISON_LAB_KERNEL=FOLDER pytest tests/sim/lab/test_vrf.py

Such a kernel has everything that user-mode Linux lacks, and every instruction is emulated: expect
about ten times the time. The machine's root is mounted read-only with a memory overlay on top, as
in `uml.py`; what a command prints comes back through a shared folder.
"""

from __future__ import annotations

import lzma
import os
import shlex
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path

import pytest

Entry = tuple[str, int, bytes, int, int]
"""Name, mode, content, major and minor of a file in an archive."""

BOOT = ("virtio_pci", "virtio_rng", "9p", "9pnet_virtio", "overlay")
NEEDED = ("ipv6", "vrf", "vxlan", "veth", "nf_tables", "nft_ct")
NINE = "trans=virtio,version=9p2000.L,msize=524288,access=any"
ELF, XZ = b"\x7fELF", b"\xfd7zXZ\x00"
FOLDER, FILE, DEVICE = 0o40755, 0o100755, 0o20600
END: Entry = ("TRAILER!!!", 0, b"", 0, 0)

INIT = """#!/bin/busybox sh
b=/bin/busybox
$b mkdir -p /proc /sys /host /up /new
$b mount -t proc p /proc; $b mount -t sysfs s /sys; $b mount -t devtmpfs d /dev
for m in {boot}; do $b insmod /m/$m; done
$b mount -t 9p -o ro,cache=loose,{nine} root /host
$b mount -t tmpfs t /up; $b mkdir /up/u /up/w
$b mount -t overlay -o lowerdir=/host,upperdir=/up/u,workdir=/up/w o /new
for d in proc sys dev; do $b mount --move /$d /new/$d; done
$b mkdir -p /new/lib/modules/{version} /new/mnt/shared
$b mount --bind /new{modules} /new/lib/modules/{version}
$b mount -t tmpfs r /new/run
$b mount -t 9p -o rw,{nine} shared /new/mnt/shared
exec $b switch_root /new /bin/sh /mnt/shared/job
"""
JOB = r"""#!/bin/sh
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root NUMBA_DISABLE_JIT=1
ip link set lo up
{{ modprobe -a {needed} && cd {cwd} && {command}; }} \
    >/mnt/shared/stdout 2>/mnt/shared/stderr </dev/null
echo $? >/mnt/shared/rc; sync
echo o >/proc/sysrq-trigger; sleep 60
"""


def kernel() -> Path:
    """The folder of the unpacked kernel; skip when the environment names none."""
    folder = os.environ.get("CLOISON_LAB_KERNEL")
    if not folder:
        pytest.skip("CLOISON_LAB_KERNEL names no folder", allow_module_level=True)
    return Path(folder).resolve()


def run(
    command: Sequence[str | Path], folder: Path, shared: Path, *, seconds: float = 600
) -> subprocess.CompletedProcess[str]:
    """Boot, run, power off. A return code of -1 says that the command did not end in time;
    `shared` is an empty folder."""
    image = next((folder / "boot").glob("vmlinuz-*"))
    version = image.name.removeprefix("vmlinuz-")
    modules = folder / "lib" / "modules" / version
    if not (modules / "modules.dep").exists():
        subprocess.run(["depmod", "-b", folder, version], check=True)
    (shared / "vmlinux").write_bytes(unpacked(image.read_bytes()))
    (shared / "initrd").write_bytes(archive(_initrd(folder, version, modules)))
    line = shlex.join(map(str, command))
    job = JOB.format(needed=" ".join(NEEDED), cwd=shlex.quote(str(Path.cwd())), command=line)
    (shared / "job").write_text(job)
    process = subprocess.Popen(
        ["qemu-system-x86_64", *_machine(shared)],
        stdin=subprocess.DEVNULL,
        stdout=(shared / "console").open("w"),
        stderr=subprocess.STDOUT,
    )
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    texts = {}
    for name in ("rc", "stdout", "stderr", "console"):
        path = shared / name
        texts[name] = path.read_text(errors="replace") if path.exists() else ""
    code = int(texts["rc"]) if texts["rc"].strip() else -1
    errors = texts["stderr"] if texts["rc"] else texts["stderr"] + texts["console"]
    return subprocess.CompletedProcess(command, code, texts["stdout"], errors)


def unpacked(image: bytes) -> bytes:
    """The kernel inside a compressed image: QEMU boots it directly, and below QEMU unpacking is
    slow."""
    at = image.find(XZ)
    while at >= 0:
        try:
            data = lzma.LZMADecompressor().decompress(image[at:])
        except lzma.LZMAError:
            data = b""
        if data.startswith(ELF):
            return data
        at = image.find(XZ, at + 1)
    raise ValueError("no XZ-packed kernel in the image")


def archive(entries: Iterable[Entry]) -> bytes:
    """A cpio archive, as the kernel takes it (newc)."""
    out = bytearray()
    for number, entry in enumerate([*entries, END]):
        name, mode, data, major, minor = entry
        label = name.encode() + b"\0"
        fields = number, mode, 0, 0, 1, 0, len(data), 0, 0, major, minor, len(label), 0
        out += b"070701" + b"".join(b"%08X" % field for field in fields) + label
        out += bytes(-len(out) % 4) + data
        out += bytes(-len(out) % 4)
    return bytes(out)


def _initrd(folder: Path, version: str, modules: Path) -> Iterable[Entry]:
    found = subprocess.run(
        ["modprobe", "-a", "-d", folder, "-S", version, "-C", "/dev/null", "--show-depends", *BOOT],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    lines = [line.split()[1] for line in found.stdout.splitlines() if line.startswith("insmod ")]
    paths = [Path(path) for path in dict.fromkeys(lines)]
    names = " ".join(path.name for path in paths)
    init = INIT.format(boot=names, nine=NINE, version=version, modules=modules)
    yield from ((name, FOLDER, b"", 0, 0) for name in ("bin", "m", "dev"))
    yield "dev/console", DEVICE, b"", 5, 1
    yield "bin/busybox", FILE, Path("/bin/busybox").read_bytes(), 0, 0
    yield from ((f"m/{path.name}", FILE, path.read_bytes(), 0, 0) for path in paths)
    yield "init", FILE, init.encode(), 0, 0


def _machine(shared: Path) -> Iterable[str | Path]:
    yield from ("-nodefaults", "-no-user-config", "-nographic", "-no-reboot", "-M", "q35")
    yield from ("-accel", "tcg,thread=multi,tb-size=512", "-cpu", "max", "-smp", "2", "-m", "2G")
    yield from ("-kernel", shared / "vmlinux", "-initrd", shared / "initrd")
    # A busy machine is late with the first ticks, which a kernel takes for broken hardware.
    ticks = "no_timer_check"
    words = f"console=ttyS0 quiet panic=-1 mitigations=off audit=0 {ticks} rdinit=/init"
    yield from ("-append", words)
    yield from ("-serial", "stdio", "-device", "virtio-rng-pci")
    for tag, path, how in (("root", "/", ",readonly=on"), ("shared", shared, "")):
        yield from (
            "-fsdev",
            f"local,id={tag},path={path},security_model=none,multidevs=remap{how}",
        )
        yield from ("-device", f"virtio-9p-pci,fsdev={tag},mount_tag={tag}")
