"""Windows of time, as commands and Python see them: what is true when, and never at a moment that
nobody named."""

from __future__ import annotations

import json
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result
from windowed import Place, at, fabric

import cloison
from cloison.cli import main
from cloison.loading.how import AS_USUAL, How
from cloison.loading.kept_worlds import Request
from cloison.verbs.watching import Watch
from fabric.diagnostics import InputError, UndecidedError
from sim.packets.headers import Flow, Packets
from sim.pipeline.conntrack import COUNTERS, FlowTable
from sim.pipeline.replay import replay as send

DAYS = [f"2027-01-{day:02}T00:00:00Z" for day in range(1, 8)]
LEAK: Place = ("leaks", 0)
LINE: Place = ("expect", 2)
FLOW = ("c/n/p", "a/n/p:8080/tcp")
OPEN = {LEAK: {"from": DAYS[1], "until": DAYS[3]}}
MEANT = OPEN | {LINE: {"from": DAYS[1], "until": DAYS[3]}}


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def answer(*arguments: object, code: int = 0) -> Any:
    done = run(*arguments, "-o", "json")
    assert done.exit_code == code, done.output
    return json.loads(done.stdout)


def test_verify_asks_every_period_and_says_when_something_is_wrong(tmp_path: Path) -> None:
    path = fabric(tmp_path / "f", OPEN)
    found = answer("verify", path, "-q", code=1)
    assert found["schema"] == "cloison/verification-of-times/1" and found["verdict"] == "fails"
    assert found["covers"] == {"from": None, "until": None}
    (wrong,) = found["findings"]
    assert wrong["when"] == [
        {"from": None, "until": DAYS[1]},
        {"from": DAYS[3], "until": None},
    ]
    assert [part["verdict"] for part in found["periods"]] == ["fails", "holds"]
    text = run("verify", path, "-q").stdout
    assert f"until {DAYS[1]}, from {DAYS[3]}:" in text
    assert f"from {DAYS[1]} until {DAYS[3]}   3 of 3 hold" in text


def test_an_expectation_with_a_window_is_asked_then_alone(tmp_path: Path) -> None:
    path = fabric(tmp_path / "f", MEANT)
    found = answer("verify", path, "-q")
    assert found["verdict"] == "holds" and found["findings"] == []
    assert [len(part["expectations"]) for part in found["periods"]] == [2, 3]
    assert "holds at all times: 3 periods" in run("verify", path, "-q").stdout


def test_a_window_that_opens_tomorrow_is_found_whatever_moment_the_file_names(
    tmp_path: Path,
) -> None:
    """The leak is closed at the file's own moment, and a line forbids it at all times."""
    path = fabric(tmp_path / "f", {LEAK: {"from": DAYS[4]}}, times={"at": DAYS[0]})
    value = yaml.safe_load(path.read_text())
    value["expect"] = [{"deny": "c/* -> a/n/*"}]
    path.write_text(yaml.safe_dump(value, sort_keys=False))
    assert answer("verify", path, "--at", DAYS[0], "-q")["verdict"] == "holds"
    assert answer("explain", path, *FLOW)["verdict"] == "deny"
    found = answer("verify", path, "-q", code=1)
    assert [row["when"] for row in found["findings"]] == [[{"from": DAYS[4], "until": None}]]
    line = path.read_text().split("\n")[int(found["findings"][0]["line"].split(":")[1]) - 1]
    assert "name: svc" in line


def test_a_window_that_does_not_close_is_blamed_to_its_entry(tmp_path: Path) -> None:
    windows = {LEAK: {"from": DAYS[1]}, LINE: {"from": DAYS[1], "until": DAYS[3]}}
    path = fabric(tmp_path / "f", windows)
    value = yaml.safe_load(path.read_text())
    value["expect"] += [{"deny": "c/* -> a/n/*", "window": {"from": DAYS[3]}}]
    path.write_text(yaml.safe_dump(value, sort_keys=False))
    (wrong,) = answer("verify", path, "-q", code=1)["findings"]
    assert wrong["when"] == [{"from": DAYS[3], "until": None}]
    line = path.read_text().split("\n")[int(wrong["line"].split(":")[1]) - 1]
    assert "name: svc" in line


def test_only_the_time_that_the_file_speaks_of_is_judged(tmp_path: Path) -> None:
    times = {"from": DAYS[1], "until": DAYS[3]}
    path = fabric(tmp_path / "f", OPEN, times=times)
    found = answer("verify", path, "-q")
    assert found["covers"] == times and found["verdict"] == "holds"
    later = fabric(tmp_path / "g", OPEN, times=times | {"until": DAYS[4]})
    assert answer("verify", later, "-q", code=1)["covers"]["until"] == DAYS[4]


