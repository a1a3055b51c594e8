"""The help as lines: keys by screen, then what the signs mean."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import TypeVar

from yolodeploy.core.text import cells, fit
from yolodeploy.tui.keys import KEYS, TABLE_KEYS
from yolodeploy.tui.views.signs import ROLLOUT, STATUS, signed
from yolodeploy.tui.views.spans import Line, Look, Span

State = TypeVar("State", bound=Enum)

_KEY = 11
_WIDE = 26
_SCREENS = (
    "app", "fleet", "device", "rollouts", "rollout", "events", "sites", "site", "cameras", "logs",
    "latency", "play",
)  # fmt: skip


def help_lines(look: Look) -> list[Line]:
    """The whole page."""
    lines: list[Line] = []
    for where in _SCREENS:
        keys = [(key.shown, look.words(f"key.{key.id}")) for key in KEYS if key.where == where]
        lines += [*_section(look.words(f"help.{where}"), keys), ()]
    table = [(shown, look.words(f"key.{name}")) for name, shown in TABLE_KEYS]
    lines += [*_section(look.words("help.table"), table), ()]
    lines += [(Span(look.words("help.signs"), "title"),), *_signs(STATUS, "status", look), ()]
    lines += [(Span(look.words("help.rollout_signs"), "title"),), *_signs(ROLLOUT, "rollout", look)]
    return [*lines, (), (Span(look.words("help.trend"), "dim"),)]


def _section(title: str, keys: list[tuple[str, str]]) -> list[Line]:
    pairs: list[Line] = [
        (Span(fit(shown, _KEY), "accent"), Span(fit(text, _WIDE - 2) + "  "))
        for shown, text in keys
    ]
    return [(Span(title, "title"),), *_two_columns(pairs)]


def _signs(signs: Mapping[State, tuple[str, str]], kind: str, look: Look) -> list[Line]:
    spans = []
    for state, sign in signs.items():
        word = look.words(f"{kind}.{state.value}")
        span = signed(sign, word)
        spans.append((Span(span.text + " " * (18 - cells(span.text)), span.tone),))
    return [
        tuple(span for line in spans[start : start + 4] for span in line)
        for start in range(0, len(spans), 4)
    ]


def _two_columns(lines: list[Line]) -> list[Line]:
    return [
        tuple(span for line in lines[start : start + 2] for span in line)
        for start in range(0, len(lines), 2)
    ]
