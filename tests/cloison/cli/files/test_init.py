"""`cloison init`: what it writes is right by every verb, and nothing is overwritten;
hostile answers are refused at their question."""

from __future__ import annotations

import json
import os
import pty
import shutil
import subprocess
import sys
import zipfile
from itertools import combinations
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import cloison
from cloison.cli import main

FLOW = ("shop/web/front", "shop/data/db:5432")
DUMP = """\
apiVersion: v1
kind: Pod
metadata: { name: front, namespace: web }
spec: { nodeName: gpu-1, containers: [{ name: c, image: x }] }
status: { phase: Running, podIP: 10.0.3.4, podIPs: [{ ip: 10.0.3.4 }] }
"""


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, [str(a) for a in arguments])


@pytest.fixture
def site(tmp_path: Path) -> Path:
    done = run("init", tmp_path / "site")
    assert done.exit_code == 0, done.stderr
    listed = [Path(line) for line in done.stdout.splitlines()]
    assert sorted(listed) == sorted(p for p in (tmp_path / "site").rglob("*") if p.is_file())
    return tmp_path / "site" / "fabric.yaml"


def test_nothing_is_wrong_or_doubtful(site: Path) -> None:
    assert cloison.check(site) == ()
    assert run("check", site).stdout.endswith("no errors\n")


@pytest.mark.parametrize("verb", ["verify", "simulate"])
def test_it_holds(site: Path, verb: str) -> None:
    done = run(verb, site, "-o", "json")
    assert done.exit_code == 0, done.stdout
    assert json.loads(done.stdout)["verdict"] == "holds"


def test_every_verb_has_an_answer(site: Path, tmp_path: Path) -> None:
    for arguments in (
        ("explain", site, *FLOW),
        ("reach", site),
        ("reach", site.parent / "manifests"),
        ("diff", site, site),
        ("compile", site, "-o", tmp_path / "rules"),
        ("plot", site, "-o", tmp_path / "x.svg", "--trace", *FLOW),
        *(("show", t, site) for t in ("topology", "addresses", "sessions", "routes", "tables")),
    ):
        done = run(*arguments)
        assert done.exit_code == 0, (arguments, done.stdout, done.stderr)
        assert done.stdout or done.stderr
    assert "allow" in run("explain", site, *FLOW).stdout
    assert "deny" in run("explain", site, "render/@node/host3", "10.0.0.1:5432").stdout


def test_nothing_is_overwritten_and_nothing_half_written(site: Path) -> None:
    (site.parent / "manifests" / "shop" / "web.yaml").unlink()
    site.write_text("mine")
    done = run("init", site.parent)
    assert done.exit_code == 2
    assert "error[C790]" in done.stderr
    assert site.read_text() == "mine"
    assert not (site.parent / "manifests" / "shop" / "web.yaml").exists()


def test_a_link_that_leads_nowhere_is_there_too(tmp_path: Path) -> None:
    (tmp_path / "fabric.yaml").symlink_to(tmp_path / "gone")
    assert run("init", tmp_path).exit_code == 2
    assert not (tmp_path / "gone").exists()


def test_a_file_in_the_way_of_the_directory(tmp_path: Path) -> None:
    (tmp_path / "site").write_text("")
    assert run("init", tmp_path / "site").exit_code == 2
    assert run("init", tmp_path / "site" / "below").exit_code == 2


def ask(directory: Path, *answers: str, options: tuple[str, ...] = ()) -> Result:
    """What happens when these are the answers: empty ones take the default."""
    said = "".join(f"{answer}\n" for answer in answers)
    return CliRunner().invoke(main, ["init", "--ask", *options, str(directory)], input=said)


def proven(fabric: Path) -> list[str]:
    """What `verify` says of every line, where `check` finds nothing."""
    assert cloison.check(fabric) == ()
    done = run("verify", fabric, "-o", "json")
    assert done.exit_code == 0, (done.stdout, done.stderr)
    return [
        row["expect"]
        for row in json.loads(done.stdout)["expectations"]
        if row["verdict"] == "holds"
    ]


