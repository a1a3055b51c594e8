"""Text from elsewhere made fit for one line of a terminal.

Names, paths and messages from devices, models and registries are hostile input: escape
sequences, line breaks, right-to-left marks and ten thousand characters.
"""

from __future__ import annotations

import unicodedata

LONGEST = 300


def one_line(text: str, longest: int = LONGEST) -> str:
    """`text` without control or format characters, cut in the middle at `longest` characters."""
    if len(text) > longest:
        head = (longest - 1) // 2
        text = f"{text[:head]}…{text[head + 1 - longest :]}"
    if text.isascii() and text.isprintable():
        return text
    return "".join(_visible(character) for character in text)


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
    return sum(_width(character) for character in text)


def _width(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def fit(text: str, width: int) -> str:
    """`text` cut or padded with spaces to exactly `width` cells."""
    total = cells(text)
    if total <= width:
        return text + " " * (width - total)
    kept: list[str] = []
    used = 0
    for character in text:
        size = _width(character)
        if used + size > width - 1:
            break
        kept.append(character)
        used += size
    return "".join(kept) + "…" + " " * (width - used - 1)
