"""The site interface on processes of this machine."""

from __future__ import annotations

import random
import socket
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, suppress
from pathlib import Path

from yolodeploy.core.capacity import Switching
from yolodeploy.core.errors import Unreachable, YolodeployError
from yolodeploy.core.kept_settings import Follower, KeptSettings
from yolodeploy.core.logs import LogQuery
from yolodeploy.core.release import Release, ReleaseSpec
from yolodeploy.core.sentences import sentence
from yolodeploy.core.serving import DetectResponse
from yolodeploy.core.shadowing import ShadowReport
from yolodeploy.core.site import (
    Fence,
    InstanceState,
    Intent,
    LogLine,
    Prefetched,
    SiteEvent,
    SiteState,
    StageReport,
)
from yolodeploy.core.site_settings import SiteSettings
from yolodeploy.sites.embedded import servers, states
from yolodeploy.sites.embedded.clock import boot, since_boot
from yolodeploy.sites.embedded.content import lacking, place
from yolodeploy.sites.embedded.folder import SiteFolder
from yolodeploy.sites.embedded.kept_settings import fault, finish, keep, kept_settings
from yolodeploy.sites.embedded.launch import is_apart
from yolodeploy.sites.embedded.logs import InstanceLog
from yolodeploy.sites.embedded.placing import shares_on
from yolodeploy.sites.embedded.store import InstanceRow, Store, write_intent
from yolodeploy.sites.embedded.supervisor import Supervisor
from yolodeploy.sites.interface import ALL_LOGS

FOLLOW_S = 0.3  # a person waits for the line
GIVEN = Path("/proc/sys/net/ipv4/ip_local_port_range")
FIRST_PORT, LAST_PORT = 20_000, 30_000  # from there on are the NodePorts of a cluster
TRIES = 100
AGENT_SILENT_S = 3.0  # it says every second that it lives; after this the supervisor is asked


