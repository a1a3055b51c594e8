"""Storing what is asked of an app, and doing it: at once, or by its guard."""

from __future__ import annotations

from contextlib import suppress

import msgspec

from yolodeploy.core import cluster, tracks
from yolodeploy.core.beside import Beside, Way
from yolodeploy.core.cluster import Record, Target, job_of
from yolodeploy.core.errors import Failed, NotFound, Refused, Unreachable
from yolodeploy.core.release import Release, ReleaseSpec
from yolodeploy.core.site import Fence, Intent
from yolodeploy.core.site_settings import Camera, SiteSettings
from yolodeploy.sites.kubernetes import besides, mark, records
from yolodeploy.sites.kubernetes.besides import Besides
from yolodeploy.sites.kubernetes.connection import Connection
from yolodeploy.sites.kubernetes.drafts import Drafts
from yolodeploy.sites.kubernetes.egress import outside
from yolodeploy.sites.kubernetes.fitting import Fitting
from yolodeploy.sites.kubernetes.following import is_blind, old_servers
from yolodeploy.sites.kubernetes.kept_settings import Settings
from yolodeploy.sites.kubernetes.manifests import Manifests
from yolodeploy.sites.kubernetes.objects import Deployment, Job
from yolodeploy.sites.kubernetes.paths import place, place_of
from yolodeploy.sites.kubernetes.records import Kept
from yolodeploy.sites.kubernetes.setups import Setups
from yolodeploy.sites.kubernetes.switching import deployment_of, switch

TRIES = 8


