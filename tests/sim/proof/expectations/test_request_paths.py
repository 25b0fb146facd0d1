"""Expectations about requests: for all of them, with a shortest one that breaks a line."""

from __future__ import annotations

import importlib
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from any_requests import REQUESTS, RULES, naive
from cilium_cases import labels
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from request_sites import AWAY, WEB, http, seen, site, two_sites

import cloison
from cloison.cli import main
from compiler.requests.asked_requests import RequestAsked, any_of
from compiler.requests.http_rules import HttpRequest, HttpRule
from compiler.requests.request_verdicts import of_conditions
from fabric.diagnostics import InputError
from sim.proof.expectations import request_paths
from sim.proof.expectations.request_paths import RequestJudge
from sim.proof.pairs.narrow import Limits

TOPOLOGIES = Path(__file__).parents[4] / "topologies"
STEPS = st.lists(st.lists(RULES, min_size=1, max_size=2), min_size=1, max_size=2)


def line(kind: str, requests: str, ports: str = ":8080/tcp") -> str:
    return f'  - {{ {kind}: "acme/shop/cart -> acme/shop/db{ports}", http: "{requests}" }}'


def proved(path: Path) -> tuple[str, str, str]:
    """The verdict, what fails, and the text at the line that is blamed."""
    proof = cloison.prove(path).proof
    if not proof.findings:
        return proof.verdict, "", ""
    (finding,) = proof.findings
    assert finding.culprit.span is not None
    text = Path(finding.culprit.span.file).read_text().splitlines()[finding.culprit.span.line - 1]
    return proof.verdict, finding.title.partition(") fails: ")[2], text.strip()


def to(ports: Any = WEB, **beside: Any) -> dict[str, Any]:
    return {"toPorts": [{"ports": ports, **beside}]}


A = {"method": "GET", "path": "/a/.*"}


@pytest.mark.parametrize(
    ("kind", "asked", "rules", "wanted"),
    [
        ("allow", "GET /a/x.*", [A], ("holds", "", "")),
        ("allow", "GET /.*", [A], ("fails", "GET / does not get through", "- method: GET")),
        ("allow", "GET /a/[0-9]+", [{"path": "/a/[0-9]{1,3}"}],
         ("fails", "GET /a/0000 does not get through", "- path: /a/[0-9]{1,3}")),
        ("allow", "GET /a at h", [{"host": "h"}], ("holds", "", "")),
        ("allow", "GET /a", [{"host": "h"}], ("fails", "GET /a does not get through", "- host: h")),
        ("allow", "GET /a", [{"headers": ["X: 1"]}],
         ("fails", "GET /a does not get through", "- headers:")),
        ("deny", "GET /admin", [A], ("holds", "", "")),
        ("deny", "GET /admin", [{"path": "/a.*"}],
         ("fails", "GET /admin gets through", "- path: /a.*")),
        ("deny", "POST /.*", [A], ("holds", "", "")),
        ("deny", "GET /a/b at x[.]io", [{"host": "[^x].*"}],
         ("fails", "GET http://X.io/a/b gets through", "- host: '[^x].*'")),
        ("deny", "GET /[ab]dmin", [{"path": "/[^ab].*"}],
         ("unknown", "", "")),
        ("deny", "GET /b", [{"path": "/(?=a).*"}], ("unknown", "", "")),
        ("deny", "PUT /b", [{"method": "GET", "path": "/(?=a).*"}], ("holds", "", "")),
        ("allow", "GET /b", [{"path": "/(?=a).*"}], ("unknown", "", "")),
        ("allow", "GET /b", [{"path": "/(?=a).*"}, {}], ("holds", "", "")),
        ("only", "GET /a/.*", [A], ("holds", "", "")),
        ("only", "GET /a/x", [A], ("fails", "GET /a/ gets through", "- method: GET")),
        ("allow", "GET /a/[.][.]/b", [{}], ("unknown", "", "")),
        ("deny", "GET /a/[.][.]/b", [{"path": "/b"}], ("unknown", "", "")),
        ("allow", "GET /caf.", [{"path": "/caf."}], ("unknown", "", "")),
        ("allow", "GET /caf[a-z]", [{"path": "/caf."}], ("holds", "", "")),
        ("allow", "GET /caf.*", [{"path": "/caf.*"}], ("holds", "", "")),
        ("allow", r"GET /a\\{1\\}", [{"path": r"/a\{1\}"}], ("unknown", "", "")),
        ("allow", "GET /files/[^a]*", [{"path": "/files/[^a]*"}], ("unknown", "", "")),
        ("allow", "GET /files/[b-z]*", [{"path": "/files/[^a]*"}], ("holds", "", "")),
        ("deny", "GET /café", [{"path": "/caf%C3%A9"}],
         ("fails", "GET /caf%C3%A9 gets through", "- path: /caf%C3%A9")),
        ("deny", "GET /caf%C3%A9", [{"path": "/café"}], ("unknown", "", "")),
        ("deny", "GET /%61dmin", [{"path": "/admin"}], ("unknown", "", "")),
        ("deny", "POST /%61dmin", [A], ("holds", "", "")),
        ("deny", "GET /[^a]*", [{"path": "/a"}], ("unknown", "", "")),
        ("deny", "GET /admin/users", [{"path": "/[^/]*;[^/]*/users"}], ("unknown", "", "")),
        ("only", "GET /admin/users", [{"method": "GET", "path": "/admin(;x)?/users"}],
         ("fails", "GET /admin;x/users gets through", "- method: GET")),
        ("deny", "GET /pub/[.][.];x", [{"path": "/pub/[^%]*"}], ("unknown", "", "")),
        ("deny", "GET /x at internal", [{"path": "/x", "headers": ["Host: internal"]}],
         ("unknown", "", "")),
    ],
)  # fmt: skip
def test_all_requests(
    tmp_path: Path, kind: str, asked: str, rules: list[Any], wanted: tuple[str, str, str]
) -> None:
    assert proved(site(tmp_path, http(*rules), expect=line(kind, asked))) == wanted


