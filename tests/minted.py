"""Certificates, chains and tokens that tests mint, with everything that may be wrong with them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from joserfc import jws, jwt
from joserfc.jwk import ECKey, OctKey, RSAKey

NOON = datetime(2027, 1, 31, 12, tzinfo=UTC)
DAY = timedelta(days=1)
WEB = "spiffe://acme.example/ns/web/sa/front"
FLAGS = (
    "digital_signature", "content_commitment", "key_encipherment", "data_encipherment",
    "key_agreement", "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
)  # fmt: skip
Key = Any


@cache
def key(kind: str = "P-256", owner: str = "") -> Key:
    """A key, the same for the same words."""
    if kind.startswith("RSA"):
        return rsa.generate_private_key(65537, int(kind.removeprefix("RSA-")))
    if kind == "Ed25519":
        return ed25519.Ed25519PrivateKey.generate()
    curve = {"P-256": ec.SECP256R1, "P-384": ec.SECP384R1, "secp256k1": ec.SECP256K1}[kind]
    return ec.generate_private_key(curve())


@dataclass(frozen=True)
class Authority:
    """A certificate and its key."""

    certificate: x509.Certificate
    key: Key

    @property
    def pem(self) -> str:
        return pem(self.certificate)


def name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)] if text else [])


def usage(*flags: str) -> x509.KeyUsage:
    return x509.KeyUsage(**{flag: flag in flags for flag in FLAGS})


def certificate(
    subject: str,
    own: Key,
    issuer: Authority | None,
    *extensions: tuple[x509.ExtensionType, bool],
    start: datetime = NOON - DAY,
    end: datetime = NOON + DAY,
) -> x509.Certificate:
    made = (
        x509.CertificateBuilder()
        .subject_name(name(subject))
        .issuer_name(issuer.certificate.subject if issuer else name(subject))
        .public_key(own.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(end)
    )
    for extension, critical in extensions:
        made = made.add_extension(extension, critical)
    signer = issuer.key if issuer else own
    plain = isinstance(signer, ed25519.Ed25519PrivateKey)
    return made.sign(signer, None if plain else hashes.SHA256())


def authority(
    subject: str = "acme",
    issuer: Authority | None = None,
    *more: tuple[x509.ExtensionType, bool],
    kind: str = "P-256",
    depth: int | None = None,
    signs: bool = True,
    ca: bool = True,
    **dates: Any,
) -> Authority:
    own = key(kind, subject)
    usages = usage("key_cert_sign", "crl_sign") if signs else usage("digital_signature")
    extensions = ((x509.BasicConstraints(ca, depth), True), (usages, True), *more)
    return Authority(certificate(subject, own, issuer, *extensions, **dates), own)


def leaf(
    issuer: Authority,
    uris: Sequence[str] = (WEB,),
    *more: tuple[x509.ExtensionType, bool],
    dns: Sequence[str] = (),
    kind: str = "P-256",
    used: x509.KeyUsage | None = None,
    ca: bool | None = None,
    subject: str = "",
    **dates: Any,
) -> x509.Certificate:
    names = [*map(x509.UniformResourceIdentifier, uris), *map(x509.DNSName, dns)]
    extensions: list[tuple[x509.ExtensionType, bool]] = []
    if names:
        extensions.append((x509.SubjectAlternativeName(names), not subject))
    if ca is not None:
        extensions.append((x509.BasicConstraints(ca, None), True))
    extensions.append((used or usage("digital_signature"), True))
    return certificate(subject, key(kind, "leaf"), issuer, *extensions, *more, **dates)


def purposes(*wanted: x509.ObjectIdentifier) -> tuple[x509.ExtensionType, bool]:
    both = (ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH)
    return x509.ExtendedKeyUsage(wanted or both), False


def pem(*certificates: x509.Certificate) -> str:
    return b"".join(
        found.public_bytes(serialization.Encoding.PEM) for found in certificates
    ).decode()


def private(of: Key) -> str:
    return of.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def signer(kind: str = "P-256", owner: str = "") -> Any:
    """A key of tokens."""
    if kind == "oct":
        return OctKey.import_key("a secret that is long enough for HS256 to take it")
    return (RSAKey if kind.startswith("RSA") else ECKey).import_key(private(key(kind, owner)))


def entry(of: Any, **more: Any) -> dict[str, Any]:
    """A key of tokens as a bundle has it."""
    return {**of.as_dict(private=False), "use": "jwt-svid", **more}


def token(of: Any, claims: dict[str, Any] | None = None, alg: str = "ES256", **header: Any) -> str:
    """A token; claims and headers that are None are left out."""
    said: dict[str, Any] = {
        "sub": WEB, "aud": ["orders"], "exp": int((NOON + DAY).timestamp()), **(claims or {}),
    }  # fmt: skip
    headers = {"alg": alg, "typ": "JWT", "kid": "k1", **header}
    return jwt.encode(
        {k: v for k, v in headers.items() if v is not None},
        {k: v for k, v in said.items() if v is not None},
        of,
        algorithms=[alg],
    )


def signed(of: Any, payload: str, alg: str = "ES256") -> str:
    """A token with whatever claims."""
    return jws.serialize_compact({"alg": alg, "kid": "k1"}, payload, of, algorithms=[alg])
