"""`yolodeploy latency --plot`: every stage over time, or how its times are spread."""

from __future__ import annotations

import time
from calendar import timegm
from collections.abc import Iterable, Iterator

import click

from yolodeploy.cli.latency import StageRow
from yolodeploy.cli.latency_asking import Answer, Question, ask
from yolodeploy.cli.plots import COLUMNS, axis, histogram, line
from yolodeploy.core.messages import message
from yolodeploy.core.sketch import Sketch, merged
from yolodeploy.core.text import one_line
from yolodeploy.inventory.latency import TIMES

_ISO = "%Y-%m-%dT%H:%M:%SZ"
_LONGEST_NAME = 74


def draw(question: Question, plot: str, shares: tuple[float, ...]) -> None:
    """Print the plots of every group."""
    by = tuple(name for name in question.groups if name not in TIMES)
    if plot == "time":
        unit = _unit(question.window.end - question.window.start)
        answer = ask(question._replace(by=(*by, unit)))
        lines: Iterable[str] = over_time(answer, unit, shares, _language())
    else:
        answer = ask(question._replace(by=by, stage=question.stage or "total"))
        lines = spread(answer.rows, _language())
    for text in lines:
        click.echo(text.rstrip())
    answer.tell()


def over_time(answer: Answer, unit: str, shares: tuple[float, ...], language: str) -> Iterator[str]:
    """For each group a line a stage and quantile, and when they begin and end."""
    start, end = answer.window
    slots = max(round((end - start) / TIMES[unit]), 1)
    columns = min(slots, COLUMNS)
    for name, rows in _by_group(answer.rows, without=unit):
        yield _title(name, "ms")
        for stage, timed in _by_stage(rows).items():
            parts: list[list[Sketch]] = [[] for _ in range(columns)]
            for row in timed:
                at = timegm(time.strptime(row.group[unit], _ISO))
                parts[min(max(int((at - start) * columns / (end - start)), 0), columns - 1)].append(
                    row.sketch
                )
            whole = [merged(each) if each else None for each in parts]
            for share in shares:
                label = f"{stage_name(stage, language)} p{100 * share:g}"
                yield line(label, [each.quantile(share) / 1000 if each else None for each in whole])
        yield axis(*(time.strftime("%m-%d %H:%M", time.localtime(at)) for at in (start, end)))
        yield ""


def spread(rows: Iterable[StageRow], language: str) -> Iterator[str]:
    """For each group and stage a histogram; its bins are of the same ratio."""
    for name, mine in _by_group(rows):
        for row in mine:
            yield _title(f"{name}  {stage_name(row.stage, language)}", "ms")
            yield from histogram(row.sketch)
            yield ""


def stage_name(stage: str, language: str) -> str:
    """A stage as people of a language call it; one that we do not know as it calls itself."""
    code = f"tui.stage.{stage}"
    text = message(code).rendered("text", language, {})
    return stage if text == code else text


def _unit(length_s: float) -> str:
    """The shortest unit of which a line holds most: minutes are kept for hours at least."""
    if length_s <= 2 * TIMES["hour"]:
        return "minute"
    return "hour" if length_s <= 14 * TIMES["day"] else "day"


def _by_group(rows: Iterable[StageRow], without: str = "") -> Iterator[tuple[str, list[StageRow]]]:
    groups: dict[str, list[StageRow]] = {}
    for row in rows:
        name = " ".join(value for key, value in row.group.items() if key != without)
        groups.setdefault(name, []).append(row)
    yield from groups.items()


def _by_stage(rows: Iterable[StageRow]) -> dict[str, list[StageRow]]:
    stages: dict[str, list[StageRow]] = {}
    for row in rows:
        stages.setdefault(row.stage, []).append(row)
    return stages


def _title(name: str, unit: str) -> str:
    return f"{one_line(name.strip() or '-', _LONGEST_NAME)}, {unit}"


def _language() -> str:
    from yolodeploy.ops.settings import language

    return language()
