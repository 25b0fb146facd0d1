"""Mistakes of all kinds are told in one round: whoever mends them all is done."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from cloison.cli import main

FABRIC = """\
cloison: 1
name: office
sites: { fra: { leaves: 2, spines: 2, hosts_per_pair: 2 } }
tenants:
  acme:
    hosts: [host1]
    manifests: [acme.yaml]
    vrfs:
      main:
        prefixes: [10.0.0.0/16, { cidr: 10.1.0.0/24, use: nodes }]
        import_rts: []
  globex:
    manifests: [globex.yaml]
    vrfs: { main: { vni: 20000, prefixes: [10.2.0.0/16] } }
peerings:
  - { name: both, between: [acme/main, globex/main], ports: [80/tcp] }
leaks:
  - { name: shop, from: globex/main, to: [acme/main], ports: [443/tcp] }
  - { name: desk, from: acme/main, to: [globex/main] }
zones:
  zone2:
    endpoints: { inet: { addresses: [0.0.0.0/0] } }
    rules:
      - { name: out, from: "acme/*", to: zone2/inet, action: permit }
      - { name: in, from: zone2/inet, to: "globex/*", ports: [443/tcp] }
expect:
  - deny: "acme/* -> globex/*:22/tcp"
  - allow: "acme/web/front -> globex/web/front:80/tcp"
"""
MANIFEST = """\
apiVersion: v1
kind: Pod
metadata: { name: front, namespace: web, labels: { app: front } }
spec: { containers: [{ name: c, ports: [{ containerPort: 80 }] }] }
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: { name: front, namespace: web }
spec:
  podSelector: { matchLabels: { app: front } }
  ingress:
    - from: [{ ipBlock: { cidr: 10.0.0.0/8 } }]
      ports: [{ port: 80 }]
"""
PLANTED = (
    ("fabric", "leaves: 2", "leaves: two", "C203"),
    ("fabric", "hosts: [host1]", "hosts: [host77]", "C303"),
    ("fabric", "use: nodes", "use: node", "C204"),
    ("fabric", "import_rts: []", 'import_rts: ["1:2:3"]', "C444"),
    ("fabric", "vni: 20000", "vni: 99999999", "C205"),
    ("fabric", "ports: [80/tcp]", "ports: [80/tpc]", "C443"),
    ("fabric", "from: globex/main, to", "to", "C202"),
    ("fabric", "{ name: desk, from: acme/main", "{ name: desk, from: acme/mian", "C301"),
    ("fabric", "addresses: [0.0.0.0/0]", "addresses: [0.0.0.0/44]", "C440"),
    ("fabric", "action: permit", "action: alow", "C204"),
    ("fabric", "acme/* -> globex/*:22/tcp", "acme/* => globex/*:22/tcp", "C701"),
    ("acme", "cidr: 10.0.0.0/8", "cidr: 10.0.0.0/88", "C622"),
    ("acme", "matchLabels: { app: front }", "matchLabels: [app]", "C605"),
    ("globex", "port: 80 }]\n", "port: 80, endPort: 70 }]\n", "C623"),
)
Mistake = tuple[str, str, str, str]


def told(folder: Path, mistakes: Iterable[Mistake]) -> str:
    """What `check` says about the files with these mistakes in them."""
    texts = {"fabric": FABRIC, "acme": MANIFEST, "globex": MANIFEST}
    for name, right, wrong, _ in mistakes:
        assert right in texts[name]
        texts[name] = texts[name].replace(right, wrong, 1)
    for name, text in texts.items():
        (folder / f"{name}.yaml").write_text(text)
    return CliRunner().invoke(main, ["check", str(folder / "fabric.yaml")]).stdout


def places(text: str) -> set[str]:
    """file:line and code of each error."""
    lines = [line for line in text.splitlines() if ": error[" in line]
    return {f"{':'.join(line.split(':')[:2])} {line.split('[')[1][:4]}" for line in lines}


def test_the_file_is_right(tmp_path: Path) -> None:
    assert places(told(tmp_path, ())) == set()


def test_every_mistake_is_found(tmp_path: Path) -> None:
    for mistake in PLANTED:
        assert f"[{mistake[3]}]" in told(tmp_path, [mistake]), mistake


@pytest.mark.slices(3)
@settings(max_examples=25)
@given(st.sets(st.sampled_from(PLANTED), min_size=2))
def test_mistakes_do_not_hide_each_other(tmp_path_factory: object, mistakes: set[Mistake]) -> None:
    folder = tmp_path_factory.mktemp("round")  # type: ignore[attr-defined]
    alone = [places(told(folder, [mistake])) for mistake in sorted(mistakes)]
    assert set().union(*alone) <= places(told(folder, sorted(mistakes)))


def test_all_at_once_and_nothing_that_follows_from_them(tmp_path: Path) -> None:
    assert len(places(told(tmp_path, PLANTED))) == len(PLANTED)
