"""`cloison suggest --from-flows`: policies that can be applied, and what they would change."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from cloison.cli import main
from cloison.loading.how import How
from cloison.views.world import World

TOPOLOGIES = Path(__file__).parents[4] / "topologies"


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, [*map(str, arguments)])


def flow(source: str, target: str, port: int, **more: Any) -> str:
    """A line of Hubble's log between workloads `namespace/name`."""
    ends = []
    for name in (source, target):
        namespace, _, workload = name.partition("/")
        ends.append({"namespace": namespace, "workloads": [{"name": workload}]})
    addresses = {"source": "192.0.2.1", "destination": "192.0.2.2"}
    ports = {"TCP": {"source_port": 40000, "destination_port": port}}
    said = {"IP": addresses, "l4": ports, "source": ends[0], "destination": ends[1]}
    return json.dumps({"flow": {"verdict": "FORWARDED", "is_reply": False, **said, **more}}) + "\n"


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("small.yaml", "small.lock.yaml"):
        shutil.copy(TOPOLOGIES / name, tmp_path)
    shutil.copytree(TOPOLOGIES / "manifests" / "small", tmp_path / "manifests" / "small")
    lines = [
        flow("catalog/api", "catalog/db", 5432),
        flow("web/front", "catalog/api", 8080),
        flow("web/front", "catalog/db", 5432),
        flow("catalog/db", "catalog/api", 40000, is_reply=True),
    ]
    (tmp_path / "flows.jsonl").write_text("".join(lines))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "small.yaml"


FLOWS = ("--from-flows", "flows.jsonl")


def test_policies_as_data_as_files_and_as_a_fabric_file_say_the_same(small: Path) -> None:
    done = run("suggest", "-q", small, *FLOWS, "-o", "json", "--out", "out")
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert (found["schema"], found["verdict"]) == ("cloison/permitted/1", "holds")
    assert found["namespaces"] == ["acme/catalog", "acme/web"]
    assert [(one["why"], one["packets"]) for one in found["left"]] == [
        ("answers", 1), ("policy_drop", 1),
    ]  # fmt: skip
    assert found["newly_denied"] and all(row["packet"] for row in found["newly_denied"])
    assert found["newly_permitted"] == {"by_policies": [], "end_to_end": []}

    files = [Path("out/acme/catalog.yaml"), Path("out/acme/web.yaml")]
    objects = [one for file in files for one in yaml.safe_load_all(file.read_text())]
    key = lambda one: (one["metadata"]["namespace"], one["metadata"]["name"])  # noqa: E731
    assert sorted(objects, key=key) == sorted((p["object"] for p in found["policies"]), key=key)

    seen = {"source": "acme/web/front", "target": "acme/catalog/api", "port": "8080/tcp", "seen": 4}
    assert seen in found["both_versions"]
    assert all({"ingress", "egress"} <= one["spec"].keys() for one in objects)

    small.with_name("least.yaml").write_text(found["patch"])
    overlay = run("suggest", "-q", small, *FLOWS, "-o", "overlay")
    assert overlay.stdout == found["patch"]
    network = World.of_fabric(small.with_name("least.yaml"), How(drawn="forgotten")).network
    there = [
        o.value for o in network.manifests["acme"].objects if o.value["kind"] == "NetworkPolicy"
    ]
    assert sorted((o["metadata"]["name"], str(o["spec"])) for o in there) == sorted(
        (o["metadata"]["name"], str(o["spec"])) for o in objects
    )


def test_people_read_what_is_newly_denied(small: Path) -> None:
    done = run("suggest", "-q", small, *FLOWS)
    assert done.exit_code == 0
    assert "name: db" in done.stdout and "port: postgres" in done.stdout
    assert "Newly denied:" in done.stdout and "    packet " in done.stdout
    assert "1 policy_drop, such as" in done.stdout
    assert "acme/web/front to acme/catalog/api on 8080/tcp: seen over IPv4 only" in done.stdout
    *_, last = done.stdout.splitlines()
    assert "on these ports, over both IP versions" in last
    assert last.endswith("nothing is newly permitted.")


def test_a_namespace_that_nobody_has_is_told(small: Path) -> None:
    done = run("suggest", "-q", small, *FLOWS, "--namespace", "acme/catalgo")
    assert done.exit_code == 2 and "error[C956]" in done.output and "acme/catalog" in done.output


def test_a_log_of_drops_suggests_nothing_and_proves_nothing(small: Path) -> None:
    dropped = flow("catalog/api", "catalog/db", 5432, verdict="DROPPED")
    (small.parent / "flows.jsonl").write_text(dropped)
    for more in ([], ["--namespace", "acme/web"]):
        done = run("suggest", "-q", small, *FLOWS, *more, "--out", "out")
        assert done.exit_code == 0 and not Path("out").exists()
        assert "proven" not in done.stdout and "nothing is suggested" in done.stdout
        found = json.loads(run("suggest", "-q", small, *FLOWS, *more, "-o", "json").stdout)
        assert found["verdict"] == "nothing" and not found["policies"] + found["namespaces"]
        overlay = run("suggest", "-q", small, *FLOWS, *more, "-o", "overlay")
        assert overlay.stdout == "" and "nothing is suggested" in overlay.stderr


def test_labels_that_look_like_numbers_are_read_again(small: Path) -> None:
    manifest = small.parent / "manifests/small/acme/catalog.yaml"
    text = manifest.read_text()
    assert "app: db" in text
    manifest.write_text(text.replace("app: db", 'app: "12e3"').replace("app: api", 'app: "09"'))
    overlay = run("suggest", "-q", small, *FLOWS, "-o", "overlay")
    assert 'app: "12e3"' in overlay.stdout and 'app: "09"' in overlay.stdout, overlay.output
    small.with_name("least.yaml").write_text(overlay.stdout)
    World.of_fabric(small.with_name("least.yaml"), How(drawn="forgotten"))


@pytest.mark.parametrize(
    "wrong",
    [
        [*FLOWS, "-o", "patch"], ["--out", "out"], ["--namespace", "acme/web"],
        [*FLOWS, "--width", "33,128"], [*FLOWS, "--width", "24"],
    ],
)  # fmt: skip
def test_wrong_usage_is_told(small: Path, wrong: list[str]) -> None:
    assert run("suggest", "-q", small, *wrong).exit_code == 2


def test_what_is_not_proven_is_not_written(small: Path) -> None:
    """Addresses around the one that was seen may send then, and may not today."""
    manifest = small.parent / "manifests/small/acme/catalog.yaml"
    text = manifest.read_text()
    assert text.count("cidr: 100.65.0.0/24") == 1
    manifest.write_text(text.replace("cidr: 100.65.0.0/24", "cidr: 100.65.0.0/28"))
    seen = flow("shop/store", "catalog/api", 8080)
    (small.parent / "flows.jsonl").write_text(seen)
    exact = run("suggest", "-q", small, *FLOWS, "-o", "json")
    assert json.loads(exact.stdout)["verdict"] == "holds"
    done = run("suggest", "-q", small, *FLOWS, "--width", "24,64", "--out", "out")
    assert done.exit_code == 1 and "Newly permitted by these policies:" in done.stdout
    assert "would open or stop more" in done.stderr and not Path("out").exists()
    assert run("suggest", "-q", small, *FLOWS, "--width", "24,64", "-o", "overlay").stdout == ""
