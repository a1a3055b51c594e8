"""Where everything is kept: one folder, `YOLODEPLOY_HOME`, else the XDG data folder."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from yolodeploy.core.errors import Failed


class Home(NamedTuple):
    """The folder; its parts are paths only."""

    root: Path

    @property
    def inventory(self) -> Path:
        """The SQLite file."""
        return self.root / "inventory.db"

    @property
    def layout(self) -> Path:
        """The OCI image layout."""
        return self.root / "images"

    @property
    def models(self) -> Path:
        """Model files by digest."""
        return self.root / "models"

    @property
    def engines(self) -> Path:
        """TensorRT engines on their way from one site to others."""
        return self.root / "engines"

    @property
    def bundles(self) -> Path:
        """What bundles brought beside images: a folder each, by digest."""
        return self.root / "bundles"

    @property
    def operations(self) -> Path:
        """One log an operation."""
        return self.root / "operations"

    @property
    def host_keys(self) -> Path:
        """The keys by which devices are known, as OpenSSH keeps them."""
        return self.root / "ssh" / "known_hosts"

    def site(self, name: str) -> Path:
        """The folder of a site."""
        return self.root / "sites" / name

    def kubeconfig(self, site: str) -> Path:
        """What kubectl needs to reach a site through a tunnel."""
        return self.site(site) / "kubeconfig"

    def create(self) -> Home:
        """Make the folder, for this user alone.

        Raises:
            Failed: `home.not_created`.
        """
        try:
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.operations.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise Failed("home.not_created", path=self.root, reason=error.strerror) from error
        return self


def home(given: str | None = None) -> Home:
    """The home folder in force: a given one, the environment's, or the default."""
    named = given or os.environ.get("YOLODEPLOY_HOME")
    if named:
        return Home(Path(named).expanduser().absolute())
    from platformdirs import user_data_path

    return Home(user_data_path("yolodeploy", appauthor=False))
