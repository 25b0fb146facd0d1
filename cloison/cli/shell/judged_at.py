"""Moments that people type, for verbs that judge credentials at one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from datetime import datetime


def judged_at(text: str | None) -> datetime:
    """The moment of `--at`; without one, now."""
    from datetime import UTC, datetime

    from fabric.values.instants import HINT, instant

    if text is None:
        return datetime.now(UTC)
    try:
        return instant(text)
    except ValueError as error:
        raise click.UsageError(f"--at: {error}: {HINT}") from None
