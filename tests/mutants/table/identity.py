"""Faults of what proves an identity: chains, tokens, bundles, names."""

from mutants.table import Fault

X509, JWT = "compiler/identity/x509_svid.py", "compiler/identity/jwt_svid.py"
BUNDLE, NAME = "compiler/identity/trust_bundle.py", "compiler/identity/spiffe_id.py"
CHAINS = "tests/compiler/identity/test_x509_svid.py"
TOKENS = "tests/compiler/identity/test_jwt_svid.py"
NAMES = "tests/compiler/identity/test_spiffe_id.py"
VERB = "tests/cloison/cli/identity/test_identity_check.py"

FAULTS = (
    Fault(X509, "if len(uris) != 1:", "if not uris:", "two names are the first one", by=CHAINS),
    Fault(X509, "if not found.path:", "if False:", "a trust domain is somebody", by=CHAINS),
    Fault(
        X509,
        "if basic is not None and basic.ca:",
        "if False:",
        "an authority proves an identity",
        by=CHAINS,
    ),
    Fault(
        X509,
        "if usage is not None and (usage.key_cert_sign or usage.crl_sign):",
        "if usage is not None and usage.key_cert_sign:",
        "who may sign lists of revoked certificates proves an identity",
        by=CHAINS,
    ),
    Fault(
        X509,
        "bundle = bundles.get(name.trust_domain)",
        "bundle = next(iter(bundles.values()), None)",
        "any bundle vouches for any domain",
        by=CHAINS,
    ),
    Fault(
        X509,
        ".time(at.astimezone(UTC).replace(tzinfo=None))",
        ".time(chain[0].not_valid_before_utc.replace(tzinfo=None))",
        "an authority that has expired vouches",
        by=CHAINS,
    ),
    Fault(
        X509,
        "if usage is not None and not usage.key_cert_sign:",
        "if False:",
        "whoever has a certificate may sign others",
        by=CHAINS,
    ),
    Fault(
        X509,
        "(unknown if odd else refused).append",
        "(unknown if odd else []).append",
        "a chain without a path is accepted",
        by=CHAINS,
    ),
    Fault(
        X509,
        "(unknown if odd else refused).append",
        "refused.append",
        "what is not judged is refused",
        by=CHAINS,
    ),
    Fault(
        X509,
        "min(one.not_valid_after_utc for one in found)",
        "max(one.not_valid_after_utc for one in found)",
        "an identity outlives who vouches for it",
        by=CHAINS,
    ),
    Fault(
        BUNDLE,
        'raise ValueError(f"serial number {found.serial_number:x} is no authority")',
        "return found",
        "a leaf in a bundle vouches for itself",
        by=CHAINS,
    ),
    Fault(
        BUNDLE,
        'elif entry.get("use") == "jwt-svid" and',
        "elif",
        "keys for something else sign tokens",
        by=TOKENS,
    ),
    Fault(
        BUNDLE,
        "if isinstance(key, RSAKey) and key.raw_value.key_size < SHORTEST:",
        "if False:",
        "short keys sign tokens",
        by=TOKENS,
    ),
    Fault(
        JWT,
        'if header.get("alg") not in ALGORITHMS:',
        'if header.get("alg") == "none":',
        "a token by a secret is not refused for its algorithm",
        by=TOKENS,
    ),
    Fault(
        JWT,
        "keys = [key for known, key in bundle.keys if kid is None or known == kid]",
        "keys = [key for _, key in bundle.keys]",
        "a token by a key of another name",
        by=TOKENS,
    ),
    Fault(
        JWT,
        "elif not any(signed_by(",
        "elif False and not any(signed_by(",
        "nobody looks at signatures",
        by=TOKENS,
    ),
    Fault(JWT, "elif at >= end:", "elif at > end:", "a token at its end is accepted", by=TOKENS),
    Fault(
        JWT,
        "elif start is not None and at < start:",
        "elif False:",
        "a token is accepted too early",
        by=TOKENS,
    ),
    Fault(
        JWT,
        "elif audience and audience not in names:",
        "elif False:",
        "a token for somebody else is accepted",
        by=TOKENS,
    ),
    Fault(
        JWT,
        'unknown = [] if audience else ["nobody',
        'unknown = [] if True else ["nobody',
        "a token to nobody in particular is accepted",
        by=TOKENS,
    ),
    Fault(
        JWT,
        'for name in ("crit", "b64"):',
        'for name in ("b64",):',
        "what must be understood is passed over",
        by=TOKENS,
    ),
    Fault(
        JWT,
        "value = decoded(data.decode(), distinct)",
        "value = decoded(data.decode())",
        "a claim that stands twice is the second one",
        by=TOKENS,
    ),
    Fault(NAME, "if not segment:", "if False:", "a path may end in a slash", by=NAMES),
    Fault(
        NAME,
        'if segment in (".", ".."):',
        "if False:",
        "a path may lead upwards",
        by=NAMES,
    ),
    Fault(
        "cloison/cli/identity/identity_check.py",
        'if "unknown" in verdicts:',
        "if False:",
        "what is unknown is green",
        by=VERB,
    ),
)