class EmbeddedSite:
    """One embedded site; see `sites.interface.Site` for what each method promises.

    `root` is the site's folder, `layout` the image layout that `prefetch` takes from.
    """

    def __init__(self, name: str, root: Path, layout: Path) -> None:
        self.name = name
        self.folder = SiteFolder(root)
        self._layout = layout

    # how it is -------------------------------------------------------------------------------

    def observe(self) -> SiteState:
        """How the site is now; unreachable when its supervisor does not run."""
        with closing(self._store()) as store:
            self._check_alive(store)
            now = since_boot()
            with store.snapshot():
                instances = list(store.instances().values())
                apps = tuple(
                    states.app_state(app, row, store.ports(app), now)
                    for app, row in store.apps().items()
                )
                names = store.devices()
                lease = store.lease()
        wanted = {app.app: app.serving.digest for app in apps if app.serving is not None}
        devices = tuple(states.device_state(name, instances, wanted) for name in names)
        return SiteState(
            site=self.name,
            at=time.time(),
            lease=lease,
            devices=devices,
            apps=apps,
            instances=tuple(map(states.instance_state, instances)),
        )

    def sketches(self) -> Sequence[StageReport]:
        """What every instance that answers has measured."""
        found = (servers.report(self.name, self.folder, row) for row in self._answering())
        return [report for report in found if report is not None]

    def watch(self, since: int) -> Sequence[SiteEvent]:
        """Events after a sequence number, or all."""
        with closing(self._store()) as store:
            return store.events(since)

    def releases(self, app: str) -> Sequence[Release]:
        """Releases that the site has kept, newest first."""
        with closing(self._store()) as store:
            return store.releases(app)

    def settings(self) -> Sequence[KeptSettings]:
        """Versions of the settings, the one in force first."""
        return kept_settings(self.folder)

    def settings_fault(self) -> YolodeployError | None:
        """What is wrong with the site's file of settings."""
        return fault(self.folder)

    # pictures --------------------------------------------------------------------------------

    def detect(self, instance: InstanceState, picture: bytes) -> DetectResponse:
        """Send one picture to one instance."""
        return servers.detect(instance, picture)

    def draw(self, instance: InstanceState, picture: bytes) -> bytes:
        """Send one picture to one instance; the picture with everything drawn in."""
        return servers.draw(instance, picture)

    # who may change it -----------------------------------------------------------------------

    def claim(self, holder: str, seconds: float, *, take_over: bool = False) -> Fence:
        """Take or extend the lease."""
        with closing(self._store()) as store:
            self._check_alive(store)
            return store.claim(holder, time.time(), seconds, take_over=take_over)

    def release_lease(self, fence: Fence) -> None:
        """Give the lease back."""
        with closing(self._store()) as store:
            store.give_back(fence)

    # its settings ----------------------------------------------------------------------------

    def secret_path(self, name: str) -> str:
        """Where servers find a secret."""
        return str(self.folder.secrets.absolute() / name)

    def replaced(self, settings: SiteSettings) -> Sequence[str]:
        """None: servers follow as they are."""
        return ()

    def keep_settings(
        self, wanted: KeptSettings, secrets: Mapping[str, bytes], fence: Fence
    ) -> KeptSettings:
        """Write the file that the servers look at."""
        with closing(self._store()) as store, store.transaction():
            store.check_fence(fence)
            return keep(self.folder, wanted, secrets)

    def finish_settings(self, kept: KeptSettings, fence: Fence) -> None:
        """Note that the version in force was seen through."""
        with closing(self._store()) as store, store.transaction():
            store.check_fence(fence)
            finish(self.folder, kept)

    def followers(self) -> Sequence[Follower]:
        """What every server that answers says of settings and cameras."""
        # a shadow knows of no settings: it follows nothing
        rows = [row for row in self._answering() if row.ready and not is_apart(row.name)]
        return [found for found in map(servers.follower, rows) if found is not None]

    # its releases ----------------------------------------------------------------------------

    def switching(self, spec: ReleaseSpec) -> Switching:
        """Beside what runs: this machine's processes share what there is.

        Traffic goes to who listens on a device's port, and who does so cannot be made to let go
        and come back: what is there already takes over from nobody at once.
        """
        with closing(self._store()) as store:
            shares = shares_on(len(store.devices()))
        return Switching(beside=True, no_room=sentence("plan.not_at_once"), shares=shares)

    def lacking_bytes(self, spec: ReleaseSpec) -> int:
        """Bytes of the image's server and model layers that are not unpacked here."""
        return lacking(self._layout, self.folder, spec.image)

    def prefetch(self, spec: ReleaseSpec) -> Prefetched:
        """Unpack the layers that are missing, digests checked."""
        return place(self._layout, self.folder, spec.image)

    def apply(self, intent: Intent, fence: Fence) -> None:
        """Store the intent; the agent does the rest."""
        with closing(self._store()) as store:
            self._check_alive(store)
            write_intent(
                store,
                intent,
                fence,
                boot=boot(),
                now=since_boot(),
                at=time.time(),
                free_port=free_port,
            )

    def compared(self, app: str) -> Sequence[ShadowReport]:
        """What every instance that answers says of its shadow."""
        rows = [row for row in self._answering() if row.app == app]
        return [found for found in map(servers.compared, rows) if found is not None]

    # logs ------------------------------------------------------------------------------------

    def logs(self, wanted: LogQuery = ALL_LOGS) -> Iterator[LogLine]:
        """The last lines of each instance's log."""
        for log in self._logs(wanted).values():
            yield from log.new()[-wanted.lines :]

    def follow(
        self, wanted: LogQuery, stop: threading.Event
    ) -> Iterator[LogLine | YolodeployError | None]:
        """Every new line of each instance's log."""
        followed: dict[str, InstanceLog] = {}
        while not stop.is_set():
            followed = self._logs(wanted) | followed
            for log in followed.values():
                yield from log.new()
            yield None
            stop.wait(FOLLOW_S)

    # inside ----------------------------------------------------------------------------------

    def _answering(self) -> list[InstanceRow]:
        """The instances that have an address."""
        with closing(self._store()) as store:
            return [row for row in store.instances().values() if row.url]

    def _logs(self, wanted: LogQuery) -> dict[str, InstanceLog]:
        with closing(self._store()) as store:
            rows = [row for row in store.instances().values() if wanted.wants(row.app, row.device)]
        return {row.name: InstanceLog(row, self.folder.log(row.name), wanted) for row in rows}

    def _store(self) -> Store:
        return Store(self.folder.database, self.name)

    def _check_alive(self, store: Store) -> None:
        silent = abs(time.time() - store.last_beat()) > AGENT_SILENT_S  # clocks are set back too
        if silent and not Supervisor(self.folder, self.name).running():
            raise Unreachable("site.stopped", site=self.name, reason="no supervisor")


def free_port() -> int:
    """A TCP port on loopback that nobody has now, of those that the kernel gives to no connection.

    What connects from a port keeps servers from it, for a minute after its end as well: an app
    that is started again in that minute could not have its own.
    """
    given_from = int(GIVEN.read_text().split()[0]) if GIVEN.exists() else LAST_PORT
    ports = range(FIRST_PORT, min(given_from, LAST_PORT))
    for _ in range(TRIES if ports else 0):
        if _is_free(port := random.choice(ports)):  # noqa: S311 no secret
            return port
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        any_port: int = probe.getsockname()[1]
    return any_port


def _is_free(port: int) -> bool:
    with socket.socket() as probe, suppress(OSError):
        probe.bind(("127.0.0.1", port))
        return True
    return False
