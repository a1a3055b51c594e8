"""Making, starting, stopping and removing an embedded site."""

from __future__ import annotations

import shutil
import sqlite3
import time
from contextlib import closing
from typing import TYPE_CHECKING

from yolodeploy.core.errors import Failed
from yolodeploy.oci.locks import locked
from yolodeploy.sites.embedded.folder import SiteFolder
from yolodeploy.sites.embedded.store import Store
from yolodeploy.sites.embedded.supervisor import Supervisor

if TYPE_CHECKING:
    from pathlib import Path


def create(root: Path, site: str, devices: list[str]) -> None:
    """Make a site and start it; a site that is there already is only started.

    Raises:
        Failed: `site.supervisor`, `site.not_created`.
    """
    folder = SiteFolder(root)
    try:
        folder.create()
        if not folder.database.exists():
            draft = folder.database.with_suffix(".new")
            draft.unlink(missing_ok=True)
            Store.create(draft, site, devices, time.time())
            draft.replace(folder.database)
    except (OSError, sqlite3.Error) as error:
        raise Failed("site.not_created", site=site, reason=error) from error
    start(root, site)


def start(root: Path, site: str) -> None:
    """Start the supervisor and the agent of a site, unless they run.

    Raises:
        Failed: `site.supervisor`.
        Refused: `oci.busy`, somebody else is starting it and does not come to an end.
    """
    folder = SiteFolder(root)
    supervisor = Supervisor(folder, site)
    with locked(folder.lock):
        if supervisor.running():
            return
        supervisor.stop()  # what an earlier one has left
        with closing(Store(folder.database, site)) as store:
            store.forget_processes()
        supervisor.start()


def stop(root: Path, site: str) -> None:
    """Stop every process of a site; what it knows stays.

    Raises:
        Failed: `site.supervisor`.
    """
    folder = SiteFolder(root)
    Supervisor(folder, site).stop()
    if folder.database.exists():
        with closing(Store(folder.database, site)) as store:
            store.beat(0.0)  # whoever asks now is told at once


def remove(root: Path, site: str) -> None:
    """Stop a site and leave nothing behind; harmless when there is none.

    Raises:
        Failed: `site.supervisor`.
    """
    folder = SiteFolder(root)
    Supervisor(folder, site).stop()
    folder.socket.unlink(missing_ok=True)
    if root.exists():
        shutil.rmtree(root)
