"""Tokens of OpenID Connect: whom an API server takes their bearer for."""

from __future__ import annotations

import json
from typing import Any

import pytest
from minted import NOON, entry, signer, token

from compiler.identity.judge import bearer, issuer_keys
from compiler.identity.jwt_authenticators import authenticators_of
from compiler.identity.oidc_token import TokenUser
from fabric.diagnostics import InputError

ISSUER, AT = "https://login.example.org", int(NOON.timestamp())
EC, OTHER, RSA = signer(), signer("P-256", "other"), signer("RSA-2048")
CONFIG = """apiVersion: apiserver.config.k8s.io/v1
kind: AuthenticationConfiguration
jwt:
  - issuer: { url: https://login.example.org, audiences: [kubernetes] }
    claimValidationRules: [{ claim: hd, requiredValue: example.org }]
    claimMappings:
      username: { claim: email, prefix: "oidc:" }
      groups: { claim: groups, prefix: "oidc:" }
"""
GOOD: dict[str, Any] = {
    "iss": ISSUER, "aud": "kubernetes", "exp": AT + 60, "sub": "1", "hd": "example.org",
    "email": "jane@example.org", "groups": ["devs", "ops"],
}  # fmt: skip
KEYS = json.dumps({"keys": [entry(EC, kid="k1", use="sig"), entry(RSA, kid="k2", use=None)]})


def minted(of: Any = EC, alg: str = "ES256", kid: str | None = "k1", **claims: Any) -> str:
    """A good token, with other claims; None: without that claim."""
    merged = {k: v for k, v in {**GOOD, **claims}.items() if v is not None}
    without = {name: None for name in ("aud", "exp", "iat", "nbf", "sub") if name not in merged}
    return token(of, {**without, **merged}, alg, kid=kid)


def said(text: str, config: str = CONFIG, keys: str | None = KEYS) -> TokenUser:
    known = {} if keys is None else {ISSUER: issuer_keys(keys)}
    return bearer(text, authenticators_of(config, "auth.yaml"), known, NOON)


def test_whom_it_names() -> None:
    found = said(minted())
    assert (found.verdict, found.reasons, found.named) == ("accepted", (), True)
    assert (found.user, found.groups) == ("oidc:jane@example.org", ("oidc:devs", "oidc:ops"))
    assert found.lines[0].line == 4


def claimed(value: object) -> str:
    """A case by its claims: keys have no name that is the same in every process."""
    if isinstance(value, dict) and "of" in value:
        return str({**value, "of": "another key"})
    return str(value)


ACCEPTED: list[dict[str, Any]] = [
    {"of": RSA, "alg": "RS256", "kid": "k2"},
    {"of": RSA, "alg": "PS512", "kid": "k2"},
    {"kid": None},
    {"aud": ["other", "kubernetes"]},
    {"exp": AT},
    {"nbf": AT + 60},
    {"email_verified": True},
    {"groups": "devs"},
    {"groups": None},
]


@pytest.mark.parametrize("claims", ACCEPTED, ids=claimed)
def test_what_is_accepted(claims: dict[str, Any]) -> None:
    assert said(minted(**claims)).reasons == ()


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"iss": "https://evil.example.org"}, "no authenticator names its issuer"),
    ({"iss": ISSUER + "/"}, "no authenticator names its issuer"),
    ({"of": OTHER}, "no key of its issuer"),
    ({"kid": "k9"}, "no key of its issuer"),
    ({"aud": "other"}, "it is not for kubernetes"),
    ({"aud": None}, "it is not for kubernetes"),
    ({"exp": AT - 1}, "it has expired"),
    ({"exp": None}, "until when"),
    ({"nbf": AT + 301}, "it is valid from"),
    ({"hd": "example.com"}, 'claim hd must be "example.org"'),
    ({"hd": None}, "claim hd must be"),
    ({"hd": ["example.org"]}, "claim hd must be"),
    ({"email_verified": False}, "not verified"),
    ({"email_verified": "true"}, "not verified"),
    ({"email": None}, "claim email is no text"),
    ({"email": 7}, "claim email is no text"),
    ({"groups": {"a": 1}}, "neither a text nor a list"),
    ({"groups": ["a", 1]}, "neither a text nor a list"),
]


@pytest.mark.parametrize(("claims", "why"), REFUSED, ids=claimed)
def test_what_is_refused(claims: dict[str, Any], why: str) -> None:
    found = said(minted(**claims))
    assert found.verdict == "refused"
    assert why in found.reasons[0]


