"""The door: texts in, judgements out. The libraries that read and verify are imported here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from compiler.identity.judgement import SvidJudgement
from fabric.diagnostics import Diagnostic, InputError

if TYPE_CHECKING:
    from compiler.identity.jwt_authenticators import JwtAuthenticator
    from compiler.identity.oidc_token import TokenUser
    from compiler.identity.trust_bundle import TrustBundle

BLOCK = "-----BEGIN"


def judge(
    text: str, bundles: Mapping[str, TrustBundle], at: datetime, audience: str | None = None
) -> SvidJudgement:
    """What a chain (PEM, the leaf first) or a token proves; ValueError where a text is neither.
    Raises `InputError` (C897) without the extra `identity`."""
    _need()
    from compiler.identity import jwt_svid, trust_bundle, x509_svid

    if BLOCK in text:
        chain = trust_bundle.certificates(text, x509_svid.MOST)
        return x509_svid.x509_svid(chain, bundles, at)
    token = text.strip()
    if token.count(".") < 2:
        raise ValueError("it is neither a chain of certificates (PEM) nor a token (JWT)")
    return jwt_svid.jwt_svid(token, bundles, at, audience)


def trust(text: str) -> TrustBundle:
    """The trust bundle of a text; raises as `judge` does."""
    _need()
    from compiler.identity.trust_bundle import trust_bundle

    return trust_bundle(text)


def bearer(
    token: str,
    authenticators: Iterable[JwtAuthenticator],
    keys: Mapping[str, Iterable[tuple[str | None, Any]]],
    at: datetime,
) -> TokenUser:
    """Whom an API server takes the bearer of a token for; raises as `judge` does."""
    _need()
    from compiler.identity.oidc_token import token_user

    return token_user(token, authenticators, keys, at)


def issuer_keys(text: str) -> tuple[tuple[str | None, Any], ...]:
    """The keys of an issuer (a JWK set); raises as `judge` does."""
    _need()
    from compiler.identity.trust_bundle import signing_keys

    return signing_keys(text)


def _need() -> None:
    try:
        import cryptography  # noqa: F401
        import joserfc  # noqa: F401
    except ImportError as error:
        hint = "pip install 'cloison[identity]'"
        what = "identities need cryptography and joserfc"
        raise InputError(Diagnostic("C897", what, None, hint)) from error
