"""JWT-SVIDs: whether a token proves an identity, at a moment, to an audience.

Rules that hold here:

1. A token is three parts, its header is as the standard allows: `alg` one of `ALGORITHMS`, `typ`
   JWT or JOSE. What must be understood to be accepted (`crit`) is not, so it is refused.
2. The key is one of the bundle of the trust domain of `sub`, by its `kid`; without one any key of
   that bundle may have signed.
3. `sub`, `aud` and `exp` stand there. `aud` holds the name of whoever judges: without such a name
   the outcome is unknown. At `exp` it has expired, before `nbf` it is not valid yet; no leeway.
4. A claim that stands twice is refused: readers disagree which of the two counts.

Source: SPIFFE, "The JWT SPIFFE Verifiable Identity Document"; RFC 7515, 7518 §3, 7519 §4.1, 8725.
"""

from __future__ import annotations

import binascii
import re
from base64 import urlsafe_b64decode
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError

from compiler.identity.judgement import SvidJudgement, verdict_of
from compiler.identity.spiffe_id import SpiffeId, spiffe_id
from compiler.identity.trust_bundle import TrustBundle
from fabric.io.strict_json import decoded, distinct
from fabric.values.instants import told

ALGORITHMS = tuple(f"{kind}{bits}" for kind in ("RS", "ES", "PS") for bits in (256, 384, 512))
HEADERS = ("alg", "kid", "typ")
PART = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)
MOST = 64 * 1024
"""Bytes of a token."""


def jwt_svid(
    token: str, bundles: Mapping[str, TrustBundle], at: datetime, audience: str | None
) -> SvidJudgement:
    """What a token proves to somebody of that name."""
    name: SpiffeId | None = None
    claims: Mapping[str, Any] = {}
    header: Mapping[str, Any] = {}
    refused: list[str] = []
    unknown = [] if audience else ["nobody said to whom it is presented (--audience)"]
    try:
        header, claims = parts(token)
        refused += wrong_header(header)
        name = subject(claims)
        if not refused:
            refused += unsigned(token, header, name, bundles)
        refused += wrong_claims(claims, at, audience)
    except ValueError as error:
        refused.append(str(error))
    window = (moment(claims.get("nbf")), moment(claims.get("exp")))
    return SvidJudgement(
        "JWT-SVID",
        verdict_of(refused, unknown),
        None if name is None else str(name),
        (*refused, *unknown),
        tuple(remarks(header, claims, at)),
        *((None, None) if refused else window),
    )


def parts(token: str) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Header and claims, of which nothing is true yet; ValueError where it is no token."""
    if len(token) > MOST:
        raise ValueError(f"it has more than {MOST:,} bytes")
    segments = token.split(".")
    if len(segments) != 3:
        raise ValueError("a token has three parts")
    return _object(segments[0], "header"), _object(segments[1], "claims")


def _object(segment: str, what: str) -> Mapping[str, Any]:
    if not PART.fullmatch(segment):
        raise ValueError(f"its {what} is not base64url")
    try:
        data = urlsafe_b64decode(segment.encode("ascii") + b"=" * (-len(segment) % 4))
        value = decoded(data.decode(), distinct)
    except (ValueError, binascii.Error) as error:
        raise ValueError(f"its {what} cannot be read: {_short(error)}") from None
    if not isinstance(value, Mapping):
        raise ValueError(f"its {what} is no object")
    return value


def wrong_header(header: Mapping[str, Any]) -> Iterator[str]:
    """Rule 1."""
    if header.get("alg") not in ALGORITHMS:
        yield f"its algorithm is not one of {', '.join(ALGORITHMS)}"
    if header.get("typ", "JWT") not in ("JWT", "JOSE"):
        yield "its type is neither JWT nor JOSE"
    if not isinstance(header.get("kid", ""), str):
        yield "its kid is no text"
    for name in ("crit", "b64"):
        if name in header:
            yield f"its header has {name}, which nobody here understands"


def subject(claims: Mapping[str, Any]) -> SpiffeId:
    """Whom it names; ValueError where that is nobody."""
    text = claims.get("sub")
    if not isinstance(text, str):
        raise ValueError("it names nobody (sub)")
    try:
        return spiffe_id(text)
    except ValueError as error:
        raise ValueError(f"sub is no SPIFFE ID: {error}") from None


def unsigned(
    token: str, header: Mapping[str, Any], name: SpiffeId, bundles: Mapping[str, TrustBundle]
) -> Iterator[str]:
    """Rule 2: why no key vouches for it."""
    bundle = bundles.get(name.trust_domain)
    if bundle is None or not bundle.keys:
        yield f"no key here vouches for trust domain {name.trust_domain}"
        return
    kid = header.get("kid")
    keys = [key for known, key in bundle.keys if kid is None or known == kid]
    if not keys:
        yield f'trust domain {name.trust_domain} has no key "{kid}"'
    elif not any(signed_by(token, header["alg"], key) for key in keys):
        yield f"no key of trust domain {name.trust_domain} has signed it"


def signed_by(token: str, algorithm: str, key: Any) -> bool:
    """Whether a key has signed it."""
    try:
        jws.deserialize_compact(token, key, algorithms=[algorithm])
    except (JoseError, ValueError, TypeError):
        return False
    return True


def wrong_claims(claims: Mapping[str, Any], at: datetime, audience: str | None) -> Iterator[str]:
    """Rule 3."""
    listed = claims.get("aud")
    names = [listed] if isinstance(listed, str) else listed
    if not isinstance(names, list) or not names or not all(isinstance(n, str) for n in names):
        yield "it names no audience (aud)"
    elif audience and audience not in names:
        yield f'it is not for "{audience}"'
    end, start = moment(claims.get("exp")), moment(claims.get("nbf"))
    if end is None:
        yield "it does not say until when it is valid (exp)"
    elif at >= end:
        yield f"it has expired at {told(end)}"
    if start is None and "nbf" in claims:
        yield "nbf is no time"
    elif start is not None and at < start:
        yield f"it is valid from {told(start)} on"


def moment(value: Any) -> datetime | None:
    """A claim that is a time: seconds since 1970; None where it is none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return datetime.fromtimestamp(value, UTC)
    except (OverflowError, ValueError, OSError):
        return None


def remarks(header: Mapping[str, Any], claims: Mapping[str, Any], at: datetime) -> Iterator[str]:
    """What the standard asks besides, or some validators do."""
    if header and "kid" not in header:
        yield "it does not name its key (kid): some validators refuse it"
    if more := sorted(header.keys() - {*HEADERS, "crit", "b64"}):
        yield f"its header has {', '.join(more)}, which the standard does not allow"
    issued = moment(claims.get("iat"))
    if issued is not None and issued > at:
        yield "it was issued later than that (iat): some validators refuse it"
    listed = claims.get("aud")
    if isinstance(listed, list) and len(listed) > 1:
        yield f"each of its {len(listed)} audiences can present it to the others"


def _short(error: Exception) -> str:
    return str(error).partition("\n")[0][:200]
