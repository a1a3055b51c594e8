"""Every action in one table, for both front ends.

What it is called, what it acts on, whether it is dangerous, the command that would do the same,
and the function that does it.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from importlib import import_module
from shlex import quote
from typing import Any, NamedTuple

from yolodeploy.core.messages import message
from yolodeploy.ops.connect import EMBEDDED, K3S
from yolodeploy.ops.home import Home


class Subject(Enum):
    """What an action acts on; the argument of that name tells which one."""

    FLEET = "fleet"
    SITE = "site"
    DEVICE = "device"
    ROLLOUT = "rollout"
    RELEASE = "release"
    OPERATION = "operation"
    CAMERA = "camera"


class Action(NamedTuple):
    """One action.

    `id` is stable: keymaps refer to it. `command` has the subject's name in braces. `asks` names a
    further argument that a person is asked for, empty for none, and `asked_as` writes it in the
    command; `named_as` the subject's name. `dangerous` actions are confirmed (a dialog that focuses
    Cancel; `--yes` in scripts). `kind` is that of the sites it is for, empty for any.
    """

    id: str
    subject: Subject
    command: str
    function: str
    asks: str = ""
    dangerous: bool = False
    kind: str = ""
    asked_as: Callable[[str], str] = quote
    named_as: Callable[[str], str] = quote

    def title(self, language: str = "en") -> str:
        """What it is called."""
        return message(f"action.{self.id}").rendered("text", language, {})

    def command_for(self, name: str, asked: str = "") -> str:
        """The command line that does the same, for a shell."""
        answer = {self.asks: self.asked_as(asked)} if self.asks else {}
        words = {self.subject.value: self.named_as(name), **answer}
        return self.command.format_map(words).rstrip()

    def perform(self, home: Home, name: str = "", asked: str = "") -> Any:
        """Do it; raises what the function raises."""
        module, _, attribute = self.function.partition(":")
        function: Callable[..., Any] = getattr(import_module(module), attribute)
        arguments = [name] if self.subject is not Subject.FLEET else []
        return function(home, *arguments, *([asked] if self.asks else []))


_HERE = "yolodeploy.ops.actions"
_PLAYS = "yolodeploy.ops.play_actions"
_CAMERAS = "yolodeploy.ops.camera_actions"


def _source(text: str) -> str:
    from yolodeploy.ops.play_actions import source_option

    return source_option(text)


def _camera(url: str) -> str:
    from yolodeploy.core.camera_address import shown_url

    return quote(shown_url(url) or "URL")


def _camera_words(text: str) -> str:
    from yolodeploy.ops.camera_actions import command_words

    return command_words(text)


def _wish(text: str) -> str:
    from yolodeploy.ops.start_action import asked_of

    return asked_of(text).words


def _calendar(text: str) -> str:
    from yolodeploy.ops.calendars import calendar_options

    return calendar_options(text)


ACTIONS: dict[str, Action] = {
    action.id: action
    for action in (
        Action(
            "fleet.refresh",
            Subject.FLEET,
            "yolodeploy status --refresh",
            "yolodeploy.ops.sites:refresh",
        ),
        Action(
            "release.roll_out",
            Subject.RELEASE,
            "yolodeploy rollout start {release} {wish}",
            "yolodeploy.ops.start_action:roll_out",
            asks="wish",
            asked_as=_wish,
        ),
        Action(
            "rollout.pause",
            Subject.ROLLOUT,
            "yolodeploy rollout pause {rollout}",
            "yolodeploy.ops.rollouts:pause",
        ),
        Action(
            "rollout.resume",
            Subject.ROLLOUT,
            "yolodeploy rollout resume {rollout}",
            "yolodeploy.ops.rollouts:resume",
        ),
        Action(
            "rollout.approve",
            Subject.ROLLOUT,
            "yolodeploy rollout approve {rollout} --yes",
            f"{_HERE}:approve",
            dangerous=True,
        ),
        Action(
            "rollout.abort",
            Subject.ROLLOUT,
            "yolodeploy rollout abort {rollout} --yes",
            "yolodeploy.ops.rollouts:abort",
            dangerous=True,
        ),
        Action(
            "rollout.undo",
            Subject.ROLLOUT,
            "yolodeploy rollout undo {rollout} --yes",
            f"{_HERE}:undo",
            dangerous=True,
        ),
        Action(
            "device.hold",
            Subject.DEVICE,
            "yolodeploy device hold {device} --reason {reason}",
            "yolodeploy.ops.sites:hold_device",
            asks="reason",
        ),
        Action(
            "device.unhold",
            Subject.DEVICE,
            "yolodeploy device unhold {device}",
            f"{_HERE}:unhold_device",
        ),
        Action(
            "site.hold",
            Subject.SITE,
            "yolodeploy site hold {site} --reason {reason}",
            "yolodeploy.ops.sites:hold_site",
            asks="reason",
        ),
        Action(
            "site.unhold", Subject.SITE, "yolodeploy site unhold {site}", f"{_HERE}:unhold_site"
        ),
        Action(
            "site.window",
            Subject.SITE,
            "yolodeploy site window {site} {window}",
            f"{_HERE}:set_windows",
            asks="window",
            asked_as=_calendar,
        ),
        Action(
            "site.add_camera",
            Subject.SITE,
            "yolodeploy camera add {camera} --site {site}",
            f"{_CAMERAS}:add",
            asks="camera",
            asked_as=_camera_words,
        ),
        Action(
            "camera.test",
            Subject.CAMERA,
            "yolodeploy camera test {camera}",
            f"{_CAMERAS}:test",
            named_as=_camera,
        ),
        Action(
            "site.start",
            Subject.SITE,
            "yolodeploy site start {site}",
            "yolodeploy.ops.sites:start_site",
            kind=EMBEDDED,
        ),
        Action(
            "site.stop",
            Subject.SITE,
            "yolodeploy site stop {site} --yes",
            "yolodeploy.ops.sites:stop_site",
            dangerous=True,
            kind=EMBEDDED,
        ),
        Action(
            "site.add_device",
            Subject.SITE,
            "yolodeploy device add {device} --site {site}",
            f"{_PLAYS}:add_device",
            asks="device",
            kind=K3S,
            asked_as=str,  # words of a shell already
        ),
        Action(
            "site.provision",
            Subject.SITE,
            "yolodeploy site provision {site} {source}",
            f"{_PLAYS}:provision",
            asks="source",
            kind=K3S,
            asked_as=_source,
        ),
        Action(
            "site.reset",
            Subject.SITE,
            "yolodeploy site reset {site} --yes",
            f"{_PLAYS}:reset",
            dangerous=True,
            kind=K3S,
        ),
        Action(
            "site.doctor",
            Subject.SITE,
            "yolodeploy doctor {site}",
            f"{_PLAYS}:look",
            kind=K3S,
        ),
        Action(
            "site.backup",
            Subject.SITE,
            "yolodeploy site backup {site}",
            f"{_PLAYS}:backup",
            kind=K3S,
        ),
        Action(
            "site.upgrade",
            Subject.SITE,
            "yolodeploy site upgrade {site} {source} --yes",
            f"{_PLAYS}:upgrade",
            asks="source",
            dangerous=True,
            kind=K3S,
            asked_as=_source,
        ),
        Action(
            "operation.cancel",
            Subject.OPERATION,
            "yolodeploy operations cancel {operation}",
            "yolodeploy.ops.cancelling:cancel",
        ),
        Action(
            "site.remove",
            Subject.SITE,
            "yolodeploy site remove {site} --yes",
            "yolodeploy.ops.sites:remove_site",
            dangerous=True,
        ),
    )
}


def of_subject(subject: Subject) -> tuple[Action, ...]:
    """The actions on one kind of thing, in the table's order."""
    return tuple(action for action in ACTIONS.values() if action.subject is subject)


