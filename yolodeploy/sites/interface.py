"""The level-triggered interface that every kind of site implements.

Written with two implementations in mind: server processes on this machine, and a Kubernetes
cluster behind a bad link. Hence: every call may be repeated; no call relies on an earlier one
of the same process; everything that must survive the caller lives in the site. Every method
raises `Unreachable` (`site.unreachable`) when the site does not answer.

`Site` is all of it. Who needs less asks for less, and its signature says how far it reaches: what
takes an `Observed` cannot change a site, what takes no `Moved` starts no release.
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

ALL_LOGS = LogQuery()


class Observed(Protocol):
    """How a site is, what happened there and what it keeps: anybody may ask, nothing is changed."""

    name: str

    def observe(self) -> SiteState:
        """How the site is now."""
        ...

    def sketches(self) -> Sequence[StageReport]:
        """What every instance has measured so far; those that do not answer are left out.

        Of one that answers something else there is a report without epochs, whose `fault` says so.
        """
        ...

    def watch(self, since: int) -> Sequence[SiteEvent]:
        """Events after sequence number `since`, oldest first.

        All of them, where the site has not counted that far: it was made again, or put back.
        """
        ...

    def releases(self, app: str) -> Sequence[Release]:
        """The releases that the site has kept of an app, newest first: its own history."""
        ...

    def settings(self) -> Sequence[KeptSettings]:
        """Versions of the site's settings, the one in force first; none where there never were any.

        Raises:
            UsageError: `camera.settings_unreadable`.
        """
        ...

    def settings_fault(self) -> YolodeployError | None:
        """What is wrong with the site's own settings: no server starts with them."""
        ...


class Detecting(Observed, Protocol):
    """A site whose servers are sent pictures; which instances there are is observed first."""

    def detect(self, instance: InstanceState, picture: bytes) -> DetectResponse:
        """Send one picture to one instance.

        Raises:
            Failed: `site.detect`, the server refused the picture or broke.
        """
        ...

    def draw(self, instance: InstanceState, picture: bytes) -> bytes:
        """The same picture with everything that is found in it drawn in, as JPEG.

        Raises:
            Failed: `site.detect`, the server refused the picture or broke.
        """
        ...


class Planned(Observed, Protocol):
    """A site that a release is planned for: what it would mean there."""

    def switching(self, spec: ReleaseSpec) -> Switching:
        """How the site would replace what runs by a release, and the outage to be expected."""
        ...

    def lacking_bytes(self, spec: ReleaseSpec) -> int:
        """How many bytes `prefetch` would move, over all devices."""
        ...


class Leased(Observed, Protocol):
    """A site that one operator at a time may change; the lease comes with the fence for it."""

    def claim(self, holder: str, seconds: float, *, take_over: bool = False) -> Fence:
        """Take the site's lease and a fence above all earlier ones; again extends it.

        Raises:
            Refused: `site.leased`, another holder's lease has not run out (unless `take_over`).
        """
        ...

    def release_lease(self, fence: Fence) -> None:
        """Give the lease back; harmless when it was lost meanwhile."""
        ...


class Configured(Leased, Protocol):
    """A site whose settings are changed, and followed by its servers."""

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

        It is written down as unfinished before anything is changed, and stays so until
        `finish_settings`. Returns when they are stored in the site, not when its servers follow.

        Raises:
            Refused: `site.fenced`, somebody claimed the site after `fence` was given.
            Failed: `camera.settings_unwritten`.
        """
        ...

    def finish_settings(self, kept: KeptSettings, fence: Fence) -> None:
        """Note that the version in force was seen through.

        Raises:
            Refused: `site.fenced`.
            Failed: `camera.settings_unwritten`.
        """
        ...

    def followers(self) -> Sequence[Follower]:
        """How every server that is ready follows the settings, and how its cameras are."""
        ...


class Moved(Planned, Leased, Protocol):
    """A site that is moved to a release."""

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

    def compared(self, app: str) -> Sequence[ShadowReport]:
        """What servers that mirror say of how the second one answers; others are left out."""
        ...


class Logged(Protocol):
    """A site whose servers' logs are read."""

    name: str

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


class Site(Detecting, Configured, Moved, Logged, Protocol):
    """One cluster."""
