"""Whom API servers take tokens for: their `AuthenticationConfiguration`, as files write it.

Rules that hold here:

1. What the API server refuses to start with is an error with its line (C662): issuers that are not
   https or stand twice, no audience, a user name that comes from nowhere, or has no prefix
   (which may be empty).
2. Expressions (CEL) are not evaluated: what they decide about a token is unknown.

Source: the Kubernetes reference of `apiserver.config.k8s.io` (v1alpha1 to v1).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from fabric.diagnostics import Diagnostics, InputError, Span
from fabric.file.yaml.reader import Document, read_yaml
from fabric.io.decoded_text import read_text
from fabric.kubernetes.files.cursor import Cursor

VERSIONS = tuple(f"apiserver.config.k8s.io/{version}" for version in ("v1", "v1beta1", "v1alpha1"))
KIND = "AuthenticationConfiguration"


@dataclass(frozen=True, slots=True)
class MappedClaim:
    """A claim with a prefix, or an expression."""

    claim: str = ""
    prefix: str = ""
    expression: str = ""
    span: Span | None = None


@dataclass(frozen=True, slots=True)
class JwtAuthenticator:
    """One item of `jwt`. `required` are claims with the value that each must have; `expressions`
    are places of rules that only their evaluation could tell."""

    issuer: str
    audiences: tuple[str, ...]
    username: MappedClaim
    groups: MappedClaim
    uid: MappedClaim
    required: tuple[tuple[str, str], ...]
    expressions: tuple[Span, ...]
    span: Span


def jwt_authenticators(path: Path) -> tuple[JwtAuthenticator, ...]:
    """Those of a file; raises `InputError` with every mistake."""
    text, name = read_text(path)
    return authenticators_of(text, name)


def authenticators_of(text: str, name: str) -> tuple[JwtAuthenticator, ...]:
    """Those of a text; raises `InputError` with every mistake."""
    problems = Diagnostics()
    documents = [one for one in read_yaml(text, name=name) if one.value is not None]
    found = [_configuration(one, problems) for one in documents]
    if len(found) != 1:
        problems.error("C662", f"one {KIND} is wanted, not {len(found)}", Span(name, 1))
    problems.check()
    return found[0]


def _configuration(document: Document, problems: Diagnostics) -> tuple[JwtAuthenticator, ...]:
    root = Cursor.of(document, problems)
    value = document.value
    if not isinstance(value, dict) or value.get("kind") != KIND:
        problems.error("C662", f"it is no {KIND}", document.span())
        return ()
    if value.get("apiVersion") not in VERSIONS:
        root["apiVersion"].error("C662", f"must be one of {', '.join(VERSIONS)}")
    root.closed(("apiVersion", "kind", "metadata", "jwt", "anonymous"), "C662")
    found = [_authenticator(item) for item in root["jwt"].items()]
    urls = [one.issuer for one in found]
    for number, one in enumerate(found):
        if one.issuer in urls[:number]:
            problems.error("C662", f"issuer {one.issuer} stands twice", one.span)
    return tuple(found)


def _authenticator(item: Cursor) -> JwtAuthenticator:
    known = ("issuer", "claimValidationRules", "claimMappings", "userValidationRules")
    item.closed(known, "C662")
    issuer, mappings = item["issuer"], item["claimMappings"]
    url = issuer["url"].text()
    if not url.startswith("https://"):
        issuer["url"].error("C662", f'"{url}" must start with https://')
    audiences = tuple(one.text() for one in issuer["audiences"].items())
    if not audiences or "" in audiences:
        issuer["audiences"].error("C662", "name at least one audience, and none that is empty")
    if len(audiences) > 1 and issuer["audienceMatchPolicy"].text() != "MatchAny":
        issuer.error("C662", "with several audiences, write audienceMatchPolicy: MatchAny")
    required, places = [], list[Span]()
    for rule in item["claimValidationRules"].items():
        claim, expression = rule["claim"].text(), rule["expression"].text()
        if bool(claim) == bool(expression):
            rule.error("C662", "a rule has a claim or an expression")
        elif claim:
            required.append((claim, rule["requiredValue"].text()))
        else:
            places.append(rule.span)
    places += [rule.span for rule in item["userValidationRules"].items()]
    places += [extra.span for extra in mappings["extra"].items()]
    return JwtAuthenticator(
        url, audiences, _mapped(mappings["username"], wanted=True), _mapped(mappings["groups"]),
        _mapped(mappings["uid"], prefixed=False), tuple(required), tuple(places), item.span,
    )  # fmt: skip


def _mapped(field: Cursor, *, wanted: bool = False, prefixed: bool = True) -> MappedClaim:
    claim, expression = field["claim"].text(), field["expression"].text()
    prefix = field["prefix"]
    if claim and expression:
        field.error("C662", "a claim and an expression exclude each other")
    elif wanted and not (claim or expression):
        field.error("C662", "write a claim or an expression for the user name")
    elif claim and prefixed and not prefix:
        field.error("C662", 'a claim has a prefix, which may be "": write prefix')
    elif prefix and not claim:
        prefix.error("C662", "a prefix is a claim's; an expression has its own")
    return MappedClaim(claim, prefix.text(), expression, field.span)


def read_or_refuse(text: str) -> tuple[JwtAuthenticator, ...]:
    """Those of a text that somebody sent; ValueError with the first mistake."""
    try:
        return authenticators_of(text, "<authentication>")
    except InputError as error:
        first = error.diagnostics[0]
        raise ValueError(f"authentication: {first.message}") from None
