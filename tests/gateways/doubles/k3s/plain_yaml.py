"""YAML as people write it in configurations and manifests; what goes beyond is refused, never guessed.

Mappings, sequences, flow forms, quoted and plain scalars, `|` and `>` blocks, comments, several documents. No anchors,
tags, complex keys. Gateways have Python's own library only.
"""

from __future__ import annotations

import json
import re
from typing import Any

_KEY = re.compile(
    r"""("(?:[^"\\]|\\.)*"|'(?:[^']|'')*'|[^\s#&*!|>%@`"'\[\]{},?-][^#]*?|-[^\s#][^#]*?)\s*:(?:\s+|$)"""
)
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_FLOAT = re.compile(r"[-+]?[0-9]+\.[0-9]*([eE][-+]?[0-9]+)?")
_WORDS = {
    "": None,
    "~": None,
    "null": None,
    "true": True,
    "false": False,
    "True": True,
    "False": False,
}


class NotUnderstood(ValueError):
    """Text that this reader does not take."""


def documents(text: str) -> list[Any]:
    """All that are in a text, empty ones left out."""
    if text.lstrip().startswith(("{", "[")):
        try:
            return [json.loads(text)]
        except ValueError:
            pass  # flow form with plain words
    found: list[list[str]] = [[]]
    for line in text.splitlines():
        if line == "---" or line.startswith("--- "):
            found.append([line[4:]] if line[4:].strip() else [])
        elif line == "...":
            found.append([])
        else:
            found[-1].append(line)
    return [value for lines in found if (value := _Reader(lines).whole()) is not None]


def document(text: str) -> Any:
    """The only one."""
    found = documents(text)
    if len(found) > 1:
        raise NotUnderstood("more than one document")
    return found[0] if found else None


