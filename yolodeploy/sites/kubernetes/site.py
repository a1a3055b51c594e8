"""The site interface on one cluster."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import msgspec

from yolodeploy.core.capacity import Switching
from yolodeploy.core.cluster import SECRETS_FOLDER
from yolodeploy.core.errors import Failed, Refused, UsageError, YolodeployError
from yolodeploy.core.kept_settings import Follower, KeptSettings
from yolodeploy.core.logs import LogQuery
from yolodeploy.core.release import Release, ReleaseSpec
from yolodeploy.core.reports import broken, read_report
from yolodeploy.core.serving import DetectResponse, ErrorResponse
from yolodeploy.core.site import (
    AppState,
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
from yolodeploy.oci.layout import Layout
from yolodeploy.sites.interface import ALL_LOGS
from yolodeploy.sites.kubernetes import figures, following, mark, prefetching, records, states
from yolodeploy.sites.kubernetes.access import Way
from yolodeploy.sites.kubernetes.asking import Asking
from yolodeploy.sites.kubernetes.connection import AT_ONCE, Connection
from yolodeploy.sites.kubernetes.fitting import Fitting
from yolodeploy.sites.kubernetes.kept_settings import Settings, check, check_fits
from yolodeploy.sites.kubernetes.lists import listed
from yolodeploy.sites.kubernetes.logs import Following, last_lines
from yolodeploy.sites.kubernetes.manifests import Manifests, Object
from yolodeploy.sites.kubernetes.objects import Pod, WholeNode, WholeNodes
from yolodeploy.sites.kubernetes.paths import NODES, place
from yolodeploy.sites.kubernetes.seen import MOMENT_S, Seen
from yolodeploy.sites.kubernetes.setups import Setups
from yolodeploy.sites.kubernetes.switching import deployment_of

SCRAPE_S = 3.0
LARGEST_ANSWER = 8 << 20
LARGEST_PICTURE = 64 << 20  # 50 megapixels as JPEG


T = TypeVar("T")


class KubernetesSite:
    """One cluster; see `sites.interface.Site` for what each method promises.

    `name_of` gives the name of an image by its digest, as pods ask for it (`HOST/REPOSITORY`);
    `folder` is `k3s/`, `layout` the image layout, which knows how large images are.
    """

    def __init__(
        self,
        name: str,
        way: Way,
        layout: Path,
        folder: Path,
        name_of: Callable[[str], str],
    ) -> None:
        self.name = name
        self.connection = Connection(name, way)
        self._seen = Seen(self.connection)
        self._manifests = Manifests(folder)
        self._layout = layout
        self._name_of = name_of
        self._settings = Settings(self.connection)
        self.setups = Setups(self.connection, self._manifests, self._settings)
        self.fitting = Fitting(self.connection, self._seen, self.setups)
        self._asking = Asking(
            self.connection, self._manifests, self._image_of, self.setups, self.fitting,
            self._settings,
        )  # fmt: skip

    # how it is -------------------------------------------------------------------------------

    def observe(self) -> SiteState:
        """How the site is now."""
        found = self._seen.mark()
        nodes = self._seen.nodes()
        now = self.connection.now()
        seen = self._each(found.apps, self._app)
        usages = self._seen.usages()
        instances = tuple(item for _, mine in seen for item in mine)
        return SiteState(
            site=self.name,
            at=now,
            lease=found.lease,
            devices=tuple(figures.device(node, usages) for node in nodes),
            apps=tuple(app for app, _ in seen),
            instances=instances,
            cluster=figures.of_cluster(instances, *self.connection.ends()),
        )

    def settings_fault(self) -> YolodeployError | None:
        """What is wrong with the settings that are kept here."""
        try:
            self._settings.in_force()
        except UsageError as error:
            return error
        return None

    def settings(self) -> Sequence[KeptSettings]:
        """Versions of the settings, the one in force first."""
        return self._settings.history().versions

    def secret_path(self, name: str) -> str:
        """Where servers find a secret."""
        return f"{SECRETS_FOLDER}/{name}"

    def replaced(self, settings: SiteSettings) -> Sequence[str]:
        """The apps whose pods are replaced so that they can follow settings."""
        check_fits(settings, self.name)
        return [app for app in self._mine() if self._asking.replaced(app, settings)]

    def keep_settings(
        self, wanted: KeptSettings, secrets: Mapping[str, bytes], fence: Fence
    ) -> KeptSettings:
        """Put settings in force, in every app."""
        settings = check(wanted.text, self.name)
        anew, apps = self.replaced(settings), self._mine()
        for app in apps:
            self._settings.reach(settings, app)  # what would be refused then is now
        now = self._settings.keep(wanted, secrets, apps, fence)
        for app in apps:
            self._asking.follow(app, anew=app in anew)
        return now

    def followers(self) -> Sequence[Follower]:
        """What every server that is ready says of settings and cameras."""
        apps = self._mine()
        pods = self._each(apps, lambda app: following.ready(app, self._seen.pods(app)))
        with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
            asked = pool.map(lambda pair: following.follower(self.connection, *pair), pods)
        found = [follower for follower in asked if follower is not None]
        answered = {follower.app for follower in found}
        silent = [app for app in apps if app not in answered and self._shall_look(app)]
        return [*found, *map(following.nobody, silent)]

    def watch(self, since: int) -> Sequence[SiteEvent]:
        """Events after a sequence number."""
        found = self._each(
            self._seen.apps(), lambda app: records.events(self.connection, app, since)
        )
        return sorted(found, key=lambda event: event.sequence)

    def releases(self, app: str) -> Sequence[Release]:
        """Releases that the site has kept, newest first."""
        return records.releases(self.connection, app)

    def sketches(self) -> Sequence[StageReport]:
        """What every instance that answers has measured."""
        pods = self._each(self._seen.apps(), self._running)
        with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
            reports = pool.map(lambda pair: self._report(*pair), pods)
        return [report for report in reports if report is not None]

    def logs(self, wanted: LogQuery = ALL_LOGS) -> Iterator[LogLine]:
        """The last lines of each pod's log."""
        with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
            for lines in pool.map(
                lambda pod: last_lines(self.connection, pod, wanted), self._wanted(wanted)
            ):
                yield from lines

    def follow(
        self, wanted: LogQuery, stop: threading.Event
    ) -> Iterator[LogLine | YolodeployError | None]:
        """Every new line of each pod's log."""
        return Following(self.connection, lambda: self._wanted(wanted), wanted, stop).lines()

    # how it shall be -------------------------------------------------------------------------

    def claim(self, holder: str, seconds: float, *, take_over: bool = False) -> Fence:
        """Take or extend the lease."""
        fence, new = mark.claim(self.connection, holder, seconds, take_over=take_over)
        if new:
            apps = mark.read(self.connection).apps
            self._each(apps, lambda app: [records.fence_off(self.connection, app, fence.number)])
        return fence

    def release_lease(self, fence: Fence) -> None:
        """Give the lease back."""
        mark.give_back(self.connection, fence)

    def switching(self, spec: ReleaseSpec) -> Switching:
        """How the site would go to a release, by what its nodes have free."""
        return self.fitting.switching(spec)

    def lacking_bytes(self, spec: ReleaseSpec) -> int:
        """The image's size for every node that does not name it; of some layers it may have."""
        image = self._image(spec)
        lacking = [node for node in self._candidates(spec) if prefetching.lacks(node, image)]
        return self._size(spec.image) * len(lacking)

    def prefetch(self, spec: ReleaseSpec) -> Prefetched:
        """Have every node that may run it pull the image."""
        image = self._image(spec)
        nodes = self._candidates(spec)
        lacking = [node for node in nodes if prefetching.lacks(node, image)]
        jobs = self._prefetch_jobs(spec, image, lacking) if lacking else []
        size = self._size(spec.image)
        return prefetching.bring(self.connection, jobs, size, len(nodes) - len(lacking))

    def apply(self, intent: Intent, fence: Fence) -> None:
        """Store the intent, and do it or place its guard."""
        self._asking.ask(intent, fence)

    def detect(self, instance: InstanceState, picture: bytes) -> DetectResponse:
        """Send one picture to one instance."""
        answer = self._picture(instance, "/detect", picture, LARGEST_ANSWER)
        try:
            return msgspec.json.decode(answer, type=DetectResponse)
        except msgspec.DecodeError as error:
            raise Failed("site.detect", instance=instance.name, status=200, reason=error) from error

    def draw(self, instance: InstanceState, picture: bytes) -> bytes:
        """Send one picture to one instance; the picture with everything drawn in."""
        return self._picture(instance, "/detect?format=annotated", picture, LARGEST_PICTURE)

    def objects(self, release: Release) -> list[Object]:
        """Exactly what would be applied for a release now, in order."""
        image = self._image_of(release)
        config = self._manifests.config(release, self.name, image, self.connection.now())
        app, way = release.spec.app, self.switching(release.spec)
        setup = self.fitting.setup_for(app, (release,))
        looks = self._settings.looks(app)
        deployment = self._manifests.deployment(release, image, way, setup, looks=looks)
        return [*self.setups.around(app, setup), config, deployment]

    # inside ----------------------------------------------------------------------------------

    def _each(self, apps: Sequence[str], ask: Callable[[str], Iterable[T]]) -> list[T]:
        """What every app answers, but for those where this account may do nothing."""
        found: list[T] = []
        for app in apps:
            try:
                found += ask(app)
            except Refused as error:
                if error.code != "kubernetes.forbidden":
                    raise
        return found

    def _mine(self) -> list[str]:
        """The apps that were asked for here, and where this account may do something."""

        def known(app: str) -> list[str]:
            return [app] if records.read(self.connection, app) is not None else []

        return self._each(self._seen.apps(), known)

    def _shall_look(self, app: str) -> bool:
        """Whether servers shall run that have cameras."""
        found = deployment_of(self.connection, app)
        return bool(found and found.spec.replicas) and self._settings.looks(app)

    def _app(self, app: str) -> list[tuple[AppState, list[InstanceState]]]:
        """One app and its instances; nothing where it has no record."""
        kept = records.read(self.connection, app)
        if kept is None:
            return []
        pods, guards = self._seen.pods(app), self._seen.guards(app)
        deployment = deployment_of(self.connection, app)
        state = states.app_state(kept.record, pods, deployment, self.connection.now())
        instances = [states.instance_state(pod, app) for pod in pods]
        if not state.settled:
            instances += states.complaints(kept.record, guards, deployment)
        return [(state, instances)]

    def _running(self, app: str) -> list[tuple[str, Pod]]:
        return [
            (app, pod) for pod in self._seen.pods(app, MOMENT_S) if pod.status.phase == "Running"
        ]

    def _wanted(self, wanted: LogQuery) -> list[Pod]:
        """The pods whose logs are asked for."""
        apps = [app for app in self._seen.apps() if wanted.app in (None, app)]
        return [
            pod for pod in self._each(apps, self._seen.pods)
            if wanted.wants(pod.metadata.namespace, pod.spec.node_name)
        ]  # fmt: skip

    def _candidates(self, spec: ReleaseSpec) -> list[WholeNode]:
        """The nodes that may run a release, with the images that they name."""
        names = {node.metadata.name for node in self.fitting.candidates(spec)}
        nodes = listed(self.connection, NODES, WholeNodes).items
        return [node for node in nodes if node.metadata.name in names]

    def _image(self, spec: ReleaseSpec) -> str:
        """As the release was brought here, where it was; names change, what runs must not."""
        kept = records.image_of(self.connection, spec.app, spec.digest)
        return kept or f"{self._name_of(spec.image)}@{spec.image}"

    def _image_of(self, release: Release) -> str:
        return self._image(release.spec)

    def _size(self, image: str) -> int:
        try:
            manifest = Layout(self._layout).read_manifest(image)
        except YolodeployError:
            return 0  # built elsewhere: nobody here knows
        return sum(layer.size for layer in manifest.layers)

    def _prefetch_jobs(
        self, spec: ReleaseSpec, image: str, nodes: Sequence[WholeNode]
    ) -> list[Object]:
        for item in self._manifests.surroundings(spec.app)[:2]:
            path = place(item["kind"], spec.app, item["metadata"]["name"])
            self.setups.check_namespace(spec.app)
            self.connection.apply(path, item)
        names = [
            (node.metadata.labels or {}).get("kubernetes.io/hostname", node.metadata.name)
            for node in nodes
        ]
        return [
            self._manifests.prefetch(spec.digest, spec.app, image, name, number)
            for number, name in enumerate(names)
        ]

    def _report(self, app: str, pod: Pod) -> StageReport | None:
        """What a pod has measured, under the names that it has here."""
        path = f"{states.proxy(app, pod.metadata.name)}/sketches"
        names = StageReport(
            site=self.name,
            device=pod.spec.node_name,
            instance=pod.metadata.name,
            app=app,
            release=states.release_of(pod),
        )
        try:
            answer = self.connection.call(
                "GET", path, limit_s=SCRAPE_S, largest=LARGEST_ANSWER, tries=1
            )
        except YolodeployError as error:
            # else it is being replaced, or broken; its state says which
            return broken(names, error.text()) if error.code == "kubernetes.too_large" else None
        return read_report(answer, names)

    def _picture(self, instance: InstanceState, path: str, picture: bytes, largest: int) -> bytes:
        status, answer = self.connection.ask(
            "POST",
            f"{states.proxy(instance.app, instance.name)}{path}",
            body=picture,
            content_type="application/octet-stream",
            largest=largest,
        )
        if status == 200:
            return answer
        try:
            reason = msgspec.json.decode(answer, type=ErrorResponse).text
        except msgspec.DecodeError:
            reason = answer[:200].decode(errors="replace")
        raise Failed("site.detect", instance=instance.name, status=status, reason=reason)
