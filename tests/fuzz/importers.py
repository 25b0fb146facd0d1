"""Oracles about every reader of configurations: a damaged or truncated file of each format is read
with every line accounted for, or refused with places in it; nothing of it is carried out.

The files are those that write everything that a reader reads: `nvue/*.yaml`, `frr/*.conf`, and
`nft/*.nft` of the tests of importers.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from random import Random

from compiler.imports.accounting import ConfigText
from compiler.imports.config_formats import CONFIG_FORMATS
from fabric.diagnostics import Diagnostics, InputError
from fuzz.documents import damaged

GOLDEN = Path(__file__).parents[1] / "compiler" / "imports"
FILES = {"nvue": "nvue/*.yaml", "frr": "frr/*.conf", "nftables": "nft/*.nft"}
HARM = ("open", "os.", "subprocess", "socket", "exec", "import", "shutil", "ctypes")
"""How events of Python begin (audit hooks) that no text of a stranger may cause."""


@cache
def texts(name: str) -> list[str]:
    """Files of a format."""
    return [path.read_text() for path in sorted(GOLDEN.glob(FILES[name]))]


def changed(random: Random, text: str) -> str:
    """A text with a few places, lines or columns otherwise, and mostly its end."""
    if random.random() < 0.3:
        text = text[: random.randrange(len(text) + 1)]
    if random.random() < 0.7:
        text = damaged(random, text)
    lines = text.split("\n")
    for _ in range(random.choice((0, 0, 1, 2, 5))):
        at = random.randrange(len(lines))
        words = lines[at].split(" ")
        random.shuffle(words)
        lines[at : at + 1] = random.choice((
            [], [lines[at]] * 2, [random.choice(lines)], [" " + lines[at]], [lines[at][2:]],
            [" ".join(words)], [lines[at] * 40],
        )) or ([] if len(lines) > 1 else [""])  # fmt: skip
    return "\n".join(lines)


class Watch:
    """What Python does while somebody reads: a hook that cannot be taken back, and so there is one
    of it, which looks on while it is asked to."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.on = False
        sys.addaudithook(self.hear)

    def hear(self, event: str, arguments: tuple[object, ...]) -> None:
        """An event."""
        if self.on and event.startswith(HARM):
            self.seen.append(f"{event} {arguments!r:.200}")


watch = cache(Watch)


@cache
def warm(name: str) -> None:
    """Has a reader import what it needs when it needs it first."""
    for number, text in enumerate([*texts(name), *[changed(Random(7), t) for t in texts(name)]]):
        with suppress(InputError):
            CONFIG_FORMATS[name].load().read(f"x{number}", (ConfigText("x", text),), Diagnostics())


def read_one(name: str, text: str) -> bool:
    """Whether a text is read. Fails where a line is lost, a mistake has no place in it, or anything
    is opened, started or imported."""
    warm(name)
    reader, found, hook = CONFIG_FORMATS[name].load(), Diagnostics(), watch()
    source = ConfigText("x", text)
    lines = text.count("\n") + text.count("\r") + 2
    hook.seen.clear()
    hook.on = True
    try:
        reading = reader.read("x", (source,), found)
    except InputError as error:
        found.items += error.diagnostics
        reading = None
    finally:
        hook.on = False
    assert hook.seen == [], hook.seen
    for item in found.items:
        assert item.code and item.message
        assert item.span is None or 1 <= item.span.line <= lines, item
    assert reading is not None or found.items or not text, "neither read nor refused"
    if reading is not None and not found.items:
        assert reading.leftover == ()
    return reading is not None and not found.items


def importer(name: str) -> Callable[[Random, Path], None]:
    """The oracle of a format: twenty files."""

    def oracle(random: Random, folder: Path) -> None:
        """Files of the format that somebody changed."""
        for _ in range(20):
            read_one(name, changed(random, random.choice(texts(name))))

    return oracle
