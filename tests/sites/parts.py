"""What tests of sites share: a site that is asked directly, and hands on its processes."""

from __future__ import annotations

import http.client
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeVar
from urllib.parse import urlsplit

import pytest

from yolodeploy.core.beside import Beside
from yolodeploy.core.release import Release
from yolodeploy.core.sentences import Sentence
from yolodeploy.core.site import AppState, Fence, Guard, InstanceState, Intent, Phase, SiteEvent
from yolodeploy.inventory.connection import read_inventory
from yolodeploy.inventory.releases import get_release
from yolodeploy.ops import site_settings
from yolodeploy.ops.home import Home
from yolodeploy.sites.embedded import lifecycle
from yolodeploy.sites.embedded.ending import processes_of
from yolodeploy.sites.embedded.site import EmbeddedSite
from yolodeploy.sites.embedded.supervisor import AGENT, Supervisor, supervisor_pid

APP = "brake-disc"
LIMIT_S = 180.0

T = TypeVar("T")


def until(found: Callable[[], T], what: str, limit_s: float = LIMIT_S) -> T:
    """Wait for something that is true, and return it; the machine may be slow, but not for ever."""
    deadline = time.monotonic() + limit_s
    while not (value := found()):
        assert time.monotonic() < deadline, f"after {limit_s:g} s still not: {what}"
        time.sleep(0.05)
    return value


def impatient_with(monkeypatch: pytest.MonkeyPatch, camera: str) -> None:
    """Who waits for settings to be followed stops as soon as a camera alone is at fault.

    And says why: so a command may be told to wait for longer than a busy machine takes.
    """
    judged, passed_s = site_settings._trouble, [0.0]

    def trouble(*seen: Any) -> list[Sentence]:
        found = judged(*seen)
        if found and all(
            f"camera {camera}: " in str(one) and "nothing came" not in str(one) for one in found
        ):
            passed_s[0] += 3600.0
        return found

    clock = SimpleNamespace(monotonic=lambda: time.monotonic() + passed_s[0], sleep=time.sleep)
    monkeypatch.setattr(site_settings, "_trouble", trouble)
    monkeypatch.setattr(site_settings, "time", clock)


def alive(pid: int) -> bool:
    """Whether a process runs (a zombie does not)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def kill(pid: int) -> None:
    """As the out-of-memory killer does it."""
    os.kill(pid, signal.SIGKILL)
    until(lambda: not alive(pid), f"process {pid} is gone")


def answer(url: str, body: bytes | None = None, path: str = "/readyz") -> int:
    """The HTTP status of one request on a connection of its own."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=LIMIT_S)
    try:
        connection.request("POST" if body is not None else "GET", path, body)
        response = connection.getresponse()
        response.read()
        return response.status
    finally:
        connection.close()


class Bench:
    """One embedded site, asked as an operator asks it, with hands on its processes."""

    def __init__(self, home: Home, name: str) -> None:
        self.home = home
        self.name = name
        self.root = home.site(name)
        self.site = EmbeddedSite(name, self.root, home.layout)
        self.folder = self.site.folder

    def release(self, alias: str) -> Release:
        """A release of the inventory."""
        with read_inventory(self.home.inventory) as inventory:
            return get_release(inventory, alias)

    def commit(self, release: Release | None, fence: Fence | None = None) -> Fence:
        """Bring a release and wait until it is there."""
        fence = fence or self.site.claim("test", 60.0)
        if release is not None:
            self.site.prefetch(release.spec)
        self.site.apply(Intent(app=APP, release=release), fence)
        self.settled(release)
        return fence

    def trial(
        self, release: Release, previous: Release | None, guard_s: float, fence: Fence
    ) -> Intent:
        """Put a release on trial; what `commit` would have to say is returned."""
        self.site.prefetch(release.spec)
        intent = Intent(app=APP, release=release, previous=previous, guard=Guard(guard_s))
        self.site.apply(intent, fence)
        return Intent(app=APP, release=release, previous=previous)

    def tried(self, new: Release, old: Release, way: Beside, fence: Fence) -> AppState:
        """Put a release on trial beside the one that serves, and wait until both are ready."""
        self.site.prefetch(new.spec)
        guard = Guard(3600.0)
        self.site.apply(Intent(app=APP, release=new, previous=old, guard=guard, beside=way), fence)
        app = self.settled(new, Phase.TRIAL)
        assert (app.previous, app.beside, app.serving) == (old, way, old)
        return app

    def app(self, name: str = APP) -> AppState:
        """The app as the site sees it."""
        found = self.site.observe().app(name)
        assert found is not None
        return found

    def settled(self, release: Release | None, phase: Phase | None = None) -> AppState:
        """Wait until a release runs, alone and ready."""

        def there() -> AppState | None:
            app = self.app()
            right = app.release == release and app.settled and phase in (None, app.phase)
            return app if right else None

        return until(there, f"{release.alias if release else 'nothing'} is settled")

    def instances(self) -> tuple[InstanceState, ...]:
        """All that the site keeps."""
        return self.site.observe().instances

    def only_instance(self) -> InstanceState:
        """The one instance that there is."""
        (instance,) = self.instances()
        return instance

    def events(self, code: str) -> list[SiteEvent]:
        """Events of one code."""
        return [event for event in self.site.watch(0) if event.code == code]

    def pid(self, instance: str) -> int:
        """The process of an instance, or of the agent; 0 while it has none."""
        process = Supervisor(self.folder, self.name).processes().get(instance)
        return process.pid if process is not None else 0

    @property
    def agent(self) -> int:
        """The agent's process."""
        return self.pid(AGENT)

    @property
    def supervisor(self) -> int:
        """The supervisor's process."""
        return supervisor_pid(self.folder)

    def processes(self) -> list[int]:
        """All of the site's processes that the system knows."""
        return processes_of(self.folder)

    def start(self) -> None:
        lifecycle.start(self.root, self.name)

    def stop(self) -> None:
        lifecycle.stop(self.root, self.name)

    def remove(self) -> None:
        lifecycle.remove(self.root, self.name)
