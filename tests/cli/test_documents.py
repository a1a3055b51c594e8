"""What the documents name is there: commands with their options, files, tests.

If these fail, somebody types what they have read and is told that nothing is called that.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from yolodeploy.cli.main import COMMANDS, yolodeploy

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted(
    [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "benchmarks").glob("*.md")]
)
pytestmark = pytest.mark.skipif(len(DOCUMENTS) < 5, reason="the documents are not installed")

_BLOCK = re.compile(r"```\w*\n(.*?)```", re.DOTALL)
_QUOTED = re.compile(r"`([a-z./-]+ [^`\n]+)`")
_END = re.compile(r"\s+#|\s[|;&>]\s|\s\\$")
_OPTION = re.compile(r"--[a-z][a-z0-9-]*")
_TEST = re.compile(r"([\w/]*\btest_\w+\.py)(?:::(\w+))?")
_LINK = re.compile(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)")


def loaded(group: click.Group, name: str) -> click.Command | None:
    return group.get_command(click.Context(group), name)


def lines_of(text: str) -> Iterator[list[str]]:
    """The words of what is typed, behind `yolodeploy`; a sentence leaves that word out."""
    groups = [name for name in COMMANDS if isinstance(loaded(yolodeploy, name), click.Group)]
    for block in _BLOCK.findall(text):
        for line in block.replace("\\\n", " ").splitlines():
            name, *words = _END.split(line.strip())[0].split() or [""]
            if name.rpartition("/")[2] == "yolodeploy":
                yield words
    for quoted in _QUOTED.findall(text):
        name, *words = _END.split(quoted)[0].split()
        if name.rpartition("/")[2] == "yolodeploy":
            yield words
        elif name in groups:
            yield [name, *words]


def missing(words: list[str]) -> str:
    """What of a line there is not; `a|b` are two lines. Empty: all of it is there."""
    found: click.Command = yolodeploy
    while words and isinstance(found, click.Group) and re.fullmatch(r"[a-z|-]+", words[0]):
        named = [loaded(found, name) for name in words[0].split("|")]
        if None in named:
            return words[0]
        found, words = next(one for one in named if one), words[1:]
    if found.context_settings.get("ignore_unknown_options"):  # `serve` hands them on
        return ""
    options = {"--help"} | {name for one in found.params for name in one.opts + one.secondary_opts}
    asked = [match[0] for word in words if (match := _OPTION.match(word.lstrip("[(")))]
    return ", ".join(name for name in asked if name not in options)


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_what_a_document_names_is_there(path: Path) -> None:
    text = path.read_text("utf-8")
    assert path.name != "README.md" or path.parent != ROOT or len([*lines_of(text)]) > 30
    lacking = [(words, missing(words)) for words in lines_of(text)]
    assert [line for line in lacking if line[1]] == []
    links = _LINK.findall(text)
    assert [link for link in links if not (path.parent / link).exists()] == []
    for file, name in _TEST.findall(text):
        found = list((ROOT / "tests").rglob(file.removeprefix("tests/")))
        assert found, file
        assert not name or any(f"def {name}" in one.read_text("utf-8") for one in found), name


def test_the_documents_are_found_from_the_first_page() -> None:
    for first in (ROOT / "README.md", ROOT / "README.zh-CN.md"):
        pages = {first}
        waiting = [first]
        while waiting:
            page = waiting.pop()
            linked = {
                (page.parent / link).resolve() for link in _LINK.findall(page.read_text("utf-8"))
            }
            new = {one for one in linked if one.suffix == ".md" and one.exists()} - pages
            pages |= new
            waiting += new
        assert {*(ROOT / "docs").glob("*.md")} <= pages
