"""Rules that nodes have, against the compiled ones: as nft itself lists them, and with drift of
every kind, written into what it would list."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from compiled import compile_network
from oracles import require, require_root

from cloison.cli import main
from compiler.imports.nft.nft_text import TextReading
from compiler.program.program import Program
from compiler.targets.hosts import nftables
from fabric.building.build import build
from fabric.building.load import load_fabric
from fabric.diagnostics import Diagnostics, InputError
from sim.state.compared import Compared, compared
from sim.state.heard import StateFolder
from sim.state.nft_state import WantedRules

TOPOLOGIES = Path(__file__).parents[3] / "topologies"
SMALL = TOPOLOGIES / "small.yaml"
Listing = list[dict[str, Any]]


@pytest.fixture(scope="module")
def program() -> Program:
    return compile_network(build(load_fabric(SMALL), lock=False))


def listing(program: Program, node: int, incoming: str = "iifname") -> Listing:
    """What nft lists of a dump: the objects that it adds."""
    found = Diagnostics()
    text = nftables.ruleset(program, node, incoming=incoming)
    out: Listing = []
    chains: dict[str, dict[str, Any]] = {}
    for number, command in enumerate(TextReading("x", text, found).commands()):
        body = {k: v for k, v in command.body.items() if k != "policy_span"}
        if command.verb == "delete":
            out.clear()
        elif command.kind == "chain" and body["name"] in chains:
            chains[body["name"]].update(body)
        else:
            out.append({command.kind: {**body, "handle": number}})
            if command.kind == "chain":
                chains[body["name"]] = out[-1]["chain"]
    assert not found.items
    return out


def asked(program: Program, folder: Path) -> Compared:
    """The rules of all nodes in a folder."""
    rules = WantedRules(lambda: program)
    return compared(program.network, StateFolder(program.network, folder), None, rules)


def write(program: Program, folder: Path, change: Callable[[Listing], None] | None = None) -> str:
    """The listings of all nodes, the first of them changed; its name."""
    for node in nftables.nodes(program):
        name = program.network.fabric.nodes[node].name
        found = listing(program, node)
        if change is not None and node == nftables.nodes(program)[0]:
            change(found)
        (folder / f"{name}.nft.json").write_text(json.dumps({"nftables": found}))
    return program.network.fabric.nodes[nftables.nodes(program)[0]].name


def of(found: Listing, kind: str, **what: str) -> list[dict[str, Any]]:
    """Objects of a kind."""
    objects = [item[kind] for item in found if kind in item]
    return [o for o in objects if all(str(o.get(k)).startswith(v) for k, v in what.items())]


def test_rules_as_wanted(program: Program, tmp_path: Path) -> None:
    write(program, tmp_path)
    found = asked(program, tmp_path)
    assert found.rows == [] and found.other_rules == set()
    assert found.seen["rules"] == found.due["rules"] == len(nftables.nodes(program))


@pytest.mark.root
@pytest.mark.oracle("nft")
@pytest.mark.parametrize("incoming", ["iifname", "meta sdifname"])
def test_rules_as_nft_lists_them(program: Program, tmp_path: Path, incoming: str) -> None:
    require("nft", "unshare")
    require_root()
    for node in nftables.nodes(program):
        text = nftables.ruleset(program, node, incoming=incoming)
        done = subprocess.run(
            ["unshare", "--net", "sh", "-c", "nft -f - && nft -j list ruleset"],
            input=text, text=True, capture_output=True,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        name = program.network.fabric.nodes[node].name
        (tmp_path / f"{name}.nft.json").write_text(done.stdout)
    found = asked(program, tmp_path)
    assert found.rows == []
    assert found.seen["rules"] == len(nftables.nodes(program))


def gone(found: Listing, item: dict[str, Any], kind: str = "rule") -> None:
    found[:] = [one for one in found if one.get(kind) is not item]


def denies(found: Listing) -> list[dict[str, Any]]:
    """Rules of groups that drop."""
    return [r for r in of(found, "rule", chain="g") if {"drop": None} in r["expr"]]


def lost_rule(found: Listing) -> None:
    gone(found, denies(found)[0])


def more_rule(found: Listing) -> None:
    at = next(n for n, one in enumerate(found) if one.get("rule", {}).get("chain", "")[:1] == "g")
    found.insert(at, {"rule": {**found[at]["rule"], "expr": [{"accept": None}]}})


def other_verdict(found: Listing) -> None:
    denies(found)[0]["expr"][-1] = {"accept": None}


def other_port(found: Listing) -> None:
    rule = next(r for r in of(found, "rule", chain="g") if '"dport"' in json.dumps(r))
    match = next(s for s in rule["expr"] if '"dport"' in json.dumps(s))
    match["match"]["right"] = {"set": [7]}


def negated(found: Listing) -> None:
    rule = next(r for r in of(found, "rule") if '"!="' in json.dumps(r))
    next(s for s in rule["expr"] if s.get("match", {}).get("op") == "!=")["match"]["op"] = "=="


def other_order(found: Listing) -> None:
    chain = denies(found)[0]["chain"]
    places = [n for n, one in enumerate(found) if one.get("rule", {}).get("chain") == chain]
    found[places[0]], found[places[-1]] = found[places[-1]], found[places[0]]


def other_policy(found: Listing) -> None:
    of(found, "chain", name="forward")[0]["policy"] = "drop"


def other_hook(found: Listing) -> None:
    of(found, "chain", name="forward")[0]["hook"] = "input"


def other_priority(found: Listing) -> None:
    of(found, "chain", name="forward")[0]["prio"] = 10


def unhooked(found: Listing) -> None:
    chain = of(found, "chain", name="forward")[0]
    for word in ("hook", "type", "prio", "policy"):
        del chain[word]


def other_jump(found: Listing) -> None:
    jumps = [r for r in of(found, "rule", chain="policy") if '"jump"' in json.dumps(r)]
    other = next(c["name"] for c in of(found, "chain", name="g") if c["name"] not in str(jumps[0]))
    jumps[0]["expr"][-1] = {"jump": {"target": other}}


def filled(found: Listing) -> dict[str, Any]:
    return next(m for m in of(found, "map") if m.get("elem"))


def lost_element(found: Listing) -> None:
    filled(found)["elem"].pop(0)


def more_element(found: Listing) -> None:
    m = next(m for m in of(found, "map", name="there4") if m.get("elem"))
    m["elem"].append([{"prefix": {"addr": "203.0.113.0", "len": 24}}, m["elem"][0][1]])


def other_element(found: Listing) -> None:
    filled(found)["elem"][0][1] ^= 1


def timed_map(found: Listing) -> None:
    filled(found)["flags"] = ["interval", "timeout"]


def lost_chain(found: Listing) -> None:
    """With whom it was called by: nft lists no call to nobody."""
    name = denies(found)[0]["chain"]
    found[:] = [
        one for one in found
        if one.get("chain", {}).get("name") != name and one.get("rule", {}).get("chain") != name
        and not ("rule" in one and f'"{name}"' in json.dumps(one["rule"]["expr"]))
    ]  # fmt: skip


def more_table(found: Listing) -> None:
    found += [
        {"table": {"family": "ip", "name": "other", "handle": 9}},
        {"chain": {"family": "ip", "table": "other", "name": "c", "type": "filter",
                   "hook": "forward", "prio": 5, "policy": "drop"}},
    ]  # fmt: skip


def asleep(found: Listing) -> None:
    of(found, "table")[0]["flags"] = ["dormant"]


def perhaps_asleep(found: Listing) -> None:
    """As nft 1.0.6 prints a table that is dormant."""
    of(found, "table")[0]["flags"] = "inet"


def nothing_left(found: Listing) -> None:
    found.clear()


DRIFT = (
    lost_rule, more_rule, other_verdict, other_port, negated, other_order, other_policy, other_hook,
    other_priority, unhooked, other_jump, lost_element, more_element, other_element, timed_map,
    lost_chain, more_table, asleep, perhaps_asleep, nothing_left,
)  # fmt: skip


@pytest.mark.parametrize("drift", DRIFT, ids=lambda d: d.__name__)
def test_drift_is_found(program: Program, tmp_path: Path, drift: Callable[[Listing], None]) -> None:
    name = write(program, tmp_path, drift)
    found = asked(program, tmp_path)
    assert found.rows and {row.node for row in found.rows} == {name}
    assert found.other_rules == {name}
    assert all(row.wanted != row.found for row in found.rows)
    assert all(row.kind in ("rule", "chain", "element") for row in found.rows)


def test_a_rule_that_is_missing_comes_with_the_line_that_wants_it(
    program: Program, tmp_path: Path
) -> None:
    lines = WantedRules(lambda: program).lines()

    def lost(found: Listing) -> None:
        gone(found, next(r for r in of(found, "rule", chain="g") if lines[r["comment"]]))

    name = write(program, tmp_path, lost)
    (row,) = asked(program, tmp_path).rows
    assert (row.node, row.state, row.found) == (name, "missing", "")
    assert row.line is not None and row.line.file.endswith(".yaml")


def counted(found: Listing) -> None:
    for rule in of(found, "rule"):
        for statement in rule["expr"]:
            if "counter" in statement:
                statement["counter"] = {"packets": 7, "bytes": 420}


def renamed(found: Listing) -> None:
    for n, rule in enumerate(of(found, "rule")):
        rule["handle"], rule["comment"] = 1000 + n, "somebody else's"


def elements_elsewhere(found: Listing) -> None:
    filled(found)["elem"].reverse()


@pytest.mark.parametrize("change", [counted, renamed, elements_elsewhere], ids=lambda c: c.__name__)
def test_what_changes_no_verdict_is_no_drift(
    program: Program, tmp_path: Path, change: Callable[[Listing], None]
) -> None:
    write(program, tmp_path, change)
    assert asked(program, tmp_path).rows == []


def test_rules_where_none_are_wanted(program: Program, tmp_path: Path) -> None:
    """A spine that filters what passes it."""
    spine = next(n for n in program.network.fabric.nodes if n.name.startswith("spine"))
    found: Listing = []
    more_table(found)
    (tmp_path / f"{spine.name}.nft.json").write_text(json.dumps({"nftables": found}))
    result = asked(program, tmp_path)
    assert [(row.node, row.kind, row.state) for row in result.rows] == [
        (spine.name, "chain", "extra")
    ]
    assert result.seen["rules"] == 0 and result.other_rules == set()


def test_a_damaged_listing_is_unknown(program: Program, tmp_path: Path) -> None:
    name = write(program, tmp_path)
    path = tmp_path / f"{name}.nft.json"
    path.write_text(path.read_text().replace('"g0"', '"nowhere"', 1))
    done = CliRunner().invoke(main, ["compare", str(SMALL), "--state", str(tmp_path)])
    assert done.exit_code == 4, done.output
    assert "1 file of nodes could not be read" in done.output


def test_two_listings_of_a_node(program: Program, tmp_path: Path) -> None:
    name = write(program, tmp_path)
    path = tmp_path / f"{name}.nft.json"
    (tmp_path / f"{name}.later.json").write_text(path.read_text())
    found = StateFolder(program.network, tmp_path)
    assert any("both say rules" in str(why) for why in reasons(found, program)) or found.passed


def reasons(found: StateFolder, program: Program) -> list[str]:
    for node in nftables.nodes(program):
        try:
            found.node(node)
        except InputError as error:
            return [d.message for d in error.diagnostics]
    return [why for _, why in found.passed]


def test_the_answer_says_when_and_how_many(program: Program, tmp_path: Path) -> None:
    write(program, tmp_path, other_policy)
    done = CliRunner().invoke(main, ["compare", str(SMALL), "--state", str(tmp_path), "-o", "json"])
    assert done.exit_code == 1
    said = json.loads(done.stdout)
    points = len(nftables.nodes(program))
    assert said["compared"]["rules"] == {"seen": points, "due": points}
    assert len(said["other_rules"]) == 1
    assert all(len(moment) == 20 and moment.endswith("Z") for moment in said["written"])
    text = CliRunner().invoke(main, ["compare", str(SMALL), "--state", str(tmp_path)]).output
    assert f"{points - 1} of {points} enforcement points hold exactly the compiled rules" in text
    assert f"files written {said['written'][0]}" in text
