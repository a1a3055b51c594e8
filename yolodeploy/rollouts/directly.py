"""Where a release cannot be tried beside the one that serves: the site goes to it directly."""

from __future__ import annotations

from pathlib import Path

from yolodeploy.core.beside import Way
from yolodeploy.core.capacity import Switching
from yolodeploy.core.errors import YolodeployError
from yolodeploy.core.release import Release
from yolodeploy.core.sentences import Sentence, sentence
from yolodeploy.core.settings_content import settings_of
from yolodeploy.sites.interface import Observed


def why_directly(
    site: Observed, way: Way, room: Switching, release: Release, previous: Release | None
) -> Sentence | None:
    """Why `release` is not tried beside `previous`; None where it can be."""
    if previous is None:
        return sentence("plan.nothing_runs")
    if previous == release:
        return sentence("plan.runs_already", release=release.alias)
    if not room.has_room(way):
        return sentence("plan.no_room", reason=room.no_room or sentence("plan.not_said"))
    if way is Way.SHADOW and _shadows(site):
        return sentence("plan.own_shadow")
    return None


def _shadows(site: Observed) -> bool:
    """Whether the site's servers mirror to somewhere else: what a person asked for stays."""
    for kept in site.settings()[:1]:
        try:
            return settings_of(kept.text.encode(), Path("settings.toml")).shadow is not None
        except YolodeployError:
            return False  # it is not followed
    return False
