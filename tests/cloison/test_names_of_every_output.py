"""A law over all outputs: every name that a verb prints, in any format, is read by the others.

Rules that hold here:

1. Every leaf of every document is of a kind of `printed_kinds.KINDS`.
2. Tables of other formats have the columns of the documents, and what stands there is of that kind.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest
from click.testing import CliRunner, Result
from printed_kinds import assert_names, kind_of, leaves

from cloison.cli import main
from cloison.views.world import World
from fabric.values.address_sets import addresses_in, set_in
from sim.names.ends import endpoints
from sim.names.wanted_ports import split_source
from sim.why.one_answer import explain

pytestmark = pytest.mark.oracle("twins")

TOPOLOGIES = Path(__file__).parents[2] / "topologies"
BROKEN = TOPOLOGIES / "broken" / "wrong-rt-import.yaml"
BUNDLED = ["small", "demo", "namespaces"]
VERBS = {
    "check": "check {}",
    "topology": "show topology {}",
    "links": "show topology {} --links",
    "vrfs": "show addresses {}",
    "loopbacks": "show addresses {} --what nodes",
    "instances": "show addresses {} --what instances",
    "blocks": "show addresses {} --what blocks",
    "endpoints": "show addresses {} --what endpoints",
    "sessions": "show sessions {}",
    "routes": "show routes {}",
    "evpn": "show routes {} --evpn",
    "underlay": "show routes {} --underlay",
    "paths": "show routes {} --underlay --paths",
    "policy": "show policy {}",
    "tables": "show tables {}",
    "entries": "show tables {} --node dpu1",
    "compile": "compile {} --out OUT",
    "verify": "verify {}",
    "spof": "spof {}",
    "simulate": "simulate {}",
    "reach": "reach {}",
    "explain": "explain {} */@node/* */@node/host1",
    "explain outside": "explain {} zone2/* */@node/host1",
    "replay": "replay {} --random 400 --by-flow",
    "diff": "diff {} EDITED",
    "diff routes": "diff {} BROKEN",
}
TABLES = ("topology", "links", "endpoints", "blocks", "sessions", "routes", "policy", "reach")
EDITS = """
extends: {path}
name: edited
patch:
  - at: {at}
    set: {{ {key}rules: [{{ name: no, action: deny, from: "{tenant}", to: "*" }}] {end}}}
"""
"""A world in which much fares otherwise: a tenant is cut off."""
NEW_TENANT = """
extends: {path}
name: more
patch:
  - at: [tenants, newco]
    set: {{ hosts: [host1, host2, host4], vrfs: {{ main: {{ prefixes: [10.99.0.0/16] }} }} }}
