"""The site interface on processes of this machine."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path

import msgspec

from yolodeploy.core.camera_state import CameraState
from yolodeploy.core.capacity import Switching
from yolodeploy.core.errors import Failed, Unreachable, UsageError, YolodeployError
from yolodeploy.core.kept_settings import Follower, KeptSettings, follower_of
from yolodeploy.core.logs import LogQuery
from yolodeploy.core.release import Release, ReleaseSpec
from yolodeploy.core.reports import broken, read_report
from yolodeploy.core.serving import DetectResponse, ErrorResponse, ServerInfo
from yolodeploy.core.settings_content import LARGEST, demand_camera_library, settings_of
from yolodeploy.core.site import (
    AppState,
    DeviceState,
    Fence,
    InstanceState,
    Intent,
    LogLine,
    Phase,
    Prefetched,
    SiteEvent,
    SiteState,
    StageReport,
)
from yolodeploy.core.site_settings import SiteSettings
from yolodeploy.sites.embedded.clock import boot, since_boot
from yolodeploy.sites.embedded.content import lacking, place
from yolodeploy.sites.embedded.folder import SiteFolder
from yolodeploy.sites.embedded.kept_settings import keep, kept_settings
from yolodeploy.sites.embedded.launch import identity
from yolodeploy.sites.embedded.logs import InstanceLog
from yolodeploy.sites.embedded.probe import LARGEST_PICTURE, Answer, request
from yolodeploy.sites.embedded.store import AppRow, InstanceRow, Store, write_intent
from yolodeploy.sites.embedded.supervisor import Supervisor
from yolodeploy.sites.embedded.usage import usage
from yolodeploy.sites.interface import ALL_LOGS

FOLLOW_S = 0.3  # a person waits for the line
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
                    _app_state(app, row, store.ports(app), now) for app, row in store.apps().items()
                )
                names = store.devices()
                lease = store.lease()
        wanted = {app.app: app.release.digest for app in apps if app.release is not None}
        devices = tuple(_device_state(name, instances, wanted) for name in names)
        return SiteState(
            site=self.name,
            at=time.time(),
            lease=lease,
            devices=devices,
            apps=apps,
            instances=tuple(map(_instance_state, instances)),
        )

    def settings_fault(self) -> YolodeployError | None:
        """What is wrong with the site's file of settings."""
        path = self.folder.settings
        try:
            with path.open("rb") as file:
                settings = settings_of(file.read(LARGEST + 1), path)
            demand_camera_library(settings)  # its servers run in this Python
        except FileNotFoundError:
            return None
        except OSError as error:
            return UsageError("camera.settings_unreadable", path=path, reason=error.strerror)
        except YolodeployError as fault:
            return fault
        return None

    def settings(self) -> Sequence[KeptSettings]:
        """Versions of the settings, the one in force first."""
        return kept_settings(self.folder)

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

    def followers(self) -> Sequence[Follower]:
        """What every server that answers says of settings and cameras."""
        with closing(self._store()) as store:
            instances = [item for item in store.instances().values() if item.url and item.ready]
        return [found for item in instances if (found := _follower(item)) is not None]

    def watch(self, since: int) -> Sequence[SiteEvent]:
        """Events after a sequence number."""
        with closing(self._store()) as store:
            return store.events(since)

    def releases(self, app: str) -> Sequence[Release]:
        """Releases that the site has kept, newest first."""
        with closing(self._store()) as store:
            return store.releases(app)

    def sketches(self) -> Sequence[StageReport]:
        """What every instance that answers has measured."""
        with closing(self._store()) as store:
            instances = [item for item in store.instances().values() if item.url]
        reports = (self._report(item) for item in instances)
        return [report for report in reports if report is not None]

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

    def _report(self, item: InstanceRow) -> StageReport | None:
        counted = identity(self.folder, item.name)
        if counted is None:
            return None
        names = StageReport(
            site=self.name,
            device=item.device,
            instance=counted,
            app=item.app,
            release=item.release,
        )
        try:
            answer = request(f"{item.url}/sketches", timeout_s=2.0)
        except Failed as error:
            return broken(names, error.text())
        except YolodeployError:
            return None  # it is being replaced, or broken; its state says which
        return read_report(answer.body, names) if answer.status == 200 else None

    # how it shall be -------------------------------------------------------------------------

    def claim(self, holder: str, seconds: float, *, take_over: bool = False) -> Fence:
        """Take or extend the lease."""
        with closing(self._store()) as store:
            self._check_alive(store)
            return store.claim(holder, time.time(), seconds, take_over=take_over)

    def release_lease(self, fence: Fence) -> None:
        """Give the lease back."""
        with closing(self._store()) as store:
            store.give_back(fence)

    def switching(self, spec: ReleaseSpec) -> Switching:
        """Beside what runs: this machine's processes share what there is."""
        return Switching()

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

    def detect(self, instance: InstanceState, picture: bytes) -> DetectResponse:
        """Send one picture to one instance."""
        answer = request(f"{instance.url}/detect", body=picture, who=instance.name)
        if answer.status != 200:
            raise _refused(instance, answer)
        try:
            return msgspec.json.decode(answer.body, type=DetectResponse)
        except msgspec.DecodeError as error:  # a server of another version, or a broken one
            raise _refused(instance, answer) from error

    def draw(self, instance: InstanceState, picture: bytes) -> bytes:
        """Send one picture to one instance; the picture with everything drawn in."""
        answer = request(
            f"{instance.url}/detect?format=annotated",
            body=picture,
            who=instance.name,
            largest=LARGEST_PICTURE,
        )
        if answer.status != 200:
            raise _refused(instance, answer)
        return answer.body

    # inside ----------------------------------------------------------------------------------

    def _logs(self, wanted: LogQuery) -> dict[str, InstanceLog]:
        with closing(self._store()) as store:
            instances = [
                item for item in store.instances().values() if wanted.wants(item.app, item.device)
            ]
        return {
            item.name: InstanceLog(item, self.folder.log(item.name), wanted) for item in instances
        }

    def _store(self) -> Store:
        return Store(self.folder.database, self.name)

    def _check_alive(self, store: Store) -> None:
        silent = abs(time.time() - store.last_beat()) > AGENT_SILENT_S  # clocks are set back too
        if silent and not Supervisor(self.folder, self.name).running():
            raise Unreachable("site.stopped", site=self.name, reason="no supervisor")


