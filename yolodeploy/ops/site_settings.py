"""Changing a site's settings: a small rollout of its own, apart from releases, that can be undone.

Written down in the site as unfinished, brought to all of it, then watched: what cannot be brought
everywhere, servers that cannot follow, and a camera that shows nothing bring the settings before it
back. Whoever comes after one who was killed in the middle begins with the last that was finished.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import reduce
from pathlib import PurePath
from typing import TYPE_CHECKING, NamedTuple

from yolodeploy.core.camera_state import why
from yolodeploy.core.errors import (
    Failed,
    Interrupted,
    NotFound,
    Refused,
    RolledBack,
    Unreachable,
    UsageError,
    YolodeployError,
)
from yolodeploy.core.kept_settings import Follower, KeptSettings, last_finished
from yolodeploy.core.sentences import Sentence, brief, sentence
from yolodeploy.core.settings_content import settings_of
from yolodeploy.core.site import Fence
from yolodeploy.core.site_settings import Camera
from yolodeploy.core.text import one_line
from yolodeploy.inventory.connection import read_inventory
from yolodeploy.ops.connect import connect_named
from yolodeploy.ops.person import person
from yolodeploy.ops.rollout_journal import held_back, hold_of
from yolodeploy.ops.rollout_run import is_dead_here, new_holder

if TYPE_CHECKING:
    from yolodeploy.core.site import SiteState
    from yolodeploy.ops.home import Home
    from yolodeploy.sites.interface import Configured, Observed, Site

LEASE_S = 60.0
POLL_S = 0.3
SHOWING = frozenset({"running", "ended"})
NAME = PurePath("settings.toml")

Waits = Callable[[KeptSettings], None]
"""Told of the version in force when it begins to be watched: that may take minutes."""


class Change(NamedTuple):
    """What is wanted: the text from the present one, and the secrets that it names.

    `secrets` go by the names that the site's `secret_path` was asked for.
    """

    edit: Callable[[str], str]
    note: Sentence
    secrets: Mapping[str, bytes] = {}


class Changed(NamedTuple):
    """What came of it. `followed` is how many servers follow; None: nobody was waited for.

    `replaced` are the apps whose servers are replaced, because they cannot follow as they are.
    `undone` is the number of a version that somebody left unfinished, and that is no more. `news`
    are the cameras that are new or changed: those that must show something.
    """

    site: str
    before: KeptSettings
    now: KeptSettings
    followed: int | None
    replaced: Sequence[str] = ()
    undone: int = 0
    news: frozenset[str] = frozenset()


def site_of(home: Home, name: str) -> Site:
    """The site of a name.

    Raises:
        NotFound: `inventory.missing`, `inventory.unknown_site`.
    """
    with read_inventory(home.inventory) as inventory:
        return connect_named(home, inventory, name)


def quietly(_: KeptSettings) -> None:
    """Nobody is told that it is waited."""


def change(
    home: Home,
    site: Configured,
    wanted: Change,
    *,
    wait_s: float,
    dry_run: bool = False,
    waits: Waits = quietly,
) -> Changed:
    """Put settings in force, and see that they are followed for up to `wait_s` (0: do not look).

    Raises:
        UsageError: `camera.*`, `sink.*`: they are not valid, and nothing was changed.
        Refused: `site.leased`, `site.held`, `site.device_held`, `site.fenced`.
        RolledBack: `camera.went_back`, they are not followed; `camera.not_everywhere`, not all of
            the site took them. The ones before are in force.
        Failed, Unreachable: `camera.unfinished`, the ones before could not be brought everywhere.
        Interrupted: `camera.interrupted`, a person did not wait for what comes of it.
    """
    with read_inventory(home.inventory) as inventory:
        _refuse_held(site.name, hold_of(inventory, site.name))
    planned = _planned(site, wanted)
    if dry_run or planned.now is planned.before:
        return planned
    # extended while it is watched: the next need not wait long for who was killed
    fence = site.claim(new_holder("settings"), LEASE_S)
    try:
        # once more: what somebody else changed before the lease was ours must not be lost
        planned = _planned(site, wanted)
        if planned.now is planned.before:
            return planned
        return _seen_through(site, planned, wanted.secrets, fence, wait_s, waits)
    finally:
        site.release_lease(fence)


def _planned(site: Configured, wanted: Change) -> Changed:
    """What a change would make of the settings; the same object where it is nothing."""
    versions = site.settings()
    before = last_finished(versions)
    undone = versions[0].number if versions and versions[0].unfinished else 0
    try:
        text = wanted.edit(before.text)
        settings = settings_of(text.encode(), NAME)
    except UsageError as error:
        # what a person broke by hand is at fault then, and not what was asked for
        raise site.settings_fault() or error from error
    if text == before.text and not undone:
        return Changed(site.name, before, before, None)
    now = _noted(wanted.note, text)
    seen = _valid(each for each in versions if not each.unfinished)
    news = _news(_cameras(seen.text), settings.cameras)
    return Changed(site.name, before, now, None, site.replaced(settings), undone, news)


def _noted(note: Sentence, text: str) -> KeptSettings:
    return KeptSettings(by=person(), note=one_line(note.text(), 200), text=text, said=note)


def _seen_through(
    site: Configured,
    planned: Changed,
    secrets: Mapping[str, bytes],
    fence: Fence,
    wait_s: float,
    waits: Waits,
) -> Changed:
    """All of it, or nothing."""
    followed, trouble = None, list[Sentence]()
    try:
        now = site.keep_settings(planned.now, secrets, fence)
        if wait_s > 0:
            waits(now)
            followed, trouble = _watched(site, now, planned.news, wait_s, fence)
    except YolodeployError as error:
        # somebody else has the site: it is his to go on
        if error.code not in ("site.fenced", "site.leased") and _brought_back(site, planned, fence):
            reason = brief(error)
            raise RolledBack("camera.not_everywhere", site=site.name, reason=reason) from error
        raise
    except KeyboardInterrupt:
        stored = _stored(site, planned)
        if stored is None:
            raise
        raise Interrupted("camera.interrupted", site=site.name, number=stored.number) from None
    if trouble:
        _brought_back(site, planned, fence)
        raise RolledBack("camera.went_back", site=site.name, reason=reduce(_and, trouble))
    site.finish_settings(now, fence)
    return planned._replace(before=_numbered(site, planned.before), now=now, followed=followed)


def _numbered(site: Configured, before: KeptSettings) -> KeptSettings:
    """The settings before, under the number that they got, if a person wrote them by hand."""
    if before.number or not before.text:
        return before
    kept = (each for each in site.settings() if each.number and each.text == before.text)
    return next(kept, before)


def _stored(site: Configured, planned: Changed) -> KeptSettings | None:
    """What of the new settings the site has, not seen through; None where it has nothing."""
    newest = next(iter(site.settings()), KeptSettings())
    return newest if newest.unfinished and newest.number != planned.undone else None


def _brought_back(site: Configured, planned: Changed, fence: Fence) -> bool:
    """Put the settings before in force again, if anything of the new ones was stored.

    Raises:
        Failed, Unreachable: `camera.unfinished`, that did not go well.
    """
    number: object = "new"
    try:
        stored = _stored(site, planned)
        if stored is None:
            return False
        number = stored.number
        note = sentence("settings.back_from", number=number)
        back = _noted(note, planned.before.text)
        site.finish_settings(site.keep_settings(back, {}, fence), fence)
    except YolodeployError as error:
        kind = Unreachable if isinstance(error, Unreachable) else Failed
        raise kind(
            "camera.unfinished", site=site.name, number=number, reason=brief(error)
        ) from error
    return True


def left_unfinished(site: Observed, state: SiteState) -> YolodeployError | None:
    """`doctor.unfinished`: a change is not seen through, and who drove it has gone."""
    newest = next(iter(site.settings()), KeptSettings())
    lease = state.lease
    driven = lease is not None and lease.until > state.at and not is_dead_here(lease.fence.holder)
    if driven or not newest.unfinished:
        return None
    told = {"site": site.name, "number": newest.number, "by": newest.by or "-"}
    return Refused("doctor.unfinished", **told)


def undo(
    home: Home,
    site: Configured,
    number: int | None,
    *,
    wait_s: float,
    dry_run: bool = False,
    waits: Waits = quietly,
) -> Changed:
    """Bring an earlier version back: the one before the present, or the one of a number.

    Raises:
        NotFound: `camera.no_version`.
        UsageError: `camera.version_invalid`.
        UsageError, Refused, RolledBack: As `change`.
    """
    versions = site.settings()
    if number is None and versions and versions[0].unfinished:
        earlier = [last_finished(versions)]
    else:
        earlier = [
            each for each in versions[1:]
            if (each.number == number if number is not None
                else not each.unfinished and each.text != versions[0].text)
        ]  # fmt: skip
    if not earlier and number is None and versions and versions[-1].number == 1:
        earlier = [KeptSettings()]  # before the first there were none
    if not earlier:
        raise NotFound("camera.no_version", site=site.name, number=number or "earlier")
    found = earlier[0]
    try:
        settings_of(found.text.encode(), NAME)
    except UsageError as error:
        told = {"site": site.name, "number": found.number, "reason": brief(error)}
        raise UsageError("camera.version_invalid", **told) from error
    note = sentence("settings.back_to_none")
    if found.number:
        note = sentence("settings.back_to", number=found.number)
    wanted = Change(lambda _: found.text, note)
    return change(home, site, wanted, wait_s=wait_s, dry_run=dry_run, waits=waits)


def cameras_of(site: Observed) -> tuple[Sequence[Camera], YolodeployError | None]:
    """The cameras of the settings in force.

    Where those are not valid, why, and the cameras of the last that were: servers go on with them.
    """
    versions = site.settings()
    followed = _valid(versions)
    sound = not versions or followed is versions[0]
    return _cameras(followed.text), None if sound else site.settings_fault()


def _valid(versions: Iterable[KeptSettings]) -> KeptSettings:
    """The newest that servers can follow."""
    return next(filter(_is_valid, versions), KeptSettings())


def _is_valid(version: KeptSettings) -> bool:
    try:
        _cameras(version.text)
    except UsageError:
        return False
    return True


def _cameras(text: str) -> tuple[Camera, ...]:
    return settings_of(text.encode(), NAME).cameras


def _refuse_held(site: str, reason: Sentence | None) -> None:
    if reason is not None:
        raise held_back(site, reason)


def _news(before: Sequence[Camera], now: Sequence[Camera]) -> frozenset[str]:
    """The cameras that are new or changed: those that must show something."""
    return frozenset(camera.name for camera in now if camera not in before)


def _watched(
    site: Configured, now: KeptSettings, news: frozenset[str], wait_s: float, fence: Fence
) -> tuple[int, list[Sentence]]:
    """How many servers follow, and what is wrong when the time is over."""
    deadline = time.monotonic() + wait_s
    extend_s = time.monotonic()
    while True:
        if time.monotonic() >= extend_s:
            site.claim(fence.holder, LEASE_S)
            extend_s = time.monotonic() + LEASE_S / 3
        followers = site.followers()
        trouble = _trouble(followers, now, news)
        if not trouble or time.monotonic() > deadline:
            return len(followers), trouble
        time.sleep(POLL_S)


def _trouble(
    followers: Sequence[Follower], now: KeptSettings, news: frozenset[str]
) -> list[Sentence]:
    """What is not as it shall be yet; nothing where no server runs that could follow.

    What a server that follows says of an error is of settings that it saw before.
    """
    behind = [each for each in followers if each.settings != now.digest]
    wrong = [
        sentence("settings.behind", instance=each.instance, reason=one_line(each.error, 160))
        for each in behind
        if each.error
    ]
    late = [
        sentence("settings.late", instance=each.instance)
        for each in behind
        if not each.error and each.settings is not None
    ]
    if not followers or wrong or late:
        return wrong + late
    states = [state for each in followers for state in each.cameras if state.name in news]
    showing = {state.name for state in states if state.phase in SHOWING}
    dark = sorted(news - showing)
    nothing = sentence("settings.nothing_came")
    reasons = {state.name: why(state) for state in states if state.reason}
    return [
        sentence("settings.dark", camera=name, reason=reasons.get(name) or nothing) for name in dark
    ]


def _and(one: Sentence, other: Sentence) -> Sentence:
    return sentence("step.both", one=one, other=other)