def test_what_is_no_token() -> None:
    for text in ("", "a.b", "a.b.c", minted() + "x", minted().rpartition(".")[0] + "."):
        assert said(text).verdict == "refused"
    good = minted().split(".")
    assert (
        said(".".join((good[0], minted(email="root").split(".")[1], good[2]))).user == "oidc:root"
    )
    assert (
        said(".".join((good[0], minted(email="root").split(".")[1], good[2]))).verdict == "refused"
    )


EXPRESSION = CONFIG.replace('{ claim: groups, prefix: "oidc:" }', "{ expression: claims.g }")
UNKNOWN: list[tuple[dict[str, Any], str, bool]] = [
    ({}, EXPRESSION, False),
    ({}, CONFIG.replace('{ claim: email, prefix: "oidc:" }', "{ expression: claims.sub }"), False),
    (
        {},
        CONFIG.replace("{ claim: hd, requiredValue: example.org }", "{ expression: 'true' }"),
        True,
    ),
    ({}, CONFIG + "    userValidationRules: [{ expression: 'true' }]\n", True),
    ({"nbf": AT + 61}, CONFIG, True),
    ({"nbf": AT + 300}, CONFIG, True),
    ({"email": ""}, CONFIG, False),
    ({"groups": None, "_claim_names": {"groups": "src1"}}, CONFIG, False),
    ({"iss": "https://kubernetes.default.svc", "kubernetes.io": {}}, CONFIG, False),
]


@pytest.mark.parametrize(("claims", "config", "named"), UNKNOWN, ids=claimed)
def test_what_is_unknown(claims: dict[str, Any], config: str, named: bool) -> None:
    found = said(minted(**claims), config)
    assert (found.verdict, found.named) == ("unknown", named)


def test_without_keys_nobody_knows_and_another_reason_still_refuses() -> None:
    assert said(minted(), keys=None).verdict == "unknown"
    assert said(minted(exp=AT - 1), keys=None).verdict == "refused"
    assert said(minted(exp=AT - 1), EXPRESSION).verdict == "refused"


def test_a_prefix_alone_keeps_a_token_from_being_a_master() -> None:
    bare = CONFIG.replace('groups, prefix: "oidc:"', 'groups, prefix: ""')
    assert said(minted(groups=["system:masters"]), bare).groups == ("system:masters",)


WRONG = {
    CONFIG.replace("https://login", "http://login"): "must start with https://",
    CONFIG.replace("audiences: [kubernetes]", "audiences: []"): "at least one audience",
    CONFIG.replace("[kubernetes]", "[kubernetes, other]"): "audienceMatchPolicy",
    CONFIG.replace('claim: email, prefix: "oidc:"', "claim: email"): "write prefix",
    CONFIG.replace('claim: email, prefix: "oidc:"', "prefix: x"): "for the user name",
    CONFIG.replace('claim: email, prefix: "oidc:"', "claim: email, expression: x"): "exclude",
    CONFIG.replace("claim: hd, requiredValue", "value"): "claim or an",
    CONFIG.replace("config.k8s.io/v1", "config.k8s.io/v9"): "must be one of",
    CONFIG.replace("kind: Auth", "kind: "): "it is no AuthenticationConfiguration",
    CONFIG + CONFIG.partition("jwt:\n")[2]: "stands twice",
    CONFIG.replace("claimMappings", "claimMapping"): "unknown field",
    "": "one AuthenticationConfiguration is wanted",
}


@pytest.mark.parametrize("config", WRONG, ids=WRONG.get)
def test_what_no_server_starts_with(config: str) -> None:
    with pytest.raises(InputError) as error:
        authenticators_of(config, "auth.yaml")
    assert any(WRONG[config] in one.message for one in error.value.diagnostics)
    assert {one.code for one in error.value.diagnostics} == {"C662"}


@pytest.mark.parametrize("text", ["[]", "{}", '{"keys": [1]}', "x", '{"keys": [{"kty": "RSA"}]}'])
def test_what_are_no_keys(text: str) -> None:
    with pytest.raises(ValueError, match=r"\S"):
        issuer_keys(text)


def test_keys_of_another_use_sign_nothing() -> None:
    keys = json.dumps({"keys": [entry(EC, kid="k1", use="enc")]})
    assert said(minted(), keys=keys).verdict == "refused"