"""


@pytest.fixture(scope="module", params=BUNDLED)
def world(request: pytest.FixtureRequest) -> World:
    return World.read([TOPOLOGIES / f"{request.param}.yaml"])


def name_of(world: World) -> str:
    assert world.network.spec is not None
    return world.network.spec.name


def printed(world: World, verb: str, output: str, folder: Path) -> str:
    path = TOPOLOGIES / f"{name_of(world)}.yaml"
    if verb == "diff":
        tenant = next(vrf.tenant for vrf in world.network.vrfs if vrf.zone == 1)
        zones = len({vrf.zone for vrf in world.network.vrfs}) > 1
        place = ("[zones, zone1]", "", "") if zones else ("[zones]", "zone1: { ", "} ")
        words = dict(zip(("at", "key", "end"), place, strict=True))
        (folder / "edited.yaml").write_text(EDITS.format(path=path, tenant=tenant, **words))
    words = {"OUT": str(folder), "EDITED": str(folder / "edited.yaml"), "BROKEN": str(BROKEN)}
    arguments = [words.get(word, word) for word in VERBS[verb].format(path).split()]
    option = "--output" if verb == "compile" else "-o"
    if (verb, output) == ("explain outside", "json"):
        done = outside(name_of(world))
    else:
        done = CliRunner().invoke(main, [*arguments, option, output])
    judges = verb == "spof" and done.exit_code == 1
    assert judges or done.exit_code == verb.startswith("diff"), (verb, done.output)
    return done.stdout


@pytest.mark.slices(6)
@pytest.mark.parametrize("verb", VERBS)
def test_names_of_documents(world: World, verb: str, tmp_path: Path) -> None:
    if verb == "explain outside" and all(v.zone != 2 for v in world.network.vrfs):
        return
    if verb == "diff routes" and name_of(world) != "demo":
        return
    found = set(leaves(json.loads(printed(world, verb, "json", tmp_path))))
    if verb == "simulate":
        found = {(re.sub(r"^\.target$", ".table", path), text) for path, text in found}
    if verb in ("tables", "compile"):
        found = {(re.sub("rows(.*source)$", r"capacity\1", path), text) for path, text in found}
    assert found
    assert_names(world, found)
    dumps = {
        (path.replace(".endpoints[].name", ".rows[].endpoint"), text)
        for dump in tmp_path.rglob("*.json")
        for path, text in leaves(json.loads(dump.read_text()))
        if re.search(r"\.endpoints\[](\.name|\.addresses\[])$", path)
    }
    assert_names(world, dumps)
    assert bool(dumps) == (verb == "compile")


@pytest.mark.slices(6)
@pytest.mark.parametrize("verb", TABLES)
@pytest.mark.parametrize("output", ["csv", "md"])
def test_names_of_tables(world: World, verb: str, output: str, tmp_path: Path) -> None:
    text = printed(world, verb, output, tmp_path)
    if output == "csv":
        rows = list(csv.DictReader(io.StringIO(text)))
    else:
        table = text.partition("\n\n")[0].splitlines()
        cells = [re.split(r"(?<!\\)\|", row)[1:-1] for row in table if row[:1] == "|"]
        plain = [[cell.strip().strip("`").replace("\\", "") for cell in row] for row in cells]
        rows = [dict(zip(plain[0], row, strict=True)) for row in plain[2:]]
    several = {"via", "links", "addresses", "blocks", "prefixes"}
    found = set()
    for row in rows:
        for title, cell in row.items():
            key = title.replace(" ", "_")
            for part in re.split(r"[,;|] ?|\n|<br>", cell) if key in several else [cell]:
                if part and not part.isdigit():
                    found.add((f".rows[].{key}" + "[]" * (key in several), part))
    assert found
    assert_names(world, found)


def listed(text: str) -> list[str]:
    """What stands between commas that are not in parentheses."""
    return re.split(r", (?![^(]*\))", text)


def narrowed(text: str) -> Iterator[tuple[str, str]]:
    """A name with what it is narrowed to in parentheses: members of it, or addresses."""
    text = re.sub(r" and \d+ (more ranges|others for each)\)$", ")", text)
    name, _, part = text.removesuffix(")").partition(" (")
    yield ".rows[].source", name
    for one in part.split(", ") if part else ():
        outside = addresses_in(one) is not None
        inside = one if outside else f"{name.rpartition('/')[0]}/{one}"
        yield (".addresses[]" if outside else ".rows[].source"), inside


def said_in(line: str) -> Iterator[tuple[str, str]]:
    """The names in a line of a diff, as text or as a row in markdown."""
    if line[:1] == "|":
        _, source, target, ports, packet, *_ = (
            cell.strip().strip("`").replace("\\", "") for cell in re.split(r"(?<!\\)\|", line)[1:-1]
        )
        sources, targets_ = [source], [target]
    elif found := re.fullmatch(r"  (.+) (?:gains?|loses?) (.+) on (.+)", line):
        sources, targets_, packet = listed(found[1]), listed(found[2]), ""
        ports = re.sub(r" \([^)]*\)$", "", found[3])
    elif found := re.fullmatch(r"  packet (.+?)(?:; one of [0-9,]+ pairs)?", line):
        yield ".packet", found[1]
        return
    else:
        return
    yield ".rows[].ports", ports
    yield from [(".packet", packet)] if packet else []
    for end in (*sources, *targets_):
        yield from narrowed(end)


@pytest.mark.slices(2)
@pytest.mark.parametrize("output", ["table", "md"])
def test_names_of_diffs_for_people(world: World, output: str, tmp_path: Path) -> None:
    lines = printed(world, "diff", output, tmp_path).splitlines()
    rows = [line for line in lines if not line.startswith(("| change", "|--", "| --"))]
    found = {name for line in rows for name in said_in(line)}
    assert {path for path, _ in found} >= {".rows[].source", ".rows[].ports", ".packet"}
    assert_names(world, found)


@pytest.mark.parametrize("name", ["small", "demo"])
def test_hosts_of_a_tenant_that_is_new_have_one_name(name: str, tmp_path: Path) -> None:
    copytree(TOPOLOGIES, tmp_path, dirs_exist_ok=True)
    old, new = tmp_path / f"{name}.yaml", tmp_path / "more.yaml"
    new.write_text(NEW_TENANT.format(path=old))
    world = World.read([new])
    hosts = [e.name for e in world.network.endpoints if e.name.startswith("newco/")]
    for pair in ((old, new), (new, old)):
        done = CliRunner().invoke(main, ["diff", *map(str, pair), "-o", "json"])
        assert done.exit_code == 1
        found = {
            (path, text) for path, text in leaves(json.loads(done.stdout)) if "newco/@" in text
        }
        called = {text for path, text in found if kind_of(path) == "endpoint"}
        assert {e.name for text in called for e in endpoints(world.network, text)} == {*hosts}
        assert "newco/@node/host[1-2,4]" in called
        assert_names(world, found)


@cache
def outside(name: str) -> Result:
    """The run that takes longest, for both laws about it."""
    arguments = VERBS["explain outside"].format(TOPOLOGIES / f"{name}.yaml").split()
    return CliRunner().invoke(main, [*arguments, "-o", "json"])


def rows_of(name: str) -> list[dict[str, Any]]:
    done = outside(name)
    found = json.loads(done.stdout) if done.exit_code == 0 else {}
    return list(found["rows"]) if "rows" in found else [found][: len(found)]


def test_a_part_that_is_printed_asked_again_is_answered_alike(world: World) -> None:
    for row in rows_of(name_of(world))[:12]:
        source = ", ".join(row.get("source_addresses", [row["packet"].partition(" -> ")[0]]))
        if set_in(source) is None:
            source = split_source(source)[0]
        owners = {e.name for e in endpoints(world.network, source)}
        assert row["source"] in owners
        if owners == {row["source"]}:
            target = row["packet"].partition(" -> ")[2]
            again = explain(world, source, target)
            assert (again.source, again.computed) == (row["source"], row["computed"])
