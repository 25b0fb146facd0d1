"""numba's cache of compiled kernels, such that damaged files count as none.

numba reads its files as they are: one that was cut short, by a disk that was full or a machine that
stopped, ends in an error of pickle's; one with a flipped bit in its machine code in anything at
all. Here each file begins with the SHA-256 of the rest. What does not fit is compiled again and
written anew; where nothing can be written, the kernel is used all the same.

This guards against accidents. Against others there are `fabric.io.cache_folder`'s rules.

numba prepares to compile, half of what loading costs, before it looks whether a file is there; here
it does when there is none.
"""

from __future__ import annotations

import pickle
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

from numba.core.caching import FunctionCache, IndexDataCacheFile
from numba.core.serialize import dumps

DIGEST = sha256().digest_size


class SealedFile(IndexDataCacheFile):
    """The index and the data of one kernel."""

    def save(self, key: Any, data: Any) -> None:
        """A new entry, if it can be written."""
        with suppress(OSError):
            super().save(key, data)  # type: ignore[no-untyped-call]

    def _load_index(self) -> dict[Any, str]:
        found = self._unsealed(self._index_path)
        if not isinstance(found, tuple) or found[:2] != (self._version, self._source_stamp):
            return {}
        overloads: dict[Any, str] = found[2]
        return overloads

    def _save_index(self, overloads: dict[Any, str]) -> None:
        self._seal(self._index_path, (self._version, self._source_stamp, overloads))

    def _load_data(self, name: str) -> Any:
        return self._unsealed(self._place(name))

    def _save_data(self, name: str, data: Any) -> None:
        self._seal(self._place(name), data)

    def _place(self, name: str) -> str:
        return str(Path(self._cache_path) / name)

    def _unsealed(self, path: str) -> Any:
        try:
            raw = Path(path).read_bytes()
        except OSError:
            return None
        digest, body = raw[:DIGEST], raw[DIGEST:]
        return pickle.loads(body) if sha256(body).digest() == digest else None

    def _seal(self, path: str, value: Any) -> None:
        body = dumps(value)
        with self._open_for_write(path) as file:
            file.write(sha256(body).digest() + body)


class SealedCache(FunctionCache):
    """The compiled versions of one kernel."""

    def __init__(self, function: Any) -> None:
        super().__init__(function)  # type: ignore[no-untyped-call]
        known: Any = self._cache_file
        base = known._index_name.removesuffix(".nbi")
        self._cache_file = SealedFile(  # type: ignore[no-untyped-call]
            known._cache_path, base, known._source_stamp
        )

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """What is kept for a signature, None for nothing."""
        return self._load_overload(sig, target_context)  # type: ignore[no-untyped-call]


def seal(dispatcher: Any) -> None:
    """Let a dispatcher with a cache keep it in sealed files; a plain function (nothing is compiled
    where NUMBA_DISABLE_JIT says so) has none."""
    if getattr(dispatcher, "_cache", None) is not None:
        dispatcher._cache = SealedCache(dispatcher.py_func)
