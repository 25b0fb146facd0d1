"""Chains of certificates: what proves an identity, beside `openssl verify` at the same moment."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import minted
import oracles
import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID
from minted import DAY, NOON, WEB, authority, leaf

from compiler.identity.judge import judge, trust
from compiler.identity.judgement import SvidJudgement
from compiler.identity.trust_bundle import TrustBundle

HOUR = timedelta(hours=1)
ODD = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4.5"), b"\x05\x00")
OURS = "acme.example"


class Case(NamedTuple):
    """A chain and its bundle, what is to be said, and what OpenSSL says of the path (None: it looks
    at other things)."""

    chain: str
    bundle: str
    verdict: str
    because: str = ""
    openssl: bool | None = None
    at: datetime = NOON


def uri(text: str) -> x509.UniformResourceIdentifier:
    return x509.UniformResourceIdentifier(text)


def direct(verdict: str, because: str, openssl: bool | None, *uris: str, **how: object) -> Case:
    root = authority()
    return Case(minted.pem(leaf(root, uris or (WEB,), **how)), root.pem, verdict, because, openssl)  # type: ignore[arg-type]


def between(verdict: str, because: str, openssl: bool | None, **how: object) -> Case:
    root = authority()
    middle = authority("middle", root, **how)  # type: ignore[arg-type]
    return Case(minted.pem(leaf(middle), middle.certificate), root.pem, verdict, because, openssl)


def limited(kind: str, permitted: tuple[str, ...], excluded: tuple[str, ...] = ()) -> Case:
    root = authority()
    named = {"uri": uri, "dns": x509.DNSName}[kind]
    limits = x509.NameConstraints(
        [named(t) for t in permitted] or None, [named(t) for t in excluded] or None
    )
    middle = authority("middle", root, (limits, True))
    verdict, openssl = ("unknown", permitted == (OURS,)) if kind == "uri" else ("accepted", True)
    because = "constraints of such names are not judged" if kind == "uri" else ""
    return Case(minted.pem(leaf(middle), middle.certificate), root.pem, verdict, because, openssl)


def foreign() -> Case:
    return Case(minted.pem(leaf(authority("globex"))), authority().pem, "refused", "no path", False)


def forged() -> Case:
    """The name of the authority, and another key."""
    other = minted.Authority(authority().certificate, minted.key("P-256", "forger"))
    return Case(minted.pem(leaf(other)), authority().pem, "refused", "no path", False)


def anchored_in_between() -> Case:
    root = authority()
    middle = authority("middle", root)
    return Case(minted.pem(leaf(middle)), middle.pem, "accepted")


def without_the_middle() -> Case:
    middle = authority("middle", authority())
    return Case(minted.pem(leaf(middle)), authority().pem, "refused", "no path", False)


def dated(at: datetime, verdict: str, because: str, openssl: bool) -> Case:
    root = authority(start=NOON - 9 * DAY, end=NOON + 9 * DAY)
    return Case(minted.pem(leaf(root)), root.pem, verdict, because, openssl, at)


def expired_root() -> Case:
    root = authority(end=NOON - HOUR)
    return Case(minted.pem(leaf(root)), root.pem, "refused", "not valid", False)


def deep(depth: int, verdict: str) -> Case:
    root = authority(depth=depth)
    one = authority("one", root)
    two = authority("two", one)
    chain = minted.pem(leaf(two), two.certificate, one.certificate)
    ok = verdict == "accepted"
    return Case(chain, root.pem, verdict, "" if ok else "path length", ok)


def two_roots() -> Case:
    both = authority("other").pem + authority().pem
    return Case(minted.pem(leaf(authority())), both, "accepted", "", True)


def kinds(kind: str, verdict: str, because: str = "", openssl: bool = True) -> Case:
    root = authority(f"of {kind}", kind=kind)
    return Case(minted.pem(leaf(root, kind=kind)), root.pem, verdict, because, openssl)


CASES: dict[str, Callable[[], Case]] = {
    "plain": lambda: direct("accepted", "", True),
    "with a subject": lambda: direct("accepted", "", True, subject="front"),
    "with DNS names too": lambda: direct("accepted", "", True, dns=("front.example",)),
    "says that it is no authority": lambda: direct("accepted", "", True, ca=False),
    "is an authority": lambda: direct("refused", "it is an authority", None, ca=True),
    "may sign": lambda: direct(
        "refused", "its key may sign", None, used=minted.usage("digital_signature", "key_cert_sign")
    ),
    "may sign lists": lambda: direct(
        "refused", "its key may sign", None, used=minted.usage("digital_signature", "crl_sign")
    ),
    "no URI": lambda: Case(
        minted.pem(leaf(authority(), (), subject="x")), authority().pem, "refused", "it has 0 URIs"
    ),
    "two URIs": lambda: direct("refused", "it has 2 URIs", None, WEB, f"{WEB}2"),
    "another scheme": lambda: direct("refused", "is no SPIFFE ID", None, "https://acme.example/web"),
    "no path": lambda: direct("refused", "has no path", None, "spiffe://acme.example"),
    "a slash alone": lambda: direct("refused", "no empty segments", None, "spiffe://acme.example/"),
    "capitals": lambda: direct("refused", "is of a-z", None, "spiffe://ACME.example/web"),
    "another domain": lambda: direct(
        "refused", "vouches for trust domain globex.example", None, "spiffe://globex.example/web"
    ),
    "a domain below": lambda: direct(
        "refused", "vouches for trust domain x.acme.example", None, "spiffe://x.acme.example/web"
    ),
    "a critical extension": lambda: Case(
        minted.pem(leaf(authority(), (WEB,), (ODD, True))), authority().pem, "refused",
        "critical extension", False,
    ),
    "another extension": lambda: Case(
        minted.pem(leaf(authority(), (WEB,), (ODD, False))), authority().pem, "accepted", "", True
    ),
    "from another authority": foreign,
    "by another key of that name": forged,
    "the bundle has the middle": anchored_in_between,
    "the middle is missing": without_the_middle,
    "a middle": lambda: between("accepted", "", True),
    "a middle that is none": lambda: between("refused", "no path", False, ca=False),
    "a middle that may not sign": lambda: between("refused", "may not sign", False, signs=False),
    "a middle that has expired": lambda: between("refused", "not valid", False, end=NOON - HOUR),
    "too deep": lambda: deep(0, "refused"),
    "not too deep": lambda: deep(2, "accepted"),
    "two roots": two_roots,
    "at noon": lambda: dated(NOON, "accepted", "", True),
    "too early": lambda: dated(NOON - 2 * DAY, "refused", "from 2027-01-30T12:00:00Z", False),
    "too late": lambda: dated(NOON + 2 * DAY, "refused", "expired at 2027-02-01T12:00", False),
    "the root has expired": expired_root,
    "RSA": lambda: kinds("RSA-2048", "accepted"),
    "short RSA": lambda: kinds("RSA-1024", "refused", "no path"),
    "P-384": lambda: kinds("P-384", "accepted"),
    "Ed25519": lambda: kinds("Ed25519", "unknown", "Ed25519 are not judged"),
    "another curve": lambda: kinds("secp256k1", "unknown", "secp256k1 are not judged"),
    "URIs are limited to ours": lambda: limited("uri", (OURS,)),
    "URIs are limited to others": lambda: limited("uri", ("globex.example",)),
    "our URIs are taken out": lambda: limited("uri", (), (OURS,)),
    "DNS names are limited": lambda: limited("dns", ("globex.example",)),
}  # fmt: skip


def said(case: Case, domain: str = OURS) -> SvidJudgement:
    return judge(case.chain, {domain: trust(case.bundle)}, case.at)


@pytest.mark.parametrize("name", CASES)
def test_what_a_chain_proves(name: str) -> None:
    case = CASES[name]()
    found = said(case)
    assert (found.kind, found.verdict) == ("X.509-SVID", case.verdict), found
    assert case.because in "; ".join(found.reasons), found
    assert bool(found.reasons) == (found.verdict != "accepted")
    assert (found.since is not None) == (found.until is not None)
    if found.verdict == "accepted":
        assert found.name and found.since and found.until and found.since <= case.at <= found.until


@pytest.mark.parametrize("name", CASES)
@pytest.mark.oracle("openssl")
def test_openssl_says_the_same_of_the_path(name: str, tmp_path: Path) -> None:
    """Where it looks at the same: names and what a leaf may be are SPIFFE's own business."""
    oracles.require("openssl")
    case = CASES[name]()
    if case.openssl is None:
        pytest.skip("the reason is none of OpenSSL's")
    first, *rest = case.chain.split("-----BEGIN")[1:]
    for file, text in (
        ("leaf", "-----BEGIN" + first),
        ("others", "".join(f"-----BEGIN{one}" for one in rest)),
        ("anchors", case.bundle),
    ):
        (tmp_path / file).write_text(text)
    asked = ["openssl", "verify", "-no-CApath", "-no-CAstore", "-CAfile", str(tmp_path / "anchors"),
             "-attime", str(int(case.at.timestamp()))]  # fmt: skip
    asked += ["-untrusted", str(tmp_path / "others")] if rest else []
    done = subprocess.run([*asked, str(tmp_path / "leaf")], capture_output=True, check=False)
    assert (done.returncode == 0) == case.openssl, done


