"""Documentation is executed: the CLI reference is current, README commands run and print what the
README shows, links lead somewhere."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cloison.cli import VERBS
from sim.packets.headers import Flow
from sim.packets.pcap import CaptureWriter, craft

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("*/README.md")])
BLOCK = re.compile(r"^```console\n(.*?)^```", re.M | re.S)
NUMBER = re.compile(r"\d[\d.,]*")


def test_cli_reference_is_current() -> None:
    done = subprocess.run([sys.executable, "docs/cli_reference.py", "--check"], cwd=ROOT)
    assert done.returncode == 0, "docs/cli.md is stale: make docs"


def test_man_page_is_current_and_groff_has_no_complaint() -> None:
    done = subprocess.run([sys.executable, "docs/man_page.py", "--check"], cwd=ROOT)
    assert done.returncode == 0, "docs/cloison.1 is stale: make docs"
    if shutil.which("groff"):
        made = subprocess.run(
            ["groff", "-man", "-ww", "-Tascii", "docs/cloison.1"], cwd=ROOT, capture_output=True
        )
        assert (made.returncode, made.stderr) == (0, b"")
        shown = re.sub(r".\x08|\x1b\[\d*m", "", made.stdout.decode())
        assert all(f"cloison {verb}" in shown for verb in VERBS)


def test_key_reference_is_current() -> None:
    done = subprocess.run([sys.executable, "docs/key_reference.py", "--check"], cwd=ROOT)
    assert done.returncode == 0, "docs/fabric-keys.md is stale: make docs"


def test_rules_of_annotations_are_those_of_the_page_of_errors() -> None:
    done = subprocess.run([sys.executable, "docs/rules_reference.py", "--check"], cwd=ROOT)
    assert done.returncode == 0, "cloison/render/ci/rules.json is stale: make docs"


def test_every_key_says_what_it_is() -> None:
    for line in (ROOT / "docs" / "fabric-keys.md").read_text("utf-8").splitlines():
        if line.startswith("| `"):
            assert line.rsplit("|", 2)[1].strip(), line


def sessions(page: Path) -> Iterator[tuple[str, str]]:
    """(command, output shown) of every `$ command` in a page's console blocks."""
    for block in BLOCK.findall(page.read_text()):
        for part in re.split(r"^\$ ", block, flags=re.M)[1:]:
            command, _, shown = part.partition("\n")
            yield command, shown


COMMANDS = [(page, *session) for page in PAGES for session in sessions(page)]


@pytest.mark.parametrize(
    ("page", "command", "shown"),
    COMMANDS,
    ids=[f"{page.relative_to(ROOT)}: {command}" for page, command, _ in COMMANDS],
)
def test_commands_print_what_the_page_shows(
    tmp_path: Path, page: Path, command: str, shown: str
) -> None:
    """Numbers that depend on the machine (times, rates) may differ; every word must be there."""
    path = f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin:/usr/sbin"
    work = tmp_path / "clone"
    work.mkdir()
    (work / "topologies").symlink_to(ROOT / "topologies")
    done = subprocess.run(
        command,
        shell=True,
        cwd=work,
        capture_output=True,
        text=True,
        env={"PATH": path, "HOME": str(Path.home()), "COLUMNS": "80"},
    )
    assert done.returncode in (0, 1), done.stderr
    printed = [words(line) for line in (done.stdout + done.stderr).splitlines()]
    for line in shown.splitlines():
        if line.strip() not in ("", "…", "[…]"):
            assert words(line) in printed, f"not printed: {line}"


def words(line: str) -> str:
    """A line without its numbers and spacing."""
    return " ".join(NUMBER.sub("N", line).split())


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text()):
        if "://" not in target and not target.startswith("mailto:"):
            assert (page.parent / target).exists(), target


def test_paths_and_modules_that_pages_name_exist() -> None:
    """Whoever renames a folder or a module renames it in every page; the changelog is history.
    Whole paths in backticks, and modules with dots; generated and schema names are neither."""
    rooms = "cloison|compiler|fabric|sim|tests|bench|docs|notebooks|topologies|requirements"
    written = re.compile(rf"`((?:{rooms})(?:/[\w.-]+)+/?|(?:{rooms})(?:\.[a-z_]\w*)+)`")
    schema = re.compile(r"cloison/[a-z][a-z-]*-?…?/\d")
    made = {"fabric.yaml", "fabric.schema.json"}
    pages = [*PAGES, *(p for room in rooms.split("|") for p in (ROOT / room).rglob("*.md"))]
    found = {
        (str(page.relative_to(ROOT)), name)
        for page in pages
        if page.name != "CHANGELOG.md"
        for name in written.findall(page.read_text())
        if not schema.fullmatch(name) and name not in made
    }
    assert any("/" in name for _, name in found)
    assert {(page, name) for page, name in found if not exists(name)} == set()


def exists(name: str) -> bool:
    """Whether a path, or a module (of which the last word may be something in it), is there."""
    if "/" in name:
        return (ROOT / name).exists() or (ROOT / f"{name}.py").is_file()
    *room, last = name.split(".")
    module = ROOT.joinpath(*room)
    if module.joinpath(last).is_dir() or module.joinpath(f"{last}.py").is_file():
        return True
    files = [module.with_suffix(".py"), module / "__init__.py"]
    return any(f.is_file() and re.search(rf"\b{last}\b", f.read_text()) for f in files)


def test_every_schema_is_documented() -> None:
    """Schema names in the code stand in docs/formats.md; `{…}` in a name stands for several."""
    page = (ROOT / "docs" / "formats.md").read_text()
    named = {
        match
        for package in ("cloison", "compiler", "sim")
        for path in (ROOT / package).rglob("*.py")
        for match in re.findall(r"cloison/[a-z][a-z-]*/\d", path.read_text())
    }
    assert named
    assert {name for name in named if f"`{name}`" not in page} == set()


PYTHON = re.compile(r"^```python\n(.*?)^```", re.M | re.S)
WITH_PYTHON = [page for page in PAGES if PYTHON.search(page.read_text())]


@pytest.mark.parametrize("page", WITH_PYTHON, ids=lambda p: str(p.relative_to(ROOT)))
def test_python_examples_give_what_the_page_says(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A comment behind an expression is its value; other comments are words."""
    shutil.copytree(ROOT / "topologies", tmp_path / "topologies")
    with (tmp_path / "traffic.pcap").open("wb") as file:
        flow = Flow(0, 4, 0x0A000002, 0x0A000003, 6, 40000, 443)
        CaptureWriter(file).write(craft(flow), time=0, comment="", original=0)
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for block in PYTHON.findall(page.read_text()):
        exec(block, names)
        for expression, value in re.findall(r"^(\S.*\S)  # (\[.*\])$", block, re.MULTILINE):
            assert str(eval(expression, names)) == value


def test_the_pages_that_users_paste_from_have_examples() -> None:
    """So that a fence spelt otherwise is no example that nobody runs."""
    names = {page.name for page in WITH_PYTHON}
    assert names >= {"README.md", "python.md", "classifier.md", "benchmark.md"}
    fences = {w for page in PAGES for w in re.findall(r"^ *```(\w+)", page.read_text(), re.M)}
    assert fences <= {"console", "python", "yaml", "json", "text", "sh"}
