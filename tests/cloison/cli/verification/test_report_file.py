"""`cloison report`: one page that says what the other verbs say."""

from __future__ import annotations

import re
from base64 import b64encode
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result
from lxml import html

import cloison
from cloison.cli import main

ROOT = Path(__file__).parents[4]
SMALL = ROOT / "topologies" / "small.yaml"
BROKEN = ROOT / "topologies" / "broken" / "zone0-hole.yaml"


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["report", *map(str, arguments), "-q"])


def read(path: Path) -> Any:
    return html.fromstring(path.read_text())


def words(part: Any) -> str:
    return " ".join(part.text_content().split())


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a fabric where all holds."""
    path = tmp_path_factory.mktemp("page") / "small.html"
    done = run(SMALL, "-o", path)
    assert (done.exit_code, done.stdout) == (0, "")
    return path


def test_a_page_says_what_verify_says(small: Path) -> None:
    page = read(small)
    verify = CliRunner().invoke(main, ["verify", str(SMALL), "-q"]).stdout
    assert words(page.find_class("verdict")[0]) == verify.splitlines()[-1]
    rows = page.xpath("//table[@id='expectation-rows']/tbody/tr")
    assert len(rows) == len(cloison.prove(SMALL).expectations)
    for remark in page.xpath("//h2[@id='what-this-rests-on']/following-sibling::ul[1]/li"):
        assert words(remark) in " ".join(verify.split())


def test_every_cell_leads_to_a_packet(small: Path) -> None:
    page = read(small)
    cells = page.xpath("//table[@class='grid']//td/a")
    assert cells
    for cell in cells:
        (there,) = page.xpath(f"//details[@id='{cell.get('href')[1:]}']")
        state, (ladder,) = cell.text, there.xpath("./pre[last()]")
        verdict = ladder.text_content().splitlines()[0].rpartition(": ")[2]
        assert verdict.startswith("allow") == (state == "open"), words(there)


def test_every_link_leads_somewhere_on_the_page(small: Path) -> None:
    page = read(small)
    links = page.xpath("//a/@href")
    assert len(links) > 5
    assert all(page.xpath(f"//*[@id='{link[1:]}']") for link in links)
    ids = page.xpath("//*[@id]/@id")
    assert len(ids) == len(set(ids))
    text = small.read_text()
    assert all(f"#{name}" in text for name in page.xpath("//*[local-name()='svg']//@id"))


def test_a_page_fetches_nothing_and_is_the_same_again(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = small.read_text()
    page = read(small)
    assert not page.xpath("//@src") and not page.xpath("//link | //iframe | //form")
    (policy,) = page.xpath("//meta[@http-equiv='Content-Security-Policy']/@content")
    (script,) = page.xpath("//script")
    digest = b64encode(sha256(script.text.encode()).digest()).decode()
    assert "default-src 'none'" in policy and f"script-src 'sha256-{digest}'" in policy
    again = tmp_path / "again.html"
    monkeypatch.setenv("COLUMNS", "40")
    assert run(SMALL, "-o", again, "--color", "always").exit_code == 0
    assert again.read_text() == text
    assert cloison.report(str(SMALL)).html == text


def test_findings_name_packet_and_line(tmp_path: Path) -> None:
    out = tmp_path / "broken.html"
    assert run(BROKEN, "-o", out, "--base", ROOT / "topologies" / "demo.yaml").exit_code == 1
    page = read(out)
    assert "fails" in page.find_class("verdict")[0].get("class")
    found = cloison.prove(BROKEN).findings
    cards = page.find_class("card")
    assert [words(c.find("h3")).partition(". ")[2] for c in cards] == [f["title"] for f in found]
    for card, finding in zip(cards, found, strict=True):
        assert finding["packet"] in words(card)
        assert "zone0-hole.yaml:" in words(card)
    changes = page.xpath("//h2[@id='changes']/following-sibling::p[1]")
    gained = cloison.diff(ROOT / "topologies" / "demo.yaml", BROKEN)
    count = sum(row["change"] == "gained" for row in gained)
    assert f": {count} gained, " in words(changes[0])


def test_nothing_differs_from_itself(tmp_path: Path) -> None:
    out = tmp_path / "same.html"
    assert run(SMALL, "-o", out, "--base", SMALL).exit_code == 0
    assert "no packet fares differently." in words(read(out))


def test_names_of_strangers_are_text(tmp_path: Path) -> None:
    folder = tmp_path / "<img src=x onerror=alert(1)>"
    folder.mkdir()
    path = folder / "f.yaml"
    text = SMALL.read_text().replace("manifests/", f"{ROOT}/topologies/manifests/")
    path.write_text(text)
    out = tmp_path / "h.html"
    done = run(path, "-o", out)
    assert done.exit_code == 0, done.stderr
    page = read(out)
    assert not page.xpath("//img") and len(page.xpath("//script")) == 1
    assert "<img src=x" not in out.read_text() and "&lt;img src=x" in out.read_text()


def test_what_is_unknown_is_said_first(tmp_path: Path) -> None:
    folder = tmp_path / "m"
    folder.mkdir()
    odd = {
        "apiVersion": "crd.projectcalico.org/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "odd", "namespace": "web"},
        "spec": {"selector": "all()"},
    }
    text = SMALL.read_text().replace("manifests/", f"{ROOT}/topologies/manifests/")
    document = yaml.safe_load(text)
    tenant = document["tenants"]["acme"]
    (folder / "odd.yaml").write_text(yaml.safe_dump(odd))
    tenant["manifests"] = [*tenant["manifests"], str(folder)]
    path = tmp_path / "f.yaml"
    path.write_text(yaml.safe_dump(document))
    out = tmp_path / "u.html"
    done = run(path, "-o", out, "--root", "/", "--base", path)
    assert done.exit_code == 4, done.stderr
    page = read(out)
    assert "unknown" in page.find_class("verdict")[0].get("class")
    assert "Unknown:" in words(page.find(".//header"))
    (changes,) = page.xpath("//h2[@id='changes']/following-sibling::p[1]")
    assert (
        words(changes)
        == f"Since {path}: unknown beyond what is listed: something is not evaluated."
    )


def test_what_cannot_be_written_is_said(tmp_path: Path) -> None:
    assert run(SMALL, "-o", tmp_path / "x.txt").exit_code == 2
    timed = run(ROOT / "topologies" / "timed.yaml", "-o", tmp_path / "t.html")
    assert (timed.exit_code, "C212" in timed.stderr) == (2, True)
    manifests = run(ROOT / "topologies" / "manifests" / "small", "-o", tmp_path / "t.html")
    assert (manifests.exit_code, "C111" in manifests.stderr) == (2, True)
    link = tmp_path / "link.html"
    link.symlink_to(SMALL)
    assert "C791" in run(SMALL, "-o", link).stderr
    assert not (tmp_path / "t.html").exists() and not re.search("<html", SMALL.read_text())
    with pytest.raises(TypeError):
        bool(cloison.report(SMALL))


def test_numbers_of_alike_tenants_are_of_one_of_them(tmp_path: Path) -> None:
    tenants = {
        f"t{n}": {
            "hosts": ["host1"],
            "vrfs": {
                "main": {
                    "prefixes": [f"10.{n}.0.0/24"],
                    "advertise": [f"10.{n}.0.0/24"],
                    "default_route": "zone2",
                }
            },
        }
        for n in (1, 2, 3)
    }
    rules = [
        {"name": f"out{n}", "from": f"t{n}/*", "to": "zone2/inet", "ports": ["443/tcp"]}
        for n in (1, 2)
    ]
    document = {
        "cloison": 1,
        "name": "alike",
        "sites": {"lab": {"spines": 1, "leaves": 2, "hosts_per_pair": 2, "borders": 1}},
        "tenants": tenants,
        "zones": {"zone2": {"endpoints": {"inet": {"addresses": ["0.0.0.0/0"]}}, "rules": rules}},
    }
    path, out = tmp_path / "f.yaml", tmp_path / "p.html"
    path.write_text(yaml.safe_dump(document, sort_keys=False))
    done = run(path, "-o", out)
    assert done.exit_code == 4, done.stderr
    said = [words(summary) for summary in read(out).xpath("//details/summary")]
    (cell,) = [one for one in said if one.startswith("t1 … t2 (2 alike) → zone2")]
    assert cell.endswith("pairs of t1 and zone2, and of others like them)")
