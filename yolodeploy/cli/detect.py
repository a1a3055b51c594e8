"""`yolodeploy detect`: pictures to a running app."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from yolodeploy.cli.output import emit_data, output_option, print_names, print_table
from yolodeploy.cli.telling import tell
from yolodeploy.cli.words import FILE
from yolodeploy.core.text import one_line

if TYPE_CHECKING:
    from yolodeploy.core.serving import DetectResponse
    from yolodeploy.ops.detect import Detected

LONGEST_NAME = 60


@click.command()
@click.argument("images", nargs=-1, required=True, type=FILE)
@click.option("--site", help="Default: the first site that runs the app.")
@click.option("--app", help="Default: the only app there.")
@click.option(
    "--draw", type=FILE, metavar="FOLDER", help="Also write the pictures there, all drawn in."
)
@output_option
def detect(
    images: tuple[Path, ...], site: str | None, app: str | None, draw: Path | None, form: str
) -> None:
    """Send pictures to a running app; prints boxes or classes, and stage times.

    A folder stands for the pictures in it. With `-o name` it prints the pictures in which
    something was found. What --draw writes are JPEGs named after the pictures, which it never
    overwrites.
    """
    from yolodeploy.ops.detect import detect as run_detect
    from yolodeploy.ops.home import home

    found = run_detect(home(), images, site=site, app=app, draw=draw)
    if form == "name":
        print_names(str(one.path) for one in found if list(rows_of(one)))
        return
    if form not in ("table", "wide"):
        emit_data([_plain(one) for one in found], form)
        return
    rows = [row for one in found for row in rows_of(one)]
    print_table(rows, ["picture", "class", "score", "box"])
    total = sum(one.answer.stages_ms.get("total", 0.0) for one in found) / len(found)
    classes = any(one.answer.probabilities for one in found)
    code = "done.detected_classes" if classes else "done.detected_boxes"
    tell(code, pictures=len(found), found=len(rows), ms=f"{total:.1f}")
    if draw is not None:
        tell("done.drawn", folder=draw)


def _plain(one: Detected) -> dict[str, Any]:
    told: dict[str, Any] = {"image": str(one.path), "answer": one.answer}
    return {**told, "drawn": str(one.drawn)} if one.drawn is not None else told


def rows_of(one: Detected) -> Iterator[list[str]]:
    """A line a box; of a classifier, which has none, a line a class."""
    answer = one.answer
    for box in answer.boxes:
        place = f"{box.x1:.0f},{box.y1:.0f} {box.x2:.0f},{box.y2:.0f}"
        yield _row(one, box.class_id, box.score, place)
    for likely in answer.probabilities or ():
        yield _row(one, likely.class_id, likely.score, "-")


def _row(one: Detected, class_id: int, score: float, place: str) -> list[str]:
    return [
        one_line(one.path.name, LONGEST_NAME),
        one_line(_class(one.answer, class_id), LONGEST_NAME),
        f"{score:.2f}",
        place,
    ]


def _class(answer: DetectResponse, class_id: int) -> str:
    return answer.classes[class_id] if 0 <= class_id < len(answer.classes) else "?"