class Asking:
    """One site's way from an intent to objects."""

    def __init__(
        self,
        connection: Connection,
        manifests: Manifests,
        drafts: Drafts,
        setups: Setups,
        fitting: Fitting,
        settings: Settings,
    ) -> None:
        self._connection = connection
        self._manifests = manifests
        self._drafts = drafts
        self._setups = setups
        self._fitting = fitting
        self._settings = settings
        self._besides = Besides(connection, manifests, drafts)

    def ask(self, intent: Intent, fence: Fence) -> None:
        """See `Site.apply`.

        Raises:
            Refused: `site.fenced`, `site.reverted`; `kubernetes.not_ours`, the namespace is
                somebody else's; `kubernetes.conflict`, so is a field of the Deployment.
        """
        if intent.previous is None:  # there is nothing to be beside of
            intent = msgspec.structs.replace(intent, beside=msgspec.UNSET)
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
            Refused: `camera.held`, a trial is on; `camera.old_servers`, they get no camera.
        """
        found = deployment_of(self._connection, app)
        if found is None:
            return False
        looks = outside(settings, app).looks
        if is_blind(found):
            if looks and _cameras(settings, app) != _cameras(self._settings.in_force(), app):
                raise old_servers(app, self._connection.site)
            return False
        volumes = found.spec.template.spec.volumes or ()
        if looks == any(volume.name == cluster.ACCOUNT_VOLUME for volume in volumes):
            return False
        kept = records.read(self._connection, app)
        if kept is not None and kept.record.intent.guard is not None:
            if not looks:
                return False  # what ends the trial takes the token away
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
            switch(self._connection, self._drafts.deployment(kept.record.intent.release), kept)

    def _stored(self, intent: Intent, fence: Fence, before: Kept | None) -> Kept:
        known = before.record if before else None
        if before and known is not None and known.intent == intent:
            return before  # as it is asked for already
        commits = known is not None and _commits(known.intent, intent)
        switches = known is not None and besides.switches(known.intent, intent)
        if known is not None and (commits or switches) and known.reverted:
            site = self._connection.site
            raise Refused("site.reverted", site=site, app=intent.app, reason=known.reason)
        if known is None or not _ends(known.intent, intent):
            self._prepare(intent)
        # the guard that is there goes on: another one's node has another clock
        goes_on = switches or intent.guard is None
        record = Record(
            intent=intent,
            asking=known.asking + 1 if known else 1,
            fence=fence.number,
            outage_s=known.outage_s if known is not None and (commits or switches) else 0.0,
            turns=True if known and besides.turns(known.intent, intent) else msgspec.UNSET,
            guarded_by=job_of(known) if known is not None and goes_on else msgspec.UNSET,
        )
        # for every guard that is there: should the link go now, it does what is asked here
        target = self._target(intent, besides.way_of(known.intent if known else None, intent))
        kept = records.write(self._connection, record, before, target)
        self._tell(intent, committed=commits)
        if known is not None and known.intent.guard is not None and known.guard_until is None:
            self._drop_guard(known, record)
        return kept

    def _target(self, intent: Intent, beside: Beside | None) -> Target:
        tried = intent.release if beside is not None else None
        mirrors = beside is not None and beside.way is Way.SHADOW
        return Target(
            self._drafts.deployment(intent.release) if intent.release else None,
            self._drafts.deployment(intent.previous) if intent.previous else None,
            self._drafts.beside(tried, beside) if tried and beside else None,
            self._manifests.service(intent.app),
            self._besides.mirror(intent.app, beside) if beside and mirrors else "",
        )

    def _do(self, kept: Kept) -> None:
        record, intent = kept.record, kept.record.intent
        left = self._besides.there(intent.app)
        if intent.guard is not None:
            if not record.reverted and intent.release is not None:
                beside = left is not None or tracks.is_beside(record)
                image = self._drafts.image(intent.release)
                self._place_guard(record, image, intent.release.spec, beside=beside)
            return
        try:
            if left is not None:
                # in the order in which nobody is left without an answer: who does that is inside
                image = records.image_of(self._connection, intent.app, _digest_of(left))
                known = records.releases(self._connection, intent.app)
                tried = next((one.spec for one in known if one.digest == _digest_of(left)), None)
                self._place_guard(record, image, tried, beside=True)
            else:
                wanted = self._drafts.deployment(intent.release) if intent.release else None
                switch(self._connection, wanted, kept)
            self._setups.reach(intent.app)
        except (Failed, NotFound, Refused) as error:
            runs = left or deployment_of(self._connection, intent.app)
            asked = intent.release.digest if intent.release is not None else ""
            if error.code == "site.fenced" or runs is None or _digest_of(runs) != asked:
                raise
            # it is committed: who takes this for a failure of that would take a good release back.
            # Of Deployments a guard does what is left, of the number of pods whoever asks next
            told = f"{intent.app}: {_alias(intent)} runs, but this was refused: {error}"
            records.add_event(self._connection, intent.app, "release.unfinished", told)

    def _place_guard(
        self, record: Record, image: str, spec: ReleaseSpec | None, *, beside: bool
    ) -> None:
        app = record.intent.app
        left_out = self._fitting.left_out(spec, image) if spec else ()
        *rights, job = self._manifests.guard(app, image, job_of(record), left_out, beside=beside)
        for item in rights:
            self._connection.apply(place_of(item), item)
        with suppress(NotFound):
            over = bool(self._connection.get(place_of(job), Job).status.succeeded)
            if not over or record.guard_until is not None:
                return
            # somebody deleted the record since, and askings are counted anew: the name is taken
            self._connection.call("DELETE", place_of(job), {"propagationPolicy": "Background"})
        self._connection.apply(place_of(job), job)

    def _drop_guard(self, known: Record, now: Record) -> None:
        """A guard that has not begun may wait for its image for ever; others end by themselves."""
        app = known.intent.app
        goes_on = now.intent.guard is not None or self._besides.there(app) is not None
        if job_of(now) == job_of(known) and goes_on:
            return  # this is in its hands, too
        with suppress(NotFound):
            self._connection.call(
                "DELETE",
                place("Job", app, f"{cluster.GUARD}-{job_of(known)}"),
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
            draft = self._drafts.deployment(intent.release)
            self._connection.apply(place_of(draft), draft, dry_run=True)
            if intent.beside is not msgspec.UNSET:
                self._besides.prepare(intent.release, intent.beside)
        records.drop_old_releases(
            self._connection, intent.app, {release.digest for release in wanted}
        )

    def _keep(self, release: Release) -> None:
        config = self._drafts.config(release)
        self._connection.apply(place_of(config), config)

    def _tell(self, intent: Intent, *, committed: bool) -> None:
        alias = _alias(intent)
        code = "release.committed" if committed else "release.asked"
        records.add_event(self._connection, intent.app, code, f"{intent.app}: {alias}")
        if intent.release is not None and self._drafts.is_blind(intent.release):
            told = f"{intent.app}: {alias} gets no camera, its server is too old to share them"
            records.add_event(self._connection, intent.app, "release.blind", told)


def _alias(intent: Intent) -> str:
    return intent.release.alias if intent.release else "nothing"


def _digest_of(deployment: Deployment) -> str:
    """The release of a Deployment."""
    return (deployment.metadata.annotations or {}).get(cluster.RELEASE, "")


def _cameras(settings: SiteSettings, app: str) -> list[Camera]:
    return [camera for camera in settings.cameras if camera.app == app]


def _ends(trial: Intent, intent: Intent) -> bool:
    """Whether an intent commits or takes back the trial that is running: all it takes is there."""
    ends = trial.guard is not None and intent.guard is None
    return ends and intent.release in (trial.release, trial.previous)


def _commits(trial: Intent, intent: Intent) -> bool:
    """Whether an intent commits the trial that is running."""
    same = intent.release is not None and intent.release == trial.release
    return same and trial.guard is not None and intent.guard is None