@pytest.mark.parametrize(
    ("answers", "tenants", "nodes"),
    [
        ([""] * 6, ("shop", "render"), {"spine2", "leaf2", "host4"}),
        (
            ["1 6", "1", "a, 1, null", "10.0.0.0/8", "", "", ""],
            ("a", "1", "null"),
            {"leaf6", "host3"},
        ),
        (
            ["3,2", "5", "yes,0x1f", "fd00::/112,10.0.0.0/24", "", ""],
            ("yes", "0x1f"),
            {"spine3", "host5"},
        ),
    ],
)
def test_five_answers_are_a_fabric_whose_tenants_are_kept_apart(
    tmp_path: Path, answers: list[str], tenants: tuple[str, ...], nodes: set[str]
) -> None:
    done = ask(tmp_path / "site", *answers)
    assert done.exit_code == 0, done.stderr
    fabric = tmp_path / "site" / "fabric.yaml"
    assert done.stdout.splitlines()[-1] == str(fabric)
    for verb in ("check", "verify", "simulate"):
        assert f"cloison {verb} {fabric}\n" in done.stderr
    assert list(tmp_path.rglob("*.yaml")) == [fabric]
    spec = cloison.load(fabric)
    assert tuple(spec.tenants) == tenants
    assert proven(fabric) == [f"deny: {a}/* <-> {b}/*" for a, b in combinations(tenants, 2)]
    assert nodes <= {row["node"] for row in cloison.build(fabric).nodes}


@pytest.mark.parametrize("number", range(1, 6))
def test_every_question_takes_what_is_right_at_the_second_try(tmp_path: Path, number: int) -> None:
    (tmp_path / "fleet").mkdir()
    (tmp_path / "fleet" / "web.yaml").write_text(DUMP)
    right = ["2 4", "3", "a,b,c", "10.0.0.0/12", "fleet", "", ""]
    answers = [*right[: number - 1], "\x1b[1m", *right[number - 1 :]]
    done = ask(tmp_path, *answers)
    assert done.exit_code == 0, done.stderr
    assert done.stderr.count("Error: ") == 1
    assert done.stderr.count(f"{number}/5 ") == (4 if number == 5 else 2)
    spec = cloison.load(tmp_path / "fabric.yaml")
    site = spec.sites["lab"]
    assert (site.spines, site.leaves, site.hosts_per_pair) == (2, 4, 3)
    assert [spec.tenants[t].hosts for t in "abc"] == [["host[1-2]"], ["host[3-4]"], ["host[5-6]"]]
    assert [spec.tenants[t].manifests for t in "abc"] == [["fleet"], [], []]
    assert {p for t in "abc" for p in spec.tenants[t].vrfs["main"].prefixes} == {"10.0.0.0/12"}


