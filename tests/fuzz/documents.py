"""Oracles about documents: forged, damaged, confidential, hostile."""

from __future__ import annotations

import json
import random
import unicodedata
from pathlib import Path
from random import Random
from typing import Any

from certificate_changes import changed, changes, places
from click.testing import CliRunner, Result

from cloison.cli import main
from fabric.file.yaml.reader import read_yaml
from fabric.io.strict_json import decoded
from fabric.io.visible import HIDING
from fuzz.allocations import network_of
from fuzz.worlds import asked

ROOT = Path(__file__).parents[2]
CODES = (0, 1, 2, 3, 4)
JUNK = [
    *("\x00", "\x1b[2J", "\u202e", "\n", "\t", "'", '"', "{", "}", "[", "]", "*", "&a", "!!x", "|"),
    *("- ", ": ", "#", "---", "%", "1e999", ".inf", "-1", "0x", "99999999999999999999", "~", "<<"),
    *("/0", "/33", "::", "10.0.0.0/8", "host[1-9]", "t{1..99}", "..", "/dev/zero", "=1+1", "@x"),
]


def cloison(*arguments: str | Path) -> Result:
    """Run a verb; it ends as documented, and nothing that it prints drives a terminal."""
    done = CliRunner().invoke(main, [*map(str, arguments)])
    assert done.exit_code in CODES, done.output[-2000:]
    assert "internal error" not in done.output
    hidden = {c for c in done.output if unicodedata.category(c) in HIDING}
    assert hidden <= {"\n"}, hidden
    return done


def damaged(rng: Random, text: str) -> str:
    """A text with a few places replaced, doubled or taken away."""
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(text) + 1)
        end = min(len(text), at + rng.choice([0, 0, 1, 3, 20]))
        piece = rng.choice([rng.choice(JUNK), text[at:end] * 2, "", text[end : end + 40]])
        text = text[:at] + piece + text[end:]
    return text


def texts(rng: Random, folder: Path) -> None:
    """A damaged fabric file or manifest: every verb ends in order, all see the same mistakes."""
    made = asked(rng, folder)
    victim = rng.choice([made.path, *sorted(folder.glob("[a-z]*.yaml"))])
    victim.write_text(damaged(rng, victim.read_text()), errors="replace")
    checked = cloison("check", made.path, "-o", "json")
    rows = decoded(checked.stdout)["rows"]
    assert (checked.exit_code == 2) == any(row["severity"] == "error" for row in rows)
    verb = rng.choice([["verify", "-q"], ["show", "addresses"], ["compile", "-q"]])
    done = cloison(*verb, made.path)
    if checked.exit_code == 2:
        assert done.exit_code == 2, "check finds an error, another verb does not"
    else:
        assert done.exit_code != 2, f"{verb[0]} refuses what check accepts: {done.output[-500:]}"


def secrets(rng: Random, folder: Path) -> None:
    """Whatever is wrong with a document, its secret is quoted nowhere."""
    marker = f"hunter{rng.randrange(10**9)}"
    kind = rng.choice(["data", "stringData"])
    lines = ["apiVersion: v1", "kind: Secret", "metadata: {name: s}", f"{kind}:", f"  p: {marker}"]
    if rng.random() < 0.3:
        rng.shuffle(lines)
    text = "\n".join(lines).replace(
        marker, rng.choice(["", "a: ", "*", "&", "!", "{", "@"]) + marker
    )
    at = text.index("Secret") + 6
    text = text[:at] + damaged(rng, text[at:]) if rng.random() < 0.5 else text
    (folder / "m").mkdir()
    (folder / "m" / "s.yaml").write_text(text, errors="replace")
    (folder / "f.yaml").write_text(
        "cloison: 1\nname: x\nsites: {s: {}}\n"
        "tenants: {a: {vrfs: {m: {prefixes: [10.0.0.0/24]}}, manifests: [m]}}\n"
    )
    for arguments in (["check", folder / "f.yaml"], ["verify", "-q", folder / "f.yaml"],
                      ["reach", folder / "m"], ["reach", folder / "m" / "s.yaml"]):  # fmt: skip
        assert marker not in cloison(*arguments).output


