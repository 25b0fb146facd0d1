"""Requests to an API server, who sends them, and the rules of roles.

Rules that hold here, as the API server has them:

1. Words are compared as they are: `Pods` are no `pods`, and `*` is a word for everything in rules
   alone. A user called `*` is nobody else.
2. A request is for a resource or for a path. One for a namespace by its name is made in that
   namespace; one for a kind that has no namespace is made in none.
3. Whoever is known is in the group `system:authenticated`, a service account in those of service
   accounts as well, and `system:anonymous` in `system:unauthenticated`.
"""

from __future__ import annotations

from dataclasses import dataclass

from fabric.diagnostics import Span

ANY = "*"
MASTERS = "system:masters"
AUTHENTICATED, UNAUTHENTICATED = "system:authenticated", "system:unauthenticated"
ANONYMOUS = "system:anonymous"
ACCOUNTS, ACCOUNT = "system:serviceaccounts", "system:serviceaccount:"


@dataclass(frozen=True, slots=True)
class RoleRule:
    """One item of a role's `rules`; without `names` it is about objects of any name. `doubt` says
    why nobody knows whether it is in force."""

    verbs: tuple[str, ...]
    groups: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    urls: tuple[str, ...] = ()
    span: Span | None = None
    doubt: str = ""


ANYTHING = RoleRule((ANY,), (ANY,), (ANY,), (), (ANY,))


@dataclass(frozen=True, slots=True, order=True)
class ApiRequest:
    """`path` is None for requests for resources; `name` and `namespace` are empty where the request
    has none: it is about any object then, in all namespaces.

    >>> ApiRequest("create", "", "pods", "exec", "web-0", "shop").what
    'create pods/exec "web-0" in namespace shop'
    """

    verb: str
    group: str = ""
    resource: str = ""
    subresource: str = ""
    name: str = ""
    namespace: str = ""
    path: str | None = None

    @property
    def combined(self) -> str:
        """The resource as rules write it."""
        return f"{self.resource}/{self.subresource}" if self.subresource else self.resource

    @property
    def what(self) -> str:
        """In words."""
        if self.path is not None:
            return f"{self.verb} {self.path}"
        group = f".{self.group}" if self.group else ""
        sub = f"/{self.subresource}" if self.subresource else ""
        name = f' "{self.name}"' if self.name else ""
        where = f" in namespace {self.namespace}" if self.namespace else ""
        return f"{self.verb} {self.resource}{group}{sub}{name}{where}"


@dataclass(frozen=True, slots=True, order=True)
class ApiSubject:
    """Who sends a request, as the API server has authenticated him (rule 3); `user` is empty for
    somebody of the groups whom nothing else is known of."""

    user: str
    groups: tuple[str, ...] = ()

    @property
    def what(self) -> str:
        """In words."""
        if not self.user:
            told = [g for g in self.groups if g != AUTHENTICATED] or list(self.groups)
            return f"group {' and '.join(told)}"
        if self.user.startswith(ACCOUNT):
            return f"service account {self.user.removeprefix(ACCOUNT).replace(':', '/', 1)}"
        return f"user {self.user}"


def subject(user: str, groups: tuple[str, ...] = ()) -> ApiSubject:
    """Somebody with the groups that everybody like him is in.

    >>> subject("system:serviceaccount:shop:web").groups
    ('system:authenticated', 'system:serviceaccounts', 'system:serviceaccounts:shop')
    """
    implied = [UNAUTHENTICATED if user == ANONYMOUS else AUTHENTICATED]
    if user.startswith(ACCOUNT) and user.count(":") == 3:
        implied += [ACCOUNTS, f"{ACCOUNTS}:{user.split(':')[2]}"]
    if UNAUTHENTICATED in groups:
        implied = []
    return ApiSubject(user, tuple(sorted({*groups, *implied})))


def account(namespace: str, name: str) -> str:
    """The user name of a service account."""
    return f"{ACCOUNT}{namespace}:{name}"
