"""Storing what is asked of an app, and doing it: at once, or by its guard."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from yolodeploy.core import cluster
from yolodeploy.core.cluster import Record, Target
from yolodeploy.core.errors import NotFound, Refused, Unreachable
from yolodeploy.core.release import Release
from yolodeploy.core.site import Fence, Intent
from yolodeploy.core.site_settings import SiteSettings
from yolodeploy.sites.kubernetes import mark, records
from yolodeploy.sites.kubernetes.connection import Connection
from yolodeploy.sites.kubernetes.egress import outside
from yolodeploy.sites.kubernetes.fitting import Fitting
from yolodeploy.sites.kubernetes.kept_settings import Settings
from yolodeploy.sites.kubernetes.manifests import Manifests, Object
from yolodeploy.sites.kubernetes.paths import place, place_of
from yolodeploy.sites.kubernetes.records import Kept
from yolodeploy.sites.kubernetes.setups import Setups
from yolodeploy.sites.kubernetes.switching import deployment_of, switch

TRIES = 8


class Asking:
    """One site's way from an intent to objects.

    `image_of` gives the whole reference of a release's image.
    """

    def __init__(
        self,
        connection: Connection,
        manifests: Manifests,
        image_of: Callable[[Release], str],
        setups: Setups,
        fitting: Fitting,
        settings: Settings,
    ) -> None:
        self._connection = connection
        self._manifests = manifests
        self._image_of = image_of
        self._setups = setups
        self._fitting = fitting
        self._settings = settings

    def ask(self, intent: Intent, fence: Fence) -> None:
        """See `Site.apply`.

        Raises:
            Refused: `site.fenced`, `site.reverted`; `kubernetes.not_ours`, the namespace is
                somebody else's; `kubernetes.conflict`, so is a field of the Deployment.
        """
        for _ in range(TRIES):
            # read before the fence is compared: who claims the site after that changes it
            before = records.read(self._connection, intent.app)
            mark.step(self._connection, fence, intent.app)
            try:
                kept = self._stored(intent, fence, before)
            except Refused as error:
                if error.code != "kubernetes.changed":
                    raise
                continue
            self._do(kept)
            return
        raise Unreachable("kubernetes.contended", site=self._connection.site, tries=TRIES)

    def replaced(self, app: str, settings: SiteSettings) -> bool:
        """Whether an app's pods are replaced so that they can follow settings.

        Raises:
            Refused: `camera.held`, a trial is on.
        """
        found = deployment_of(self._connection, app)
        if found is None or not outside(settings, app).looks:
            return False
        volumes = found.spec.template.spec.volumes or ()
        if any(volume.name == cluster.ACCOUNT_VOLUME for volume in volumes):
            return False
        kept = records.read(self._connection, app)
        if kept is not None and kept.record.intent.guard is not None:
            reason = f"a trial of {app} is on, or ended and was not followed by another release"
            raise Refused("camera.held", site=self._connection.site, reason=reason)
        return True

    def follow(self, app: str, *, anew: bool) -> None:
        """Bring settings to an app, and what its servers need for them; `anew`: in other pods.

        Raises:
            Refused: `site.fenced`; `kubernetes.conflict`, somebody else manages a field.
        """
        for item in self._setups.surroundings(app, self._setups.of(app)):
            self._connection.apply(place_of(item), item)
        self._settings.spread(app)
        kept = records.read(self._connection, app)
        if anew and kept is not None and kept.record.intent.release is not None:
            self._keep(kept.record.intent.release)
            switch(self._connection, self._deployment(kept.record.intent.release), kept)

    def _stored(self, intent: Intent, fence: Fence, before: Kept | None) -> Kept:
        known = before.record if before else None
        if before and known is not None and known.intent == intent:
            return before  # as it is asked for already
        commits = known is not None and _commits(known.intent, intent)
        if known is not None and commits and known.reverted:
            site = self._connection.site
            raise Refused("site.reverted", site=site, app=intent.app, reason=known.reason)
        if known is None or not _ends(known.intent, intent):
            self._prepare(intent)
        # for every guard that is there: should the link go now, it does what is asked here
        target = Target(
            self._deployment(intent.release) if intent.release else None,
            self._deployment(intent.previous) if intent.previous else None,
        )
        record = Record(
            intent=intent,
            asking=known.asking + 1 if known else 1,
            fence=fence.number,
            outage_s=known.outage_s if known is not None and commits else 0.0,
        )
        kept = records.write(self._connection, record, before, target)
        self._tell(intent, committed=commits)
        if known is not None and known.intent.guard is not None and known.guard_until is None:
            self._drop_guard(intent.app, known.asking)
        return kept

    def _do(self, kept: Kept) -> None:
        intent = kept.record.intent
        if intent.guard is None:
            wanted = self._deployment(intent.release) if intent.release else None
            switch(self._connection, wanted, kept)
            self._setups.reach(intent.app)
        elif not kept.record.reverted and intent.release is not None:
            image = self._image_of(intent.release)
            for item in self._manifests.guard(intent.app, image, kept.record.asking):
                self._connection.apply(place_of(item), item)

    def _drop_guard(self, app: str, asking: int) -> None:
        """A guard that has not begun may wait for its image for ever; others end by themselves."""
        with suppress(NotFound):
            self._connection.call(
                "DELETE",
                place("Job", app, f"{cluster.GUARD}-{asking}"),
                {"propagationPolicy": "Background"},
            )

    def _prepare(self, intent: Intent) -> None:
        """All that the switch needs but the switch itself; what would be refused then is now."""
        self._setups.check_namespace(intent.app)
        wanted = [each for each in (intent.previous, intent.release) if each is not None]
        setup = self._fitting.setup_for(intent.app, wanted)
        for item in self._setups.around(intent.app, setup):
            self._connection.apply(place_of(item), item)
        self._setups.settle(intent.app, setup)
        for release in wanted:
            self._keep(release)
        if intent.release is not None:
            draft = self._deployment(intent.release)
            self._connection.apply(place_of(draft), draft, dry_run=True)
        records.drop_old_releases(
            self._connection, intent.app, {release.digest for release in wanted}
        )

    def _keep(self, release: Release) -> None:
        connection = self._connection
        config = self._manifests.config(
            release, connection.site, self._image_of(release), connection.now()
        )
        connection.apply(place_of(config), config)

    def _deployment(self, release: Release) -> Object:
        way = self._fitting.switching(release.spec)
        setup = self._setups.of(release.spec.app)
        looks = self._settings.looks(release.spec.app)
        return self._manifests.deployment(release, self._image_of(release), way, setup, looks=looks)

    def _tell(self, intent: Intent, *, committed: bool) -> None:
        alias = intent.release.alias if intent.release else "nothing"
        code = "release.committed" if committed else "release.asked"
        records.add_event(self._connection, intent.app, code, f"{intent.app}: {alias}")


def _ends(trial: Intent, intent: Intent) -> bool:
    """Whether an intent commits or takes back the trial that is running: all it takes is there."""
    ends = trial.guard is not None and intent.guard is None
    return ends and intent.release in (trial.release, trial.previous)


def _commits(trial: Intent, intent: Intent) -> bool:
    """Whether an intent commits the trial that is running."""
    same = intent.release is not None and intent.release == trial.release
    return same and trial.guard is not None and intent.guard is None