def _refused(instance: InstanceState, answer: Answer) -> Failed:
    try:
        reason = msgspec.json.decode(answer.body, type=ErrorResponse).text
    except msgspec.DecodeError as error:
        reason = str(error)
    return Failed("site.detect", instance=instance.name, status=answer.status, reason=reason)


def _follower(instance: InstanceRow) -> Follower | None:
    """One that does not answer is being replaced, or broken; its state says which."""
    try:
        info = msgspec.json.decode(request(f"{instance.url}/info").body, type=ServerInfo)
        cameras = msgspec.json.decode(
            request(f"{instance.url}/cameras").body, type=tuple[CameraState, ...]
        )
    except (YolodeployError, msgspec.DecodeError):
        return None
    return follower_of(info, instance.device, instance.name, instance.app, cameras)


def free_port() -> int:
    """A TCP port on loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def _phase(row: AppRow) -> Phase:
    if row.reverted:
        return Phase.REVERTED if row.settled else Phase.REVERTING
    if row.intent.release is None and row.settled:
        return Phase.ABSENT
    if not row.settled:
        return Phase.SWITCHING
    return Phase.TRIAL if row.intent.guard else Phase.COMMITTED


def _app_state(app: str, row: AppRow, ports: dict[str, int], now: float) -> AppState:
    guarded = row.intent.guard is not None and not row.reverted and row.guard_until is not None
    return AppState(
        app=app,
        phase=_phase(row),
        release=row.target,
        previous=row.intent.previous,
        settled=row.settled,
        guard_left_s=max((row.guard_until or 0.0) - now, 0.0) if guarded else None,
        reason=row.reason,
        outage_s=round(row.outage_s, 1),
        endpoints=tuple(f"http://127.0.0.1:{port}" for port in ports.values()),
    )


def _instance_state(row: InstanceRow) -> InstanceState:
    return InstanceState(
        name=row.name,
        device=row.device,
        app=row.app,
        release=row.release,
        ready=row.ready,
        restarts=row.restarts,
        started_at=row.started_at,
        url=row.url,
        reason=row.reason,
    )


def _device_state(
    name: str, instances: Sequence[InstanceRow], wanted: dict[str, str]
) -> DeviceState:
    """A device is ready when the wanted instance of every app on it is."""
    mine = [item for item in instances if item.device == name]
    lacking_apps = [
        app
        for app, release in wanted.items()
        if not any(item.app == app and item.release == release and item.ready for item in mine)
    ]
    reasons = [item.reason for item in mine if item.app in lacking_apps and item.reason]
    used = [usage(item.pid) for item in mine if item.pid]
    return DeviceState(
        name=name,
        ready=not lacking_apps,
        reason=reasons[0] if reasons else ("starting" if lacking_apps else ""),
        cpu_percent=round(sum(item.cpu_percent for item in used), 1),
        memory_mb=round(sum(item.memory_mb for item in used), 1),
    )
