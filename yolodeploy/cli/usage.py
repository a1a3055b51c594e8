"""What is wrong with a command line, in the person's language: click has English alone."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any

import click

from yolodeploy.cli.words import Duration, File
from yolodeploy.core.messages import message


def usage_text(error: click.ClickException, language: str) -> str:
    """What click refuses, as a line."""
    code, fields = _told(error)
    texts = {key: str(value) for key, value in fields.items()}
    return message(f"usage.{code}").rendered("text", language, texts)


def _told(error: click.ClickException) -> tuple[str, dict[str, Any]]:
    if isinstance(error, click.MissingParameter):
        return "missing", {"what": _what(error)}
    if isinstance(error, click.BadParameter):
        code, fields = _expected(error)
        return code, {"what": _what(error), "reason": error.message, **fields}
    if isinstance(error, click.BadOptionUsage) and "requires an argument" in error.message:
        return "no_value", {"name": error.option_name}
    return _not_there(error)


def _not_there(error: click.ClickException) -> tuple[str, dict[str, Any]]:
    """A word that leads nowhere; for two of the three click has a class only from 8.4 on."""
    context = error.ctx if isinstance(error, click.UsageError) else None
    if context and isinstance(error, click.NoSuchOption):
        options = {name for item in context.command.get_params(context) for name in item.opts}
        return _unknown("option", error.option_name, options)
    if context and isinstance(context.command, click.Group) and "No such command" in error.message:
        name = error.message.partition("'")[2].rpartition("'")[0]
        return _unknown("command", name, set(context.command.list_commands(context)))
    if error.message.startswith("Got unexpected extra argument"):
        return "extra", {"names": error.message.partition("(")[2].removesuffix(")")}
    return "other", {"reason": error.format_message()}


def _expected(error: click.BadParameter) -> tuple[str, dict[str, Any]]:
    """What the parameter takes, where its type says that; `error` says what is wrong with it."""
    kind = error.param.type if error.param is not None and error.param_hint is None else None
    if isinstance(kind, click.Choice):
        return "choice", {"choices": ", ".join(map(str, kind.choices))}
    if isinstance(kind, Duration | File):
        return "duration" if isinstance(kind, Duration) else "path", {}
    if isinstance(kind, click.IntRange | click.FloatRange) and kind.min is not None:
        if kind.max is None:
            return "least", {"least": kind.min}
        return "range", {"least": kind.min, "most": kind.max}
    if kind is click.INT or kind is click.FLOAT:
        return "number", {}
    return "invalid", {}


def _unknown(kind: str, name: str, known: set[str]) -> tuple[str, dict[str, Any]]:
    near = get_close_matches(name, known, n=1)
    if near:
        return f"near_{kind}", {"name": name[:60], "near": near[0]}
    return f"no_{kind}", {"name": name[:60]}


def _what(error: click.BadParameter) -> str:
    hint = error.param_hint
    if hint is None and isinstance(error.param, click.Argument):
        hint = error.param.metavar or (error.param.name or "").upper()
    elif hint is None and error.param is not None:
        hint = error.param.get_error_hint(error.ctx)
    names = [hint] if isinstance(hint, str) else list(hint or ())
    return " / ".join(names).replace("'", "")
