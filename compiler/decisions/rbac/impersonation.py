"""Requests on another's behalf, as headers of impersonation make them.

Rules that hold here, as the API server has them:

1. Whoever asks may `impersonate` the user (a service account as one of `serviceaccounts` in its
   namespace) and every group, each by its name. Masters may anybody.
2. The request is decided as that user's, in the groups that are named. A service account without
   groups is in those of service accounts; everybody is in `system:authenticated`, but for
   `system:anonymous`.
3. Groups without a user are refused.
"""

from __future__ import annotations

from collections.abc import Iterator

from compiler.decisions.decision import Ruling, together
from compiler.decisions.rbac.api_requests import ACCOUNTS, ApiRequest, ApiSubject, subject
from compiler.decisions.rbac.asked_access import ClusterRoles, account_of, decided
from fabric.diagnostics import Diagnostic, InputError


def impersonated(user: str, groups: tuple[str, ...]) -> ApiSubject:
    """Whom the API server takes somebody for who impersonates him (rule 2)."""
    if not user:
        raise InputError(Diagnostic("C659", "groups are impersonated with a user: say whom"))
    found = subject(user, groups)
    if not groups or account_of(user) is None:
        return found
    said = {*groups}
    kept = (g for g in found.groups if g in said or not g.startswith(ACCOUNTS))
    return ApiSubject(user, tuple(kept))


def impersonating(
    roles: ClusterRoles, who: ApiSubject, user: str, groups: tuple[str, ...]
) -> Ruling:
    """Whether somebody may ask on that one's behalf."""
    return together(decided(roles, who, request) for request in _asked(user, groups))


def _asked(user: str, groups: tuple[str, ...]) -> Iterator[ApiRequest]:
    """Rule 1."""
    account = account_of(user)
    if account is not None and all(account):
        yield ApiRequest("impersonate", "", "serviceaccounts", "", account[1], account[0])
    else:
        yield ApiRequest("impersonate", "", "users", "", user)
    for group in groups:
        yield ApiRequest("impersonate", "", "groups", "", group)