def test_a_window_ends_with_whoever_vouches() -> None:
    root = authority(end=NOON + 3 * HOUR)
    found = judge(minted.pem(leaf(root)), {OURS: trust(root.pem)}, NOON)
    assert found.until == NOON + 3 * HOUR and found.since == NOON - DAY


def test_a_bundle_vouches_for_its_own_domain_alone() -> None:
    """One authority, two domains: a federated one cannot speak for ours."""
    globex = authority("globex")
    mine = {OURS: trust(authority().pem), "globex.example": trust(globex.pem)}
    theirs = judge(minted.pem(leaf(globex, ("spiffe://globex.example/web",))), mine, NOON)
    assert theirs.verdict == "accepted"
    assert judge(minted.pem(leaf(globex)), mine, NOON).verdict == "refused"
    assert judge(minted.pem(leaf(globex)), {}, NOON).verdict == "refused"
    assert judge(minted.pem(leaf(globex)), {OURS: TrustBundle()}, NOON).verdict == "refused"


def test_what_others_may_refuse_is_remarked() -> None:
    root = authority()
    plain = leaf(root, (WEB,), minted.purposes())
    server = leaf(root, (WEB,), minted.purposes(ExtendedKeyUsageOID.SERVER_AUTH))
    ciphers = leaf(root, used=minted.usage("key_encipherment"))
    for found, what in ((plain, ""), (server, "both ends of TLS"), (ciphers, "for signatures")):
        known = judge(minted.pem(found), {OURS: trust(root.pem)}, NOON)
        assert known.verdict == "accepted" and what in "; ".join(known.remarks)
        assert bool(known.remarks) == bool(what)


def test_an_anchor_that_is_no_authority_is_a_mistake() -> None:
    """It would vouch for itself."""
    alone = leaf(authority())
    with pytest.raises(ValueError, match="is no authority"):
        trust(minted.pem(alone))


@pytest.mark.parametrize(
    "text",
    ["", "x", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "{}", '{"keys": 1}',
     '{"keys": [1]}', '{"keys": [], "keys": []}', "-----BEGIN CERTIFICATE-----\n" * 1001],
)  # fmt: skip
def test_what_is_no_bundle(text: str) -> None:
    with pytest.raises(ValueError):
        trust(text)


def test_no_private_key_is_read_or_told() -> None:
    secret = minted.private(minted.key("P-256", "leaf"))
    root = authority()
    found = judge(secret + minted.pem(leaf(root)), {OURS: trust(root.pem)}, NOON)
    assert found.verdict == "accepted"
    with pytest.raises(ValueError) as raised:
        judge(secret, {}, NOON)
    assert secret.splitlines()[1] not in str(raised.value)
