"""`make fuzz MINUTES=1 SEED=0 ONLY=oracle[:seed]`: run the oracles in turn until the time is up."""

from __future__ import annotations

import argparse
import secrets
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random

from fuzz import allocations, configurations, damage, documents, importers, verdicts

Oracle = Callable[[Random, Path], None]
ORACLES: dict[str, Oracle] = {
    "sizes": allocations.sizes,
    "settled": allocations.settled,
    "lock": allocations.lock,
    "network_policy": verdicts.network_policy,
    "fabric": verdicts.fabric,
    "texts": documents.texts,
    "bundled": damage.bundled,
    "captures": damage.captures,
    "rules": damage.rules,
    "certificates": damage.certificates,
    "secrets": documents.secrets,
    "forged": documents.forged,
    "questions": documents.questions,
    "reading": documents.reading,
    "patches": documents.patches,
    "configurations": configurations.configurations,
    "asked_configurations": configurations.asked_configurations,
    "hostile_configurations": configurations.hostile_configurations,
    **{f"import_{name}": importers.importer(name) for name in importers.FILES},
}
MOST_FAILURES = 20


def case(name: str, seed: str) -> None:
    """One case of one oracle, which is all that its seed says."""
    with tempfile.TemporaryDirectory(prefix="cloison-fuzz-") as folder:
        ORACLES[name](Random(f"{name}:{seed}"), Path(folder))


def run(minutes: float, base: str, names: list[str]) -> list[str]:
    """Cases in turn until the time is up; those that failed."""
    tried: Counter[str] = Counter()
    failed: list[str] = []
    end = time.monotonic() + 60 * minutes
    while time.monotonic() < end and len(failed) < MOST_FAILURES:
        name = names[tried.total() % len(names)]
        seed = f"{base}.{tried[name]}"
        tried[name] += 1
        try:
            case(name, seed)
        except Exception:
            failed.append(f"{name}:{seed}")
            sys.stdout.write(f"{traceback.format_exc()}\nagain: make fuzz ONLY={name}:{seed}\n\n")
    counts = ", ".join(f"{name} {tried[name]}" for name in names)
    sys.stdout.write(f"seed {base}: {tried.total()} cases ({counts}), {len(failed)} failed\n")
    return failed


def main() -> int:
    """1 when a case failed."""
    parser = argparse.ArgumentParser(prog="fuzz", description=__doc__)
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--seed", default="", help="of all cases; drawn and printed when left out")
    parser.add_argument("--only", default="", metavar="ORACLE[:SEED]", help=", ".join(ORACLES))
    given = parser.parse_args()
    name, _, seed = given.only.partition(":")
    if name and name not in ORACLES:
        parser.error(f"no such oracle: {name}; there are {', '.join(ORACLES)}")
    if seed:
        case(name, seed)
        sys.stdout.write(f"{given.only} holds\n")
        return 0
    base = given.seed or str(secrets.randbelow(10**6))
    sys.stdout.write(f"fuzzing for {given.minutes:g} minutes with seed {base}\n")
    sys.stdout.flush()
    return bool(run(given.minutes, base, [name] if name else [*ORACLES]))


if __name__ == "__main__":
    sys.exit(main())
