"""Reading policies: a document becomes statements, or a list of everything that is wrong with it.

Rules that hold here:

1. What a gateway would not take is an error: it is in force nowhere. So is what gateways read
   differently: `${…}`, which is no variable here; NotPrincipal with Allow; a key that stands twice.
2. What a gateway takes and this dialect does not list (an action, a condition key, a principal of a
   form of its own) is a warning; it is kept, and never passed over.
3. Sizes are bounded: characters and depth of the text, statements, values.

Source: the language of IAM policies; the provider's list of what it supports.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from compiler.decisions.storage.actions import ACTIONS, BY_LOWER, KEYS, TAGGING, known_key
from compiler.decisions.storage.bucket_policy import (
    Clause,
    NamedPrincipal,
    NamePatterns,
    PolicyStatement,
    StoragePolicy,
)
from compiler.decisions.storage.condition_operators import NULL, OPERATORS, asked, boolean
from compiler.decisions.storage.patterns import PARTS, fits_action, has_wildcard
from fabric.diagnostics import Diagnostics, Span, did_you_mean
from fabric.io.placed_json import NotJsonError, Number, PlacedValue, placed
from fabric.io.visible import visible

VERSION = "2012-10-17"
MOST_STATEMENTS, MOST_WORDS = 1000, 1000
IAM = re.compile(r"arn:aws:iam::([^:]*):(.+)", re.DOTALL)
ACCOUNT = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}", re.ASCII)
SERVICE = re.compile(r"[A-Za-z0-9._*?-]+", re.ASCII)
ELEMENTS = ("Action", "Resource", "Principal")
KEYS_OF_STATEMENT = ("Sid", "Effect", *ELEMENTS, *(f"Not{one}" for one in ELEMENTS), "Condition")


def read_policy(
    text: str, file: str, found: Diagnostics, *, line: int = 1, of_bucket: bool = True
) -> StoragePolicy | None:
    """The policy of a text that begins at a line of a file; None where `found` got an error. Of
    an organisation's policies (`of_bucket` false) no statement names a principal."""
    try:
        document = placed(text)
    except NotJsonError as error:
        found.error("C960", f"not JSON: {error}", Span(file, error.at[0] + line - 1, error.at[1]))
        return None
    return policy_of(document, file, found, line=line, of_bucket=of_bucket)


def policy_of(
    document: PlacedValue,
    file: str,
    found: Diagnostics,
    *,
    line: int = 1,
    of_bucket: bool = True,
) -> StoragePolicy | None:
    """As `read_policy`, of a value that was read already."""
    before = len(found.errors)
    policy = _PolicyReader(file, line, found, of_bucket).policy(document)
    return policy if len(found.errors) == before else None


