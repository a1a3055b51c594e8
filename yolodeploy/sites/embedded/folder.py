"""Where an embedded site keeps its things; one folder, and a socket elsewhere if it is deep."""

from __future__ import annotations

import hashlib
import os
import stat
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from yolodeploy.core.errors import Refused

SOCKET_LINE = "file="
"""How the supervisor's configuration says where its socket is."""

_LONGEST_SOCKET = 95
"""Bytes: a socket's path may have 107, and the supervisor makes it under a longer name."""


class SiteFolder(NamedTuple):
    """The folder of one site. Paths only; nothing is touched."""

    root: Path

    @property
    def database(self) -> Path:
        """What was asked for and what came of it: the site's own memory."""
        return self.root / "site.db"

    @property
    def supervisor_config(self) -> Path:
        """The supervisor's configuration."""
        return self.root / "supervisord.conf"

    @property
    def supervisor_pid(self) -> Path:
        """Which process the supervisor is, as it writes itself."""
        return self.root / "supervisord.pid"

    @property
    def lock(self) -> Path:
        """Held by who starts or stops the site."""
        return self.root / "lock"

    @property
    def supervisor_log(self) -> Path:
        """The supervisor's own log."""
        return self.root / "logs" / "supervisord.log"

    @property
    def programs(self) -> Path:
        """One file an instance, which the supervisor includes."""
        return self.root / "programs"

    @property
    def layers(self) -> Path:
        """Unpacked layers by digest: the site's content store."""
        return self.root / "layers"

    @property
    def instances(self) -> Path:
        """One folder an instance: its configuration and its state."""
        return self.root / "instances"

    @property
    def settings(self) -> Path:
        """The site's own settings: cameras, and where their results go. It need not be there."""
        return self.root / "settings.toml"

    @property
    def kept_settings(self) -> Path:
        """One file a version of the settings."""
        return self.root / "settings.d"

    @property
    def secrets(self) -> Path:
        """Passwords and authorities that the settings name."""
        return self.root / "secrets"

    def spools(self, app: str, device: str) -> Path:
        """What an app's servers of a device have not delivered yet, whatever their release."""
        return self.root / "spools" / f"{app}.{device}"

    @property
    def claims(self) -> Path:
        """Who reads which camera."""
        return self.root / "claims"

    def log(self, instance: str) -> Path:
        """The log of one instance."""
        return self.root / "logs" / f"{instance}.log"

    @property
    def socket(self) -> Path:
        """The supervisor's socket, where the supervisor that was started last was told to make it.

        Whoever asks finds the same: a unit of systemd has a /tmp of its own, and a login a
        XDG_RUNTIME_DIR.
        """
        with suppress(OSError):
            for line in self.supervisor_config.read_text().splitlines():
                if line.startswith(SOCKET_LINE):
                    return Path(line.removeprefix(SOCKET_LINE).replace("%%", "%"))
        return self.place_for_socket()

    def place_for_socket(self) -> Path:
        """Where the next supervisor makes its socket: in the folder, unless that is too deep.

        Raises:
            Refused: `site.runtime_folder`.
        """
        inside = self.root.resolve() / "supervisor.sock"
        if len(os.fsencode(inside)) <= _LONGEST_SOCKET:
            return inside
        name = hashlib.sha256(os.fsencode(self.root.resolve())).hexdigest()[:20]
        return _runtime_folder() / f"{name}.sock"

    def create(self) -> None:
        """Make the folders, for this user alone."""
        for folder in (self.root, self.programs, self.layers, self.instances, self.root / "logs"):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def _runtime_folder() -> Path:
    """A short folder that only this user can enter.

    Raises:
        Refused: `site.runtime_folder`, somebody else made a folder of that name.
    """
    given = os.environ.get("XDG_RUNTIME_DIR", "")
    base = Path(given) if len(given) in range(1, 60) and os.access(given, os.W_OK) else None
    folder = (base or Path(tempfile.gettempdir())) / f"yolodeploy-{os.getuid()}"
    if len(os.fsencode(folder)) > 70:
        folder = Path("/tmp") / folder.name  # noqa: S108 (checked below)
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise Refused("site.runtime_folder", folder=folder)
    return folder
