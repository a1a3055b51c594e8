"""One calm theme: colour marks what needs attention, everything else is grey."""

from __future__ import annotations

from textual.theme import Theme

THEME = Theme(
    name="yolodeploy",
    primary="#5aa9c9",
    secondary="#7a8794",
    accent="#6cb6d9",
    success="#7fbf7f",
    warning="#d9a860",
    error="#e07a78",
    foreground="#d3d9df",
    background="#11151a",
    surface="#171c22",
    panel="#1e252d",
    dark=True,
    variables={"border": "#2b343e"},
)
