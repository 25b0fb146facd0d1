"""Oracles about damaged files of every kind: verbs end in order, and agree about mistakes."""

from __future__ import annotations

import shutil
from pathlib import Path
from random import Random

from fabric.io.strict_json import decoded
from fuzz.documents import ROOT, cloison, damaged
from fuzz.worlds import asked
from sim.pipeline.warm import capture

TOPOLOGIES = ROOT / "topologies"
VERBS = (
    ["check"], ["verify", "-q"], ["show", "addresses"], ["show", "routes"], ["show", "policy"],
    ["show", "tables"], ["compile", "-q"], ["reach"], ["simulate", "-q"],
)  # fmt: skip


def bundled(rng: Random, folder: Path) -> None:
    """The bundled world with damage somewhere; half of the time in what its lock file says."""
    shutil.copytree(TOPOLOGIES / "manifests" / "small", folder / "manifests" / "small")
    fabric = folder / "small.yaml"
    shutil.copy(TOPOLOGIES / "small.yaml", fabric)
    cloison("show", "addresses", fabric)
    files = sorted(path for path in folder.rglob("*.yaml"))
    victim = fabric.with_suffix(".lock.yaml") if rng.random() < 0.4 else rng.choice(files)
    victim.write_text(damaged(rng, victim.read_text()), errors="replace")
    checked = cloison("check", fabric, "-o", "json")
    rows = decoded(checked.stdout)["rows"]
    assert (checked.exit_code == 2) == any(row["severity"] == "error" for row in rows)
    verb, *more = rng.choice(VERBS)
    done = cloison(verb, *more, fabric)
    if verb in ("verify", "compile", "simulate"):
        assert (done.exit_code == 2) == (checked.exit_code == 2), (verb, done.output[-500:])


def captures(rng: Random, folder: Path) -> None:
    """A damaged capture gives what stood before the damage."""
    data = bytearray(capture())
    for _ in range(rng.randint(0, 6)):
        at = rng.randrange(len(data) + 1)
        data[at : at + rng.choice([0, 1, 4, 30])] = rng.randbytes(rng.choice([0, 1, 4, 30]))
    path = folder / "x.pcap"
    path.write_bytes(data[: rng.randrange(len(data) + 1)] if rng.random() < 0.3 else data)
    found = cloison("replay", path, "-o", "json", "--show", "3")
    if found.exit_code == 0:
        counts = decoded(found.stdout)["captures"][str(path)]
        parts = ("ipv4", "ipv6", "other", "truncated")
        assert counts["frames"] == sum(counts[part] for part in parts)


def rules(rng: Random, folder: Path) -> None:
    """A damaged rule file is read as rules, or told line by line."""
    line = "@10.0.0.0/8 192.168.0.0/16 0 : 65535 443 : 443 0x06/0xFF 0x0000/0x0000\n"
    path = folder / "rules"
    path.write_text(damaged(rng, line * 5), errors="replace")
    from fabric.diagnostics import InputError
    from sim.classify.classbench import lines, parse, read_rules

    try:
        found = read_rules(path)
    except InputError as error:
        assert all(d.code in ("C741", "C742", "C743") for d in error.diagnostics)
        return
    again = "".join(lines(found))
    assert "".join(lines(parse(again))) == again


def certificates(rng: Random, folder: Path) -> None:
    """A certificate with damaged text is none, or not consistent, or says the same."""
    made = asked(rng, folder)
    path = folder / "c.json"
    cloison("verify", "-q", made.path, "--certificate", path)
    if not path.exists():
        return
    text = path.read_text()
    hurt = damaged(rng, text)
    path.write_text(hurt, errors="replace")
    done = cloison("verify", "--check-certificate", path, "-o", "json")
    if done.exit_code != 2 and decoded(done.stdout)["consistent"]:
        assert decoded(hurt) == decoded(text)