def test_a_detour_around_a_path_is_found_where_nobody_normalises(tmp_path: Path) -> None:
    told = line("deny", "GET /admin")
    assert proved(site(tmp_path, http(A), expect=told)) == ("holds", "", "")
    how = "http_paths: as-sent,"
    found = proved(site(tmp_path, http(A), expect=told, how=how))
    assert found == ("fails", "GET /a/../admin gets through", "- method: GET")
    rule = {"path": "/a/[^.]*"}
    found = proved(site(tmp_path, http(rule), expect=told, how=how))
    assert found == ("fails", "GET /a/%2e%2e/admin gets through", "- path: /a/[^.]*")
    assert proved(site(tmp_path, http({"path": "/a[0-9]*"}), expect=told, how=how))[0] == "holds"
    slashes = site(tmp_path, http({"path": "/+x"}), expect=told, how=how)
    assert proved(slashes)[0] == "unknown"


@pytest.mark.parametrize(
    ("how", "out", "kind", "verdict"),
    [
        (("normalised", "as-sent"), [seen("/.*")], "deny", "holds"),
        (("normalised", "as-sent"), [{"ports": WEB}, seen("/.*")], "deny", "unknown"),
        (("as-sent", "normalised"), [seen("/.*")], "deny", "unknown"),
        (("as-sent", "as-sent"), [seen("/.*")], "deny", "fails"),
        (("normalised", "normalised"), [seen("/.*")], "deny", "holds"),
    ],
)
def test_two_proxies_that_read_paths_otherwise(
    tmp_path: Path, how: tuple[str, str], out: list[Any], kind: str, verdict: str
) -> None:
    told = f'  - {{ {kind}: "{" -> ".join(AWAY)}", http: "GET /admin/.*" }}'
    file = two_sites(tmp_path, how, out, [seen("/pub/.*")], told)
    assert cloison.prove(file).proof.verdict == verdict


def test_what_is_inside_tls_is_not_denied_by_what_cannot_see_it(tmp_path: Path) -> None:
    named = {
        "fromEndpoints": [labels(app="cart")],
        "toPorts": [{"ports": WEB, "serverNames": ["h.io"]}],
    }
    assert proved(site(tmp_path, named, expect=line("deny", "GET /a")))[:2] == (
        "fails",
        "GET /a inside TLS gets through",
    )
    assert proved(site(tmp_path, named, expect=line("allow", "GET /a")))[0] == "fails"


