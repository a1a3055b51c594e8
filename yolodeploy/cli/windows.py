"""Windows of time on the command line: `--last 24h`, or `--since` and `--until`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import wraps
from typing import Any, NamedTuple

import click

from yolodeploy.cli.telling import said
from yolodeploy.cli.words import DURATION, Duration

HOUR_S = 3600.0


class Window(NamedTuple):
    """From when to when, in Unix seconds."""

    start: float
    end: float


def window_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """`--last`, `--since` and `--until`, which come to the command as one `window`."""
    import time

    @click.option(
        "--last", type=DURATION, help="So long until now: 30s, 10m, 24h, 7d.  [default: 1h]"
    )
    @click.option(
        "--since", help="From a moment on: 2026-11-26, 2026-11-26T04:00, or 2d ago as 2d."
    )
    @click.option("--until", help="Up to a moment, as --since.  [default: now]")
    @wraps(command)
    def with_window(
        *arguments: Any, last: float | None, since: str | None, until: str | None, **options: Any
    ) -> Any:
        window = window_of(last, since, until, time.time())
        return command(*arguments, window=window, **options)

    return with_window


def window_of(last: float | None, since: str | None, until: str | None, now: float) -> Window:
    """The window that somebody means at `now`; moments without a zone are of this machine's.

    `last` is in seconds.

    Raises:
        click.BadParameter: one of them is no such thing, or the window ends before it begins.
    """
    if last is not None and since is not None:
        raise click.BadParameter(said("usage.same", other="--since"), param_hint="--last")
    end = now + 1 if until is None else _moment(until, now, "--until")
    if since is not None:
        start = _moment(since, now, "--since")
    else:
        start = min(end, now) - (HOUR_S if last is None else last)
    if start >= end:
        raise click.BadParameter(said("usage.nothing_between"), param_hint="--since")
    return Window(start, end)


def _moment(text: str, now: float, option: str) -> float:
    if match := Duration.TEXT.fullmatch(text):
        return now - Duration.seconds(match)
    try:
        return datetime.fromisoformat(text).timestamp()
    except (ValueError, OverflowError, OSError):
        raise click.BadParameter(
            said("usage.moment", given=repr(text)), param_hint=option
        ) from None
