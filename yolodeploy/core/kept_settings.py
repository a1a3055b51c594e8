"""Site settings as a site keeps them: versions apart from releases, and how servers follow them."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from yolodeploy.core.camera_state import CameraState
from yolodeploy.core.decoding import known
from yolodeploy.core.digests import digest_of
from yolodeploy.core.sentences import Sentence
from yolodeploy.core.serving import ServerInfo
from yolodeploy.core.text import one_line

VERSIONS_KEPT = 20
LARGEST_SECRET = 64 << 10  # bytes; what a server reads of one


class KeptSettings(msgspec.Struct, frozen=True, kw_only=True):
    """One version. `text` is TOML as a server reads it; `at` is Unix seconds, by the site's clock.

    `by` says who asked for it, `note` what for, and `said` the same for readers of any language
    (older versions have none). Number 0 stands for settings that nobody kept.
    `unfinished`: not in all of the site yet, or nobody has seen what came of it; it stays so of one
    that went back, or whose operator was killed.
    """

    number: int = 0
    at: float = 0.0
    by: str = ""
    note: str = ""
    text: str = ""
    unfinished: bool = False
    said: Sentence | msgspec.UnsetType = msgspec.UNSET

    def told(self, language: str) -> str:
        """What it is for, in a language."""
        return self.said.text(language) if self.said else self.note

    @property
    def digest(self) -> str:
        """What servers that follow it name; empty for no settings at all."""
        return digest_of(self.text.encode()) if self.text else ""


def last_finished(versions: Iterable[KeptSettings]) -> KeptSettings:
    """The newest that was seen through: what a change begins with, and goes back to."""
    return next((each for each in versions if not each.unfinished), KeptSettings())


class Follower(msgspec.Struct, frozen=True, kw_only=True):
    """How one server follows the site's settings.

    `settings` is the digest of the text that it follows (empty: none; None: it does not say, being
    of an older version), `error` why it does not follow the present one. `leases`: it agrees with
    servers of other machines who reads a camera.
    """

    device: str
    instance: str
    app: str
    settings: str | None
    error: str
    cameras: tuple[CameraState, ...]
    version: str = ""
    leases: bool = True


def follower_of(
    info: ServerInfo, device: str, instance: str, app: str, cameras: tuple[CameraState, ...]
) -> Follower:
    """What a server says of itself, as that of an instance."""
    return Follower(
        device=device,
        instance=instance,
        app=app,
        settings=None if info.settings is msgspec.UNSET else info.settings,
        error="" if info.settings_error is msgspec.UNSET else info.settings_error,
        cameras=cameras,
        version=one_line(info.version, 40),
        leases=info.leases is True,
    )


def secret_name(name: str, content: bytes) -> str:
    """A name for one content of a secret: an undo finds the old one under its own."""
    return f"{name}-{digest_of(content).removeprefix('sha256:')[:10]}"


known(KeptSettings)
