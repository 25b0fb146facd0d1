"""No verb says that something holds, or who reaches whom, while something that touches what was
asked is not evaluated: over every built-in kind and common custom ones, in every format."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from fabric_files import vrf, write_fabric
from kubernetes_kinds import CUSTOM, CUSTOM_IRRELEVANT, DECIDES, IRRELEVANT, READ, listed

import cloison
from cloison.cli import main
from cloison.loading.how import How
from cloison.loading.loader import Read, accept
from cloison.views.world import World
from fabric.building.cluster import CLUSTER
from fabric.building.network import Network
from fabric.kubernetes.files.kinds import meaning
from fabric.kubernetes.manifests import load_manifests
from fabric.kubernetes.pods.templates import ADDED
from fabric.kubernetes.unmodelled.unevaluated import Unevaluated, owned_by

PODS = ("ns/one@host1", "ns/two@host2", "other/three@host2")
EXPECT = [{"allow": "a/ns/one -> a/ns/two"}, {"deny": "a/* <-> b/*"}]
QUESTION = b'{"src": "ns/one", "dst": "ns/two", "protocol": "TCP", "port": 80}\n'
ENDS = ("ns/one", "ns/two:80/tcp")

VERBS: dict[str, tuple[list[str], tuple[str, ...]]] = {
    "check": (["check", "FABRIC"], ("table", "json")),
    "verify": (["verify", "FABRIC", "-q"], ("table", "json")),
    "simulate fabric": (["simulate", "FABRIC", "-q"], ("table", "json", "yaml")),
    "simulate manifests": (["simulate", "DIR", "-q"], ("table", "json", "yaml")),
    "explain fabric": (["explain", "FABRIC", "a/ns/one", "a/ns/two:80"], ("table", "json")),
    "explain manifests": (["explain", "DIR", *ENDS], ("table", "json")),
    "explain pattern": (["explain", "FABRIC", "a/ns/*", "a/other/*"], ("table", "json")),
    "reach fabric": (
        ["reach", "FABRIC"], ("table", "matrix", "json", "jsonl", "yaml", "csv", "md", "dot"),
    ),
    "reach fabric, both ends": (
        ["reach", "FABRIC", "--from", "a/ns/*", "--to", "a/other/*"], ("table", "json", "csv"),
    ),
    "reach manifests": (
        ["reach", "DIR"], ("table", "matrix", "json", "jsonl", "yaml", "csv", "md", "dot"),
    ),
    "reach questions": (
        ["reach", "DIR", "--flows", "QUESTIONS"], ("jsonl", "table", "json", "yaml", "csv", "md"),
    ),
    "diff fabric": (["diff", "FABRIC", "FABRIC", "-q"], ("table", "json", "md")),
    "diff manifests": (["diff", "DIR", "DIR", "-q"], ("table", "json", "md")),
    "compile": (["compile", "FABRIC", "-q"], ("table", "json", "jsonl", "yaml", "csv", "md")),
    "replay": (["replay", "FABRIC", "--random", "50", "-q"], ("table", "json")),
    "replay by flow": (["replay", "FABRIC", "--random", "50", "-q", "--by-flow"], ("json",)),
}  # fmt: skip


class Site:
    """A fabric file and a directory of manifests, built once; then records come and go."""

    def __init__(self, folder: Path) -> None:
        fabric = folder / "fabric"
        fabric.mkdir()
        tenants = {"a": vrf("10.0.0.0/16"), "b": vrf("10.1.0.0/16")}
        path = write_fabric(fabric, tenants, {"a": PODS, "b": PODS}, expect=EXPECT)
        directory = folder / "manifests"
        directory.mkdir()
        (directory / "a.yaml").write_text((fabric / "a.yaml").read_text())
        questions = folder / "questions"
        questions.write_bytes(QUESTION)
        self.names = {"FABRIC": str(path), "DIR": str(directory), "QUESTIONS": str(questions)}
        self.fabric, self.cluster = World.of(path), World.of(directory)
        self.records: tuple[Unevaluated, ...] = ()

    def read(self, cluster: bool, how: How) -> Read:
        """What a source amounts to with these records."""
        world, tenant = (self.cluster, CLUSTER) if cluster else (self.fabric, "a")
        network: Network = replace(world.network, not_evaluated=owned_by(tenant, self.records))
        return Read(accept(network, how.accept), world.policy_read)

    def run(self, verb: str, output: str, *more: str) -> Result:
        """A verb over these records."""
        arguments = [self.names.get(word, word) for word in VERBS[verb][0]]
        return CliRunner().invoke(main, [*arguments, "--output", output, *more])


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Two tenants of which the first has what is not evaluated."""
    made = Site(tmp_path_factory.mktemp("site"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "cloison.views.world.read", lambda paths, how: made.read(Path(paths[0]).is_dir(), how)
        )
        for place in ("cloison.views.world.read_fabric", "cloison.loading.loader.read_fabric"):
            patch.setattr(place, lambda path, how, text=None: made.read(False, how))
        yield made


def objects(tmp_path: Path, api_version: str, kind: str) -> tuple[Unevaluated, ...]:
    """The records of one object in namespace ns; kinds that are read whole have no templates."""
    path = tmp_path / "object.yaml"
    whole = (api_version.rpartition("/")[0], kind) in ADDED
    spec = "{}" if whole else "{ template: { spec: { containers: [] } } }"
    path.write_text(
        f"apiVersion: {api_version}\nkind: {kind}\nmetadata: {{ name: thing, namespace: ns }}\n"
        f"spec: {spec}\n"
    )
    return load_manifests([path]).not_evaluated


def promises(stdout: str, output: str) -> bool:
    """Whether an answer says as a whole that something holds, or that nothing differs."""
    if output == "json":
        found = json.loads(stdout)
        return found.get("holds") is True or found.get("same") is True
    green = ("isolation holds", "\nholds: true", "No packet fares differently")
    return any(words in stdout for words in green)


@pytest.mark.slices(8)
@pytest.mark.parametrize(
    ("turn", "api_version", "kind"),
    [(turn, *found) for turn, found in enumerate(listed(DECIDES, CUSTOM))],
)
def test_what_is_not_evaluated_makes_every_verb_say_unknown(
    site: Site, tmp_path: Path, turn: int, api_version: str, kind: str
) -> None:
    site.records = objects(tmp_path, api_version, kind)
    assert len(site.records) == 1
    for verb, (_, formats) in VERBS.items():
        output = formats[turn % len(formats)]
        done = site.run(verb, output)
        assert done.exit_code == 4, (verb, output, done.output)
        assert kind in done.stdout, (verb, output)
        assert not promises(done.stdout, output), (verb, output)


@pytest.mark.parametrize(
    ("verb", "output"), [(verb, output) for verb, (_, all_) in VERBS.items() for output in all_]
)
def test_the_record_alone_makes_it_unknown_and_accepting_it_is_said(
    site: Site, tmp_path: Path, verb: str, output: str
) -> None:
    site.records = ()
    assert site.run(verb, output).exit_code == 0
    site.records = objects(tmp_path, "cilium.io/v2", "CiliumNetworkPolicy")
    unknown = site.run(verb, output)
    assert unknown.exit_code == 4
    assert "unknown" in unknown.stdout or "CiliumNetworkPolicy" in unknown.stdout
    accepted = site.run(verb, output, "--accept-unevaluated", "CiliumNetworkPolicy.cilium.io")
    assert accepted.exit_code == 0, accepted.output
    assert "CiliumNetworkPolicy" in accepted.stdout
    site.records = objects(tmp_path, "cilium.io/v2", "CiliumClusterwideNetworkPolicy")
    other = site.run(verb, output, "--accept-unevaluated", "CiliumNetworkPolicy.cilium.io")
    assert other.exit_code == 4


@pytest.mark.parametrize(("api_version", "kind"), listed(IRRELEVANT, CUSTOM_IRRELEVANT))
def test_what_cannot_matter_is_not_in_the_list(tmp_path: Path, api_version: str, kind: str) -> None:
    assert objects(tmp_path, api_version, kind) == ()


@pytest.mark.parametrize(("api_version", "kind"), listed(READ))
def test_what_is_evaluated_is_not_in_the_list(api_version: str, kind: str) -> None:
    group, _, version = api_version.rpartition("/")
    assert meaning(group, version, kind).way == "read"


def test_an_object_of_another_namespace_or_tenant_does_not_touch(
    site: Site, tmp_path: Path
) -> None:
    site.records = tuple(
        replace(r, namespace="other") for r in objects(tmp_path, "networking.k8s.io/v1", "Ingress")
    )
    assert site.run("explain fabric", "json").exit_code == 0
    assert site.run("explain manifests", "json").exit_code == 0
    assert site.run("explain pattern", "json").exit_code == 4, "its other end is there"
    arguments = ["explain", site.names["FABRIC"], "b/ns/one", "b/ns/two:80"]
    assert CliRunner().invoke(main, arguments).exit_code == 0
    found = json.loads(site.run("verify", "json").stdout)
    verdicts = {row["expect"]: row["verdict"] for row in found["expectations"]}
    assert verdicts == {"allow: a/ns/one -> a/ns/two": "holds", "deny: a/* <-> b/*": "unknown"}


def test_what_fails_is_told_before_what_is_unknown(site: Site, tmp_path: Path) -> None:
    site.records = objects(tmp_path, "cilium.io/v2", "CiliumNetworkPolicy")
    network = site.fabric.network
    spec = network.spec.model_copy(
        update={"expect": [type(network.spec.expect[0])(deny="a/ns/one -> a/ns/two")]}
    )
    proved = cloison.prove(World(replace(network, spec=spec, not_evaluated=site.records)))
    assert (proved.verdict, proved.holds) == ("fails", False)
    assert len(proved.not_evaluated) == 1


def python_answers(world: World) -> dict[str, Any]:
    """What `import cloison` offers, as people see it in a notebook."""
    other = World(world.network, world.policy_read)
    return {
        "build": world,
        "compile": cloison.compile(world),
        "prove": cloison.prove(world),
        "simulate": cloison.simulate(world),
        "explain": cloison.explain(world, "a/ns/one", "a/ns/two:80"),
        "reach": cloison.reach(world),
        "diff": cloison.diff(world, other),
        "isolation": world.isolation,
        "changes": world.changes(other),
    }


def test_python_says_so_too(site: Site, tmp_path: Path) -> None:
    records = owned_by("a", objects(tmp_path, "cilium.io/v2", "CiliumNetworkPolicy"))
    network = replace(site.fabric.network, not_evaluated=records)
    for name, found in python_answers(World(network, site.fabric.policy_read)).items():
        assert "unknown" in repr(found) or "not evaluated" in repr(found), name
        assert "CiliumNetworkPolicy" in found._repr_html_(), name
    accepted = accept(network, ["CiliumNetworkPolicy"])
    for name, found in python_answers(World(accepted, site.fabric.policy_read)).items():
        assert "unknown" not in repr(found), name
        assert "CiliumNetworkPolicy" in repr(found) + found._repr_html_(), name
    world = cloison.build(World(network), accept_unevaluated=["ciliumnetworkpolicy"])
    assert cloison.prove(world).holds
    assert not cloison.prove(World(network)).holds