def forged(rng: Random, folder: Path) -> None:
    """A certificate with anything in it changed, and its digest made to fit, is not valid."""
    made = asked(rng, folder)
    if network_of(made) is None:
        return
    path = folder / "c.json"
    written = cloison("verify", "-q", made.path, "--certificate", path)
    if not path.exists():
        assert written.exit_code == 2
        return
    honest = decoded(path.read_text())
    said = decoded(check_of(made.path, path).stdout)
    assert said["valid"] is True, said["problems"]
    where, value = rng.choice([*places(honest)])
    possible = [*changes(where, value)]
    lie = changed(honest, rng.choice(possible)) if possible else None
    if lie is not None:
        path.write_text(json.dumps(lie))
        done = check_of(made.path, path)
        if done.exit_code != 2:
            assert decoded(done.stdout)["valid"] is not True, (where, value)


def check_of(fabric: Path, certificate: Path) -> Result:
    return cloison("verify", fabric, "--check-certificate", certificate, "-o", "json")


def questions(rng: Random, folder: Path) -> None:
    """One line of JSON for one line of anything."""
    (folder / "m.yaml").write_text(
        '{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": {}}\n'
    )
    lines = []
    for _ in range(20):
        name = rng.choice(
            ["1", "1", '"x"', "1e999", "-1e999", "NaN", "Infinity", "[[{}]]", "1e-999"]
        )
        line = f'{{"id": {name}, "src": "default/p", "dst": "ip:1.2.3.4", "port": 80}}'
        line = damaged(rng, line) if rng.random() < 0.7 else line
        lines.append(line.replace("\n", "").replace("\r", ""))
    (folder / "q").write_text("\n".join(lines), errors="replace")
    done = cloison("reach", folder / "m.yaml", "--flows", folder / "q")
    answers = done.stdout.splitlines()
    assert len(answers) == sum(bool(line.strip()) for line in lines)
    assert all("id" in decoded(answer) for answer in answers)


def reading(rng: Random, folder: Path) -> None:
    """JSON is YAML: both readers see the same value in any document."""
    value = {"a": nested(rng, 5)}
    (document,) = read_yaml(json.dumps(value, ensure_ascii=rng.random() < 0.5), name="x")
    assert document.value == value


def nested(rng: Random, depth: int) -> Any:
    words = ["", "a", "yes", "1", "null", "x: y", "\u202e", "é", "~", "0x1f", "2024-01-01", "\\n\n"]
    scalars = [*words, None, True, False, 0, -7, 2**70, 1.5, 1e-7, *words]
    if depth == 0 or rng.random() < 0.3:
        return rng.choice(scalars)
    if rng.random() < 0.5:
        return [nested(rng, depth - 1) for _ in range(rng.randint(0, 3))]
    keys = rng.sample([f"k{n}" for n in range(5)] + ["null", "1", "yes"], rng.randint(0, 3))
    return {key: nested(rng, depth - 1) for key in keys}


def patches(rng: Random, folder: Path) -> None:
    """A file that extends another is what the edits make of it, done here by hand."""
    made = asked(rng, folder)
    value = json.loads(json.dumps(made.document))
    edits: list[dict[str, Any]] = []
    for number in range(rng.randint(1, 30)):
        tenant = rng.choice([*value["tenants"]])
        prefixes = value["tenants"][tenant]["vrfs"]["main"]["prefixes"]
        at = ["tenants", tenant, "vrfs", "main", "prefixes"]
        if rng.random() < 0.5 or len(prefixes) < 2:
            edits.append({"at": at, "append": f"10.{100 + number}.0.0/24"})
            prefixes.append(f"10.{100 + number}.0.0/24")
        else:
            place = random.Random(number).randrange(len(prefixes))
            edits.append({"at": [*at, place], "remove": True})
            del prefixes[place]
    patch = folder / "p.yaml"
    patch.write_text(json.dumps({"extends": "f.yaml", "patch": edits}))
    from fabric.building.load import load_fabric
    from fabric.diagnostics import InputError

    try:
        spec = load_fabric(patch)
    except InputError:
        made.document = value
        made.write()
        assert network_of(made) is None, "the patched file is refused, the same by hand is not"
        return
    for name, tenant in value["tenants"].items():
        found = [p if isinstance(p, str) else {"pool": p.pool, "length": p.length}
                 for p in spec.tenants[name].vrfs["main"].prefixes]  # fmt: skip
        assert found == tenant["vrfs"]["main"]["prefixes"]
