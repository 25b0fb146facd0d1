"""What a certificate should say about failures, against a twin that builds every world anew."""

from __future__ import annotations

from pathlib import Path

import pytest
from fabric_files import network_of
from failing_fabrics import KINDS, WORLDS, broken, failing

from sim.checker.expected import expected
from sim.checker.failures import failures


@pytest.mark.parametrize("world", WORLDS)
def test_claims_say_without_what_they_fail(tmp_path: Path, world: str) -> None:
    make, down = WORLDS[world]
    path = make(tmp_path)
    network = network_of(path, down=down)
    body, _ = expected(network, [])
    twin = broken(path, network, down)
    said = {
        number: claim["fails_without"]
        for number, claim in enumerate(body["claims"])
        if claim["fails_without"] is not None
    }
    assert said == twin
    titles = [finding["title"] for finding in body["findings"]]
    for number, name in twin.items():
        assert f"{body['claims'][number]['claim']} fails without {name}" in titles
    for kind in KINDS:
        assert [*failures(network, kind)] == failing(network, kind)
    kinds = {kind for claim in body["claims"] for kind in claim["hold_under"]}
    every = {names for kind in kinds for names in failing(network, kind)}
    assert body["failures_tried"] == len(every)
