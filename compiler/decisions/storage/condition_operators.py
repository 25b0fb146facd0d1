"""Conditions of statements: what is asked of the values of a request.

Rules that hold here, of a key that the request has:

1. An operator that asks for something holds where one value of the request fits one of the
   statement; its opposite (`Not`) where none fits any. `ForAllValues` asks each value of the
   request, `ForAnyValue` one of them.
2. Of a key that it lacks: what asks for something fails, its opposite holds, `…IfExists` and
   `ForAllValues` hold, `ForAnyValue` fails, `Null` says which.
3. A value of a request that is no number, time, address or boolean where one is compared fits
   nothing; whether the opposite then holds is unknown, as it is of a list without values: gateways
   differ. They do about times with another zone than UTC, too: a statement has none.

Source: the RADOS gateway's documentation and cases; the language of IAM policies.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Literal, TypeVar

from compiler.decisions.storage.patterns import fits_name, fits_text, network, within

T = TypeVar("T")
Truth = bool | None
"""None: unknown."""
Quantifier = Literal["", "ForAllValues", "ForAnyValue"]
DATE = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[Tt](\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?)(?:Z|z)?)?", re.ASCII
)
EPOCH = re.compile(r"-?\d{1,15}(\.\d{1,9})?", re.ASCII)


def number(text: str) -> Decimal:
    """A number; ValueError where a text is none."""
    try:
        found = Decimal(text)
    except InvalidOperation:
        raise ValueError(f'"{text}" is no number') from None
    if not re.fullmatch(r"[-+0-9.eE]{1,64}", text, re.ASCII) or abs(found.adjusted()) > 999:
        raise ValueError(f'"{text}" is no number')
    return found


def date(text: str) -> datetime:
    """A moment: a date, with a time in UTC, or seconds since 1970."""
    if EPOCH.fullmatch(text):
        try:
            return datetime.fromtimestamp(float(text), UTC)
        except (OverflowError, ValueError, OSError):
            raise ValueError(f'"{text}" is no time') from None
    found = DATE.fullmatch(text)
    if found is None:
        raise ValueError(f'"{text}" is no time in UTC')
    day, time = found.groups()
    time = re.sub(r"\.(\d{6})\d+", r".\1", time or "00:00")
    try:
        return datetime.fromisoformat(f"{day}T{time}Z")
    except ValueError:
        raise ValueError(f'"{text}" is no time') from None


def boolean(text: str) -> bool:
    """True or false; ValueError where a text is neither."""
    if text.lower() not in ("true", "false"):
        raise ValueError(f'"{text}" is neither true nor false')
    return text.lower() == "true"


def address(text: str) -> str:
    """An address of a request."""
    if "/" in text:
        raise ValueError(f'"{text}" is no address')
    network(text)
    return text


def _text(text: str) -> str:
    return text


def _range(text: str) -> str:
    network(text)
    return text


@dataclass(frozen=True, slots=True)
class Operator:
    """How one value of a statement and one of a request compare: `of_statement` and `of_request`
    read them (ValueError), `fits` compares. `opposite` holds where none fits."""

    of_statement: Callable[[str], object]
    of_request: Callable[[str], object]
    fits: Callable[[object, object], bool]
    opposite: bool = False


def _operator(
    read: Callable[[str], T], fits: Callable[[T, T], bool], opposite: bool = False
) -> Operator:
    return Operator(read, read, fits, opposite)  # type: ignore[arg-type]


def _compared(prefix: str, read: Callable[[str], T]) -> dict[str, Operator]:
    """Six comparisons of a statement's value (first) with a request's."""
    return {
        f"{prefix}Equals": _operator(read, lambda a, b: a == b),
        f"{prefix}NotEquals": _operator(read, lambda a, b: a == b, True),
        f"{prefix}LessThan": _operator(read, lambda a, b: b < a),  # type: ignore[operator]
        f"{prefix}LessThanEquals": _operator(read, lambda a, b: b <= a),  # type: ignore[operator]
        f"{prefix}GreaterThan": _operator(read, lambda a, b: b > a),  # type: ignore[operator]
        f"{prefix}GreaterThanEquals": _operator(
            read,
            lambda a, b: b >= a,  # type: ignore[operator]
        ),
    }


OPERATORS: dict[str, Operator] = {
    "StringEquals": _operator(_text, str.__eq__),
    "StringNotEquals": _operator(_text, str.__eq__, True),
    "StringEqualsIgnoreCase": _operator(str.lower, str.__eq__),
    "StringNotEqualsIgnoreCase": _operator(str.lower, str.__eq__, True),
    "StringLike": _operator(_text, fits_text),
    "StringNotLike": _operator(_text, fits_text, True),
    **_compared("Numeric", number),
    **_compared("Date", date),
    "Bool": _operator(boolean, bool.__eq__),
    "BinaryEquals": _operator(_text, str.__eq__),
    "IpAddress": Operator(_range, address, within),  # type: ignore[arg-type]
    "NotIpAddress": Operator(_range, address, within, True),  # type: ignore[arg-type]
    "ArnEquals": _operator(_text, fits_name),
    "ArnLike": _operator(_text, fits_name),
    "ArnNotEquals": _operator(_text, fits_name, True),
    "ArnNotLike": _operator(_text, fits_name, True),
}
NULL = "Null"
IF_EXISTS = "IfExists"


@dataclass(frozen=True, slots=True)
class AskedOperator:
    """An operator as it is written: `ForAnyValue:StringLikeIfExists`."""

    name: str
    quantifier: Quantifier = ""
    if_exists: bool = False

    @property
    def text(self) -> str:
        """As people write it."""
        front = f"{self.quantifier}:" if self.quantifier else ""
        return f"{front}{self.name}{IF_EXISTS if self.if_exists else ''}"


def asked(text: str) -> AskedOperator:
    """The operator that a text names; ValueError where it names none.

    >>> asked("ForAnyValue:StringLikeIfExists")
    AskedOperator(name='StringLike', quantifier='ForAnyValue', if_exists=True)
    """
    front, colon, rest = text.partition(":")
    quantifier, name = (front, rest) if colon else ("", text)
    if_exists = name.endswith(IF_EXISTS)
    name = name.removesuffix(IF_EXISTS)
    if quantifier not in ("", "ForAllValues", "ForAnyValue"):
        raise ValueError(f'"{text}" is no operator')
    if name not in OPERATORS and (name != NULL or if_exists or quantifier):
        raise ValueError(f'"{text}" is no operator')
    return AskedOperator(name, quantifier, if_exists)  # type: ignore[arg-type]


def holds(op: AskedOperator, wanted: tuple[str, ...], given: tuple[str, ...]) -> Truth:
    """Whether a condition holds of the values that a request has for its key (none: it lacks
    it)."""
    if op.name == NULL:
        return any(boolean(text) is (not given) for text in wanted)
    how = OPERATORS[op.name]
    if not given:
        return op.if_exists or op.quantifier == "ForAllValues" or (
            how.opposite and op.quantifier != "ForAnyValue"
        )  # fmt: skip
    if not wanted and how.opposite:
        return None
    values = [how.of_statement(text) for text in wanted]
    each = [_fits_one(how, values, text) for text in given]
    match op.quantifier:
        case "ForAllValues":
            return every(each)
        case "ForAnyValue":
            return some(each)
    return every(each) if how.opposite else some(each)


def _fits_one(how: Operator, values: list[object], text: str) -> Truth:
    """What one value of the request amounts to; rule 3."""
    try:
        given = how.of_request(text)
    except ValueError:
        return None if how.opposite else False
    return any(how.fits(value, given) for value in values) is not how.opposite


def every(truths: list[Truth]) -> Truth:
    """Whether all are true: unknown where none is false and one is unknown."""
    if False in truths:
        return False
    return None if None in truths else True


def some(truths: list[Truth]) -> Truth:
    """Whether one is true: unknown where none is and one is unknown."""
    if True in truths:
        return True
    return None if None in truths else False
