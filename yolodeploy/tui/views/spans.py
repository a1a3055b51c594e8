"""Text with a tone, and lines of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from yolodeploy.core.text import cells, fit, one_line
from yolodeploy.tui.words import Words

TONES = ("dim", "good", "warn", "bad", "accent", "strong", "title", "tab", "bar", "rest")
"""What a tone may be besides none; `widgets.paint` gives each a style."""


class Span(NamedTuple):
    """Some text in a tone. It may be hostile: whoever paints it makes it fit for a terminal."""

    text: str
    tone: str = ""


Line = tuple[Span, ...]


class Look(NamedTuple):
    """What every view needs besides its state: the language and the time (Unix seconds)."""

    words: Words
    now: float


def clean(line: Iterable[Span]) -> Line:
    """The line without control characters."""
    return tuple(Span(one_line(text), tone) for text, tone in line)


def width_of(line: Iterable[Span]) -> int:
    """How many cells a line takes."""
    return sum(cells(one_line(span.text)) for span in line)


def justified(left: Line, right: Line, width: int) -> Line:
    """`left` and `right` at the two ends of `width` cells; `left` is cut where both do not fit."""
    room = max(width - width_of(right) - 1, 0)
    return (*cut(left, room), Span(" "), *right)


def cut(line: Line, width: int) -> Line:
    """The line cut or padded to exactly `width` cells."""
    kept: list[Span] = []
    for text, tone in clean(line):
        taken = cells(text)
        if taken >= width:
            kept.append(Span(fit(text, width), tone) if width else Span(""))
            return tuple(kept)
        kept.append(Span(text, tone))
        width -= taken
    return (*kept, Span(" " * width))


def wrapped(text: str, width: int, tone: str = "", indent: int = 0, most: int = 4) -> list[Line]:
    """A text on as many lines as it takes, at most `most`, each indented by `indent` cells."""
    room = max(width - indent, 10)
    lines: list[str] = [""]
    for space, piece in _pieces(one_line(text), room):
        grown = lines[-1] + space + piece if lines[-1] else piece
        if cells(grown) <= room:
            lines[-1] = grown
        else:
            lines.append(piece)
    if len(lines) > most:
        lines[most - 1 :] = [fit(" ".join(lines[most - 1 :]), room)]
    return [(Span(" " * indent), Span(line, tone)) for line in lines]


def _pieces(text: str, room: int) -> Iterator[tuple[str, str]]:
    """What must stay together, with the space before it: Chinese may break after any character."""
    for word in text.split(" "):
        space, piece = " ", ""
        for character in word:
            if piece and (not character.isascii() or cells(piece) >= room - 1):
                yield space, piece
                space, piece = "", ""
            piece += character
        yield space, piece