BAD = [
    *((1, said, "two numbers") for said in ("2", "1 2 3")),
    (1, "0 2", "from 1 to 64"),
    (1, "65 2", "from 1 to 64"),
    (1, "2 514", "from 1 to 512"),
    (1, "2 3", "even number"),
    *((1, f"{said} 2", "from 1 to 64") for said in ("9" * 5000, "-1", "1_0", "0x2", "٢", "2.0")),
    (2, "129", "from 1 to 128"),
    (2, "0", "from 1 to 128"),
    (2, "1", "1 host, and two tenants"),
    (2, "2: {", "no number"),
    (3, "shop", "two tenants or more"),
    (3, "shop,shop", "twice"),
    (3, "shop,zone2", "reserved"),
    (3, ",".join(f"t{i}" for i in range(5)), "5 tenants need a host each"),
    *(
        (3, f"shop,{name}", "cannot be a name")
        for name in (
            *("", "Shop", "a/b", "-a", "a*", "a{1..3}", 'x": {}', "a: b", "a # b", "!!str", "&a"),
            *("a\x1f", "\x1f", "a\u202e", "é", "a" * 64, "../a", "a\x0b"),
        )
    ),
    *((4, said, "no address block") for said in ("10.0.0.0", "x", "10.0.0.0/33", "1.2.3/8")),
    *((4, said, "no address block") for said in ("10.0.0.0/16\x07", "fd00::%x/64", '"], x: ["')),
    (4, "10.0.0.1/16", "10.0.0.0/16 would"),
    (4, "10.0.0.0/28", "too small for 2 hosts"),
    (4, "fd00::/124", "too small for 2 hosts"),
    (4, "10.0.0.0/16, 10.0.3.0/24", "overlap"),
    (4, ",".join(f"10.{i}.0.0/16" for i in range(9)), "too many"),
    *(
        (4, said, "not for pods and nodes")
        for said in ("0.0.0.0/0", "127.0.0.0/8", "224.0.0.0/4", "::/0", "fe80::/64", "8.0.0.0/7")
    ),
    *((5, said, "leads out of") for said in ("/etc", "../outside", "fleet/../../outside", "out")),
    *((5, said, "where the fabric file goes") for said in (".", "here")),
    *((5, said, "there is no") for said in ("gone", "loop", "x" * 5000, '"], hosts: ["*')),
    *((5, said, "cannot be seen") for said in ("fl\x00eet", "fleet\u202e", "fleet\x85")),
    (5, "empty", "C614"),
    (5, "broken", "C104"),
    (5, "foreign", "C614"),
    (5, "hostile", "C609"),
    (5, "crowd", "2 hosts, and its manifests speak of 3 nodes"),
    (5, "strange", "C453"),
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with manifests that can be used, and with what cannot."""
    site = tmp_path / "site"
    for name, text in {
        "fleet": DUMP,
        "broken": "kind: [",
        "foreign": "a: [",
        "crowd": "---\n".join(
            DUMP.replace("gpu-1", f"gpu-{n}").replace("front", f"x{n}") for n in range(3)
        ),
        "strange": DUMP.replace("10.0.3.4", "192.0.2.1"),
        "hostile": DUMP.replace("gpu-1", json.dumps('x", y: 1} # \u2028')),
        "../outside": DUMP,
    }.items():
        (site / name).mkdir(parents=True)
        (site / name / "web.yaml").write_text(text)
    (site / "empty").mkdir()
    (site / "out").symlink_to(tmp_path / "outside")
    (site / "here").symlink_to(".")
    (site / "loop").symlink_to("loop")
    return site


@pytest.mark.parametrize(("number", "said", "why"), BAD, ids=lambda value: ascii(value)[:30])
def test_what_cannot_stand_in_the_file_is_refused_at_its_question(
    folder: Path, number: int, said: str, why: str
) -> None:
    """The answers end there, so nothing is written either."""
    before = sorted(folder.rglob("*"))
    done = ask(folder, *[""] * (number - 1), said)
    assert done.exit_code == 130, done.stderr
    assert why in done.stderr.partition("Error: ")[2]
    assert done.stderr.count(f"{number}/5 ") == 2
    assert f"{number + 1}/5 " not in done.stderr
    assert done.stderr.endswith("interrupted: nothing is written\n")
    (ours,) = (line for line in done.stderr.split("\n") if line.startswith("Error: "))
    assert ours.isprintable()
    assert len(ours) < 400
    assert sorted(folder.rglob("*")) == before


def test_what_no_machine_holds_is_refused_at_its_question(tmp_path: Path) -> None:
    """By the budget that every verb has."""
    done = ask(tmp_path / "site", "64 512", "128", options=("--budget", "0.001"))
    assert done.exit_code == 130
    assert "C114" in done.stderr
    assert (done.stderr.count("2/5 "), done.stderr.count("3/5 ")) == (2, 0)
    assert ask(tmp_path / "site", "64 512", "128").stderr.count("3/5 ") == 1
    assert not (tmp_path / "site").exists()


def test_nodes_of_a_dump_are_hosts_of_their_tenant(folder: Path) -> None:
    done = ask(folder, "", "", "", "", "", "fleet")
    assert done.exit_code == 0, done.stderr
    assert "Assumed: which node is which host" in done.stderr
    fabric = folder / "fabric.yaml"
    (pod,) = (e for e in cloison.build(fabric).endpoints if e["endpoint"] == "render/web/front")
    assert pod["vtep"] == "dpu3"
    assert proven(fabric) == ["deny: shop/* <-> render/*"]


@pytest.mark.parametrize("name", ["null", "1e3", "0x10"])
def test_names_of_nodes_are_text_and_nothing_else(folder: Path, name: str) -> None:
    (folder / "fleet" / "web.yaml").write_text(DUMP.replace("gpu-1", json.dumps(name)))
    done = ask(folder, "", "", "", "", "fleet", "")
    assert done.exit_code == 0, done.stderr
    assert cloison.load(folder / "fabric.yaml").hosts["host1"].node == name


def test_names_of_folders_are_text_and_nothing_else(folder: Path) -> None:
    name = 'fleet"], hosts: ["*'
    (folder / "fleet").rename(folder / name)
    assert ask(folder, "", "", "", "", name, "").exit_code == 0
    tenant = cloison.load(folder / "fabric.yaml").tenants["shop"]
    assert (tenant.manifests, tenant.hosts) == ([name], ["host[1-2]"])


def test_no_question_is_asked_where_a_file_is_there(site: Path) -> None:
    before = site.read_text()
    done = ask(site.parent)
    assert done.exit_code == 2
    assert "error[C790]" in done.stderr
    assert "1/5" not in done.stderr
    assert site.read_text() == before


def test_a_file_that_comes_while_it_asks_stays(tmp_path: Path) -> None:
    from cloison.verbs import first_fabric

    refused = first_fabric.refused

    def meanwhile(path: Path, answers: first_fabric.FirstFabric) -> str:
        path.write_text("mine")
        return refused(path, answers)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(first_fabric, "refused", meanwhile)
        done = ask(tmp_path, *[""] * 6)
    assert done.exit_code == 2
    assert "error[C790]" in done.stderr
    assert (tmp_path / "fabric.yaml").read_text() == "mine"


@pytest.mark.parametrize(
    ("terminal", "options", "asks"),
    [(True, [], True), (True, ["--no-ask"], False), (False, [], False), (False, ["--ask"], True)],
)
def test_it_asks_at_a_terminal_and_nowhere_else(
    tmp_path: Path, terminal: bool, options: list[str], asks: bool
) -> None:
    command = [Path(sys.executable).parent / "cloison", "init", *options, str(tmp_path / "site")]
    ours, theirs = pty.openpty() if terminal else os.pipe()
    os.write(ours if terminal else theirs, b"\n" * 6)
    if not terminal:
        os.close(theirs)
    stdin = theirs if terminal else ours
    done = subprocess.run(command, stdin=stdin, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert ("1/5" in done.stderr) is asks
    assert (tmp_path / "site" / "manifests").exists() is not asks


def test_without_questions_it_is_what_it_always_was(site: Path) -> None:
    starter = Path(cloison.__file__).parent / "starter"
    there = {p.relative_to(site.parent): p for p in site.parent.rglob("*.yaml")}
    assert {at: p.read_bytes() for at, p in there.items()} == {
        p.relative_to(starter): p.read_bytes() for p in starter.rglob("*.yaml")
    }


@pytest.mark.slow
def test_the_wheel_carries_it_and_the_man_page(tmp_path: Path) -> None:
    root = Path(__file__).parents[4]
    source = tmp_path / "source"
    source.mkdir()
    for folder in ("cloison", "fabric", "compiler", "sim", "docs", "bench", "topologies"):
        shutil.copytree(root / folder, source / folder)
    for file in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(root / file, source / file)
    pip = ["wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", str(tmp_path)]
    done = subprocess.run(
        [sys.executable, "-m", "pip", *pip, str(source)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert "cloison/starter/fabric.yaml" in names
    assert "cloison/starter/manifests/shop/web.yaml" in names
    assert any(name.endswith("share/man/man1/cloison.1") for name in names)
    tops = {name.partition("/")[0].partition("-")[0] for name in names}
    assert tops == {"cloison", "fabric", "compiler", "sim"}, "what benchmarks and tests need stays"
    assert not [name for name in names if "/tests/" in name or "README" in name]
