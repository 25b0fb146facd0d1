"""X.509-SVIDs: whether a chain of certificates proves an identity, at a moment.

Rules that hold here:

1. The leaf has exactly one URI, a SPIFFE ID with a path; it is no authority and signs nothing.
   These are what a validator must look at. What else the standard asks of a leaf, and validators do
   not agree to look at (key usage, its purposes), is a remark.
2. The chain ends in an anchor of the bundle of the ID's own trust domain: other bundles vouch for
   other names alone. Paths are validated by cryptography, at the moment that is asked about.
3. Where it finds no path, and the chain has keys, constraints or critical extensions that it cannot
   judge, the outcome is unknown.

Source: SPIFFE, "The X.509 SPIFFE Verifiable Identity Document" §5; RFC 5280 §6.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import TypeVar

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.x509.oid import ExtendedKeyUsageOID
from cryptography.x509.verification import (
    Criticality,
    ExtensionPolicy,
    Policy,
    PolicyBuilder,
    Store,
    VerificationError,
)

from compiler.identity.judgement import SvidJudgement, verdict_of
from compiler.identity.spiffe_id import SpiffeId, spiffe_id
from compiler.identity.trust_bundle import TrustBundle
from fabric.values.instants import told

T = TypeVar("T", bound=x509.ExtensionType)
MOST = 16
"""Certificates of one chain."""
CURVES = ("secp256r1", "secp384r1", "secp521r1")
SHORTEST = 2048
"""Bits of an RSA key."""
BOTH = ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH
JUDGED = x509.DNSName, x509.IPAddress
"""Names whose constraints the library can judge."""


def x509_svid(
    chain: Sequence[x509.Certificate], bundles: Mapping[str, TrustBundle], at: datetime
) -> SvidJudgement:
    """What a chain proves, the leaf first."""
    leaf, refused = chain[0], list[str]()
    name: SpiffeId | None = None
    try:
        name = name_of(leaf)
        refused += as_a_leaf(leaf)
    except ValueError as error:
        refused.append(str(error))
    unknown: list[str] = []
    window: tuple[datetime, datetime] | None = None
    if name is not None:
        bundle = bundles.get(name.trust_domain)
        if late := out_of_time(leaf, at):
            refused.append(late)
        elif bundle is None or not bundle.anchors:
            refused.append(f"no certificate here vouches for trust domain {name.trust_domain}")
        else:
            window, why = path(chain, bundle.anchors, at)
            odd = [] if window else sorted({*beyond((*chain, *bundle.anchors))})
            if why is not None:
                (unknown if odd else refused).append("; ".join(odd) if odd else why)
    return SvidJudgement(
        "X.509-SVID",
        verdict_of(refused, unknown),
        None if name is None else str(name),
        (*refused, *unknown),
        tuple(remarks(leaf)),
        *(window or (None, None)),
    )


def name_of(leaf: x509.Certificate) -> SpiffeId:
    """Rule 1, of the name; ValueError with what is wrong."""
    names = _extension(leaf, x509.SubjectAlternativeName)
    uris = names.get_values_for_type(x509.UniformResourceIdentifier) if names else []
    if len(uris) != 1:
        raise ValueError(f"it has {len(uris)} URIs, and an SVID has one")
    try:
        found = spiffe_id(uris[0])
    except ValueError as error:
        raise ValueError(f"its URI is no SPIFFE ID: {error}") from None
    if not found.path:
        raise ValueError(f"{found} has no path: it names a trust domain, and nobody in it")
    return found


def as_a_leaf(leaf: x509.Certificate) -> Iterator[str]:
    """Rule 1, of what it may do."""
    basic = _extension(leaf, x509.BasicConstraints)
    if basic is not None and basic.ca:
        yield "it is an authority, and these prove no identity"
    usage = _extension(leaf, x509.KeyUsage)
    if usage is not None and (usage.key_cert_sign or usage.crl_sign):
        yield "its key may sign certificates or lists of revoked ones"


def remarks(leaf: x509.Certificate) -> Iterator[str]:
    """What the standard asks besides, and some validators do not look at."""
    try:
        usage = _extension(leaf, x509.KeyUsage)
        purposes = _extension(leaf, x509.ExtendedKeyUsage)
    except ValueError:
        return
    if usage is None:
        yield "it does not say what its key is for (key usage)"
    elif not usage.digital_signature:
        yield "its key is not for signatures (key usage): TLS libraries refuse it"
    if purposes is not None and not {*BOTH} <= {*purposes}:
        yield "it is not for both ends of TLS (extended key usage)"


def path(
    chain: Sequence[x509.Certificate], anchors: Sequence[x509.Certificate], at: datetime
) -> tuple[tuple[datetime, datetime] | None, str | None]:
    """The window in which a path to an anchor is valid, or why there is none now; rule 2."""
    signs = ExtensionPolicy.permit_all().require_present(
        x509.BasicConstraints, Criticality.AGNOSTIC, None
    )
    signs = signs.may_be_present(x509.KeyUsage, Criticality.AGNOSTIC, _may_sign)
    verifier = (
        PolicyBuilder()
        .store(Store(list(anchors)))
        .time(at.astimezone(UTC).replace(tzinfo=None))
        .max_chain_depth(MOST)
        .extension_policies(ca_policy=signs, ee_policy=ExtensionPolicy.permit_all())
        .build_client_verifier()
    )
    try:
        found = verifier.verify(chain[0], list(chain[1:])).chain
    except (VerificationError, ValueError) as error:
        return None, f"no path to the bundle of its trust domain: {_short(error)}"
    start = max(one.not_valid_before_utc for one in found)
    return (start, min(one.not_valid_after_utc for one in found)), None


def _may_sign(policy: Policy, of: x509.Certificate, usage: x509.KeyUsage | None) -> None:
    if usage is not None and not usage.key_cert_sign:
        raise ValueError("a key that may not sign certificates signed one")


def out_of_time(leaf: x509.Certificate, at: datetime) -> str | None:
    """The plain reason, where it is the leaf's own time; nothing else matters then."""
    if at < leaf.not_valid_before_utc:
        return f"it is valid from {told(leaf.not_valid_before_utc)} on"
    expired = at > leaf.not_valid_after_utc
    return f"it has expired at {told(leaf.not_valid_after_utc)}" if expired else None