@pytest.mark.parametrize("verb", ["explain", "reach", "simulate", "show policy", "compile"])
def test_a_moment_is_named_by_who_asks_and_told(tmp_path: Path, verb: str) -> None:
    path = fabric(tmp_path / "f", MEANT)
    more = FLOW if verb == "explain" else ()
    more = ("-q",) if verb == "simulate" else more
    done = run(*verb.split(), path, *more)
    assert done.exit_code == 2 and "error[C212]" in done.output
    output = "--output" if verb == "compile" else "-o"
    done = run(*verb.split(), path, *more, "--at", DAYS[2], output, "json")
    assert done.exit_code == 0, done.output
    (told,) = (d for d in json.loads(done.stdout)["diagnostics"] if d["code"] == "C217")
    assert told["message"] == (
        f"judged at {DAYS[2]}: 2 of 2 entries with windows are in force, the same from {DAYS[1]} "
        f"until {DAYS[3]}; then some end, and flows that they permitted go on until they are "
        "decided again"
    )
    assert f"warning[C217]: judged at {DAYS[2]}" in done.stderr


@pytest.mark.parametrize(
    ("verb", "words"),
    [("explain", "Judged at"), ("reach", "Judged at"), ("simulate", "for all packets at 2027")],
)
def test_text_tells_it_on_stdout(tmp_path: Path, verb: str, words: str) -> None:
    path = fabric(tmp_path / "f", MEANT)
    more = FLOW if verb == "explain" else ()
    assert words in run(verb, path, *more, "--at", DAYS[2]).stdout


def test_what_is_in_force_decides_to_the_moment(tmp_path: Path) -> None:
    path = fabric(tmp_path / "f", MEANT)
    said = [
        answer("explain", path, *FLOW, "--at", moment)["verdict"]
        for moment in ("2027-01-01T23:59:59.999999Z", DAYS[1], "2027-01-03T23:59:59Z", DAYS[3])
    ]
    assert said == ["deny", "allow", "allow", "deny"]
    assert answer("explain", path, *FLOW, "--at", "2027-01-02T01:00:00+01:00")["verdict"] == "allow"
    assert run("explain", path, *FLOW, "--at", "noon").exit_code == 2


def test_diff_finds_a_window_that_moved(tmp_path: Path) -> None:
    old = fabric(tmp_path / "f", OPEN)
    new = fabric(tmp_path / "g", {LEAK: {"from": DAYS[1], "until": DAYS[4]}})
    found = answer("diff", old, new, "-q", code=1)
    assert found["schema"] == "cloison/diff-of-times/1" and not found["same"]
    times = {json.dumps(part["times"]): part["same"] for part in found["periods"]}
    assert times == {
        json.dumps([{"from": None, "until": DAYS[3]}, {"from": DAYS[4], "until": None}]): True,
        json.dumps([{"from": DAYS[3], "until": DAYS[4]}]): False,
    }
    text = run("diff", old, new, "-q")
    assert f"from {DAYS[3]} until {DAYS[4]}:" in text.stdout and text.exit_code == 1
    assert f"**from {DAYS[3]} until {DAYS[4]}**" in run("diff", old, new, "-o", "md").stdout
    assert f"from {DAYS[3]} until {DAYS[4]}: " in run("diff", old, new, "-o", "sarif").stdout
    assert answer("diff", old, new, "--at", DAYS[2])["same"]
    assert not answer("diff", old, new, "--at", DAYS[3], code=1)["same"]
    assert answer("diff", old, old, "-q")["same"]


def test_diff_finds_a_window_that_only_one_side_has(tmp_path: Path) -> None:
    plain, limited = fabric(tmp_path / "f", {}), fabric(tmp_path / "g", OPEN)
    for sides in ((plain, limited), (limited, plain)):
        found = answer("diff", *sides, "-q", code=1)
        assert [part["same"] for part in found["periods"]] == [False, True]


def test_a_moment_that_the_file_names_is_none_for_a_comparison(tmp_path: Path) -> None:
    """Both sides agree then, and tomorrow they do not."""
    times = {"at": DAYS[2]}
    old = fabric(tmp_path / "f", OPEN, times=times)
    new = fabric(tmp_path / "g", {LEAK: {"from": DAYS[1], "until": DAYS[4]}}, times=times)
    assert not answer("diff", old, new, "-q", code=1)["same"]
    with pytest.raises(InputError, match="one moment alone"):
        cloison.diff(old, new)
    both = [cloison.world(path, time=DAYS[2]) for path in (old, new)]
    assert cloison.diff(*both).verdict == "holds"


