"""Which secrets an app's servers are given: those that its own cameras and sinks name.

Of every version that is kept, so that an undo finds them. Nobody reads a Secret, so what an app has
is known by the versions alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import PurePath

import msgspec

from yolodeploy.core.cluster import SECRETS_FOLDER, SETTINGS_FILE
from yolodeploy.core.errors import UsageError, YolodeployError
from yolodeploy.core.settings_content import settings_of
from yolodeploy.core.site_settings import SiteSettings
from yolodeploy.sites.kubernetes.egress import own_settings


def secrets_for(
    app: str, kept: Iterable[str], known: Iterable[str], given: Mapping[str, bytes]
) -> dict[str, bytes | None]:
    """What is written into an app's Secret, and what is taken out of it (None).

    `kept` are the texts whose secrets stay, `known` all texts whose secrets may be there.
    """
    mine = set().union(*(_named(text, app) for text in kept))
    everywhere = set(given).union(*map(_mentioned, known))
    own = {name: content for name, content in given.items() if name in mine}
    return {**dict.fromkeys(sorted(everywhere - mine)), **own}


def demand_known(
    settings: SiteSettings, app: str, kept: Iterable[str], given: Mapping[str, bytes], site: str
) -> None:
    """See that an app has the secrets that settings name for it, or is given them now.

    Raises:
        UsageError: `camera.secret_absent`.
    """
    there = set(given).union(*(_named(text, app) for text in kept))
    for name, secret in _each(own_settings(settings, app)):
        if secret not in there:
            raise UsageError("camera.secret_absent", app=app, site=site, name=name)


def _named(text: str, app: str) -> set[str]:
    """The secrets that a text names for one app."""
    try:
        settings = settings_of(text.encode(), PurePath(SETTINGS_FILE))
    except YolodeployError:  # of a later version: what it mentions stays
        return _mentioned(text)
    return {secret for _, secret in _each(own_settings(settings, app))}


def _each(settings: SiteSettings) -> Iterator[tuple[str, str]]:
    """The name of who names a secret, and the secret's."""
    shadow = (settings.shadow,) if settings.shadow is not None else ()
    for one in (*settings.cameras, *settings.sinks, *shadow):
        for word in msgspec.structs.asdict(one).values():
            if isinstance(word, str) and word.startswith(f"{SECRETS_FOLDER}/"):
                yield getattr(one, "name", "shadow"), word.removeprefix(f"{SECRETS_FOLDER}/")


def _mentioned(text: str) -> set[str]:
    """The secrets of ours that stand anywhere in a text."""
    parts = text.split(f"{SECRETS_FOLDER}/")[1:]
    return {name for part in parts if (name := part.partition('"')[0].partition("'")[0])}
