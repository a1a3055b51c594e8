"""The claim in which an app's built engines are kept."""

from __future__ import annotations

from yolodeploy.core.app_setup import AppSetup
from yolodeploy.core.errors import NotFound, Refused
from yolodeploy.sites.kubernetes.connection import Connection
from yolodeploy.sites.kubernetes.manifests import Manifests
from yolodeploy.sites.kubernetes.paths import place_of


def check(connection: Connection, manifests: Manifests, app: str, setup: AppSetup) -> None:
    """The cluster takes the claim that a setup wants; one that is there does not change.

    Raises:
        Refused: `setup.claim`.
    """
    for one in manifests.surroundings(app, setup):
        if one["kind"] != "PersistentVolumeClaim":
            continue
        try:
            connection.apply(place_of(one), one, dry_run=True)
        except NotFound:
            return  # there is no namespace yet
        except Refused as error:
            if error.code != "kubernetes.invalid":
                raise
            reason = error.fields["reason"]
            raise Refused("setup.claim", site=connection.site, app=app, reason=reason) from error
