"""Tokens: what proves an identity, to whom and when."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from typing import Any

import minted
import pytest
from minted import DAY, NOON, WEB, entry, signed, signer, token

from compiler.identity.judge import judge, trust
from compiler.identity.judgement import SvidJudgement

OURS, AT = "acme.example", int(NOON.timestamp())
EC, OTHER, RSA = signer(), signer("P-256", "other"), signer("RSA-2048")


def bundle(*entries: dict[str, Any]) -> str:
    return json.dumps({"keys": [*entries]})


TRUST = bundle(entry(EC, kid="k1"), entry(RSA, kid="k2"), entry(EC, kid="x", use="sig"))


def said(text: str, keys: str = TRUST, audience: str | None = "orders") -> SvidJudgement:
    return judge(text, {OURS: trust(keys)}, NOON, audience)


def part(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


def mixed(header: Any = None, claims: Any = None, signature: str | None = None) -> str:
    """A good token with other parts."""
    good = token(EC).split(".")
    return ".".join((
        good[0] if header is None else part(header),
        good[1] if claims is None else part(claims),
        good[2] if signature is None else signature,
    ))  # fmt: skip


GOOD = {
    "plain": token(EC),
    "by RSA": token(RSA, alg="RS256", kid="k2"),
    "by RSA-PSS": token(RSA, alg="PS512", kid="k2"),
    "no type": token(EC, typ=None),
    "another type": token(EC, typ="JOSE"),
    "one audience as text": token(EC, {"aud": "orders"}),
    "several": token(EC, {"aud": ["other", "orders"]}),
    "from now on": token(EC, {"nbf": AT}),
    "a second left": token(EC, {"exp": AT + 1}),
    "a trust domain": token(EC, {"sub": "spiffe://acme.example"}),
    "more claims": token(EC, {"jti": "1", "x": {"y": 1}}),
}
BAD = {
    "unsigned": (token(EC).rpartition(".")[0] + ".", "no key of trust domain"),
    "no algorithm": (mixed({"alg": "none", "kid": "k1"}, signature=""), "its algorithm"),
    "by a secret": (token(signer("oct"), alg="HS256"), "its algorithm"),
    "by the public key as a secret": (mixed({"alg": "HS256", "kid": "k1"}), "its algorithm"),
    "another algorithm": (mixed({"alg": "RS256", "kid": "k1"}), "no key of trust domain"),
    "by somebody else": (token(OTHER), "no key of trust domain"),
    "by a key that is unknown": (token(EC, kid="k9"), 'has no key "k9"'),
    "by a key for something else": (token(EC, kid="x"), 'has no key "x"'),
    "other claims": (mixed(claims={"sub": WEB, "aud": "orders", "exp": AT + 9}), "no key of trust"),
    "another header": (mixed({"alg": "ES256", "kid": "k1"}), "no key of trust"),
    "critical": (mixed({"alg": "ES256", "kid": "k1", "crit": ["exp"]}), "its header has crit"),
    "access token": (token(EC, typ="at+jwt"), "its type is neither"),
    "nobody": (token(EC, {"sub": None}), "it names nobody"),
    "a number": (token(EC, {"sub": 7}), "it names nobody"),
    "no SPIFFE ID": (token(EC, {"sub": "front"}), "sub is no SPIFFE ID"),
    "a foreign domain": (token(EC, {"sub": "spiffe://globex.example/web"}), "no key here vouches"),
    "for somebody else": (token(EC, {"aud": ["billing"]}), 'is not for "orders"'),
    "nearly for us": (token(EC, {"aud": "orders "}), 'is not for "orders"'),
    "for nobody": (token(EC, {"aud": []}), "no audience"),
    "without audience": (token(EC, {"aud": None}), "no audience"),
    "an audience that is none": (token(EC, {"aud": [1, "orders"]}), "no audience"),
    "no end": (token(EC, {"exp": None}), "until when"),
    "an end that is none": (token(EC, {"exp": str(AT + 9)}), "until when"),
    "an end that is true": (token(EC, {"exp": True}), "until when"),
    "at its end": (token(EC, {"exp": AT}), "it has expired at 2027-01-31T12:00:00Z"),
    "past its end": (token(EC, {"exp": AT - 1}), "it has expired"),
    "too early": (token(EC, {"nbf": AT + 1}), "it is valid from"),
    "a start that is none": (token(EC, {"nbf": "x"}), "nbf is no time"),
    "an end beyond time": (token(EC, {"exp": 1e300}), "until when"),
}


@pytest.mark.parametrize("name", GOOD)
def test_what_is_accepted(name: str) -> None:
    found = said(GOOD[name])
    assert (found.kind, found.verdict, found.reasons) == ("JWT-SVID", "accepted", ())
    assert found.name and found.until and found.until > NOON
    assert not found.remarks or name == "several"


@pytest.mark.parametrize("name", BAD)
def test_what_is_refused(name: str) -> None:
    text, why = BAD[name]
    found = said(text)
    assert found.verdict == "refused" and why in "; ".join(found.reasons), found
    assert (found.since, found.until) == (None, None)
    assert text.rpartition(".")[2][:20] not in str(found) or not text.rpartition(".")[2]


@pytest.mark.parametrize(
    "text",
    ["a.b.c", "..", "a.b.c.d", mixed("[1]"), mixed(claims="x"), mixed('{"a": 1, "a": 2}'),
     mixed(claims=f'{{"sub": "{WEB}", "sub": "{WEB}"}}'), mixed(claims="{" * 9000),
     mixed(claims='{"sub": NaN}'), "a" * 70_000 + ".b.c", token(EC).replace(".", "=.", 1),
     "é.b.c", token(EC)[:30] + "\n" + token(EC)[30:]],
)  # fmt: skip
def test_what_is_no_token_is_refused(text: str) -> None:
    assert said(text).verdict == "refused"


def test_a_claim_that_stands_twice_is_refused() -> None:
    """Which of the two counts, readers do not agree."""
    once = f'"sub": "{WEB}", "aud": "orders", "exp": {AT + 9}'
    assert said(signed(EC, f"{{{once}}}")).verdict == "accepted"
    for more in (f'"sub": "{WEB}"', '"aud": "orders"', f'"exp": {AT + 99}'):
        assert said(signed(EC, f"{{{more}, {once}}}")).verdict == "refused"


def test_to_nobody_in_particular_is_unknown() -> None:
    found = said(GOOD["plain"], audience=None)
    assert found.verdict == "unknown" and "--audience" in found.reasons[0]
    assert said(BAD["past its end"][0], audience=None).verdict == "refused"


def test_without_a_name_any_key_of_the_domain_counts() -> None:
    assert said(token(EC, kid=None)).verdict == "accepted"
    assert said(token(OTHER, kid=None)).verdict == "refused"
    assert "kid" in said(token(EC, kid=None)).remarks[0]


def test_two_keys_of_one_name() -> None:
    """As while one takes the place of the other."""
    both = bundle(entry(OTHER, kid="k1"), entry(EC, kid="k1"))
    assert said(token(EC), both).verdict == "accepted"


@pytest.mark.parametrize(
    "wrong",
    [
        {"kty": "EC", "use": "jwt-svid", "crv": "P-256", "x": "AA", "y": "AA"},
        {"kty": "EC", "use": "jwt-svid", "crv": "P-999", "x": "AA", "y": "AA"},
        {"kty": "EC", "use": "jwt-svid"},
        {"kty": "RSA", "use": "jwt-svid", "n": "", "e": "AQAB"},
        entry(signer("RSA-1024")),
        {"use": "x509-svid", "kty": "EC", "x5c": ["!"]},
        {"use": "x509-svid", "kty": "EC", "x5c": [1]},
        {"use": "x509-svid", "kty": "EC", "x5c": ["AAAA"]},
        entry(EC, kid=7),
    ],
)
def test_a_key_that_is_none_is_a_mistake(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="key 0"):
        trust(bundle(wrong))


def test_other_keys_are_passed_over() -> None:
    more = ({"kty": "OKP", "use": "jwt-svid"}, {"kty": "EC"}, {"use": "x509-svid", "kty": "EC"})
    assert said(token(EC), bundle(*more, entry(EC, kid="k1"))).verdict == "accepted"


def test_a_certificate_of_a_bundle_vouches() -> None:
    from base64 import b64encode

    from cryptography.hazmat.primitives.serialization import Encoding

    root = minted.authority()
    der = b64encode(root.certificate.public_bytes(Encoding.DER)).decode()
    both = bundle({"use": "x509-svid", "kty": "EC", "x5c": [der, "ignored"]}, entry(EC, kid="k1"))
    chain = minted.pem(minted.leaf(root))
    assert judge(chain, {OURS: trust(both)}, NOON).verdict == "accepted"
    assert judge(chain, {OURS: trust(TRUST)}, NOON + DAY).verdict == "refused"
