"""Diagnostics of networks as data: what is found and what is doubtful, each once."""

from __future__ import annotations

from dataclasses import replace

from worlds import endpoint, network

from cloison.views.caveats.diagnosed import diagnosed
from fabric.diagnostics import Diagnostic, Span


def test_findings_and_warnings_of_all_networks_are_told_once() -> None:
    plain = network(["acme/main"], [endpoint(0, "acme/web/a", 0, "10.0.0.1/32")])
    found = Diagnostic("C510", "a route", Span("f.yaml", 2), "", "finding")
    doubt = Diagnostic("C333", "an odd number", Span("f.yaml", 1), "", "warning")
    more = Diagnostic("C674", "no effect", None, "", "warning")
    one, other = (
        replace(plain, findings=(found,)),
        replace(plain, findings=(found,), warnings=(doubt,)),
    )
    assert [row["code"] for row in diagnosed(one)] == ["C510"]
    assert [row["code"] for row in diagnosed(one, other, more=[more])] == ["C333", "C510", "C674"]
