"""The level-triggered interface that every kind of site implements.

Written with two implementations in mind: server processes on this machine, and a Kubernetes
cluster behind a bad link. Hence: every call may be repeated; no call relies on an earlier one
of the same process; everything that must survive the caller lives in the site.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

from yolodeploy.core.capacity import Switching
from yolodeploy.core.errors import YolodeployError
from yolodeploy.core.kept_settings import Follower, KeptSettings
from yolodeploy.core.logs import LogQuery
from yolodeploy.core.release import Release, ReleaseSpec
from yolodeploy.core.serving import DetectResponse
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

ALL_LOGS = LogQuery()


class Site(Protocol):
    """One cluster.

    Every method raises `Unreachable` (`site.unreachable`) when the site does not answer.
    """

    name: str

    def observe(self) -> SiteState:
        """How the site is now."""
        ...

    def claim(self, holder: str, seconds: float, *, take_over: bool = False) -> Fence:
        """Take the site's lease and a fence above all earlier ones; again extends it.

        Raises:
            Refused: `site.leased`, another holder's lease has not run out (unless `take_over`).
        """
        ...

    def release_lease(self, fence: Fence) -> None:
        """Give the lease back; harmless when it was lost meanwhile."""
        ...

    def switching(self, spec: ReleaseSpec) -> Switching:
        """How the site would replace what runs by a release, and the outage to be expected."""
        ...

    def lacking_bytes(self, spec: ReleaseSpec) -> int:
        """How many bytes `prefetch` would move, over all devices."""
        ...

    def prefetch(self, spec: ReleaseSpec) -> Prefetched:
        """Bring the release's image to every device and check its digests. Runs nothing.

        Raises:
            Corrupt: `oci.*`, a blob is not what its digest says.
        """
        ...

    def apply(self, intent: Intent, fence: Fence) -> None:
        """Make it so. Returns when the intent is stored in the site, not when it is reached.

        Raises:
            Refused: `site.fenced`, somebody claimed the site after `fence` was given.
        """
        ...

    def detect(self, instance: InstanceState, picture: bytes) -> DetectResponse:
        """Send one picture to one instance.

        Raises:
            Failed: `serve.*`, the server refused the picture or broke.
        """
        ...

    def draw(self, instance: InstanceState, picture: bytes) -> bytes:
        """The same picture with everything that is found in it drawn in, as JPEG.

        Raises:
            Failed: `serve.*`, the server refused the picture or broke.
        """
        ...

    def sketches(self) -> Sequence[StageReport]:
        """What every instance has measured so far; those that do not answer are left out.

        Of one that answers something else there is a report without epochs, whose `fault` says so.
        """
        ...

    def settings_fault(self) -> YolodeployError | None:
        """What is wrong with the site's own settings: no server starts with them."""
        ...

    def settings(self) -> Sequence[KeptSettings]:
        """Versions of the site's settings, the one in force first; none where there never were any.

        Raises:
            UsageError: `camera.settings_unreadable`.
        """
        ...

    def secret_path(self, name: str) -> str:
        """Where the site's servers find a secret that `keep_settings` brings."""
        ...

    def replaced(self, settings: SiteSettings) -> Sequence[str]:
        """The apps whose running servers are replaced when these settings are kept.

        Raises:
            UsageError: `camera.cluster_unfit`, the site cannot have them.
            Refused: `camera.held`, an app must not be touched now.
        """
        ...

    def keep_settings(
        self, wanted: KeptSettings, secrets: Mapping[str, bytes], fence: Fence
    ) -> KeptSettings:
        """Put settings in force under a new number, and the secrets that they name with them.

        Returns when they are stored in the site, not when its servers follow them.

        Raises:
            Refused: `site.fenced`, somebody claimed the site after `fence` was given.
            Failed: `camera.settings_unwritten`.
        """
        ...

    def followers(self) -> Sequence[Follower]:
        """How every server that is ready follows the settings, and how its cameras are."""
        ...

    def watch(self, since: int) -> Sequence[SiteEvent]:
        """Events after sequence number `since`, oldest first."""
        ...

    def logs(self, wanted: LogQuery = ALL_LOGS) -> Iterator[LogLine]:
        """The last lines of the servers' logs, instance by instance."""
        ...

    def follow(
        self, wanted: LogQuery, stop: threading.Event
    ) -> Iterator[LogLine | YolodeployError | None]:
        """The last lines and then every new one, each once, until `stop` is set.

        Instances that come are followed as well. A link that is cut is told as an error, once, and
        taken up again. None is given now and then, where nothing is written.
        """
        ...

    def releases(self, app: str) -> Sequence[Release]:
        """The releases that the site has kept of an app, newest first: its own history."""
        ...
