"""The site interface on one cluster."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import msgspec

from yolodeploy.core import tracks
from yolodeploy.core.capacity import Switching
from yolodeploy.core.cluster import BESIDE, SECRETS_FOLDER
from yolodeploy.core.errors import Refused, UsageError, YolodeployError
from yolodeploy.core.kept_settings import Follower, KeptSettings, last_finished
from yolodeploy.core.logs import LogQuery
from yolodeploy.core.release import Release, ReleaseSpec
from yolodeploy.core.sentences import sentence, sentence_of, words
from yolodeploy.core.serving import DetectResponse
from yolodeploy.core.shadowing import ShadowReport
from yolodeploy.core.site import (
    AppState,
    DeviceState,
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
from yolodeploy.sites.engine_sources import Sources
from yolodeploy.sites.interface import ALL_LOGS
from yolodeploy.sites.kubernetes import (
    figures,
    following,
    mark,
    places,
    records,
    states,
)
from yolodeploy.sites.kubernetes.access import Way
from yolodeploy.sites.kubernetes.asking import Asking
from yolodeploy.sites.kubernetes.connection import AT_ONCE, Connection
from yolodeploy.sites.kubernetes.drafts import Drafts
from yolodeploy.sites.kubernetes.engines import Engines
from yolodeploy.sites.kubernetes.fitting import Fitting
from yolodeploy.sites.kubernetes.images import GUARD_FILE, KEEPER_FILE, Images
from yolodeploy.sites.kubernetes.kept_settings import Settings, check, check_fits
from yolodeploy.sites.kubernetes.logs import Following, last_lines
from yolodeploy.sites.kubernetes.manifests import Manifests, Object
from yolodeploy.sites.kubernetes.objects import Node, Pod
from yolodeploy.sites.kubernetes.quotas import full_quota
from yolodeploy.sites.kubernetes.records import each
from yolodeploy.sites.kubernetes.room import is_heard
from yolodeploy.sites.kubernetes.seen import Running, Seen, unless_forbidden
from yolodeploy.sites.kubernetes.servers import Servers
from yolodeploy.sites.kubernetes.setups import Setups
from yolodeploy.sites.kubernetes.switching import deployment_of

T = TypeVar("T")


class KubernetesSite:
    """One cluster; see `sites.interface.Site` for what each method promises.

    `name_of` gives the name of an image by its digest, as pods ask for it (`HOST/REPOSITORY`);
    `folder` is `k3s/`, `layout` the image layout; `sources` are
    where engines can be had beside the cluster itself.
    """

    def __init__(
        self,
        name: str,
        way: Way,
        layout: Path,
        folder: Path,
        name_of: Callable[[str], str],
        sources: Sources | None = None,
    ) -> None:
        self.name = name
        self.connection = Connection(name, way)
        self._fenced_off = 0
        self._seen = Seen(self.connection)
        self._manifests = Manifests(folder)
        self._servers = Servers(self.connection)
        self._settings = Settings(self.connection)
        self.setups = Setups(self.connection, self._manifests, self._settings)
        self.fitting = Fitting(self.connection, self._seen, self.setups)
        self._images = Images(
            self.connection, layout, name_of, self._manifests, self.setups, self.fitting
        )
        self.engines = Engines(
            self.connection, self._seen, self.setups, self.fitting, self._manifests, sources,
            lambda image: self._images.knows(image, KEEPER_FILE),
        )  # fmt: skip
        self._drafts = Drafts(
            self.connection, self._manifests, self._images, self.setups, self.fitting,
            self._settings,
        )  # fmt: skip
        self._asking = Asking(
            self.connection, self._manifests, self._drafts, self.setups, self.fitting,
            self._settings,
        )  # fmt: skip

    # how it is -------------------------------------------------------------------------------

    def observe(self) -> SiteState:
        """How the site is now."""
        found = self._seen.mark()
        nodes = self._seen.nodes()
        now = self.connection.now()
        seen = each(found.apps, self._app)
        instances = tuple(item for _, mine in seen for item in mine)
        unseen = () if nodes is not None else ("nodes",)
        return SiteState(
            site=self.name,
            at=now,
            lease=found.lease,
            devices=figures.unseen_devices(instances) if nodes is None else self._devices(nodes),
            apps=tuple(app for app, _ in seen),
            instances=instances,
            cluster=figures.of_cluster(instances, self.connection.ends(), unseen),
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
        if begin := self._begin_to_look(settings):
            following.demand_leases(self.followers(), begin, self.name)
        return self._replaced(settings)

    def keep_settings(
        self, wanted: KeptSettings, secrets: Mapping[str, bytes], fence: Fence
    ) -> KeptSettings:
        """Put settings in force, in every app."""
        settings = check(wanted.text, self.name)
        anew, apps = self._replaced(settings), self._mine()
        before = last_finished(self.settings()).text
        # on the way back one app that refuses must not keep the others from it
        if wanted.text != before:
            for app in apps:  # what would be refused then is now
                self.setups.try_out(app, settings, wanted.text)
        now = self._settings.keep(wanted, secrets, apps, fence)
        places.forget(self.connection, places.added(check(before, self.name), settings))
        refused: list[Refused] = []
        for app in apps:
            try:
                self._asking.follow(app, anew=app in anew)
            except Refused as error:
                if error.code == "site.fenced":
                    raise
                refused.append(error)
        if refused:
            raise refused[0]
        return now

    def finish_settings(self, kept: KeptSettings, fence: Fence) -> None:
        """Note that the version in force was seen through."""
        self._settings.finish(kept.number, fence)

    def compared(self, app: str) -> Sequence[ShadowReport]:
        """What every pod that mirrors says of how the second server answers."""
        pods = [pod for pod in self._seen.pods(app) if not states.is_beside(pod)]
        return self._servers.compared(app, pods)

    def followers(self) -> Sequence[Follower]:
        """What every server that is ready says of settings and cameras."""
        apps = self._mine()
        pods = each(apps, lambda app: following.ready(app, self._seen.pods(app)))
        with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
            asked = pool.map(lambda pair: following.follower(self.connection, *pair), pods)
        found = [follower for follower in asked if follower is not None]
        answered = {follower.app for follower in found}
        silent = [app for app in apps if app not in answered and self._shall_look(app)]
        return [*found, *map(following.nobody, silent)]

    def watch(self, since: int) -> Sequence[SiteEvent]:
        """Events after a sequence number, or all."""
        told = each(self._seen.apps(), lambda app: [records.events(self.connection, app)])
        if any(0 < one.counted < since for one in told):
            since = 0
        found = [event for one in told for event in one.events if event.sequence > since]
        return sorted(found, key=lambda event: event.sequence)

    def releases(self, app: str) -> Sequence[Release]:
        """Releases that the site has kept, newest first."""
        return records.releases(self.connection, app)

    def sketches(self) -> Sequence[StageReport]:
        """What every instance that answers has measured."""
        return self._servers.reports(each(self._seen.apps(), self._running))

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
        fence = mark.claim(self.connection, holder, seconds, take_over=take_over)
        # the claim that made it may have got no answer, or its process may have died behind it
        if fence.number != self._fenced_off:
            apps = mark.read(self.connection).apps
            each(apps, lambda app: [records.fence_off(self.connection, app, fence.number)])
            self._fenced_off = fence.number
        return fence

    def release_lease(self, fence: Fence) -> None:
        """Give the lease back."""
        mark.give_back(self.connection, fence)

    def switching(self, spec: ReleaseSpec) -> Switching:
        """How the site would go to a release, by what its nodes have free."""
        found = self.engines.switching(spec)
        if self._images.lacks_base(spec.image):
            none = Refused("kubernetes.no_base", site=self.name, image=spec.image, app=spec.app)
            return msgspec.structs.replace(found, blocked=words(sentence_of(none)))
        if not found.beside or self._images.knows(spec.image, GUARD_FILE):
            return found
        old = sentence("plan.old_server")
        return msgspec.structs.replace(found, beside=False, beside_all=False, no_room=old)

    def lacking_bytes(self, spec: ReleaseSpec) -> int:
        """The image's size for every node that does not name it; of some layers it may have."""
        return self._images.lacking_bytes(spec)

    def prefetch(self, spec: ReleaseSpec) -> Prefetched:
        """Have every node that may run it pull the image."""
        moved = self._images.prefetch(spec)
        image = self._images.name(spec)
        told = self.engines.bring(spec, image, lambda: self._told(spec))
        return msgspec.structs.replace(moved, engine=told)

    def apply(self, intent: Intent, fence: Fence) -> None:
        """Store the intent, and do it or place its guard."""
        self._asking.ask(intent, fence)

    def detect(self, instance: InstanceState, picture: bytes) -> DetectResponse:
        """Send one picture to one instance."""
        return self._servers.detect(instance, picture)

    def draw(self, instance: InstanceState, picture: bytes) -> bytes:
        """Send one picture to one instance; the picture with everything drawn in."""
        return self._servers.draw(instance, picture)

    def objects(self, release: Release) -> list[Object]:
        """Exactly what would be applied for a release now, in order."""
        app = release.spec.app
        setup = self.fitting.setup_for(app, (release,))
        config, deployment = self._drafts.config(release), self._drafts.deployment(release, setup)
        return [*self.setups.around(app, setup), config, deployment]

    # inside ----------------------------------------------------------------------------------

    def _devices(self, nodes: Sequence[Node]) -> tuple[DeviceState, ...]:
        usages = self._seen.usages()
        gpus = self._seen.gpus() if any(map(figures.has_gpus, nodes)) else {}
        return tuple(figures.device(node, usages, gpus) for node in nodes)

    def _mine(self) -> list[str]:
        """The apps that were asked for here, and where this account may do something."""

        def known(app: str) -> list[str]:
            return [app] if records.read(self.connection, app) is not None else []

        return each(self._seen.apps(), known)

    def _replaced(self, settings: SiteSettings) -> list[str]:
        return [app for app in self._mine() if self._asking.replaced(app, settings)]

    def _begin_to_look(self, settings: SiteSettings) -> set[str]:
        """The apps that get their first camera."""
        before, now = (
            {str(camera.app) for camera in each.cameras}
            for each in (self._settings.in_force(), settings)
        )
        return now - before

    def _shall_look(self, app: str) -> bool:
        """Whether servers shall run that have cameras."""
        found = deployment_of(self.connection, app)
        if not found or not found.spec.replicas or following.is_blind(found):
            return False
        return self._settings.looks(app)

    def _app(self, app: str) -> list[tuple[AppState, list[InstanceState]]]:
        """One app and its instances; nothing where it has no record."""
        kept = records.read(self.connection, app)
        if kept is None:
            return []
        found, guards = self._seen.pods_and_guards(app)
        pods = self._not_given_up(found)
        deployment, beside = deployment_of(self.connection, app), None
        if tracks.is_beside(kept.record) or any(map(states.is_beside, pods)):
            beside = deployment_of(self.connection, app, BESIDE)
        now = self.connection.now()
        state = states.app_state(kept.record, pods, deployment, now, beside)
        instances = [states.instance_state(pod, app) for pod in pods]
        if not state.settled:
            full = self._full_quota(app) if states.lacks_guard(kept.record, guards) else ""
            instances += states.complaints(kept.record, guards, (deployment, beside), full)
        return [(state, instances)]

    def _not_given_up(self, pods: Sequence[Pod]) -> list[Pod]:
        """Pods, but for those that were to end on a node that is silent.

        They end when it is heard again, or forgotten; nobody can wait for that.
        """
        if not any(pod.metadata.deletion_timestamp for pod in pods):
            return list(pods)  # a second list of nodes doubled what a poll costs
        silent = {node.metadata.name for node in self._seen.nodes() or () if not is_heard(node)}
        return [
            pod for pod in pods
            if not (pod.metadata.deletion_timestamp and pod.spec.node_name in silent)
        ]  # fmt: skip

    def _full_quota(self, app: str) -> str:
        return unless_forbidden(lambda: full_quota(self.connection, app)) or ""

    def _running(self, app: str) -> list[tuple[str, Running]]:
        return [(app, pod) for pod in self._seen.running(app)]

    def _wanted(self, wanted: LogQuery) -> list[Pod]:
        """The pods whose logs are asked for."""
        apps = [app for app in self._seen.apps() if wanted.app in (None, app)]
        return [
            pod for pod in each(apps, self._seen.pods)
            if wanted.wants(pod.metadata.namespace, pod.spec.node_name)
        ]  # fmt: skip

    def _told(self, spec: ReleaseSpec) -> str:
        """What servers of a release are told."""
        told: str = self._drafts.config(Release(0, spec))["data"]["serve.json"]
        return told
