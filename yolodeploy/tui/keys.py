"""Every key in one table: bindings, the line at the bottom and the help are made from it.

Ids are stable, so that a keymap can refer to them. `label` is looked up as `key.ID`.
"""

from __future__ import annotations

from typing import NamedTuple

from textual.binding import Binding, BindingType


class Key(NamedTuple):
    """One key: what it does (a Textual action), where it works and whether the bottom line says so.

    `shown` is how it is written; `where` is the name of a screen, `app` for everywhere.
    """

    id: str
    keys: str
    action: str
    where: str
    shown: str
    hinted: bool = True


KEYS = (
    Key("app.fleet", "1", "go('fleet')", "app", "1", hinted=False),
    Key("app.rollouts", "2", "go('rollouts')", "app", "2", hinted=False),
    Key("app.events", "3", "go('events')", "app", "3", hinted=False),
    Key("app.sites", "4", "go('sites')", "app", "4", hinted=False),
    Key("fleet.filter", "slash", "filter", "fleet", "/"),
    Key("fleet.unfilter", "escape", "unfilter", "fleet", "Esc", hinted=False),
    Key("fleet.hold", "h", "hold", "fleet", "h"),
    Key("device.hold", "h", "hold", "device", "h"),
    Key("device.back", "escape", "back", "device", "Esc"),
    Key("rollouts.filter", "slash", "filter", "rollouts", "/"),
    Key("rollouts.unfilter", "escape", "unfilter", "rollouts", "Esc", hinted=False),
    Key("rollouts.pause", "p", "pause", "rollouts", "p"),
    Key("rollouts.abort", "a", "abort", "rollouts", "a"),
    Key("rollouts.approve", "y", "approve", "rollouts", "y"),
    Key("rollouts.undo", "u", "undo", "rollouts", "u"),
    Key("rollout.pause", "p", "pause", "rollout", "p"),
    Key("rollout.abort", "a", "abort", "rollout", "a"),
    Key("rollout.approve", "y", "approve", "rollout", "y"),
    Key("rollout.undo", "u", "undo", "rollout", "u"),
    Key("rollout.back", "escape", "back", "rollout", "Esc"),
    Key("events.filter", "slash", "filter", "events", "/"),
    Key("events.unfilter", "escape", "unfilter", "events", "Esc", hinted=False),
    Key("sites.filter", "slash", "filter", "sites", "/"),
    Key("sites.unfilter", "escape", "unfilter", "sites", "Esc", hinted=False),
    Key("sites.add", "a", "act('site.add_device')", "sites", "a"),
    Key("sites.provision", "p", "act('site.provision')", "sites", "p"),
    Key("sites.doctor", "d", "act('site.doctor')", "sites", "d"),
    Key("sites.backup", "b", "act('site.backup')", "sites", "b", hinted=False),
    Key("sites.upgrade", "u", "act('site.upgrade')", "sites", "u", hinted=False),
    Key("sites.reset", "x", "act('site.reset')", "sites", "x", hinted=False),
    Key("play.other", "tab", "other", "play", "Tab"),
    Key("play.cancel", "c", "cancel", "play", "c"),
    Key("play.back", "escape", "back", "play", "Esc"),
    Key("app.refresh", "r", "refresh_now", "app", "r"),
    Key("app.palette", "ctrl+p", "command_palette", "app", "^P"),
    Key("app.help", "question_mark", "help", "app", "?"),
    Key("app.quit", "q", "quit", "app", "q"),
)

TABLE_KEYS = (
    ("table.open", "↵"),
    ("table.move", "↑ ↓ j k"),
    ("table.page", "PgUp PgDn"),
    ("table.ends", "g G"),
    ("table.sort", "s"),
    ("table.turn", "S"),
)
"""Keys of every table, for the help; the bindings are the widget's own."""


def bindings_of(where: str) -> list[BindingType]:
    """The bindings of one screen, or of the app."""
    return [
        Binding(key.keys, key.action, key.id, show=False, id=key.id)
        for key in KEYS
        if key.where == where
    ]


def hints_of(where: str) -> list[Key]:
    """What the bottom line of a screen says."""
    return [key for key in KEYS if key.where in (where, "app") and key.hinted]
