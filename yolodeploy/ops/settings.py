"""Settings: flag, then environment (`YOLODEPLOY_NAME`), then `config.toml`, then default."""

from __future__ import annotations

import difflib
import os
import shlex
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from yolodeploy.core.errors import Failed, UsageError
from yolodeploy.core.notices import EVENTS


def _language(text: str) -> str:
    if text not in ("en", "zh", "auto"):
        raise ValueError
    return text


def _text(text: str) -> str:
    if len(text) > 1000 or not text.isprintable() or '"' in text or "\\" in text:
        raise ValueError
    return text.strip()


def webhook_fault(url: str) -> str:
    """What is wrong with a webhook's URL; empty for nothing."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return "it is not well formed"
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return "it is no URL of http or https"
    if "@" in parts.netloc or not (url.isascii() and url.isprintable()):
        return "it holds a login, or characters that are not ASCII"
    return ""


def _webhook(text: str) -> str:
    text = _text(text)
    # what stands behind the path is a secret more often than not, and belongs into a file
    if text and not text.startswith("/") and (webhook_fault(text) or "?" in text or "#" in text):
        raise ValueError
    return text


def _command(text: str) -> str:
    words = shlex.split(_text(text))
    if words and not words[0].startswith("/"):
        raise ValueError
    return _text(shlex.join(words))


def _events(text: str) -> str:
    named = [word.strip() for word in _text(text).split(",")]
    if named != ["all"] and not set(named) <= EVENTS.keys():
        raise ValueError
    return ",".join(named)


class Setting(NamedTuple):
    """One setting: how its text is read, its default, and what it is for."""

    parse: Callable[[str], Any]
    default: Any
    expected: str
    purpose: str


def _number(
    kind: type[int] | type[float], least: float, most: float, default: float, purpose: str
) -> Setting:
    """A setting that is a number within bounds."""

    def parse(text: str) -> float:
        value = kind(text)
        if not least <= value <= most:
            raise ValueError
        return value

    return Setting(parse, default, f"{least:g} to {most:g}", purpose)


SETTINGS: dict[str, Setting] = {
    "language": Setting(_language, "auto", "en, zh or auto", "language of messages"),
    "refresh_seconds": _number(float, 0.5, 86400, 2.0, "how often the dashboard asks the sites"),
    "concurrency": _number(int, 1, 100, 4, "sites that a rollout changes at once"),
    "guard_seconds": _number(
        float, 0.5, 86400, 300.0, "when a site reverts a release that nobody commits"
    ),
    "export_python": Setting(
        _text, "", "a file", "Python that has ultralytics, for model add of .pt files"
    ),
    "registry": Setting(
        _text, "", "HOST[:PORT][/PATH]", "registry that images are pushed to by default"
    ),
    "registry_ca": Setting(
        _text, "", "a file", "certificates of further authorities that registries may show"
    ),
    "insecure_registries": Setting(
        _text, "", "HOST[:PORT], separated by commas", "registries spoken to in plain HTTP"
    ),
    "notify_webhook": Setting(
        _webhook, "", "a URL, or a file of mode 0600 with one", "where notices are posted to"
    ),
    "notify_token_file": Setting(_text, "", "a file of mode 0600", "bearer token for the webhook"),
    "notify_ca": Setting(
        _text, "", "a file", "certificates of the authorities that the webhook may show"
    ),
    "notify_command": Setting(
        _command, "", "/PATH/PROGRAM WORDS", "program that gets notices as JSON on its stdin"
    ),
    "notify_events": Setting(
        _events, "all", f"all, or some of {','.join(EVENTS)}", "what notices are sent of"
    ),
    "notify_minutes": _number(
        int, 1, 10080, 10, "how long a site may be silent before that is told"
    ),
    "notify_hours": _number(
        int, 1, 8760, 24, "how old a rollout that waits may be before that is told"
    ),
    "collect_seconds": _number(float, 1, 3600, 15.0, "how often the controller asks the sites"),
}


class Value(NamedTuple):
    """A setting in force and where it came from."""

    name: str
    value: Any
    source: str


def config_path() -> Path:
    """The configuration file: in `YOLODEPLOY_HOME` where that is set, else in the XDG folder."""
    named = os.environ.get("YOLODEPLOY_HOME")
    if named:
        return Path(named).expanduser() / "config.toml"
    from platformdirs import user_config_path

    return user_config_path("yolodeploy", appauthor=False) / "config.toml"


def settings() -> dict[str, Value]:
    """Every setting in force.

    Raises:
        UsageError: `home.unknown_setting`, `home.bad_setting`, `home.bad_config`.
    """
    found = {name: Value(name, item.default, "default") for name, item in SETTINGS.items()}
    path = config_path()
    found |= _checked(_file(path), str(path))
    return found | _checked(_environment(), "environment")


def file_fault() -> UsageError | None:
    """What is wrong with the configuration file, for those who can do without it."""
    path = config_path()
    try:
        _checked(_file(path), str(path))
    except UsageError as error:
        return error
    return None


def language() -> str:
    """`en` or `zh`: the setting, else what the environment says; never an error.

    The environment's setting holds whatever is wrong with the file or with other settings.
    """
    given = {name: text for name, text in _environment().items() if name == "language"}
    try:
        found = _checked(given, "environment") or settings()
        wanted = str(found["language"].value)
    except UsageError:
        wanted = "auto"
    if wanted != "auto":
        return wanted
    locale = next(
        (os.environ[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if os.environ.get(name)), ""
    )
    return "zh" if locale.startswith("zh") else "en"


def set_value(name: str, text: str, *, dry_run: bool = False) -> Path:
    """Write one setting to the configuration file, which keeps mode 0600; returns its path.

    Raises:
        UsageError: As `settings`; nothing was written.
        Failed: `home.config_not_written`.
    """
    path = config_path()
    values = _checked(_file(path), str(path)) | _checked({name: text}, "argument")
    lines = [f"{key} = {_toml(item.value)}" for key, item in sorted(values.items())]
    if dry_run:
        return path
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = path.with_suffix(".new")
        draft.touch(mode=0o600)
        draft.write_text("\n".join(lines) + "\n")
        draft.replace(path)
    except OSError as error:
        raise Failed("home.config_not_written", path=path, reason=error.strerror) from error
    return path


def _file(path: Path) -> Mapping[str, Any]:
    import tomllib

    try:
        with path.open("rb") as stream:
            return tomllib.load(stream)
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError("home.bad_config", path=path, reason=error) from error


def _environment() -> dict[str, str]:
    prefix = "YOLODEPLOY_"
    return {
        name.removeprefix(prefix).lower(): text
        for name, text in os.environ.items()
        if name.startswith(prefix) and name.removeprefix(prefix).lower() in SETTINGS
    }


def _checked(given: Mapping[str, Any], source: str) -> dict[str, Value]:
    checked = {}
    for name, text in given.items():
        if name not in SETTINGS:
            nearest = difflib.get_close_matches(name.lower(), SETTINGS, n=1, cutoff=0.0)[0]
            raise UsageError("home.unknown_setting", source=source, name=name, nearest=nearest)
        setting = SETTINGS[name]
        try:
            checked[name] = Value(name, setting.parse(_written(name, text)), source)
        except ValueError as error:
            raise UsageError(
                "home.bad_setting", source=source, name=name, value=text, expected=setting.expected
            ) from error
    return checked


def _written(name: str, given: Any) -> str:
    """A value as text; a command may be written as a list of its words."""
    if name == "notify_command" and isinstance(given, list):
        return shlex.join(map(str, given))
    return str(given)


def _toml(value: object) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value)
