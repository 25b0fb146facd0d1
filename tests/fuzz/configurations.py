"""Oracles about configurations of devices: damaged and truncated ones end in order, with every line
accounted for, whatever is asked of them."""

from __future__ import annotations

from pathlib import Path
from random import Random

from compiler.imports.config_folder import Imported, read_folder
from compiler.imports.config_formats import CONFIG_FORMATS
from compiler.imports.review.review_checks import reviewed
from compiler.imports.sites.site import site
from fabric.diagnostics import InputError
from fuzz.documents import cloison, damaged

GOLDEN = Path(__file__).parents[1] / "compiler" / "imports"
VERBS = (
    ["import", "nvue"], ["review"], ["show", "routes"], ["reach"], ["show", "policy"], ["verify"],
)  # fmt: skip
HUGE = 40_000
"""Keys that a hostile file has more of than any device."""


def configurations(rng: Random, folder: Path) -> None:
    """A damaged or truncated configuration: facts with every line accounted for, or diagnostics."""
    imported = read(rng, folder)
    if imported is None:
        return
    assert imported.leftover == ()
    assert imported.lines >= len(imported.ignored)
    for finding in reviewed(imported.devices):
        assert finding.rests_on and finding.what
    if rng.random() < 0.2:
        try:
            site(imported)
        except InputError as error:
            assert {d.code for d in error.diagnostics} <= {"C841"}


def asked_configurations(rng: Random, folder: Path) -> None:
    """The same, of the command line: exit codes are those of the page."""
    read(rng, folder)
    cloison(*rng.choice(VERBS), folder)


def hostile_configurations(rng: Random, folder: Path) -> None:
    """Sizes and shapes that no device writes: deep, wide, many rules, ranges of ports."""
    body = rng.choice((
        "- set: " + "{a: " * 500 + "}" * 500,
        "- set:\n" + "".join(f"    k{n}: {{}}\n" for n in range(HUGE)),
        "- set:\n    interface:\n      swp1-9999,swp1-9999: {}\n",
        "- set:\n    a: &a {b: 1}\n    c: [" + "*a, " * 20_000 + "*a]\n",
        "- set:\n    acl:\n      a:\n        type: ipv4\n        rule:\n"
        + "".join(
            f"          '{n}': {{action: {{deny: {{}}}}, match: {{ip: {{protocol: tcp, dest-port: "
            f"{{'{n}': {{}}}}, source-ip: 10.{n % 200}.0.0/{8 + n % 20}}}}}}}\n"
            for n in range(rng.choice((50, 1500)))
        )
        + "    interface:\n      h:\n        acl: {a: {inbound: {}, outbound: {}}}\n"
        "        ip: {address: {10.0.0.1/8: {}}}\n",
    ))  # fmt: skip
    (folder / "d.yaml").write_text(body)
    try:
        imported = read_folder(folder)
    except InputError as error:
        assert error.diagnostics
        return
    reviewed(imported.devices)
    site(imported)


def read(rng: Random, folder: Path) -> Imported | None:
    """One of our configurations, damaged; None where that is refused."""
    name = rng.choice(sorted(n for n in CONFIG_FORMATS if any((GOLDEN / n).glob("*.yaml"))))
    path = rng.choice(sorted((GOLDEN / name).glob("*.yaml")))
    text = path.read_text()
    if rng.random() < 0.3:
        text = text[: rng.randrange(len(text))]
    if rng.random() < 0.9:
        text = damaged(rng, text)
    if rng.random() < 0.3:
        lines = text.splitlines(keepends=True)
        rng.shuffle(lines) if rng.random() < 0.1 else lines.pop(rng.randrange(len(lines) or 1))
        text = "".join(lines)
    (folder / path.name).write_text(text, errors="replace")
    try:
        return read_folder(folder / path.name, (name,))
    except InputError as error:
        assert error.diagnostics
        assert all(d.message and d.code for d in error.diagnostics)
        return None
