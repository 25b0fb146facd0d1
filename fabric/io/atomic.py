"""Writing files whole or not at all.

Rules that hold here:

1. What is written goes to a file beside the target, which takes the target's place when all of it
   is on the disk. Whoever reads sees the old file or the new one.
2. A symbolic link stays one: the file that it leads to is replaced.
3. A file that was there keeps its mode and, where that is allowed, its owner; a new one gets what
   the umask says.
4. When anything goes wrong nothing is left behind, and the error names the target.
"""

from __future__ import annotations

import errno
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from glob import escape
from pathlib import Path
from typing import IO


@contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """A file that takes the place of `path` when the block ends well."""
    real = Path(os.path.realpath(path))
    temporary = beside(real)
    try:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        with os.fdopen(os.open(temporary, flags, 0o666), "wb") as file:
            resemble(file.fileno(), real)
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(real)
        sync_entries(real.parent)
    except BaseException as error:
        with suppress(OSError):
            temporary.unlink()
        if isinstance(error, OSError) and (error.filename == str(temporary) or full(error)):
            raise named(error, path) from error
        raise


def beside(real: Path) -> Path:
    """A name for a file that is not finished yet."""
    return real.with_name(f".{real.name}.{secrets.token_hex(4)}~")


def unfinished(real: Path) -> Iterator[Path]:
    """What writers of `real` that were killed have left; ask only where none can be alive."""
    return real.parent.glob(f".{escape(real.name)}.{'[0-9a-f]' * 8}~")


def resemble(handle: int, real: Path) -> None:
    """Rule 3."""
    with suppress(FileNotFoundError):
        known = real.stat()
        os.fchmod(handle, stat.S_IMODE(known.st_mode))
        mine = os.fstat(handle)
        if (mine.st_uid, mine.st_gid) != (known.st_uid, known.st_gid):
            with suppress(PermissionError):
                os.fchown(handle, known.st_uid, known.st_gid)


def sync_entries(folder: Path) -> None:
    """Bring the entries of a directory to the disk, where the file system knows how to."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP, errno.EBADF):
            raise
    finally:
        os.close(handle)


def full(error: OSError) -> bool:
    """Whether a device failed or is full, which errors say without a name."""
    return error.filename is None and error.errno in (
        errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO,
    )  # fmt: skip


def named(error: OSError, path: Path) -> OSError:
    """The same error about the file that was asked for: writing to a full disk names none."""
    return OSError(error.errno, error.strerror or str(error), str(path))