class _PolicyReader:
    def __init__(self, file: str, line: int, found: Diagnostics, of_bucket: bool) -> None:
        self.file, self.line, self.found, self.of_bucket = file, line, found, of_bucket

    def span(self, at: tuple[int, int]) -> Span:
        return Span(self.file, at[0] + self.line - 1, at[1])

    def wrong(self, message: str, at: tuple[int, int], hint: str | None = None) -> None:
        self.found.error("C960", message, self.span(at), hint)

    def policy(self, document: PlacedValue) -> StoragePolicy:
        parts = self.parts(document, ("Version", "Id", "Statement"), "a policy")
        version = parts.get("Version")
        if version is None or version.value != VERSION:
            what = "Version is missing" if version is None else "Version is not one that is read"
            self.wrong(what, (version or document).at, f'write "Version": "{VERSION}"')
        name = self.text(parts, "Id")
        listed = parts.get("Statement")
        items = listed.value if listed and isinstance(listed.value, list) else [listed]
        if listed is None or not items or len(items) > MOST_STATEMENTS:
            self.wrong(f"a policy has 1 to {MOST_STATEMENTS:,} statements", document.at)
            return StoragePolicy((), self.span(document.at), name)
        made = tuple(filter(None, map(self.statement, items)))
        sids = [one.sid for one in made if one.sid]
        for one in {sid for sid in sids if sids.count(sid) > 1}:
            self.wrong(f'two statements have the Sid "{visible(one)}"', listed.at)
        return StoragePolicy(made, self.span(document.at), name)

    def parts(self, of: PlacedValue, known: tuple[str, ...], what: str) -> dict[str, PlacedValue]:
        if not isinstance(of.value, dict):
            self.wrong(f"{what} is an object", of.at)
            return {}
        for key in of.value.keys() - {*known}:
            at = (of.keys or {})[key]
            hint = did_you_mean(key, known) or f"known here: {', '.join(known)}"
            self.wrong(f'{what} has no "{visible(key[:60])}"', at, hint)
        return of.value

    def text(self, parts: dict[str, PlacedValue], key: str) -> str | None:
        if key in parts and not isinstance(parts[key].value, str):
            self.wrong(f"{key} is a text", parts[key].at)
            return None
        return parts[key].value if key in parts else None

    def statement(self, of: PlacedValue) -> PolicyStatement | None:
        parts = self.parts(of, KEYS_OF_STATEMENT, "a statement")
        if not parts:
            return None
        effect = parts.get("Effect")
        if effect is None or effect.value not in ("Allow", "Deny"):
            self.wrong("Effect is Allow or Deny", (effect or of).at)
        sid = self.text(parts, "Sid")
        principals, others = self.principals(of, parts, effect is not None and effect.value)
        actions = self.words(of, parts, "Action", self.action)
        resources = self.words(of, parts, "Resource", self.resource)
        clauses = tuple(self.clauses(parts["Condition"])) if "Condition" in parts else ()
        if effect is None or actions is None or resources is None:
            return None
        where = self.span(of.at)
        return PolicyStatement(
            effect.value, principals, actions, resources, clauses, where, others, sid
        )

    def principals(
        self, of: PlacedValue, parts: dict[str, PlacedValue], effect: Any
    ) -> tuple[tuple[NamedPrincipal, ...] | None, bool]:
        both = [key for key in ("Principal", "NotPrincipal") if key in parts]
        if not self.of_bucket:
            for key in both:
                self.wrong(f"a policy of an organisation has no {key}", parts[key].at)
            return None, False
        if len(both) != 1:
            self.wrong("a statement of a bucket's policy has a Principal", of.at)
            return (), False
        given, others = parts[both[0]], both[0] == "NotPrincipal"
        if others and effect == "Allow":
            what = "NotPrincipal with Allow lets everybody in whom nobody thought of"
            hint = "name them with Principal, or deny with NotPrincipal"
            self.found.error("C966", what, self.span(given.at), hint)
        if given.value == "*":
            return (NamedPrincipal("*", self.span(given.at), everybody=True),), others
        if not isinstance(given.value, dict) or not given.value:
            hint = '"*", or {"AWS": "arn:aws:iam::ACCOUNT:user/NAME"}'
            self.wrong("a principal is everybody, or an object", given.at, hint)
            return (), others
        out: list[NamedPrincipal] = []
        for sort, listed in given.value.items():
            if sort not in ("AWS", "CanonicalUser", "Federated", "Service"):
                self.wrong(f'"{visible(sort[:60])}" is no sort of principal', listed.at)
                continue
            for text, at in self.texts(listed, f"a principal ({sort})"):
                out.append(self.named(sort, text, self.span(at)))
        return tuple(out), others

    def named(self, sort: str, text: str, span: Span) -> NamedPrincipal:
        self.uninterpolated(text, span)
        match = IAM.fullmatch(text)
        if sort == "AWS" and text == "*":
            return NamedPrincipal(text, span, everybody=True)
        if sort == "AWS" and match is None and ACCOUNT.fullmatch(text):
            return NamedPrincipal(text, span, org=text)
        if sort == "AWS" and match and not has_wildcard(text.removesuffix(":*")):
            account, rest = match.groups()
            kind, slash, name = rest.partition("/")
            if account and rest == "root":
                return NamedPrincipal(text, span, org=account)
            if slash and kind == "user" and account and name and not has_wildcard(name):
                return NamedPrincipal(text, span, org=account, key=name)
            if slash and kind == "user" and name:
                org, colon, key = name.partition(":")
                if org and (key or not colon):
                    return NamedPrincipal(
                        text, span, org=org, key=None if key in ("", "*") else key
                    )
        if sort == "AWS" and match is None:
            hint = "arn:aws:iam::ACCOUNT:root, arn:aws:iam::ACCOUNT:user/NAME, or an account"
            self.found.error("C960", f'"{visible(text[:80])}" is no principal', span, hint)
        what = f'whom "{visible(text[:80])}" means is not evaluated'
        self.found.warn("C967", what, span, "users and accounts are; roles and groups are not")
        return NamedPrincipal(text, span, unread=True)

    def words(
        self,
        of: PlacedValue,
        parts: dict[str, PlacedValue],
        key: str,
        read: Callable[[str, Span], None],
    ) -> NamePatterns | None:
        """Patterns of actions or of resources."""
        both = [name for name in (key, f"Not{key}") if name in parts]
        if len(both) != 1:
            self.wrong(f"a statement has either {key} or Not{key}", of.at)
            return None
        listed = [
            (text, self.span(at)) for text, at in self.texts(parts[both[0]], f"an entry of {key}")
        ]
        for text, span in listed:
            read(text, span)
        return NamePatterns(tuple(listed), both[0] != key)

    def texts(self, of: PlacedValue, what: str) -> list[tuple[str, tuple[int, int]]]:
        """A text, or a list of some."""
        items = of.value if isinstance(of.value, list) else [of]
        if not 0 < len(items) <= MOST_WORDS:
            self.wrong(f"here stand 1 to {MOST_WORDS:,} texts", of.at)
            return []
        for one in items:
            if not isinstance(one.value, str):
                self.wrong(f"{what} is a text", one.at)
        return [(one.value, one.at) for one in items if isinstance(one.value, str)]

    def action(self, text: str, span: Span) -> None:
        if text == "*":
            return
        service, colon, name = text.partition(":")
        if not colon or not SERVICE.fullmatch(service) or not name or ":" in name:
            hint = "s3:GetObject, s3:Get*, or *"
            self.found.error("C960", f'"{visible(text[:80])}" is no action', span, hint)
            return
        hit = [one for one in ACTIONS if fits_action(text, one)]
        if not hit:
            like = did_you_mean(text, BY_LOWER.values())
            what = f'object storage has no action "{visible(text[:80])}"'
            self.found.error("C962", what, span, like or "the gateway refuses the policy")
        elif {*hit} <= {*TAGGING}:
            what = f'"{visible(text[:80])}" is not in the list of supported actions'
            self.found.warn("C963", what, span, "it is evaluated as if it were supported")

    def resource(self, text: str, span: Span) -> None:
        self.uninterpolated(text, span)
        if text == "*":
            return
        parts = text.split(":", PARTS - 1)
        if len(parts) < PARTS or parts[:2] != ["arn", "aws"] or not parts[2] or not parts[5]:
            hint = 'arn:aws:s3:::BUCKET, arn:aws:s3:::BUCKET/KEY, or "*"'
            self.found.error("C960", f'"{visible(text[:80])}" is no resource', span, hint)
        elif parts[2] != "s3" or parts[3] or parts[4]:
            what = f'"{visible(text[:80])}" names no bucket here: what it matches is not evaluated'
            self.found.warn("C968", what, span, "arn:aws:s3:::BUCKET, without region and account")

    def uninterpolated(self, text: str, span: Span) -> None:
        if "${" in text:
            what = "policies know no interpolation here: ${…} is no variable"
            self.found.error("C965", what, span, "write what it stands for")

    def clauses(self, of: PlacedValue) -> Iterator[Clause]:
        if not isinstance(of.value, dict):
            self.wrong("Condition is an object", of.at)
            return
        for text, inner in of.value.items():
            if not isinstance(inner.value, dict):
                self.wrong("an operator has an object of keys", inner.at)
                continue
            try:
                op = asked(text)
            except ValueError:
                if inner.value:
                    hint = did_you_mean(text, (*OPERATORS, NULL))
                    self.wrong(f'no operator "{visible(text[:60])}"', (of.keys or {})[text], hint)
                continue
            for key, listed in inner.value.items():
                at = (inner.keys or {})[key]
                values = tuple(self.values(listed))
                for value, where in values:
                    self.comparable(op.name, value, self.span(where))
                self.key(key, self.span(at))
                yield Clause(op, key, tuple(value for value, _ in values), self.span(at))

    def values(self, of: PlacedValue) -> Iterator[tuple[str, tuple[int, int]]]:
        """Values of a condition, as texts; none is a list that nothing fits."""
        items = of.value if isinstance(of.value, list) else [of]
        if len(items) > MOST_WORDS:
            self.wrong(f"a condition has at most {MOST_WORDS:,} values", of.at)
            return
        for one in items:
            match one.value:
                case bool():
                    yield str(one.value).lower(), one.at
                case str():
                    yield one.value, one.at
                case Number(text):
                    yield text, one.at
                case _:
                    self.wrong("a condition compares with a text, a number or a boolean", one.at)

    def comparable(self, name: str, value: str, span: Span) -> None:
        self.uninterpolated(value, span)
        try:
            if name == NULL:
                boolean(value)
            else:
                OPERATORS[name].of_statement(value)
        except ValueError as error:
            self.found.error("C964", f"{name}: {visible(str(error)[:120])}", span)

    def key(self, key: str, span: Span) -> None:
        if known_key(key):
            return
        alike = next((name for name in sorted(KEYS) if name.lower() == key.lower()), None)
        what = f'no request here is known to have "{visible(key[:80])}"'
        self.found.warn("C969", what, span, f'write "{alike}"' if alike else None)