def beyond(certificates: Iterable[x509.Certificate]) -> Iterator[str]:
    """What of certificates the library cannot judge (rule 3)."""
    for found in certificates:
        try:
            key = found.public_key()
            limits = _extension(found, x509.NameConstraints)
        except (ValueError, UnsupportedAlgorithm) as error:
            yield _short(error)
            continue
        if isinstance(key, RSAPublicKey):
            if key.key_size < SHORTEST:
                continue  # too weak, which is a reason
        elif not (isinstance(key, EllipticCurvePublicKey) and key.curve.name in CURVES):
            kind = key.curve.name if isinstance(key, EllipticCurvePublicKey) else _kind(key)
            yield f"no path, and keys of type {kind} are not judged"
        if limits is not None:
            trees = (*(limits.permitted_subtrees or ()), *(limits.excluded_subtrees or ()))
            if not all(isinstance(tree, JUDGED) for tree in trees):
                yield "no path, and constraints of such names are not judged"


def _kind(key: object) -> str:
    return type(key).__name__.removesuffix("PublicKey")


def _extension(found: x509.Certificate, kind: type[T]) -> T | None:
    """An extension; ValueError where extensions cannot be read."""
    try:
        return found.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None
    except (ValueError, x509.DuplicateExtension) as error:
        raise ValueError(f"its extensions cannot be read: {_short(error)}") from None


def _short(error: Exception) -> str:
    text = str(error).partition(" (encountered")[0].partition("\n")[0]
    text = re.sub(r"(validation failed|candidates exhausted): ", "", text)[:200]
    return text.replace(
        "all candidates exhausted with no interior errors", "nobody there signed it"
    )
