"""`cloison replay` as people run it: captures alone, captures in a fabric, generated traffic."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cloison.cli import main
from fabric.building.build import build
from fabric.building.load import load_fabric
from fabric.building.network import Network
from sim.packets.headers import Flow
from sim.packets.pcap import CaptureWriter, Reader, craft
from sim.packets.reasons import Reason

SMALL = Path(__file__).parents[4] / "topologies" / "small.yaml"


def cloison(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, [str(a) for a in arguments])


@pytest.fixture(scope="module")
def network() -> Network:
    return build(load_fabric(SMALL), lock=False)


@pytest.fixture
def capture(tmp_path: Path, network: Network) -> Path:
    """A request from the first pod to another of its VRF, its reply, and a stranger."""
    pods = [e for e in network.endpoints if e.kind == "pod"]
    a = pods[0]
    b = next(e for e in pods if e.vrf == a.vrf and e is not a)
    ask = Flow(a.vrf, 4, int(a.prefixes[0][0]), int(b.prefixes[0][0]), 6, 40000, 8080)
    path = tmp_path / "x.pcapng"
    with path.open("wb") as file:
        writer = CaptureWriter(file)
        for flow in (ask, ask.reply(a.vrf), Flow(0, 4, 0xF0000001, 5, 6, 1, 2)):
            frame = craft(flow)
            writer.write(frame, time=0, comment="", original=len(frame))
    return path


def test_a_capture_alone_is_decoded(capture: Path) -> None:
    result = cloison("replay", capture, "-o", "json")
    assert result.exit_code == 0
    data = json.loads(result.stdout)
    assert data["schema"] == "cloison/replay/1"
    (counts,) = data["captures"].values()
    assert (counts["frames"], counts["ipv4"], counts["protocols"]) == (3, 3, {"tcp": 3})
    assert "replay" not in data


def test_a_capture_in_a_fabric(capture: Path, network: Network, tmp_path: Path) -> None:
    dropped = tmp_path / "dropped.pcapng"
    vrf = network.vrfs[next(e for e in network.endpoints if e.kind == "pod").vrf].name
    result = cloison(
        "replay", SMALL, capture, "--vrf", vrf, "--dropped", dropped, "-o", "json", "-q"
    )
    assert result.exit_code == 0, result.stderr
    data = json.loads(result.stdout)["replay"]
    assert data["packets"] == 3
    lost = data["packets"] - data["verdicts"]["delivered"]
    assert data["verdicts"]["unknown_source"] == 1
    assert sum(map(len, Reader(dropped))) == lost
    assert f"{lost} dropped packets" in result.stderr


@pytest.mark.usefixtures("terminal")
def test_generated_traffic_reads_well_in_80_columns() -> None:
    result = cloison("replay", "-f", SMALL, "--random", "2e4", "--permitted", "0.3", "-q")
    assert result.exit_code == 0, result.stderr
    assert "Verdicts of 20,000 packets" in result.stdout
    assert "not a DPU's" in result.stdout
    assert all(len(line) <= 80 for line in result.stdout.splitlines())


@pytest.mark.usefixtures("terminal")
def test_a_replayed_capture_reads_well_in_80_columns(capture: Path) -> None:
    result = cloison("replay", SMALL, capture, "-q")
    assert "several VRFs know" in result.stdout
    assert all(len(line) <= 80 for line in result.stdout.splitlines())


def test_a_row_is_a_line_where_nobody_says_how_wide(
    capture: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    result = cloison("replay", SMALL, capture, "--by-flow", "-q")
    assert result.exit_code == 0, result.stderr
    assert "Flows: 3" in result.stdout
    assert "--vrf names the one in which they enter" in result.stdout
    stranger = [line for line in result.stdout.splitlines() if "unknown_source" in line][1:]
    assert len(stranger) == 1
    assert "->" in stranger[0]


def test_dropped_packets_may_replace_the_capture_they_come_from(capture: Path) -> None:
    result = cloison("replay", SMALL, capture, "--dropped", capture, "-o", "json", "-q")
    data = json.loads(result.stdout)["replay"]
    lost = data["packets"] - data["verdicts"]["delivered"]
    assert 0 < lost == sum(map(len, Reader(capture)))
    assert [p.name for p in capture.parent.iterdir()] == [capture.name]


def test_several_link_types_among_the_dropped_are_told(capture: Path, tmp_path: Path) -> None:
    raw = tmp_path / "raw.pcapng"
    with raw.open("wb") as file:
        frame = craft(Flow(0, 4, 0xF0000001, 5, 6, 1, 2))[14:]
        CaptureWriter(file).write(frame, time=0, comment="", original=len(frame), link=101)
    out = tmp_path / "out"
    result = cloison("replay", SMALL, capture, raw, "--dropped", out, "-q")
    assert "several link types" in result.stderr


def test_rules_and_entries_count_the_same_packets() -> None:
    result = cloison("replay", SMALL, "--pairs", "-o", "json", "-q")
    data = json.loads(result.stdout)["replay"]
    deciding = [row for row in data["entries"] if not row["hands_on"]]
    for key in ("packets", "bytes"):
        assert sum(r[key] for r in data["rules"]) == sum(r[key] for r in deciding) > 0
    named = [(r["stage"], r["action"], r["rule"], r["line"]) for r in data["rules"]]
    assert len(set(named)) == len(named)
    denied = sum(r["packets"] for r in data["rules"] if r["action"] == "deny")
    by_policy = [getattr(Reason, label.upper()) for label in data["verdicts"]]
    assert denied == sum(data["verdicts"][r.label] for r in by_policy if r.by_policy)


def test_zipf_and_permitted_shape_random_traffic() -> None:
    plain, skewed = (
        json.loads(
            cloison(
                "replay", SMALL, "--random", "5e4", "--permitted", "0.5", *more, "-o", "json", "-q"
            ).stdout
        )["replay"]
        for more in ([], ["--zipf", "1.5"])
    )
    assert plain["packets"] == skewed["packets"] == 50_000
    assert plain["verdicts"]["delivered"] >= 0.48 * 50_000
    assert skewed["rules"] != plain["rules"]


def test_replies_to_generated_flows() -> None:
    options = ["--random", "2e4", "--permitted", "0.5", "--replies", "-o", "json", "-q"]
    stateful, stateless = (
        json.loads(cloison("replay", SMALL, *options, *more).stdout)["replay"]
        for more in ([], ["--stateless"])
    )
    opened = stateful["flows"]["created"]
    assert stateful["flows"]["reply"] == stateful["packets"] - 20_000 == opened
    assert stateful["verdicts"]["delivered"] == 2 * opened
    assert stateless["flows"] is None
    assert stateless["verdicts"]["delivered"] < 2 * opened


def test_every_pair_without_a_leaf() -> None:
    whole = cloison("replay", SMALL, "--pairs", "-o", "json", "-q")
    broken = cloison("replay", SMALL, "--pairs", "-o", "json", "-q", "--down", "leaf1")
    first, second = (json.loads(r.stdout)["replay"] for r in (whole, broken))
    assert first["packets"] == second["packets"]
    assert first["verdicts"] == second["verdicts"]
    assert {link["link"] for link in first["links"]} != {link["link"] for link in second["links"]}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "name a capture"),
        (["x.pcap", "--pairs"], "either captures or generated"),
        (["--pairs"], "needs a FABRIC"),
        ([SMALL, SMALL, "--pairs"], "one fabric file"),
        ([SMALL, "x.pcap", "--replies"], "captures hold their own"),
        (["missing.pcap"], "C950"),
        ([SMALL, "--random", "inf"], "finite"),
        ([SMALL, "--random", "0"], "range"),
        ([SMALL, "--random", "9", "--zipf", "nan"], "finite"),
        ([SMALL, "--random", "9", "--zipf", "-1"], "range"),
        ([SMALL, "--random", "9", "--seed", "-1"], "range"),
    ],
)
def test_mistakes_are_told(arguments: list[str | Path], message: str) -> None:
    result = cloison("replay", *arguments)
    assert result.exit_code == 2
    assert message in result.stderr


def test_an_unknown_vrf_is_told(capture: Path) -> None:
    result = cloison("replay", SMALL, capture, "--vrf", "nobody")
    assert result.exit_code == 2
    assert "no VRF is called" in result.stderr


def test_what_is_no_ip_is_dissected_on_request(tmp_path: Path) -> None:
    path = tmp_path / "x.pcapng"
    with path.open("wb") as file:
        CaptureWriter(file).write(
            bytes(12) + b"\x08\x06" + bytes(28), time=0, comment="", original=42
        )
    result = cloison("replay", path, "--dissect", "1")
    assert "ARP" in result.stderr
    assert "not IP" in result.stdout
