"""Tokens of OpenID Connect: whom an API server takes their bearer for, at a moment.

Rules that hold here, as the API server's own authenticator has them:

1. A token of an issuer that no authenticator names is nobody's. One with claims of service accounts
   may be one of the API server's own, which is not judged here: unknown.
2. One of the issuer's keys has signed it, by its `kid` where it has one; one of the audiences is
   its own. It has expired after `exp`, which must stand there. It is taken a minute before `nbf`;
   up to five minutes before, versions of the library that servers use differ: unknown.
3. The user name is a claim that is text, with its prefix. If that is `email`, `email_verified` must
   not be there or be true. Groups are a text or a list of texts, each with the prefix; none where
   there is no such claim. Claims elsewhere (`_claim_names`) are not fetched: unknown.
4. Claims that rules require are texts that are equal to theirs. What an expression decides, or
   maps, is unknown; who is refused for another reason is refused.
5. Nothing keeps a token from naming `system:masters` but a prefix, or a rule.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from compiler.identity.judgement import Verdict, verdict_of
from compiler.identity.jwt_authenticators import JwtAuthenticator, MappedClaim
from compiler.identity.jwt_svid import ALGORITHMS, moment, parts, signed_by
from fabric.diagnostics import Span
from fabric.values.instants import told

SURELY, PERHAPS = timedelta(minutes=1), timedelta(minutes=5)
Keys = Mapping[str, Iterable[tuple[str | None, Any]]]


@dataclass(frozen=True, slots=True)
class TokenUser:
    """Whom a token names, and whether that is accepted; `lines` are those of the configuration.
    `named`: user and groups are all known, whether they are accepted or not."""

    verdict: Verdict
    user: str | None = None
    groups: tuple[str, ...] = ()
    issuer: str | None = None
    reasons: tuple[str, ...] = ()
    lines: tuple[Span, ...] = ()
    named: bool = False


def token_user(
    token: str, authenticators: Iterable[JwtAuthenticator], keys: Keys, at: datetime
) -> TokenUser:
    """Whom an API server takes the bearer of a token for."""
    try:
        header, claims = parts(token.strip())
    except ValueError as error:
        return TokenUser("refused", reasons=(str(error),))
    issuer = claims.get("iss")
    one = next((a for a in authenticators if a.issuer == issuer), None)
    shown = issuer if isinstance(issuer, str) else None
    if one is None:
        if "kubernetes.io" in claims:
            why = "it may be a service account's, of the API server itself, which is not judged"
            return TokenUser("unknown", issuer=shown, reasons=(why,))
        return TokenUser("refused", issuer=shown, reasons=("no authenticator names its issuer",))
    refused: list[str] = []
    unknown = ["an expression decides about it, which is not evaluated"] if one.expressions else []
    lines = [one.span, *one.expressions]
    _signed(token.strip(), header, keys.get(one.issuer), refused, unknown)
    _timely(claims, at, refused, unknown)
    _meant(claims, one, refused)
    before = len(unknown)
    user = _user(claims, one.username, refused, unknown)
    groups = _groups(claims, one.groups, refused, unknown)
    named = user is not None and len(unknown) == before
    if one.uid.expression:
        unknown.append("an expression says the uid, which is not evaluated")
    for name, value in one.required:
        if claims.get(name) != value or not isinstance(claims.get(name), str):
            refused.append(f'claim {name} must be "{value}"')
    reasons = (*refused, *unknown)
    verdict = verdict_of(refused, unknown)
    return TokenUser(verdict, user, groups, one.issuer, reasons, tuple(lines), named)


def _signed(
    token: str, header: Mapping[str, Any], keys: Any, refused: list[str], unknown: list[str]
) -> None:
    """Rule 2."""
    kid = header.get("kid")
    if header.get("alg") not in ALGORITHMS or "crit" in header or "b64" in header:
        refused.append(f"it is not signed by one of {', '.join(ALGORITHMS)}")
    elif keys is None:
        unknown.append("nobody said the keys of its issuer (--trust)")
    elif not any(
        signed_by(token, header["alg"], key) for name, key in keys if kid in (None, "", name)
    ):
        refused.append("no key of its issuer has signed it")


def _timely(
    claims: Mapping[str, Any], at: datetime, refused: list[str], unknown: list[str]
) -> None:
    end, start = moment(claims.get("exp")), moment(claims.get("nbf"))
    if end is None:
        refused.append("it does not say until when it is valid (exp)")
    elif at > end:
        refused.append(f"it has expired at {told(end)}")
    if claims.get("nbf") is not None and start is None:
        refused.append("nbf is no time")
    elif start is not None and at + SURELY < start:
        doubtful = at + PERHAPS >= start
        (unknown if doubtful else refused).append(f"it is valid from {told(start)} on")


def _meant(claims: Mapping[str, Any], one: JwtAuthenticator, refused: list[str]) -> None:
    listed = claims.get("aud")
    names = [listed] if isinstance(listed, str) else listed
    if not isinstance(names, list) or not any(name in one.audiences for name in names):
        refused.append(f"it is not for {' or '.join(one.audiences)}")


def _elsewhere(claims: Mapping[str, Any], claim: str) -> bool:
    names = claims.get("_claim_names")
    return claim not in claims and isinstance(names, Mapping) and claim in names


def _user(
    claims: Mapping[str, Any], field: MappedClaim, refused: list[str], unknown: list[str]
) -> str | None:
    """Rule 3."""
    if field.expression:
        unknown.append("an expression says the user name, which is not evaluated")
        return None
    if _elsewhere(claims, field.claim):
        unknown.append(f"claim {field.claim} stands elsewhere, and is not fetched")
        return None
    value = claims.get(field.claim)
    if value == "":
        unknown.append(f"claim {field.claim} is empty")
        return field.prefix
    if not isinstance(value, str):
        refused.append(f"claim {field.claim} is no text")
        return None
    if field.claim == "email" and claims.get("email_verified", True) is not True:
        refused.append("its email is not verified")
    return f"{field.prefix}{value}"


def _groups(
    claims: Mapping[str, Any], field: MappedClaim, refused: list[str], unknown: list[str]
) -> tuple[str, ...]:
    if field.expression:
        unknown.append("an expression says the groups, which is not evaluated")
        return ()
    if not field.claim:
        return ()
    if _elsewhere(claims, field.claim):
        unknown.append(f"claim {field.claim} stands elsewhere, and is not fetched")
        return ()
    value = claims.get(field.claim) or []
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        refused.append(f"claim {field.claim} is neither a text nor a list of texts")
        return ()
    return tuple(f"{field.prefix}{name}" for name in names)
