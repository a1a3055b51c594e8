"""Cameras as actions of the dashboard: with what it can ask for, and the defaults of the commands.

Passwords are not asked for here: a file holds them.
"""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

from yolodeploy.core.camera_address import shown_url
from yolodeploy.core.camera_waits import FOLLOWED_S, LOOKED_AT_S
from yolodeploy.core.errors import UsageError
from yolodeploy.core.site_settings import Camera
from yolodeploy.ops.cameras import Given, credentials_of, look_at, put

if TYPE_CHECKING:
    from yolodeploy.core.camera_trial import Found
    from yolodeploy.ops.home import Home
    from yolodeploy.ops.site_settings import Changed


def add(home: Home, site: str, words: str) -> Changed:
    """Add a camera: `NAME URL [--credentials-file=…] [--app=…] [--track]`.

    Raises:
        UsageError: `camera.form`; everything of `cameras.put`.
    """
    name, url, options = _parsed(words)
    fields: dict[str, Any] = {"url": url}
    if options.get("app"):
        fields["app"] = options["app"]
    if "track" in options:
        fields["track"] = True
    file = options.get("credentials-file")
    credentials = credentials_of(Path(file).expanduser()) if file else None
    return put(home, site, name, Given(fields, credentials), new=True, wait_s=FOLLOWED_S)


def test(home: Home, url: str) -> Found:
    """Look at a camera from this machine, without a password; raises as `cameras.look_at`."""
    return look_at(Camera(name="test", url=url), None, LOOKED_AT_S)


def command_words(words: str) -> str:
    """The same as words of `camera add`."""
    try:
        name, url, options = _parsed(words)
    except UsageError:
        return "NAME --url=URL"
    given = [f"--{option}={value}" if value else f"--{option}" for option, value in options.items()]
    return shlex.join([name, f"--url={shown_url(url) or 'URL'}", *given])


def _parsed(words: str) -> tuple[str, str, dict[str, str]]:
    given = shlex.split(words)
    options = dict(word[2:].partition("=")[::2] for word in given if word.startswith("--"))
    plain = [word for word in given if not word.startswith("--")]
    if len(plain) != 2:
        raise UsageError("camera.form")
    return plain[0], plain[1], options
