"""Faults of `cloison`: what is printed, returned and left as an exit code."""

from __future__ import annotations

from mutants.table import Fault

FAULTS = (
    Fault(
        "cloison/cli/errors.py",
        'CODES = {"holds": OK, "computed": OK, "fails": FINDING, "unknown": UNKNOWN}',
        'CODES = {"holds": OK, "computed": OK, "fails": FINDING, "unknown": OK}',
        "what is unknown ends with exit code 0",
    ),
    Fault(
        "cloison/cli/errors.py",
        "raise click.exceptions.Exit(CODES[verdict])",
        "pass",
        "every verdict ends with exit code 0",
    ),
    Fault(
        "cloison/cli/errors.py",
        "case UndecidedError():\n            return UNKNOWN",
        "case UndecidedError():\n            return OK",
        "what is too much to decide ends with exit code 0",
    ),
    Fault(
        "cloison/cli/check.py",
        'CODES = {"error": USAGE, "finding": FINDING, "unknown": UNKNOWN}',
        'CODES = {"unknown": UNKNOWN, "finding": FINDING, "error": USAGE}',
        "check tells the least before the worst",
    ),
    Fault(
        "cloison/cli/check.py",
        "return check_file(name, text, how)",
        'return [d for d in check_file(name, text, how) if d.severity != "finding"]',
        "check does not tell findings",
    ),
    Fault(
        "cloison/cli/verify.py",
        'return "fails" if found["problems"] else str(found["verdict"])',
        'return str(found["verdict"])',
        "a certificate that is not valid ends with the code of what it says",
    ),
    Fault(
        "cloison/cli/verify.py",
        "verdict = str(proof.verdict)",
        'verdict = "fails" if proof.findings else "holds"',
        "verify: what is unknown ends with exit code 0",
    ),
    Fault(
        "cloison/cli/diff.py",
        "if any(world.findings for world in worlds):",
        "if all(world.findings for world in worlds):",
        "diff: findings of one world end with exit code 0",
    ),
    Fault(
        "cloison/cli/diff.py",
        "leave(differences.said(found))",
        "pass",
        "diff: differences end with exit code 0",
    ),
    Fault(
        "cloison/views/differences.py",
        'return "holds" if found.decided else "unknown"',
        'return "holds"',
        "diff: what is unknown is the same",
    ),
    Fault(
        "cloison/views/differences.py",
        "for kind, words in sentences(found, group.changes):",
        "for kind, words in [*sentences(found, group.changes)][:1]:",
        "diff: of a group one sentence is printed",
    ),
    Fault(
        "cloison/views/differences.py",
        'for title, listed in (("New finding", found.found), ("Finding gone", found.gone)):',
        'for title, listed in (("Finding gone", found.gone),):',
        "diff: new findings are not printed",
    ),
    Fault(
        "cloison/views/world.py",
        "            if how.down:\n                failed",
        "            if not how.down:\n                failed",
        "Python: `down` is not read",
    ),
    Fault(
        "cloison/views/world.py",
        "return self.network.findings",
        "return ()",
        "verbs do not know findings",
    ),
    Fault(
        "cloison/views/verified.py",
        '"": "FAILS" if said == "fails" else said,',
        '"": "FAILS" if not outcome.holds else "holds",',
        "verify: an expectation that fails under a failure is said to hold",
    ),
    Fault(
        "cloison/views/verified.py",
        'how = replace(how, down=tuple(certificate["down"]))',
        "pass",
        "certificates are checked against a fabric in which nothing is down",
    ),
    Fault(
        "fabric/io/strict_json.py",
        "if len(found) < len(pairs):",
        "if False:",
        "certificates may say something twice",
    ),
    Fault(
        "cloison/views/verified.py",
        "consistent, compared = not problems, None",
        "consistent, compared = True, None",
        "certificates are said to be consistent",
    ),
    Fault(
        "cloison/loader.py",
        "if how.down:\n        message",
        "if False:\n        message",
        "--down does nothing for manifests",
    ),
    Fault(
        "cloison/loader.py",
        "read_claims(made.spec, made)",
        "pass",
        "expectations about nobody are found by verify only",
    ),
    Fault(
        "cloison/loader.py",
        "not_evaluated=(*told, *doors(network, policy)))",
        "not_evaluated=(*told,))",
        "doors past policies are not told",
    ),
    Fault(
        "cloison/checking.py",
        "beyond += [record.diagnostic() for record in network.not_evaluated]",
        "pass",
        "check does not tell what is not evaluated",
    ),
    Fault(
        "cloison/checking.py",
        "beyond += [*network.findings, *lints(network, found.policy, how)]",
        "beyond += [*network.findings]",
        "check does not tell what is doubtful",
    ),
    Fault(
        "cloison/views/doubts.py",
        'return "unknown" if {source, target} & self.names else "computed"',
        'return "unknown" if {source, target} <= self.names else "computed"',
        "reach: rows of which one end is touched are computed",
    ),
    Fault(
        "cloison/views/doubts.py",
        "if source is None or target is None:",
        "if source is None and target is None:",
        "reach: who names one side is not told of records about the other",
    ),
    Fault(
        "cloison/views/unknowns.py",
        'verdict = "unknown" if pending(records) else "computed"',
        'verdict = "computed"',
        "rows: the verdict is always computed",
    ),
    Fault(
        "cloison/views/unknowns.py",
        'for passed, word in ((False, "Not evaluated"), (True, "Accepted, not evaluated")):',
        'for passed, word in ((False, "Not evaluated"),):',
        "what was accepted is not told any more",
    ),
    Fault(
        "cloison/views/isolation.py",
        'if cell.open:\n        return "open"',
        'if cell.open and not cell.layers:\n        return "both"',
        "open cells of the matrix are printed as closed",
    ),
    Fault(
        "cloison/views/isolation.py",
        "if cell.open and cell.src != cell.dst:",
        "if cell.open and cell.src < cell.dst:",
        "half of what is open is not printed",
    ),
    Fault(
        "cloison/views/replayed.py",
        'if not row["hands_on"]:',
        'if row["hands_on"]:',
        "replay lists rules that decided nothing",
    ),
    Fault(
        "cloison/views/vrf_pairs.py",
        '"declared": crossing.stray is None,',
        '"declared": True,',
        "isolation: everything that passes was asked for",
    ),
    Fault(
        "cloison/views/changed.py",
        'families = "".join(f" (IPv{v} only)" for v in row.versions if row.partly)',
        'families = ""',
        "diff: changes in one IP version are said to be in both",
    ),
    Fault(
        "cloison/render/stale.py",
        "if path in written or path.is_symlink() or not path.is_file():",
        "if path.is_symlink() or not path.is_file():",
        "compile calls what it has just written stale",
    ),
    Fault(
        "cloison/guard.py",
        'if name.lower() in SUSPECTS and owns(info / "RECORD"):',
        'if name in SUSPECTS and owns(info / "RECORD"):',
        "`Fabric` beside cloison is not noticed",
    ),
    Fault(
        "cloison/cli/replay.py",
        'found["verdict"] = "unknown" if pending(world.network.not_evaluated) else "computed"',
        'found["verdict"] = "computed"',
        "replay: what is not evaluated makes nothing unknown",
    ),
)