def test_approvals_do_not_say_when(tmp_path: Path) -> None:
    old, new = fabric(tmp_path / "f", {}), fabric(tmp_path / "g", OPEN)
    out = tmp_path / "approved.yaml"
    more = ("--reason", "r", "--approved-by", "a", "--expires", "2030-01-01T00:00:00Z", "-o", out)
    for at_ in (DAYS[0], DAYS[2]):
        done = run("approve", old, new, *more, "--at", at_)
        assert done.exit_code == 4 and "C216" in done.output and not out.exists()
    out.write_text("cloison_approvals: 1\n")
    for when in ((), ("--at", DAYS[2])):
        done = run("diff", old, new, "--approved", out, *when)
        assert done.exit_code == 4 and "C216" in done.output


def test_check_reads_the_file_at_all_times(tmp_path: Path) -> None:
    """A raw import is a finding as long as no intent declares it."""
    path = fabric(tmp_path / "f", {("leaks", 1): {"from": DAYS[1], "until": DAYS[3]}})
    assert answer("check", path)["verdict"] == "holds"
    there = cloison.world(path, time=DAYS[2]).network
    target = there.plan.native_rt[there.vrf("b/main").index]
    value = yaml.safe_load(path.read_text())
    at(value, ("tenants", "c", "vrfs", "main"))["import_rts"] = [target]
    path.write_text(yaml.safe_dump(value, sort_keys=False))
    assert answer("check", path, "--at", DAYS[2])["verdict"] == "holds"
    always = answer("check", path, code=1)
    (found,) = (row for row in always["rows"] if row["severity"] == "finding")
    assert found["message"].endswith(f" (until {DAYS[1]}, from {DAYS[3]})")
    assert "C217" not in {row["code"] for row in always["rows"]}


def test_the_timeline_tells_what_begins_and_ends(tmp_path: Path) -> None:
    path = fabric(tmp_path / "f", MEANT | {("peerings", 0): {"until": DAYS[3]}})
    rows = answer("show", "timeline", path)["rows"]
    assert [(r["from"], r["until"]) for r in rows] == [
        (None, DAYS[1]), (DAYS[1], DAYS[3]), (DAYS[3], None),
    ]  # fmt: skip
    named = [{key: [e["what"] for e in row[key]] for key in ("begins", "ends")} for row in rows]
    line = 'expectation "allow: c/* -> a/n/*:8080/tcp"'
    assert named == [
        {"begins": [], "ends": []},
        {"begins": ['leak "svc"', line], "ends": []},
        {"begins": [], "ends": ['peering "ab"', 'leak "svc"', line]},
    ]
    assert [[e["what"] for e in row["in_force"]] for row in rows] == [
        ['peering "ab"'], ['peering "ab"', 'leak "svc"', line], [],
    ]  # fmt: skip
    where = rows[1]["begins"][0]["line"]
    assert "from:" in path.read_text().split("\n")[int(where.split(":")[1]) - 1]
    assert 'leak "svc"' in run("show", "timeline", path).stdout
    plain = run("show", "timeline", fabric(tmp_path / "g", {}))
    assert plain.stdout == "No window: the file is the same at all times.\n"


def test_python_asks_at_a_moment_or_is_refused(tmp_path: Path) -> None:
    path = fabric(tmp_path / "f", OPEN, times={"at": DAYS[2]})
    for ask in (cloison.prove, cloison.simulate):
        with pytest.raises(InputError, match="one moment alone"):
            ask(path)
    assert cloison.prove(cloison.world(path, time=DAYS[2]), down="leaf2").verdict == "holds"
    when = [row["at"] for row in cloison.timeline(path).rows]
    proofs = [cloison.prove(cloison.world(path, time=moment)) for moment in when]
    assert [proof.verdict for proof in proofs] == ["fails", "holds", "fails"]
    here = cloison.world(path, time=DAYS[2], down="leaf2")
    there = cloison.world(here, time=DAYS[5])
    assert there.network.fabric.down == ("leaf2",) and len(there.network.spec.leaks) == 1
    assert cloison.explain(here, *FLOW).verdict == "allow"
    assert cloison.explain(there, *FLOW).verdict == "deny"
    assert cloison.world(there, down=[]).network.spec.judged_at.moment.day == 6
    assert cloison.world(there, time=DAYS[2], down=[]).network.fabric.down == ()


def test_a_permit_that_has_ended_ends_for_flows_as_well(tmp_path: Path) -> None:
    """A flow that is known is decided again in the world of the next period."""
    path = fabric(tmp_path / "f", {("zones", "zone2", "rules", 1): {"until": DAYS[2]}})
    before = cloison.world(path, time=DAYS[0])
    node = next(e for e in before.network.endpoints if e.name == "a/@node/host1")
    inet = next(e for e in before.network.endpoints if e.name == "zone2/inet")
    ends = int(node.prefixes[0][0]), int(IPv4Address("198.51.100.1"))
    sent = Packets.of([Flow(node.vrf, 4, *ends, 6, 40000, port, node.index) for port in (443, 53)])
    flows = FlowTable()
    known = send(before, sent, flow_table=flows, threads=1)
    assert known.delivered == 1 and inet.zone == 2
    assert send(before, sent, flow_table=flows, threads=1).delivered == 1
    after = before.edit(cloison.world(path, time=DAYS[3]))
    assert send(after, sent, flow_table=flows, threads=1).delivered == 0
    assert flows.counters[COUNTERS.index("revoked")] == 1


