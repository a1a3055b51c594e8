"""Bringing a Deployment to what was asked for, unless somebody else has asked meanwhile."""

from __future__ import annotations

from yolodeploy.core.errors import NotFound, Refused, Unreachable
from yolodeploy.sites.kubernetes import records
from yolodeploy.sites.kubernetes.connection import Connection
from yolodeploy.sites.kubernetes.manifests import Object
from yolodeploy.sites.kubernetes.objects import Deployment
from yolodeploy.sites.kubernetes.paths import place
from yolodeploy.sites.kubernetes.records import Kept

TRIES = 8


def deployment_of(connection: Connection, app: str, name: str = "") -> Deployment | None:
    """The app's Deployment, or another one of its namespace; None where there is none."""
    try:
        return connection.get(place("Deployment", app, name or app), Deployment)
    except NotFound:
        return None


def switch(connection: Connection, wanted: Object | None, kept: Kept) -> None:
    """Apply a Deployment, or delete it (None), as long as `kept` is what was asked for last.

    The version is read before the record is looked at: what somebody does after that look changes
    the version, and this write is refused. What is done without a guard goes back from a trial, and
    by force: a field that somebody took over must not keep a bad release there.

    Raises:
        Refused: `site.fenced`.
    """
    app = kept.record.intent.app
    path = place("Deployment", app, app)
    for _ in range(TRIES):
        found = deployment_of(connection, app)
        _still_asked(connection, kept)
        version = found.metadata.resource_version if found else ""
        try:
            if wanted is not None:
                metadata = {**wanted["metadata"], **({"resourceVersion": version} if found else {})}
                connection.apply(path, {**wanted, "metadata": metadata}, force=True)
            elif found is not None:
                options = {
                    "propagationPolicy": "Background",
                    "preconditions": {"resourceVersion": version},
                }
                connection.call("DELETE", path, body=options)
        except NotFound:
            continue  # deleted underneath
        except Refused as error:
            if error.code != "kubernetes.changed":
                raise
            continue
        return
    raise Unreachable("kubernetes.contended", site=connection.site, tries=TRIES)


def _still_asked(connection: Connection, kept: Kept) -> None:
    now = records.read(connection, kept.record.intent.app)
    same = now is not None and now.record.asking == kept.record.asking
    if not same or (now is not None and now.record.fence != kept.record.fence):
        raise Refused("site.fenced", site=connection.site, holder="another operator")
