"""Printing: tables for people, data for programs, errors for both.

What a list prints is a table of columns. Their keys are the interface of `-o json`; rows of the
inventory never show through.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Sequence
from math import isfinite
from typing import Any, NamedTuple, TypeVar

import click

from yolodeploy.core.errors import YolodeployError
from yolodeploy.core.text import cells, fit, one_line

FORMATS = ("table", "wide", "json", "jsonl", "yaml", "name")
LONGEST_CELL = 60
LONGEST_LINE = 1000

F = TypeVar("F", bound=Callable[..., Any])


def _form_option(*forms: str) -> Callable[[F], F]:
    return click.option(
        "-o",
        "--output",
        "form",
        type=click.Choice(forms),
        default="table",
        show_default=True,
        help="Form of the output.",
    )


output_option = _form_option(*FORMATS)
figures_option = _form_option(*FORMATS, "csv")
dry_run_option = click.option(
    "--dry-run", is_flag=True, help="Say what would change; change nothing."
)
yes_option = click.option("--yes", is_flag=True, help="Do not ask.")


class Column(NamedTuple):
    """One column: its key in data, its title in tables (empty: data only), and how it is had.

    `wide` columns are in `-o wide` tables alone. `text` renders the value for people, `told` the
    row where that takes more than the value. With `words` the text is a word of ours
    (`messages.table`), told in the reader's language; so is every yes and no.
    """

    key: str
    title: str
    value: Callable[[Any], Any]
    wide: bool = False
    text: Callable[[Any], str] | None = None
    told: Callable[[Any], str] | None = None
    words: bool = False

    def rendered(self, row: Any, word: Callable[[str], str]) -> str:
        """The value as people read it; `word` translates one of ours."""
        if self.told:
            return self.told(row) or "-"
        value = self.value(row)
        text = self.text(value) if self.text else shown(value)
        return word(text) if self.words or isinstance(value, bool) else text


def _chosen(columns: Sequence[Column], form: str) -> list[Column]:
    return [column for column in columns if column.title and (form == "wide" or not column.wide)]


def shown(value: Any) -> str:
    """A value as people read it."""
    if value is None or value == "":
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, dict):
        return ",".join(f"{key}={item}" for key, item in value.items()) or "-"
    if isinstance(value, list | tuple):
        return ",".join(map(str, value)) or "-"
    return str(value)


def emit(
    rows: Iterable[Any], columns: Sequence[Column], form: str, longest: int = LONGEST_CELL
) -> None:
    """Print rows in one of `FORMATS` or as CSV; the first column is what `name` prints.

    `longest` is how many characters of a value a table shows.
    """
    from yolodeploy.cli.table_words import words_here

    listed = list(rows)
    if form in ("table", "wide"):
        chosen = _chosen(columns, form)
        word = words_here().word
        cells_of = [[one_line(c.rendered(row, word), longest) for c in chosen] for row in listed]
        print_table(cells_of, [column.title for column in chosen])
    elif form == "name":
        print_names(str(columns[0].value(row)) for row in listed)
    elif form == "csv":
        _print_csv(listed, columns)
    else:
        emit_data(plain_rows(listed, columns), form)


def plain_rows(rows: Iterable[Any], columns: Sequence[Column]) -> list[dict[str, Any]]:
    """Rows as programs get them, by the keys of their columns."""
    return [{column.key: column.value(row) for column in columns} for row in rows]


def emit_one(row: Any, columns: Sequence[Column], form: str) -> None:
    """Print one thing: a list of its columns for people, an object for programs."""
    from yolodeploy.cli.table_words import words_here

    if form in ("table", "wide"):
        titles = headings([column.title or column.key for column in columns])
        width, word = max(map(cells, titles)), words_here().word
        for title, column in zip(titles, columns, strict=True):
            click.echo(f"{fit(title, width)}  {one_line(column.rendered(row, word), 400)}")
    elif form == "name":
        print_names([str(columns[0].value(row))])
    else:
        emit_data({column.key: column.value(row) for column in columns}, form)


def emit_data(data: Any, form: str) -> None:
    """Print plain data as JSON, JSON lines or YAML."""
    if form == "yaml":
        import yaml

        click.echo(yaml.safe_dump(_plain(data), sort_keys=False, allow_unicode=True), nl=False)
    elif form == "jsonl":
        for item in data if isinstance(data, list) else [data]:
            click.echo(json.dumps(_plain(item), ensure_ascii=False))
    else:
        click.echo(json.dumps(_plain(data), ensure_ascii=False, indent=2))


def _print_csv(rows: Iterable[Any], columns: Sequence[Column]) -> None:
    """A line of keys, then the values; a spreadsheet must not take one for a formula."""
    import csv
    import io

    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([column.key for column in columns])
    for row in rows:
        values = (_plain(column.value(row)) for column in columns)
        writer.writerow([_cell(value) for value in values])
    click.echo(out.getvalue(), nl=False)


def _cell(value: Any) -> Any:
    starts_formula = isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r")
    return f"'{value}" if starts_formula else value


def emit_documents(items: Sequence[dict[str, Any]], form: str) -> None:
    """Print Kubernetes objects: YAML documents, as kubectl reads them, unless asked otherwise."""
    if form == "name":
        print_names(f"{item['kind'].lower()}/{item['metadata']['name']}" for item in items)
    elif form in ("json", "jsonl"):
        emit_data(items, form)
    else:
        for item in items:
            click.echo("---")
            emit_data(item, "yaml")


def print_table(rows: Sequence[Sequence[str]], titles: Sequence[str]) -> None:
    """A table in cells, wide characters included, without lines that break when copied."""
    shown_titles = headings(titles)
    widths = [
        max([cells(title), *(cells(row[index]) for row in rows)])
        for index, title in enumerate(shown_titles)
    ]
    for line in [[title.upper() for title in shown_titles], *rows]:
        click.echo("  ".join(map(fit, line, widths)).rstrip())


def headings(titles: Sequence[str]) -> list[str]:
    """Titles of columns in the person's language; as they are where they have no other."""
    from yolodeploy.core.messages.table import MESSAGES
    from yolodeploy.ops.settings import language

    tongue = language()
    found = [MESSAGES.get(title) for title in titles]
    return [
        known.rendered("text", tongue, {}) if known else title
        for known, title in zip(found, titles, strict=True)
    ]