def test_what_is_wrong_at_some_time_is_told_with_it(tmp_path: Path) -> None:
    """An intent makes return routes ambiguous: of a pair of leaks at once, and of none alone."""
    path = fabric(tmp_path / "f", {LEAK: {"from": DAYS[1]}})
    value = yaml.safe_load(path.read_text())
    value["leaks"] += [{**value["leaks"][1], "name": "more", "window": {"from": DAYS[2]}}]
    value["pins"] = {"rt": {"leak more": "65000:40000", "leak svc": "65000:40001"}}
    path.write_text(yaml.safe_dump(value, sort_keys=False))
    for verb in (["verify", path], ["diff", path, path], ["check", path]):
        done = run(*verb)
        assert "C21" not in done.output, done.output
    value["pins"]["rt"]["leak nowhere"] = "65000:40002"
    path.write_text(yaml.safe_dump(value, sort_keys=False))
    for verb in (["verify", path], ["diff", path, path], ["check", path]):
        done = run(*verb)
        assert done.exit_code == 2 and "leak nowhere" in done.output
        assert f"(until {DAYS[1]}" in done.output or verb[0] == "check"


def test_a_time_at_which_nothing_is_expected_is_unknown(tmp_path: Path) -> None:
    every = {("expect", n): {"from": DAYS[1]} for n in range(3)} | {LEAK: {"from": DAYS[1]}}
    found = answer("verify", fabric(tmp_path / "f", every), "-q", code=4)
    assert [part["verdict"] for part in found["periods"]] == ["unknown", "holds"]


def test_a_comparison_that_watches_asks_for_a_moment(tmp_path: Path) -> None:
    path = fabric(tmp_path / "f", OPEN, times={"at": DAYS[2]})
    with pytest.raises(InputError, match="one moment alone"):
        next(Watch(path, path, AS_USUAL).rounds(lambda error: None))
    done = run("diff", "--watch", path)
    assert done.exit_code == 2 and "one moment alone" in done.output


def test_what_is_kept_is_of_its_moment(tmp_path: Path) -> None:
    moments = ((), (DAYS[0],), (DAYS[1],))
    keys = {Request("fabric", ("f",), How({"time": found})).key for found in moments}
    assert len(keys) == 3


def test_too_many_periods_are_unknown_and_never_green(tmp_path: Path) -> None:
    path = fabric(tmp_path / "f", {})
    value = yaml.safe_load(path.read_text())
    value["expect"] = [
        {"deny": "b/* -> c/*", "window": {"from": f"2027-03-{d:02}T{h:02}:00:00Z"}}
        for d in range(1, 25)
        for h in range(24)
    ]
    path.write_text(yaml.safe_dump(value))
    for verb in (
        ("verify", path),
        ("check", path),
        ("diff", path, path),
        ("show", "timeline", path),
    ):
        done = run(*verb)
        assert done.exit_code == 4 and "C214" in done.output, verb
    with pytest.raises(UndecidedError):
        cloison.timeline(path)


def test_python_has_the_answers_of_the_commands(tmp_path: Path) -> None:
    path, other = fabric(tmp_path / "f", OPEN), fabric(tmp_path / "g", {LEAK: {"from": DAYS[2]}})
    found = cloison.prove_all_times(path)
    assert found.document() == answer("verify", path, "-q", code=1)
    assert (found.verdict, found.holds, bool(found)) == ("fails", False, False)
    assert str(found) in run("verify", path, "-q").stdout.replace("\n", " ")
    assert [row["expectations"] for row in found.times.rows] == ["2 of 3 hold", "3 of 3 hold"]
    asked, given = tmp_path / "asked.json", tmp_path / "given.json"
    run("verify", path, "-q", "--certificate", asked)
    written = cloison.prove_all_times(path, certificate=given)
    assert given.read_bytes() == asked.read_bytes() and written.digest
    assert cloison.prove_all_times(fabric(tmp_path / "h", MEANT)).holds
    changed = cloison.diff_all_times(path, other)
    assert changed.document() == answer("diff", path, other, "-q", code=1)
    assert changed.verdict == "fails" and changed
    assert not cloison.diff_all_times(path, path)


def test_python_judges_failures_at_all_times(tmp_path: Path) -> None:
    path = fabric(tmp_path / "f", MEANT)
    found = cloison.prove_all_times(path, down="spine1")
    assert found.document() == answer("verify", path, "-q", "--down", "spine1")
    assert found.document()["periods"][0]["down"] == ["spine1"]