def approve(home: Home, rollout: str) -> Any:
    """Approve the wave after which a rollout stands."""
    from yolodeploy.ops.rollouts import approve as approve_wave

    return approve_wave(home, rollout)[1]


def undo(home: Home, rollout: str) -> Any:
    """Undo with the defaults."""
    from yolodeploy.ops.going_back import undo as undo_rollout

    return undo_rollout(home, rollout, default_wish())


def set_windows(home: Home, site: str, text: str) -> None:
    """Say when a site may be changed, in one line: windows, freezes, `always`."""
    from yolodeploy.ops.calendars import calendar_words, set_calendar

    set_calendar(home, site, *calendar_words(text))


def unhold_device(home: Home, device: str) -> None:
    """End a device's hold."""
    from yolodeploy.ops.sites import hold_device

    hold_device(home, device, None)


def unhold_site(home: Home, site: str) -> None:
    """End a site's hold."""
    from yolodeploy.ops.sites import hold_site

    hold_site(home, site, None)


def default_wish() -> Any:
    """A rollout's settings as `config.toml` and the defaults have them."""
    from yolodeploy.ops.settings import settings
    from yolodeploy.rollouts.planning import Wish

    values = settings()
    return Wish(concurrency=values["concurrency"].value, guard_s=values["guard_seconds"].value)
