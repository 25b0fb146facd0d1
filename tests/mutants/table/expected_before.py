"""Faults of expectations in files of their own, and of those from before a change."""

from __future__ import annotations

from mutants.table import Fault

FILES = "tests/fabric/file/test_expectation_files.py"
BASE = "tests/cloison/cli/verification/test_verify_base.py"
FAULTS = (
    Fault(
        "fabric/file/expectation_files.py",
        "of = line.owner or read.owner, line.requirement or read.requirement",
        "of = read.owner or line.owner, line.requirement or read.requirement",
        "the owner of a file is that of lines that say another",
        by=FILES,
    ),
    Fault(
        "fabric/file/expectation_files.py",
        "for number, (_, spans) in enumerate(lines, first):",
        "for number, (_, spans) in enumerate(lines):",
        "lines of other files stand where the file's own do",
        by=FILES,
    ),
    Fault(
        "fabric/file/in_force.py",
        "yield (*way, int(number) - bisect_left(out[way], int(number)), *inside), span",
        "yield place, span",
        "lines of other files stand elsewhere once one before them is over",
        by=FILES,
    ),
    Fault(
        "fabric/file/kept_lines.py",
        'APART = ("owner", "requirement")',
        'APART = ("owner", "requirement", "hold_under")',
        "a line that holds under fewer failures is the line from before",
        by=FILES,
    ),
    Fault(
        "fabric/file/kept_lines.py",
        'APART = ("owner", "requirement")',
        'APART = ("owner", "requirement", "window")',
        "a line that got a window is the line from before",
        by=FILES,
    ),
    Fault(
        "fabric/file/kept_lines.py",
        'APART = ("owner", "requirement")',
        'APART = ("owner", "requirement", "http")',
        "a line about other requests is the line from before",
        by=BASE,
    ),
    Fault(
        "fabric/file/kept_lines.py",
        "key: None if None in both else pick(both)",
        "key: both[0]",
        "a change says which times are judged",
        by=FILES,
    ),
    Fault(
        "fabric/file/kept_lines.py",
        "kept._kept = True",
        "kept._kept = False",
        "a line from before that says nothing is an error of the file",
        by=BASE,
    ),
    Fault(
        "cloison/loading/loader.py",
        "made = replace(made, findings=(*conflicts, *made.findings, *emptied(made.spec, made)))",
        "made = replace(made, findings=made.findings)",
        "a line from before that says nothing is passed over",
        by=BASE,
    ),
    Fault(
        "cloison/verbs/over_time.py",
        "return with_base(load(path)[0], how)",
        "return load(path)[0]",
        "files with windows are judged in the periods of the change alone",
        by=BASE,
    ),
    Fault(
        "cloison/views/verification/requirements.py",
        "for number in dict.fromkeys(line.requirement) or [NONE]:",
        "for number in line.requirement[:1] or [NONE]:",
        "a line proves the first of its requirements alone",
        by=BASE,
    ),
    Fault(
        "cloison/views/verification/requirements.py",
        '"verdict": worst([row["verdict"] for row in of[number]]),',
        '"verdict": of[number][0]["verdict"],',
        "the first line says what becomes of a requirement",
        by=BASE,
    ),
    Fault(
        "fabric/file/expectation_files.py",
        "if refused := spec._trees and spec._trees.refusal(path, span):",
        "if refused := None:",
        "lines, and what stands in other files, come from anywhere on the machine",
        by=FILES,
    ),
    Fault(
        "fabric/file/expectation_files.py",
        "yield from _below(path, span, found)",
        "continue",
        "who moves a file into a folder is rid of its lines",
        by=FILES,
    ),
    Fault(
        "fabric/file/expectation_files.py",
        "            if not inside:\n",
        "            if False:\n",
        "a directory without lines is passed over",
        by=FILES,
    ),
    Fault(
        "fabric/file/shape.py",
        "return keys_at(place) if place else list(model.model_fields)",
        "return keys_at(place)",
        "keys of fabric files are offered in files of expectations",
        by=FILES,
    ),
    Fault(
        "cloison/views/verification/requirements.py",
        'said.get(place, "fails")',
        'said.get(place, "holds")',
        "a line that says nothing any more proves what it is for",
        by=BASE,
    ),
    Fault(
        "cloison/loading/loader.py",
        "return with_kept_groups(spec, build_fabric(before))",
        "return spec",
        "a change makes risk groups smaller and is asked under these",
        by=BASE,
    ),
    Fault(
        "sim/proof/expectations/emptied_lines.py",
        'if "any-1-risk-group" in line.hold_under and not network.fabric.risk_groups:',
        "if False:",
        "a line from before holds under risk groups that nobody has",
        by=BASE,
    ),
)
