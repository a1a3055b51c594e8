"""What a site is asked for, and what it says of itself.

Both are levels, not edges: an intent says how the site shall be, a state how it is. Applying an
intent again is harmless, and a state needs no memory of earlier ones.
"""

from __future__ import annotations

from enum import Enum

import msgspec

from yolodeploy.core.beside import Beside, Way
from yolodeploy.core.decoding import known
from yolodeploy.core.nodes import ClusterFigures, DeviceLoad, NodeFigures
from yolodeploy.core.release import Release
from yolodeploy.core.sentences import Sentence
from yolodeploy.core.sketch import Stages


class Fence(msgspec.Struct, frozen=True):
    """The right to change one site: whoever holds the highest number. See DESIGN, decision 3."""

    number: int
    holder: str


class Lease(msgspec.Struct, frozen=True):
    """Who changes the site, since when and until when (Unix seconds, the site's clock)."""

    fence: Fence
    since: float
    until: float


class Guard(msgspec.Struct, frozen=True):
    """Reverts a release inside the site unless it is committed before the deadline.

    `seconds` run from the moment the site takes the intent, by the site's own monotonic clock:
    laptops and gateways do not agree on the time of day. The release's error and restart gates
    are watched meanwhile, and one that fails reverts at once.
    """

    seconds: float


class Intent(msgspec.Struct, frozen=True, kw_only=True):
    """How one app shall be on a site.

    `release` None means that the app shall not run there. A `guard` makes the release a trial, for
    which `previous` stays at hand; the same intent without one commits it.

    With `beside` a trial replaces nothing: `previous` goes on serving on all its instances, and
    `release` runs beside them. The same trial without it is the switch.
    """

    app: str
    release: Release | None
    previous: Release | None = None
    guard: Guard | None = None
    beside: Beside | msgspec.UnsetType = msgspec.UNSET


class Phase(Enum):
    """What an app on a site is doing."""

    ABSENT = "absent"
    SWITCHING = "switching"
    TRIAL = "trial"
    COMMITTED = "committed"
    REVERTING = "reverting"
    REVERTED = "reverted"


class InstanceState(msgspec.Struct, frozen=True, kw_only=True):
    """One server process (a pod, later).

    `release` is the digest of the release it runs; `restarts` counts since it was first started;
    `url` answers for this instance alone, whatever the site's traffic does. `reason` is why it is
    not ready, or why it was started again.
    """

    name: str
    device: str
    app: str
    release: str
    ready: bool
    restarts: int = 0
    started_at: float = 0.0
    url: str = ""
    reason: str = ""


class AppState(msgspec.Struct, frozen=True, kw_only=True):
    """One app on a site: what was asked for last, and how far that is.

    `release` is the current release (the one under trial during a trial), `previous` the one to
    go back to, `reason` why the guard reverted (`deadline`, or the name of a gate). With `beside`
    it is `previous` that serves; it is settled when all instances of both releases are ready.
    """

    app: str
    phase: Phase
    release: Release | None
    previous: Release | None = None
    settled: bool = False
    guard_left_s: float | None = None
    reason: str = ""
    outage_s: float = 0.0
    endpoints: tuple[str, ...] = ()
    beside: Beside | msgspec.UnsetType = msgspec.UNSET

    @property
    def serving(self) -> Release | None:
        """The release that the site's traffic goes to, but for a canary's share."""
        return self.release if self.beside is msgspec.UNSET else self.previous


class DeviceState(msgspec.Struct, frozen=True, kw_only=True):
    """One device of a site as the site sees it. `memory_mb` is what its processes use.

    `node` is what a cluster says of it beside that.
    """

    name: str
    ready: bool
    reason: str = ""
    cpu_percent: float = 0.0
    memory_mb: float = 0.0
    node: NodeFigures | None = None


def with_usage(device: DeviceState, node: NodeFigures) -> DeviceState:
    """A device of a cluster, with what is used of it."""
    used, whole = node.cpu_used_millis, node.cpu_millis
    return msgspec.structs.replace(
        device,
        cpu_percent=round(100 * used / whole, 1) if used is not None and whole else 0.0,
        memory_mb=float(node.memory_used_mb or 0),
        node=node,
    )


class SiteState(msgspec.Struct, frozen=True, kw_only=True):
    """All that a site says of itself at one moment (`at`: Unix seconds, the site's clock)."""

    site: str
    at: float
    lease: Lease | None
    devices: tuple[DeviceState, ...]
    apps: tuple[AppState, ...]
    instances: tuple[InstanceState, ...]
    cluster: ClusterFigures | None = None

    def app(self, name: str) -> AppState | None:
        """The state of one app, None where the site never heard of it."""
        return next((app for app in self.apps if app.app == name), None)

    def has_traffic(self, instance: InstanceState) -> bool:
        """Whether what comes to the app may come to an instance: copies do not count."""
        app = self.app(instance.app)
        if app is None or app.release is None or app.beside is msgspec.UNSET:
            return True
        return app.beside.way is Way.CANARY or instance.release != app.release.digest


class Epoch(msgspec.Struct, frozen=True, kw_only=True):
    """Cumulative counts of one life of a server process; `number` grows with each start."""

    number: int
    source: str
    requests: int
    failures: int
    stages: Stages


class StageReport(msgspec.Struct, frozen=True, kw_only=True):
    """What one instance has measured: its present epoch and the last ones before it.

    Counts only grow within an epoch, so a reader that remembers its last reading misses nothing
    and counts nothing twice, whoever was restarted meanwhile. `ready_s` is what its present life
    took from the process's start until it could answer, `gpu_memory_mb` the GPU memory it takes
    now, in MiB (where the driver does not tell processes apart, what all take); None: not known.
    `fault` is why a site holds what the instance answered for no report; then there are no epochs.
    `version` is the server's own, empty from one that does not say; `load` what it sees of its
    device, None from one that does not look.
    """

    site: str
    device: str
    instance: str
    app: str
    release: str
    epochs: tuple[Epoch, ...] = ()
    fault: str = ""
    ready_s: float | None = None
    gpu_memory_mb: float | None = None
    version: str = ""
    load: DeviceLoad | None = None


class SiteEvent(msgspec.Struct, frozen=True):
    """Something that happened inside a site; `sequence` grows, `at` is Unix seconds."""

    sequence: int
    at: float
    device: str
    code: str
    detail: str


class Prefetched(msgspec.Struct, frozen=True):
    """What it took to have a release's image on every device of a site, in bytes.

    `engine` is what came of its TensorRT engine, where it has one.
    """

    moved_bytes: int
    present_bytes: int
    engine: Sentence | None = None


class LogLine(msgspec.Struct, frozen=True):
    """One line of a server's log; `at` is when it was written (Unix seconds), 0 if nobody knows."""

    device: str
    instance: str
    text: str
    at: float = 0.0


known(Intent, SiteState, StageReport, SiteEvent)
