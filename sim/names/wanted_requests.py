"""The request that people ask about, and the port that it is sent to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from compiler.requests.http_rules import HttpRequest
from compiler.requests.request_text import DEFAULT, EXAMPLE, request_text
from fabric.diagnostics import Diagnostic, InputError
from fabric.io.visible import visible
from fabric.values.door_names import door_in
from sim.names.wanted_ports import split_port


def asked_request(
    text: str, headers: Iterable[str] | Mapping[str, str], dst: str
) -> tuple[HttpRequest, str]:
    """A request, and the destination with the port that its URL means where `dst` names none.
    Raises `InputError` C900."""
    if isinstance(headers, Mapping):
        headers = [f"{name}: {value}" for name, value in headers.items()]
    try:
        request, port = request_text(text, headers)
    except ValueError as error:
        what = f'cannot read request "{visible(text[:80])}": {error}'
        raise InputError(Diagnostic("C900", what, None, EXAMPLE)) from None
    name, given = split_port(dst)
    if given or door_in(name) is not None:
        return request, dst
    at = f"{port or DEFAULT['http']}/tcp"
    return request, f"[{name}]:{at}" if ":" in name else f"{name}:{at}"
