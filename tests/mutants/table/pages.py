"""Faults of reports to hand on."""

from mutants.table import Fault

TESTS = "tests/cloison/cli/verification/test_report_file.py"
PAGE = "cloison/views/reports/report_page.py"
HTML = "cloison/render/pages/html_page.py"
FAULTS = (
    Fault(
        HTML,
        "        autoescape=True,\n",
        "        autoescape=False,\n",
        "pages: names of strangers are markup",
        by=TESTS,
    ),
    Fault(
        HTML,
        'named.sub(lambda m: m[0] if m[1] in used else "", text)',
        "named.sub(lambda m: m[0], text)",
        "pages: parts of a picture are called like parts of the page",
        by=TESTS,
    ),
    Fault(
        HTML,
        "digest = b64encode(sha256(script.encode()).digest()).decode()",
        "digest = b64encode(sha256(style.encode()).digest()).decode()",
        "pages: the script that may run is another one",
        by=TESTS,
    ),
    Fault(
        PAGE,
        '        "verdict": proof.verdict,\n',
        '        "verdict": "holds" if proof.matrix.cells else proof.verdict,\n',
        "pages: what is unknown looks as if it held",
        by=TESTS,
    ),
    Fault(
        PAGE,
        "shown = _passing(proof.reach, cell) if cell.open else _stopped(proof.reach, cell)",
        "shown = _passing(proof.reach, cell) if cell.ports.any() else None",
        "pages: a closed cell leads to no packet",
        by=TESTS,
    ),
    Fault(
        PAGE,
        'number = {(every[n][2].src, every[n][2].dst): f"cell-{n}" for n in first}',
        'number = {(every[n][2].src, every[n][2].dst): f"cell-{n + 1}" for n in first}',
        "pages: a cell leads to the packet of another one",
        by=TESTS,
    ),
    Fault(
        PAGE,
        '    if differences.said(found) == "holds":\n',
        '    if differences.said(found) != "fails":\n',
        "pages: what is not decided is told as unchanged",
        by=TESTS,
    ),
)