def print_names(names: Iterable[str]) -> None:
    """What `-o name` prints: one a line, for `xargs`."""
    for name in names:
        click.echo(one_line(name))


def say(text: str) -> None:
    """Narration, on stderr."""
    click.echo("\n".join(one_line(line, LONGEST_LINE) for line in text.split("\n")), err=True)


def report(error: YolodeployError) -> None:
    """One line saying what happened, and one with what mends it."""
    from yolodeploy.ops.settings import language

    tongue = language()
    report_text(error.text(tongue), error.remedy(tongue), tongue)


def report_text(text: str, remedy: str, tongue: str) -> None:
    """The two lines of an error that has been rendered already."""
    say(f"yolodeploy: {one_line(text, LONGEST_LINE)}")
    if remedy:
        lead = "  解决方法：" if tongue == "zh" else "  mend it with: "
        say(f"{lead}{one_line(remedy, LONGEST_LINE)}")


def size(count: float) -> str:
    """Bytes as people read them: `12.3 MB`."""
    for unit in ("B", "kB", "MB", "GB"):
        if abs(count) < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"


def age(at: float | None, now: float) -> str:
    """How long ago, in the largest fitting unit: `12 s`, `3 min`, `5 h`, `2 d`."""
    if at is None:
        return "never"
    seconds = max(now - at, 0.0)
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s"


def aged(
    key: str, title: str, value: Callable[[Any], Any], now: float, *, wide: bool = False
) -> Column:
    """A column of times, told as how long ago they were or that they never came."""
    return Column(key, title, value, wide, text=lambda at: age(at, now), words=True)


def moment(at: float | None) -> str:
    """A time of day with its date: `2026-11-22 13:00:38`."""
    return "-" if at is None else time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at))


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not isfinite(value):
        return None  # JSON has no infinity and no NaN
    if isinstance(value, str):
        return value.encode(errors="backslashreplace").decode()  # half a surrogate pair is no text
    if value is None or isinstance(value, bool | int | float):
        return value
    import msgspec

    return msgspec.to_builtins(value)
