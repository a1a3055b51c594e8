"""Text from elsewhere made fit for one line of a terminal.

Names, paths and messages from devices, models and registries are hostile input: escape
sequences, line breaks, right-to-left marks and ten thousand characters.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

LONGEST = 300
_EMOJI = "\ufe0f"


def one_line(text: str, longest: int = LONGEST) -> str:
    """`text` without control or format characters, cut in the middle at `longest` characters."""
    text = _cut(text, longest)
    if text.isascii() and text.isprintable():
        return text
    return _cut("".join(map(_visible, text)), longest)  # escapes have made it longer


def _cut(text: str, longest: int) -> str:
    if len(text) <= longest:
        return text
    head = (longest - 1) // 2
    return f"{text[:head]}…{text[head + 1 - longest :]}"


def _visible(character: str) -> str:
    # Cc: controls, Cf: direction marks, Cs: lone surrogates, Co/Cn: nothing a font shows,
    # Zl/Zp: line breaks that str.splitlines would honour
    if unicodedata.category(character) in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}:
        return f"\\x{ord(character):02x}"
    return character


def cells(text: str) -> int:
    """How many terminal cells `text` takes (wide East Asian characters take two)."""
    if text.isascii():
        return len(text)
    return sum(_widths(text))


def _widths(text: str) -> Iterator[int]:
    """The cells of each character; marks are drawn over what stands before them."""
    width = 0
    for character in text:
        if character == _EMOJI:
            width = int(width == 1)  # it makes a narrow character a wide one
        elif unicodedata.category(character)[0] == "M":
            width = 0
        else:
            width = 2 if unicodedata.east_asian_width(character) in "WF" else 1
        yield width


def counted(count: object, noun: str) -> str:
    """A count with its English noun: `1 site`, `2 sites`, `0 boxes`."""
    if str(count) == "1":
        return f"1 {noun}"
    return f"{count} {noun}{'es' if noun.endswith(('x', 's', 'ch')) else 's'}"


def fit(text: str, width: int) -> str:
    """`text` cut or padded with spaces to exactly `width` cells."""
    total = cells(text)
    if total <= width:
        return text + " " * (width - total)
    kept: list[str] = []
    used = 0
    for character, size in zip(text, _widths(text), strict=True):
        if used + size > width - 1:
            break
        kept.append(character)
        used += size
    return "".join(kept) + "…" + " " * (width - used - 1)
