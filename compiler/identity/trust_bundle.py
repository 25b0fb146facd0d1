"""Trust bundles: the keys and certificates with which a trust domain vouches for its workloads.

Rules that hold here:

1. A bundle is PEM (certificates alone) or a JWK set as SPIFFE has it. Of a set, entries of another
   `use` or key type are passed over, as the standard asks; of `x5c` the first one counts.
2. A certificate that is no authority is a mistake: as an anchor it would vouch for itself.

Source: SPIFFE, "The SPIFFE Trust Domain and Bundle" §4, "X509-SVID" §6, "JWT-SVID"; RFC 7517.
"""

from __future__ import annotations

import binascii
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from warnings import catch_warnings

from cryptography import x509
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

from fabric.io.strict_json import decoded, distinct

KEY_TYPES = ("EC", "RSA")
CURVES = ("P-256", "P-384", "P-521")
SHORTEST = 2048
MOST = 1000
"""Certificates or keys of one bundle."""
BEGIN = "-----BEGIN CERTIFICATE-----"


@dataclass(frozen=True, slots=True)
class TrustBundle:
    """Anchors of chains, and keys of tokens as (`kid`, key)."""

    anchors: tuple[x509.Certificate, ...] = ()
    keys: tuple[tuple[str | None, Any], ...] = ()


def trust_bundle(text: str) -> TrustBundle:
    """The bundle of a text; ValueError where it is none."""
    if text.lstrip().startswith("{"):
        return of_keys(decoded(text, distinct))
    return TrustBundle(tuple(map(authority, certificates(text))))


def certificates(text: str, most: int = MOST) -> list[x509.Certificate]:
    """The certificates of a PEM text, at least one; other blocks are passed over."""
    if BEGIN not in text:
        raise ValueError("it holds no certificate (PEM), nor a set of keys (JSON)")
    if text.count(BEGIN) > most:
        raise ValueError(f"it holds more than {most:,} certificates")
    try:
        return x509.load_pem_x509_certificates(text.encode())
    except ValueError as error:
        raise ValueError(f"its certificates cannot be read: {_short(error)}") from None


def authority(found: x509.Certificate) -> x509.Certificate:
    """Rule 2."""
    try:
        if found.extensions.get_extension_for_class(x509.BasicConstraints).value.ca:
            return found
    except (x509.ExtensionNotFound, ValueError, x509.DuplicateExtension):
        pass
    raise ValueError(f"serial number {found.serial_number:x} is no authority")


def of_keys(value: Any) -> TrustBundle:
    """A JWK set; rule 1."""
    entries = value.get("keys") if isinstance(value, Mapping) else None
    if not isinstance(entries, list) or not all(isinstance(entry, Mapping) for entry in entries):
        raise ValueError("it is no set of keys")
    if len(entries) > MOST:
        raise ValueError(f"it holds more than {MOST:,} keys")
    anchors, keys = [], []
    for number, entry in enumerate(entries):
        try:
            if entry.get("use") == "x509-svid":
                anchors += [authority(found) for found in _x5c(entry)]
            elif entry.get("use") == "jwt-svid" and entry.get("kty") in KEY_TYPES:
                keys.append((_name(entry), _key(entry)))
        except (ValueError, TypeError, JoseError) as error:
            raise ValueError(f"key {number}: {_short(error)}") from None
    return TrustBundle(tuple(anchors), tuple(keys))


def signing_keys(text: str) -> tuple[tuple[str | None, Any], ...]:
    """The keys of an issuer of OpenID Connect: those of a JWK set that sign, or say nothing of what
    they are for; of types that are not judged here none. ValueError where it is no such set."""
    value = decoded(text, distinct)
    entries = value.get("keys") if isinstance(value, Mapping) else None
    if not isinstance(entries, list) or not all(isinstance(entry, Mapping) for entry in entries):
        raise ValueError("it is no set of keys")
    try:
        return tuple(
            (_name(entry), _key(entry))
            for entry in entries[:MOST]
            if entry.get("use") in (None, "sig") and entry.get("kty") in KEY_TYPES
        )
    except (ValueError, TypeError, JoseError) as error:
        raise ValueError(_short(error)) from None


def _x5c(entry: Mapping[str, Any]) -> list[x509.Certificate]:
    listed = entry.get("x5c")
    if not isinstance(listed, list) or not listed:
        return []
    if not isinstance(listed[0], str):
        raise ValueError("x5c is no list of texts")
    try:
        return [x509.load_der_x509_certificate(b64decode(listed[0], validate=True))]
    except binascii.Error as error:
        raise ValueError(f"x5c is not base64: {error}") from None


def _name(entry: Mapping[str, Any]) -> str | None:
    name = entry.get("kid")
    if name is not None and not isinstance(name, str):
        raise ValueError("kid is no text")
    return name


def _key(entry: Mapping[str, Any]) -> Any:
    """Public parts alone: what else stands there is not kept, nor told."""
    kind = entry["kty"]
    wanted = ("kty", "crv", "x", "y") if kind == "EC" else ("kty", "n", "e")
    parts = {key: entry[key] for key in wanted if isinstance(entry.get(key), str)}
    if len(parts) != len(wanted):
        raise ValueError(f"a key of type {kind} has {', '.join(wanted[1:])}")
    if kind == "EC" and parts["crv"] not in CURVES:
        raise ValueError(f"its curve is not one of {', '.join(CURVES)}")
    with catch_warnings(action="ignore"):  # what is too short is an error below
        key = ECKey.import_key(parts) if kind == "EC" else RSAKey.import_key(parts)
    if isinstance(key, RSAKey) and key.raw_value.key_size < SHORTEST:
        raise ValueError(f"an RSA key has at least {SHORTEST:,} bits")
    return key


def _short(error: Exception) -> str:
    return str(error).partition("\n")[0][:200] or type(error).__name__
