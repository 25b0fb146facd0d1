"""`make mutants`, `make mutants-map`, `make mutants-draw`."""

from __future__ import annotations

import argparse
import sys

from mutants import drawn, reach, run
from mutants.tree import Tree


def main() -> int:
    """1 when a test that killed is gone or fails without a fault as well."""
    parser = argparse.ArgumentParser(prog="mutants", description=__doc__)
    parser.add_argument("what", choices=("run", "map", "draw", "sums", "innocent"))
    parser.add_argument("--only", default="", help="part of a path, a test file, or what breaks")
    parser.add_argument("--again", action="store_true", help="also those that are known to die")
    parser.add_argument("--new", action="store_true", help="not those that are known to live")
    parser.add_argument("--part", default="1/1", help="a share of them; trees are not shared")
    given = parser.parse_args()
    if given.what == "draw":
        drawn.write()
        return 0
    tree = None if given.what == "sums" else Tree()
    if tree and given.what != "innocent":
        tree.keep_warm()
    if tree and given.what == "map":
        reach.draw(tree, given.only, given.again)
        return 0
    if tree and given.what == "run":
        run.run(tree, given.only, given.again, given.new, given.part)
    if tree and given.what == "innocent":
        guilty = run.innocent(tree, run.read())
        sys.stdout.writelines(
            f"is gone, or fails without a fault as well: {test}\n" for test in guilty
        )
        return bool(guilty)
    sys.stdout.writelines(f"{line}\n" for line in run.sums(run.read()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