class _Reader:
    def __init__(self, lines: list[str]) -> None:
        self.lines = lines
        self.at = 0

    def whole(self) -> Any:
        value = self.block(-1)
        if self.peek() is not None:
            raise NotUnderstood(f"line not understood: {self.lines[self.at]!r}")
        return value

    def peek(self) -> tuple[int, str] | None:
        """Indentation and text of the next line that says something."""
        while self.at < len(self.lines):
            line = self.lines[self.at]
            text = line.strip()
            if text and not text.startswith("#"):
                if "\t" in line[: len(line) - len(line.lstrip())]:
                    raise NotUnderstood("tabs do not indent")
                return len(line) - len(line.lstrip(" ")), text
            self.at += 1
        return None

    def block(self, outer: int, *, sequences_at: int | None = None) -> Any:
        """What is indented deeper than `outer`; a mapping's sequence may stand at its key's own depth."""
        ahead = self.peek()
        if ahead is None:
            return None
        depth, text = ahead
        dashed = text == "-" or text.startswith("- ")
        if depth <= outer and not (dashed and depth == sequences_at):
            return None
        if dashed:
            return self.sequence(depth)
        return self.mapping(depth) if _KEY.match(text) else self.scalar_lines(outer)

    def sequence(self, depth: int) -> list[Any]:
        found = []
        while (ahead := self.peek()) and ahead[0] == depth and (ahead[1] + " ").startswith("- "):
            rest = ahead[1][1:]
            if not _strip(rest):
                self.at += 1
                found.append(self.block(depth))
            elif _KEY.match(rest.strip()) or rest.strip().startswith("- "):
                inner = depth + 1 + len(rest) - len(rest.lstrip())
                self.lines[self.at] = " " * inner + rest.lstrip()
                found.append(self.block(depth))
            else:
                found.append(self.value(rest.strip(), depth))
        return found

    def mapping(self, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        while (ahead := self.peek()) and ahead[0] == depth:
            match = _KEY.match(ahead[1])
            if match is None:
                break
            key = str(_scalar(match[1]))
            if key in found:
                raise NotUnderstood(f"{key} is there twice")
            rest = ahead[1][match.end() :].strip()
            if _strip(rest):
                found[key] = self.value(rest, depth)
            else:
                self.at += 1
                found[key] = self.block(depth, sequences_at=depth)
        return found

    def value(self, rest: str, depth: int) -> Any:
        """What stands on a key's own line and what it goes on with."""
        if re.fullmatch(r"[|>][-+]?(\s+#.*)?", rest):
            return self.literal(rest[0], rest[1:2], depth)
        self.lines[self.at] = " " * (depth + 1) + rest
        return self.scalar_lines(depth)

    def literal(self, style: str, ending: str, depth: int) -> str:
        self.at += 1
        taken: list[str] = []
        while self.at < len(self.lines):
            line = self.lines[self.at]
            if line.strip() and len(line) - len(line.lstrip(" ")) <= depth:
                break
            taken.append(line)
            self.at += 1
        inner = min((len(one) - len(one.lstrip(" ")) for one in taken if one.strip()), default=0)
        text = "\n".join(one[inner:] for one in taken)
        if style == ">":
            text = re.sub(r"(?<!\n)\n(?![\n ])", " ", text.rstrip("\n"))
        return text.rstrip("\n") + ("" if ending == "-" or not text.strip() else "\n")

    def scalar_lines(self, outer: int) -> Any:
        """A scalar or flow form, which may go on in lines that are indented deeper."""
        ahead = self.peek()
        assert ahead is not None
        parts = [_strip(ahead[1])]
        self.at += 1
        while (ahead := self.peek()) and ahead[0] > outer:
            parts.append(_strip(ahead[1]))
            self.at += 1
        return _scalar(" ".join(parts))


def _strip(text: str) -> str:
    """Without its comment; a # within quotes or a word is none."""
    quoted = ""
    for at, letter in enumerate(text):
        if quoted:
            quoted = "" if letter == quoted and text[at - 1] != "\\" else quoted
        elif letter in "\"'" and (at == 0 or text[at - 1] in " [{,:"):
            quoted = letter
        elif letter == "#" and (at == 0 or text[at - 1] == " "):
            return text[:at].strip()
    return text.strip()


def _scalar(text: str) -> Any:
    if text[:1] in "[{" and text:
        value, rest = _flow(text)
        if rest.strip():
            raise NotUnderstood(f"after a flow form: {rest!r}")
        return value
    if text[:1] in "\"'" and text:
        value, rest = _quoted(text)
        if rest.strip():
            raise NotUnderstood(f"after a quoted text: {rest!r}")
        return value
    if text[:1] and text[0] in "&*!%@`|>":
        raise NotUnderstood(f"not taken: {text!r}")
    if ": " in text or text.endswith(":"):
        raise NotUnderstood(f"a colon within plain text: {text!r}")
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    return float(text) if _FLOAT.fullmatch(text) else text


def _quoted(text: str) -> tuple[str, str]:
    match = (
        re.match(r'"(?:[^"\\]|\\.)*"', text)
        if text[0] == '"'
        else re.match(r"'((?:[^']|'')*)'", text)
    )
    if match is None:
        raise NotUnderstood(f"the quote does not end: {text!r}")
    inside = json.loads(match[0]) if text[0] == '"' else match[1].replace("''", "'")
    return inside, text[match.end() :]


def _flow(text: str) -> tuple[Any, str]:
    """One value of a flow form, and what comes after it."""
    text = text.lstrip()
    if text[:1] in "\"'" and text:
        return _quoted(text)
    if text[:1] not in ("[", "{"):
        match = re.match(r"[^,\[\]{}]*?(?=\s*(?:[,\]}]|:\s|:$))", text)
        if match is None:
            raise NotUnderstood(f"a flow form does not end: {text!r}")
        return _scalar(match[0].strip()), text[match.end() :]
    closing, found = ("]", []) if text[0] == "[" else ("}", [])
    rest = text[1:].lstrip()
    while not rest.startswith(closing):
        value, rest = _flow(rest)
        rest = rest.lstrip()
        if closing == "}":
            if not rest.startswith(":"):
                raise NotUnderstood(f"no value for {value!r}")
            inner, rest = _flow(rest[1:])
            rest = rest.lstrip()
            found.append((str(value), inner))
        else:
            found.append(value)
        if rest.startswith(","):
            rest = rest[1:].lstrip()
        elif not rest.startswith(closing):
            raise NotUnderstood(f"a flow form does not end: {text!r}")
    return (dict(found) if closing == "}" else found), rest[1:]
