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
    Key("app.latency", "5", "go('latency')", "app", "5", hinted=False),
    Key("fleet.filter", "slash", "filter", "fleet", "/"),
    Key("fleet.unfilter", "escape", "unfilter", "fleet", "Esc", hinted=False),
    Key("fleet.logs", "l", "logs", "fleet", "l"),
    Key("fleet.hold", "h", "hold", "fleet", "h"),
    Key("device.back", "escape", "back", "device", "Esc"),
    Key("device.logs", "l", "logs", "device", "l"),
    Key("device.hold", "h", "hold", "device", "h"),
    Key("rollouts.filter", "slash", "filter", "rollouts", "/"),
    Key("rollouts.unfilter", "escape", "unfilter", "rollouts", "Esc", hinted=False),
    Key("rollouts.start", "n", "start", "rollouts", "n"),
    Key("rollouts.pause", "p", "pause", "rollouts", "p"),
    Key("rollouts.abort", "a", "abort", "rollouts", "a"),
    Key("rollouts.approve", "y", "approve", "rollouts", "y"),
    Key("rollouts.undo", "u", "undo", "rollouts", "u"),
    Key("rollout.back", "escape", "back", "rollout", "Esc"),
    Key("rollout.open", "enter", "open", "rollout", "↵"),
    Key("rollout.pause", "p", "pause", "rollout", "p"),
    Key("rollout.abort", "a", "abort", "rollout", "a"),
    Key("rollout.approve", "y", "approve", "rollout", "y"),
    Key("rollout.undo", "u", "undo", "rollout", "u"),
    Key("rollout.logs", "l", "logs", "rollout", "l"),
    Key("events.filter", "slash", "filter", "events", "/"),
    Key("events.whole", "v", "whole", "events", "v"),
    Key("events.unfilter", "escape", "unfilter", "events", "Esc", hinted=False),
    Key("sites.filter", "slash", "filter", "sites", "/"),
    Key("sites.unfilter", "escape", "unfilter", "sites", "Esc", hinted=False),
    Key("sites.open", "enter", "open", "sites", "↵", hinted=False),
    Key("sites.cameras", "c", "cameras", "sites", "c"),
    Key("sites.logs", "l", "logs", "sites", "l"),
    Key("sites.hold", "h", "hold", "sites", "h"),
    Key("sites.windows", "w", "windows", "sites", "w"),
    Key("sites.operation", "o", "operation", "sites", "o"),
    Key("sites.add", "a", "act('site.add_device')", "sites", "a"),
    Key("sites.provision", "p", "act('site.provision')", "sites", "p"),
    Key("sites.doctor", "d", "act('site.doctor')", "sites", "d"),
    Key("sites.backup", "b", "act('site.backup')", "sites", "b"),
    Key("sites.upgrade", "u", "act('site.upgrade')", "sites", "u"),
    Key("sites.reset", "x", "act('site.reset')", "sites", "x", hinted=False),
    Key("site.back", "escape", "back", "site", "Esc"),
    Key("site.cameras", "c", "cameras", "site", "c"),
    Key("site.logs", "l", "logs", "site", "l"),
    Key("site.hold", "h", "hold", "site", "h"),
    Key("site.windows", "w", "windows", "site", "w"),
    Key("site.operation", "o", "operation", "site", "o"),
    Key("cameras.filter", "slash", "filter", "cameras", "/", hinted=False),
    Key("cameras.back", "escape", "back", "cameras", "Esc"),
    Key("cameras.open", "enter", "open", "cameras", "↵"),
    Key("cameras.add", "a", "add", "cameras", "a"),
    Key("cameras.test", "t", "test", "cameras", "t"),
    Key("latency.filter", "slash", "filter", "latency", "/"),
    Key("latency.unfilter", "escape", "unfilter", "latency", "Esc", hinted=False),
    Key("latency.by", "b", "by", "latency", "b"),
    Key("latency.span", "w", "span", "latency", "w"),
    Key("logs.back", "escape", "back", "logs", "Esc"),
    Key("logs.end", "G,f", "end", "logs", "f"),
    Key("play.back", "escape", "back", "play", "Esc"),
    Key("play.other", "tab", "other", "play", "Tab"),
    Key("play.cancel", "c", "cancel", "play", "c"),
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