def test_both_ends_and_what_is_open_besides(tmp_path: Path) -> None:
    out = [
        {
            "toEndpoints": [labels(app="db")],
            "toPorts": [{"ports": WEB, "rules": {"http": [{"path": "/a/x"}]}}],
        }
    ]
    path = site(tmp_path, http(A), egress=out, expect=line("deny", "GET /a/y"))
    assert proved(path)[0] == "holds"
    assert (
        proved(site(tmp_path, http(A), egress=out, expect=line("allow", "GET /a/x")))[0] == "holds"
    )
    asking = {**http(A), "authentication": {"mode": "required"}}
    assert proved(site(tmp_path, asking, expect=line("allow", "GET /a/x")))[0] == "fails"
    assert proved(site(tmp_path, asking, expect=line("deny", "GET /a/x")))[0] == "fails"


def test_ports_that_no_request_opens(tmp_path: Path) -> None:
    both = [{"port": "8080", "protocol": "TCP"}, {"port": "81", "protocol": "TCP"}]
    wide = {
        "fromEndpoints": [labels(app="cart")],
        "toPorts": [{"ports": both, "rules": {"http": [A]}}],
    }
    assert proved(site(tmp_path, wide, expect=line("only", "GET /a/.*")))[0] == "fails"
    assert (
        proved(site(tmp_path, http(A), expect=line("allow", "GET /a/.*", ":8080-8081/tcp")))[0]
        == "fails"
    )
    assert proved(site(tmp_path, wide, expect=line("deny", "GET /b", ":80-9000/tcp")))[0] == "holds"


def test_an_allow_of_everything_says_which_request_is_refused(tmp_path: Path) -> None:
    told = '  - allow: "acme/shop/cart -> acme/shop/db:8080/tcp"'
    (finding,) = cloison.prove(site(tmp_path, http(A), expect=told)).proof.findings
    assert finding.title.endswith("only if the request matches GET /a/.*; GET / does not")


def test_rules_that_one_address_alone_meets(tmp_path: Path) -> None:
    """One entry stands before others for both addresses: decisions do not tell these apart."""
    first = {
        "fromEntities": ["all"],
        "toPorts": [{"ports": WEB, "rules": {"http": [{"path": "/z"}]}}],
    }
    path = site(tmp_path, first, http({"path": "/x"}), expect=line("deny", "GET /x"))
    assert proved(path)[:2] == ("fails", "GET /x gets through")


