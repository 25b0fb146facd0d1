"""The text of a file that somebody named, or of stdin: how it is encoded, and how much there is.

>>> import tempfile
>>> with tempfile.NamedTemporaryFile() as file:
...     _ = file.write("fabric: {}".encode("utf-16")), file.flush()
...     read_text(file.name)[0]
'fabric: {}'

Source: YAML 1.2.2, section 5.2.
"""

from __future__ import annotations

import codecs
import re
import sys
from pathlib import Path

from fabric.diagnostics import Diagnostic, InputError, Span
from fabric.io.dependencies import spoil
from fabric.io.reading import MAX_BYTES, read_bytes, too_large

ENCODINGS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
"""How a file starts that is not UTF-8 (YAML 1.2 §5.2); longer marks first."""
STARTS = re.compile(r"(^|\n)\ufeff")
"""A byte order mark where files were put one behind the other."""


def read_text(source: Path | str, limit: int | None = None) -> tuple[str, str]:
    """The text of a file or of "-" (stdin), and what to call it; `limit` is the most bytes."""
    file = "<stdin>" if str(source) == "-" else str(source)
    raw = read_stdin(limit) if file == "<stdin>" else read_bytes(Path(source), limit or MAX_BYTES)
    encoding = next((name for bom, name in ENCODINGS if raw.startswith(bom)), "utf-8")
    try:
        text = raw.decode(encoding)
        return STARTS.sub(r"\1", text) if "\ufeff" in text else text, file
    except UnicodeDecodeError as error:
        before = raw[: error.start]
        column = error.start - before.rfind(b"\n")
        span = Span(file, before.count(b"\n") + 1, column)
        hint = "save it as UTF-8 text"
        name = encoding.upper().replace("-SIG", "")
        raise InputError(Diagnostic("C103", f"this is not {name} text", span, hint)) from None


def read_stdin(limit: int | None = None) -> bytes:
    """All of stdin, no more than so many bytes."""
    limit = limit or MAX_BYTES
    spoil()
    try:
        raw = sys.stdin.buffer.read(limit + 1)
    except (OSError, ValueError) as error:
        raise InputError(Diagnostic("C101", f"cannot read <stdin>: {error}")) from None
    if len(raw) > limit:
        raise InputError(too_large("<stdin>", limit))
    return raw
