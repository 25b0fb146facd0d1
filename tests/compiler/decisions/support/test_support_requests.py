"""What a request is at every moment, and who may answer it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compiler.decisions.support.support_requests import SupportRequest, answered, asked

TEN = datetime(2027, 1, 31, 10, tzinfo=UTC)
SECOND, HOUR = timedelta(seconds=1), timedelta(hours=1)
VIEWERS, ANN = "teleport-cluster-viewers", ("ann", "bob")


def request(role: str = VIEWERS, target: str = "acme", reason: str = "r") -> SupportRequest:
    return asked(1, "sam", target, role, reason, TEN)


def approved(
    at: datetime = TEN + HOUR, lasts: timedelta = 8 * HOUR, by: str = "ann"
) -> SupportRequest:
    return answered(request(), by, at, ANN, lasts)


def test_a_request_waits_two_hours_and_no_longer() -> None:
    assert request().state(TEN) == "pending"
    assert request().state(TEN + 2 * HOUR - SECOND) == "pending"
    assert request().state(TEN + 2 * HOUR) == "expired"
    assert approved(TEN + 2 * HOUR - SECOND).answer is not None
    for late in (TEN + 2 * HOUR, TEN + 3 * HOUR, TEN - SECOND):
        with pytest.raises(ValueError, match="has expired"):
            approved(late)


def test_access_begins_with_the_answer_and_ends_eight_hours_later() -> None:
    found = approved()
    assert found.window == (TEN + HOUR, TEN + 9 * HOUR)
    assert found.state(TEN + HOUR - SECOND) == "pending"
    assert found.state(TEN + HOUR) == "approved"
    assert found.state(TEN + 9 * HOUR - SECOND) == "approved"
    assert found.state(TEN + 9 * HOUR) == "ended"
    assert approved(lasts=HOUR).state(TEN + 2 * HOUR) == "ended"


@pytest.mark.parametrize("lasts", [8 * HOUR + SECOND, 9 * HOUR, timedelta(0), -HOUR])
def test_less_is_allowed_and_more_is_not(lasts: timedelta) -> None:
    with pytest.raises(ValueError, match="eight hours at most"):
        approved(lasts=lasts)


def test_a_denial_is_the_last_word_and_so_is_an_approval() -> None:
    denied = answered(request(), "bob", TEN + HOUR, ANN, None)
    assert (denied.state(TEN + HOUR), denied.window) == ("denied", None)
    assert denied.state(TEN + 20 * HOUR) == "denied"
    for one in (denied, approved()):
        for lasts in (None, HOUR):
            with pytest.raises(ValueError, match="already"):
                answered(one, "ann", TEN + HOUR, ANN, lasts)


def test_nobody_answers_his_own_and_nobody_who_may_not() -> None:
    for lasts in (None, HOUR):
        with pytest.raises(ValueError, match="no approver of acme"):
            answered(request(), "eve", TEN, ANN, lasts)
        with pytest.raises(ValueError, match="of his own"):
            answered(request(), "sam", TEN, (*ANN, "sam"), lasts)


@pytest.mark.parametrize(
    ("role", "target", "reason"),
    [
        ("acc", "acme", "r"), (VIEWERS, "acme/host1", "r"), ("root", "acme/host1", "r"),
        ("cluster-admin", "acme", "r"), (VIEWERS, "", "r"), ("acc", "acme/", "r"),
        (VIEWERS, "acme", " "),
    ],
)  # fmt: skip
def test_what_cannot_be_asked_for(role: str, target: str, reason: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        request(role, target, reason)


def test_consent_in_writing_is_said_and_changes_nothing_else() -> None:
    found = answered(request(), "ann", TEN, ANN, HOUR, "slack")
    assert found.answer is not None and found.answer.evidence == "slack"
    with pytest.raises(ValueError, match="slack or email"):
        answered(request(), "ann", TEN, ANN, HOUR, "phone")
    with pytest.raises(ValueError, match="no approver"):
        answered(request(), "eve", TEN, ANN, HOUR, "slack")


@given(st.integers(0, 7199), st.integers(1, 28800), st.integers(-100, 40000))
def test_there_is_access_exactly_while_it_is_approved(wait: int, lasts: int, later: int) -> None:
    found = approved(TEN + wait * SECOND, lasts * SECOND)
    now = TEN + later * SECOND
    assert (found.state(now) == "approved") == (wait <= later < wait + lasts)


@pytest.mark.parametrize("written", [" ann", "Ann", "ANN "])
def test_another_spelling_of_a_name_is_nobody_else(written: str) -> None:
    mine = asked(1, written, "acme", VIEWERS, "to look", TEN)
    with pytest.raises(ValueError, match="of his own"):
        answered(mine, "ann", TEN, ANN, HOUR)