def test_too_much_is_undecided(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = site(tmp_path, http({"path": ".*a.{40}"}), expect=line("deny", "GET /b.*"))
    proof = cloison.prove(path).proof
    assert proof.verdict == "unknown"
    assert "[C903]" in proof.unknown_because[0]
    monkeypatch.setattr(request_paths, "MOST_PROBES", 0)
    assert proved(site(tmp_path, http(A), expect=line("deny", "GET /b")))[0] == "unknown"


@pytest.mark.parametrize(
    ("ports", "asked"),
    [
        ("", "GET /"),
        (":53/udp", "GET /"),
        (":80/tcp", "GET"),
        (":80/tcp", "GET a"),
        (":80/tcp", "GET /(?i)a"),
    ],
)
def test_lines_that_are_none(tmp_path: Path, ports: str, asked: str) -> None:
    with pytest.raises(InputError, match="C901"):
        cloison.prove(site(tmp_path, http(A), expect=line("allow", asked, ports)))


def test_certificates_do_not_tell_of_requests(tmp_path: Path) -> None:
    path = site(tmp_path, http(A), expect=line("deny", "GET /b"))
    told = CliRunner().invoke(main, ["verify", str(path), "--certificate", str(tmp_path / "c")])
    assert told.exit_code == 4
    assert "C904" in told.output
    told = CliRunner().invoke(main, ["verify", str(path)])
    assert told.exit_code == 0, told.output
    assert "(http GET /b)" in told.output
    assert "Assumed: paths are normalised before rules see them" in " ".join(told.output.split())
    assert "Assumed: no server takes ..;x in a path for two dots." in told.output
    told = CliRunner().invoke(main, ["verify", str(path), "-o", "json"])
    assert "no server takes ..;x in a path for two dots" in told.output


TWINS = [
    ("", "", "holds", ""),
    ("/carts/.*", "/carts.*", "GET /carts-admin gets through", 'path: "/carts.*"'),
    ("/carts/.*", "/carts/[0-9]*|/carts-admin", "GET /carts-admin gets through", "carts-admin"),
    ("method: GET, ", "", "POST /carts/ gets through", 'path: "/carts/.*"'),
    ('rules: { http: [{ method: GET, path: "/carts/.*" }] }', "", "GET /carts-admin gets through",
     "toEndpoints"),
    ("/carts/.*", "/carts/[a-z]+", "GET /carts/0 does not get through", "[a-z]+"),
]  # fmt: skip
ASKED = """
  - { allow: "shop/store/front -> shop/store/cart:8080/tcp", http: "GET /carts/[0-9]+" }
  - { deny: "shop/store/front -> shop/store/cart:8080/tcp", http: "GET /carts-admin" }
  - { deny: "shop/store/front -> shop/store/cart:8080/tcp", http: "POST /.*" }
"""


def twin(folder: Path, before: str, after: str, how: str = "") -> Path:
    """The example with Cilium and lines about requests, and a text of its policies replaced."""
    shutil.copytree(TOPOLOGIES / "manifests" / "cilium", folder / "manifests" / "cilium")
    store = folder / "manifests" / "cilium" / "shop" / "store.yaml"
    text = store.read_text()
    assert before in text
    store.write_text(text.replace(before, after) if before else text)
    path = folder / "cilium.yaml"
    key = "dialect: cilium-1.20\n"
    whole = (TOPOLOGIES / "cilium.yaml").read_text().replace(key, key + how)
    path.write_text(whole.rstrip() + ASKED)
    return path


@pytest.mark.parametrize(("before", "after", "said", "line"), TWINS, ids=[t[1] for t in TWINS])
def test_broken_twins_are_blamed_to_the_line(
    tmp_path: Path, before: str, after: str, said: str, line: str
) -> None:
    proof = cloison.prove(twin(tmp_path, before, after)).proof
    if said == "holds":
        assert proof.verdict == said
        return
    first = next(f for f in proof.findings if said in f.title)
    assert first.culprit.span is not None
    text = Path(first.culprit.span.file).read_text().splitlines()
    assert line in text[first.culprit.span.line - 1]


def test_escaped_dots_around_a_path_rule(tmp_path: Path) -> None:
    path = twin(tmp_path, "/carts/.*", "/carts/[^.]*", "    http_paths: as-sent\n")
    (finding,) = cloison.prove(path).proof.findings
    assert "GET /carts/%2e%2e/carts-admin gets through" in finding.title


@given(STEPS, RULES, REQUESTS)
@settings(max_examples=80, deadline=None)
def test_judgements_agree_with_single_requests(
    rules: list[list[HttpRule]], asked: HttpRule, request: HttpRequest
) -> None:
    steps = tuple((any_of([(RequestAsked.of(one),)]), "as-sent") for one in rules)
    asked = replace(asked, headers=())

    def passes(one: HttpRequest) -> bool:
        return all(of_conditions(conditions, one, "as-sent").holds for conditions, _ in steps)

    reach: Any = None
    allow, deny = (RequestJudge(reach, kind, (), Limits(), asked) for kind in ("allow", "deny"))
    _, stop, why = allow._judged(steps)  # type: ignore[arg-type]
    assert not why
    if stop is not None:
        assert naive(asked, stop)
        assert not passes(stop)
    elif naive(asked, request):
        assert passes(request)
    leak, _, why = deny._judged(steps)  # type: ignore[arg-type]
    if leak is not None:
        assert passes(leak)
    elif not why and naive(asked, request):
        assert not passes(request)


def test_the_module_is_loaded_without_the_library() -> None:
    assert importlib.import_module("sim.proof.expectations.request_paths").MOST_PROBES
