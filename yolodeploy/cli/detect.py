"""`yolodeploy detect`: pictures to a running app."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from yolodeploy.cli.output import emit_data, output_option, print_names, print_table, say
from yolodeploy.cli.words import FILE
from yolodeploy.core.text import one_line

if TYPE_CHECKING:
    from yolodeploy.core.serving import DetectResponse

LONGEST_NAME = 60


@click.command()
@click.argument("images", nargs=-1, required=True, type=FILE)
@click.option("--site", help="Default: the first site that runs the app.")
@click.option("--app", help="Default: the only app there.")
@output_option
def detect(images: tuple[Path, ...], site: str | None, app: str | None, form: str) -> None:
    """Send pictures to a running app; prints boxes and stage times.

    With `-o name` it prints the pictures on which something was found.
    """
    from yolodeploy.ops.detect import detect as run_detect
    from yolodeploy.ops.home import home

    answers = run_detect(home(), images, site=site, app=app)
    if form == "name":
        print_names(str(path) for path, answer in answers if answer.boxes)
        return
    if form not in ("table", "wide"):
        emit_data([{"image": str(path), "answer": answer} for path, answer in answers], form)
        return
    rows = [
        [
            one_line(path.name, LONGEST_NAME),
            one_line(_class(answer, box.class_id), LONGEST_NAME),
            f"{box.score:.2f}",
            f"{box.x1:.0f},{box.y1:.0f} {box.x2:.0f},{box.y2:.0f}",
        ]
        for path, answer in answers
        for box in answer.boxes
    ]
    print_table(rows, ["image", "class", "score", "box"])
    total = sum(answer.stages_ms.get("total", 0.0) for _, answer in answers) / len(answers)
    say(f"{len(answers)} pictures, {len(rows)} boxes, {total:.1f} ms a picture in the server")


def _class(answer: DetectResponse, class_id: int) -> str:
    return answer.classes[class_id] if 0 <= class_id < len(answer.classes) else "?"
