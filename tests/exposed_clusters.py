"""Clusters of two pods, and policies that may mean pods that are not there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from click.testing import CliRunner
from hypothesis import strategies as st

from cloison.cli import main
from cloison.loading.how import How
from cloison.verbs.exposing import exposure
from cloison.views.world import World
from compiler.policy.labels import Requirement

Object = dict[str, Any]
KEYS, VALUES = ("app", "team"), ("x", "any")
operators = st.sampled_from(["In", "NotIn", "Exists", "DoesNotExist"])


@st.composite
def requirements(draw: st.DrawFn, keys: tuple[str, ...] = KEYS) -> Requirement:
    key, operator = draw(st.sampled_from(keys)), draw(operators)
    some = draw(st.frozensets(st.sampled_from(VALUES), min_size=1)) if "In" in operator else ()
    return Requirement(key, operator, frozenset(some))


def expression(of: Requirement) -> Object:
    values = {"values": sorted(of.values)} if of.values else {}
    return {"key": of.key, "operator": of.operator, **values}


def written_as(found: list[Requirement]) -> Object:
    return {"matchExpressions": list(map(expression, found))} if found else {}


def pod(namespace: str, name: str, labels: dict[str, str]) -> Object:
    about = {"name": name, "namespace": namespace, "labels": labels}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": about,
            "spec": {"containers": [{"name": "c", "image": "c"}]}}  # fmt: skip


def space(name: str, **labels: str) -> Object:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


HERE = [
    space("a", team="x"), space("b"),
    pod("a", "one", {"app": "x"}), pod("b", "two", {"team": "y"}),
]  # fmt: skip


def written(folder: Path, *some: Object) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "all.yaml").write_text(yaml.safe_dump_all(some))
    return folder


def policy(namespace: str, about: Object, **rules: list[Object]) -> Object:
    """A NetworkPolicy; `ingress` or `egress` are its rules."""
    kinds = [side.capitalize() for side in rules]
    name = f"p-{len(about)}-{'-'.join(kinds).lower()}-{len(str(about) + str(rules))}"
    return {
        "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"podSelector": about, "policyTypes": kinds, **rules},
    }  # fmt: skip


def labelled(**labels: str) -> Object:
    return {"matchLabels": labels}


def wanted(key: str, operator: str, *values: str) -> Object:
    return {"matchExpressions": [expression(Requirement(key, operator, frozenset(values)))]}


def into_a(path: Path, *some: Object) -> set[str]:
    """Who could get into namespace a of those that are not there; none of them is there twice."""
    here = written(path, *HERE, *some)
    found = exposure([here], How(), World.read([here]))
    assert len({*found.pods.values()}) == len(found.pods)
    return {
        str(found.future_end(c)[1]) for c in found.connections
        if found.future_end(c)[0] == "ingress" and c.target.namespace == "a"
    }  # fmt: skip


def run(*arguments: object) -> Any:
    return CliRunner().invoke(main, [*map(str, arguments)])
