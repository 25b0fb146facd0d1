"""What becomes of one request in a flow: down to the line of the rule, at both ends."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cilium_cases import cnp, labels, written
from click.testing import CliRunner
from request_sites import AWAY, FLOW, WEB, http, seen, site, two_sites

import cloison
from cloison.cli import main
from fabric.diagnostics import InputError


def asked(path: Path, text: str, **more: Any) -> Any:
    return cloison.explain(path, *FLOW, http=text, **more).explanation


def test_the_line_that_lets_it_pass_or_refuses_it(tmp_path: Path) -> None:
    path = site(
        tmp_path, http({"method": "GET", "path": "/a/.*"}, {"method": "POST", "path": "/b"})
    )
    lines = (tmp_path / "acme" / "all.yaml").read_text().splitlines()
    passes = asked(path, "POST /b")
    assert passes.computed == "allow"
    assert "method: POST" in lines[passes.blame.culprit.span.line - 1]
    refused = asked(path, "PUT /b")
    assert (refused.verdict, refused.request.decisive.said.why) == ("deny", "no rule matches it")
    spans = [cause.span.line for cause in (refused.blame.culprit, *refused.blame.others)]
    assert ["method" in lines[line - 1] for line in spans] == [True, True]


@pytest.mark.parametrize(
    ("egress", "text", "verdict"),
    [
        ([{"path": "/a/x"}], "GET /a/x", "allow"),
        ([{"path": "/a/x"}], "GET /a/y", "deny"),
        ([{"path": "/c"}], "GET /c", "deny"),
        ([{}], "GET /a/y", "allow"),
        ([{"path": "/(?=a).*"}], "GET /a/y", "unknown"),
        ([{"path": "/(?=a).*"}], "GET /c", "deny"),
    ],
)
def test_both_ends_decide(tmp_path: Path, egress: Any, text: str, verdict: str) -> None:
    out = [
        {"toEndpoints": [labels(app="db")], "toPorts": [{"ports": WEB, "rules": {"http": egress}}]}
    ]
    path = site(tmp_path, http({"path": "/a/.*"}), egress=out)
    assert asked(path, text).computed == verdict


def test_what_is_not_seen_does_not_pass(tmp_path: Path) -> None:
    path = site(tmp_path, http({"path": "/a"}))
    assert asked(path, "GET https://h/a").request.decisive.said.why == "not visible inside TLS"
    named = site(
        tmp_path,
        {
            "fromEndpoints": [labels(app="cart")],
            "toPorts": [{"ports": WEB, "serverNames": ["h.io"]}],
        },
    )
    found = [
        asked(named, f"GET {url}/").computed
        for url in ("https://h.io", "https://i.io", "http://h.io")
    ]
    assert found == ["allow", "deny", "deny"]
    ended = site(tmp_path, http({"path": "/a"}, terminatingTLS={"secret": {"name": "s"}}))
    inside = asked(ended, "GET https://h/a")
    assert (inside.computed, inside.conditions) == (
        "allow",
        ("a proxy handles its TLS (terminatingTLS)",),
    )
    assert asked(ended, "GET https://h/b").computed == "deny"


def test_a_permit_of_all_beside_it_lets_all_pass(tmp_path: Path) -> None:
    path = site(tmp_path, http({"path": "/a"}), {"fromEndpoints": [labels(app="cart")]})
    assert (asked(path, "PUT /x").computed, asked(path, "PUT /x").request.steps) == ("allow", ())


def test_a_flow_that_is_denied_is_no_better_with_a_request(tmp_path: Path) -> None:
    path = site(tmp_path, http({"path": "/a"}))
    found = cloison.explain(
        path, "acme/shop/cart", "acme/shop/db:81/tcp", http="GET /a"
    ).explanation
    assert (found.computed, found.reason.label) == ("deny", "cilium_default_drop")


@pytest.mark.parametrize(("how", "verdict"), [("", "deny"), ("http_paths: as-sent,", "allow")])
def test_how_paths_are_read_is_told(tmp_path: Path, how: str, verdict: str) -> None:
    path = site(tmp_path, http({"path": "/a/.*"}), how=how)
    found = asked(path, "GET /a/%2e%2e/admin")
    assert found.computed == verdict
    assert ("as they are sent" in found.request.assumed[0]) is bool(how)


def test_headers_decide_and_are_not_shown(tmp_path: Path) -> None:
    path = site(
        tmp_path,
        http(
            {
                "headers": ["X-Key: hunter2"],
                "headerMatches": [{"name": "X-Log", "value": "1", "mismatch": "LOG"}],
            }
        ),
    )
    given = {"x-key": "hunter2"}
    assert asked(path, "GET /", headers=given).computed == "allow"
    assert asked(path, "GET /").computed == "deny"
    arguments = ["explain", str(path), *FLOW, "--http", "GET /", "--header", "x-key: hunter2"]
    for output in ("table", "json"):
        told = CliRunner().invoke(main, [*arguments, "-o", output])
        assert told.exit_code == 0, told.output
        assert "hunter2" not in told.output
        assert "refused" not in told.output


def test_unknown_is_an_exit_code(tmp_path: Path) -> None:
    path = site(tmp_path, http({"path": "/(?i)a"}))
    told = CliRunner().invoke(main, ["explain", str(path), *FLOW, "--http", "GET /a"])
    assert told.exit_code == 4
    assert "is not read" in told.output


def test_questions_that_ask_nothing(tmp_path: Path) -> None:
    path = site(tmp_path, http({"path": "/a"}))
    with pytest.raises(InputError, match="C900"):
        asked(path, "GET a")
    with pytest.raises(InputError, match="C902"):
        cloison.explain(path, "acme/shop/cart", "acme/shop/db:53/udp", http="GET /a")
    told = CliRunner().invoke(main, ["explain", str(path), *FLOW, "--header", "a: b"])
    assert told.exit_code == 2


def test_the_port_is_that_of_the_url(tmp_path: Path) -> None:
    path = site(tmp_path, http({"path": "/a"}))
    ends = "acme/shop/cart", "acme/shop/db"
    found = [
        cloison.explain(path, *ends, http=text).explanation.flow.dport
        for text in ("GET http://h:8080/a", "GET https://h/a", "GET /a")
    ]
    assert found == [8080, 443, 80]


def test_several_answers_say_what_must_hold_of_each(tmp_path: Path) -> None:
    blocks = ("192.0.2.0/25", "GET"), ("192.0.2.128/25", "PUT")
    rules = [
        {"fromCIDR": [cidr], "toPorts": [{"ports": WEB, "rules": {"http": [{"method": method}]}}]}
        for cidr, method in blocks
    ]
    written(tmp_path, cnp(endpointSelector=labels(app="db"), ingress=rules))
    asking = "explain", str(tmp_path), "192.0.2.0/24", "shop/db:8080", "--dialect", "cilium-1.20"
    text = CliRunner().invoke(main, [*asking]).stdout
    told = json.loads(CliRunner().invoke(main, [*asking, "-o", "json"]).stdout)
    wanted = [f"the request matches {method}" for _, method in blocks]
    assert [row["conditions"] for row in told["rows"]] == [[one] for one in wanted]
    assert all(f"(if {one})" in " ".join(text.split()) for one in wanted)


NORMAL, SENT = "normalised", "as-sent"


@pytest.mark.parametrize(
    ("how", "out", "into", "path", "verdict"),
    [
        ((NORMAL, SENT), [seen("/.*")], "/pub/.*", "/pub/../admin", "deny"),
        ((NORMAL, SENT), [seen("/.*")], "/pub/.*", "/x/../pub/y", "allow"),
        ((SENT, SENT), [seen("/.*")], "/pub/.*", "/pub/../admin", "allow"),
        ((SENT, NORMAL), [seen("/.*")], "/pub/.*", "/x/../pub/y", "allow"),
        ((NORMAL, SENT), [{"ports": WEB}], "/pub/.*", "/x/../pub/y", "deny"),
        ((NORMAL, SENT), [{"ports": WEB}, seen("/.*")], "/pub/.*", "/x/../pub/y", "unknown"),
        ((NORMAL, SENT), [{"ports": WEB}, seen("/.*")], "/pub/.*", "/pub/y", "allow"),
    ],
)
def test_the_second_proxy_sees_what_the_first_sends_on(
    tmp_path: Path, how: tuple[str, str], out: list[Any], into: str, path: str, verdict: str
) -> None:
    file = two_sites(tmp_path, how, out, [seen(into)])
    found = cloison.explain(file, *AWAY, http=f"GET {path}").explanation
    assert found.computed == verdict


@pytest.mark.parametrize(
    ("headers", "verdict"),
    [({"Host": "a.io"}, "allow"), ({"host": "b.io"}, "deny"), ({}, "unknown")],
)
def test_the_host_is_what_a_header_says(
    tmp_path: Path, headers: dict[str, str], verdict: str
) -> None:
    path = site(tmp_path, http({"host": "a[.]io"}))
    assert asked(path, "GET /x", headers=headers).computed == verdict
    assert asked(site(tmp_path, http({"host": "a[.]io", "path": "/"})), "GET /x").computed == "deny"


@pytest.mark.parametrize(
    ("mismatch", "verdict"), [("LOG", "deny"), ("REPLACE", "unknown"), ("ADD", "unknown")]
)
def test_headers_that_the_first_proxy_changes_are_not_known(
    tmp_path: Path, mismatch: str, verdict: str
) -> None:
    match = {"name": "X-Key", "value": "1", "mismatch": mismatch}
    out = {"ports": WEB, "rules": {"http": [{"headerMatches": [match]}]}}
    into = {"ports": WEB, "rules": {"http": [{"headers": ["X-Key 1"]}]}}
    told = f'  - {{ deny: "{" -> ".join(AWAY)}", http: "GET /.*" }}'
    file = two_sites(tmp_path, (NORMAL, NORMAL), [out], [into], told)
    assert cloison.explain(file, *AWAY, http="GET /").explanation.computed == verdict
    proved = cloison.prove(file).proof.verdict
    assert proved == ("fails" if mismatch == "LOG" else "unknown")
