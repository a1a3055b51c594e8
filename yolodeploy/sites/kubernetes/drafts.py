"""A release's objects for one cluster, filled in with its image's name, setup and room there."""

from __future__ import annotations

from yolodeploy.core.app_setup import AppSetup
from yolodeploy.core.beside import Beside
from yolodeploy.core.release import Release
from yolodeploy.sites.kubernetes.connection import Connection
from yolodeploy.sites.kubernetes.fitting import Fitting
from yolodeploy.sites.kubernetes.images import LEASES_FILE, Images
from yolodeploy.sites.kubernetes.kept_settings import Settings
from yolodeploy.sites.kubernetes.manifests import Manifests, Object
from yolodeploy.sites.kubernetes.setups import Setups


class Drafts:
    """Those of one cluster's apps. Nothing here is applied."""

    def __init__(
        self,
        connection: Connection,
        manifests: Manifests,
        images: Images,
        setups: Setups,
        fitting: Fitting,
        settings: Settings,
    ) -> None:
        self._connection = connection
        self._manifests = manifests
        self._images = images
        self._setups = setups
        self._fitting = fitting
        self._settings = settings

    def image(self, release: Release) -> str:
        """The whole reference of its image."""
        return self._images.name(release.spec)

    def config(self, release: Release) -> Object:
        """What its servers are told, with the release itself."""
        site, now = self._connection.site, self._connection.now()
        return self._manifests.config(release, site, self.image(release), now)

    def deployment(self, release: Release, setup: AppSetup | None = None) -> Object:
        """The servers of the app; with the setup that is kept, where none is given."""
        app = release.spec.app
        return self._manifests.deployment(
            release,
            self.image(release),
            self._fitting.switching(release.spec),
            setup or self._setups.of(app),
            looks=self._settings.looks(app),
            agrees=self._agrees(release),
        )

    def is_blind(self, release: Release) -> bool:
        """Whether its servers get no camera of those that the app has."""
        return not self._agrees(release) and self._settings.looks(release.spec.app)

    def beside(self, release: Release, beside: Beside) -> Object:
        """The servers that are tried beside those."""
        setup = self._setups.of(release.spec.app)
        replicas = self._fitting.beside(release.spec, beside)
        return self._manifests.beside(release, self.image(release), beside.way, replicas, setup)

    def _agrees(self, release: Release) -> bool:
        return self._images.knows(release.spec.image, LEASES_FILE)
